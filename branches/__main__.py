"""The branches: `make branches`, or `python -m branches`; a good minute on two cores.

Exit status 0: every branch of the decision is entered or explained, 1: one is neither, an explanation is stale, a law
was broken or never put to the test, or a fault never happened; 2: wrong words.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from branches.explained import EXPLAINED, RULES
from branches.measure import FILES, TASKS, Tried, tried
from branches.unentered import idle_rules, mistakes, unentered


def main() -> int:
    """The program; returns its exit status."""
    words = argparse.ArgumentParser(prog="branches", description="Explorations and seeds enter every branch.")
    words.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default: %(default)s)")
    jobs = max(1, words.parse_args().jobs)
    began, together = time.monotonic(), Tried()
    with tempfile.TemporaryDirectory(prefix="branches-") as folder:
        into = Path(folder)
        for task, result in tried(TASKS, into, jobs):
            together.add(task, result)
            print(task, flush=True)
        count, found = unentered(into, FILES, RULES)
    for each in found:
        if each.name in EXPLAINED:
            print(f"{each}\n    explained: {EXPLAINED[each.name]}")
    wrong = [*together.mistakes(), *mistakes(found, EXPLAINED), *idle_rules(RULES, FILES)]
    print("\n".join(wrong) or f"all {count} branches of {len(FILES)} modules are entered or explained")
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
