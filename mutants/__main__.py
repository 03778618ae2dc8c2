"""The mutants: `make mutants`, or `python -m mutants --only GROUP` for some of them; as root, a quarter of an hour.

Writes docs/mutants.md when the run was whole.  Exit status 0: each is noticed or explained, 1: one is neither, or an
explanation is stale, 2: wrong words, 4: the run itself says nothing.
"""

import argparse
import os
import signal
import sys

from mutants.adapters import adapter_mutants, adapter_tests
from mutants.core import CORE, core_mutants
from mutants.damage import TOP, Group, Mutant, Stale, told_apart
from mutants.explained import EXPLAINED
from mutants.report import counts, mistakes, page
from mutants.run import LAW_SECONDS, Killer, Run, core_tests
from mutants.shell import PATH, guard_mutants, guard_tests
from mutants.trees import Unsound, first_tree

PAGE = TOP / "docs" / "mutants.md"


def parser() -> argparse.ArgumentParser:
    """The words."""
    words = argparse.ArgumentParser(prog="mutants", description="Damages every rule on purpose; somebody must notice.")
    words.add_argument("--only", metavar="GROUP|TEXT", help=f"{', '.join(Group)}, or what a mutant's name contains")
    words.add_argument("--jobs", type=int, default=2, metavar="N", help="mutants at once (default: %(default)s)")
    words.add_argument("--quick", action="store_true", help="ask the laws only where no test noticed; writes no page")
    words.add_argument("--list", action="store_true", help="name them, and ask nobody")
    return words


def all_mutants() -> list[Mutant]:
    """Every mutant there is, each with a name of its own; Stale where one no longer fits the sources."""
    return list(told_apart([*core_mutants(), *adapter_mutants(), *guard_mutants()]))


def killer(mutant: Mutant) -> Killer:
    """Who is asked about a mutant."""
    if mutant.path == PATH:
        return Killer(guard_tests(mutant.name))
    if mutant.path.startswith(CORE):
        return Killer(core_tests(mutant.path), laws=True)
    return Killer(adapter_tests(mutant.name))


def chosen(only: str | None) -> list[Mutant]:
    """All of them, those of one group, or those whose name contains a text."""
    mutants = all_mutants()
    if only in set(Group):
        return [mutant for mutant in mutants if mutant.group == only]
    return [mutant for mutant in mutants if not only or only in mutant.name]


def main() -> int:
    """The program; returns its exit status."""
    words = parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the copies go on every way out
    try:
        mutants = chosen(words.only)
        if not mutants:
            print(f"mutants: none is of group {words.only!r} or has that in its name", file=sys.stderr)
            return 2
        if words.list:
            print("\n".join(f"{mutant.group:<9} {mutant.name}" for mutant in mutants))
            return 0
        if os.geteuid() != 0 and any(mutant.group is Group.GUARD for mutant in mutants):
            print("mutants: the tests of redundancy-lim make network namespaces: run it as root", file=sys.stderr)
            return 4
        return tried(mutants, words)
    except (Stale, Unsound) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 4


def tried(mutants: list[Mutant], words: argparse.Namespace) -> int:
    """Ask about these mutants, print what was found, and write the page when they are all."""
    whole = words.only is None
    law_seconds = 0 if words.quick else LAW_SECONDS
    with first_tree() as tree:
        run = Run(tree, killer, words.jobs, tell, law_seconds=law_seconds)
        run.prepare(mutants)
        verdicts = run.ask(mutants)
    if whole and not words.quick:
        PAGE.write_text(page(verdicts, run.seconds()))
    for group in {mutant.group: None for mutant in mutants}:
        print("{}: {} mutants, {} noticed by a test, {} by a law, {} explained".format(*counts(group, verdicts)))
    wrong = mistakes(verdicts, EXPLAINED, whole=whole)
    print("\n".join(wrong) or f"every mutant is noticed or explained; {run.seconds():.0f} s")
    return 1 if wrong else 0


def tell(line: str) -> None:
    """How far it is."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
