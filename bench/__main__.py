"""The figures: `make bench`, or `python -m bench --quick` for a try; as root, some twelve minutes, nothing left.

Prints a table, and writes what it is printed from as JSON.  Exit status 0: measured, 1: could not be, or with
`--strict` a goal was missed, 2: wrong words.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import data_report, report
from bench.answers import run_answers
from bench.copies import FILES, LARGE_MB, QUICK_FILES, QUICK_LARGE_MB, Copies, run_copies
from bench.copies import QUICK_SIZE_MB as QUICK_COPY_MB
from bench.copies import SIZE_MB as COPY_MB
from bench.cuts import Cuts, run_cuts
from bench.idle import rest
from bench.job import JobFigures, run_job
from bench.orders import Orders, run_orders
from bench.pair import start_pair
from bench.stage import Beats, on_stage
from bench.translation import QUICK_SIZE_MB, RUNS, SIZE_MB, Translations, run_translations
from redundancyd.core.systems import System
from redundancyd.lab.system import LabError

OUT = Path(__file__).parent / "out"
EXCHANGE = ("copies", "translation", "job")
BESIDE_THE_DAEMON = ("answers", "cuts", "idle", "orders")
PARTS = (*BESIDE_THE_DAEMON, *EXCHANGE)
RELAXED, BRISK = Beats(interval_ms=1000, timeout_ms=100), Beats(interval_ms=100, timeout_ms=50)
AT_MOST = {RELAXED: 1.1, BRISK: 1.5}
REST_S, SETTLE_S = 40.0, 5.0
QUICK_RUNS, QUICK_REST_S = 3, 10.0

Tell = Callable[[str], None]
Found = dict[str, Any]


def parser() -> argparse.ArgumentParser:
    """The words."""
    words = argparse.ArgumentParser(prog="bench", description="The figures of redundancyd, each beside a peer.")
    words.add_argument("--quick", action="store_true", help="few runs: to see that it works, not for figures")
    words.add_argument("--runs", type=int, default=9, metavar="N", help="cuts of each kind (default: %(default)s)")
    words.add_argument(
        "--only", choices=("exchange", *PARTS), help="one part alone; exchange: exchange data, all of it"
    )
    words.add_argument("--seed", type=int, help="of the random phases (default: a new one, printed)")
    words.add_argument("--prefix", default="bench", help="of the beds (default: %(default)s)")
    words.add_argument("--json", type=Path, metavar="FILE", help="written here (default: bench/out/figures.json)")
    words.add_argument("--page", type=Path, metavar="FILE", help="measure nothing: print the page of this JSON")
    words.add_argument("--strict", action="store_true", help="a missed goal is a failure")
    return words


def parts(words: argparse.Namespace) -> frozenset[str]:
    """What is to be measured."""
    return frozenset(PARTS if words.only is None else EXCHANGE if words.only == "exchange" else (words.only,))


def exchange(words: argparse.Namespace, found: Found, chance: random.Random, tell: Tell) -> None:
    """Exchange data: copied, translated, loaded."""
    files, size_mb, large_mb = (
        (FILES, COPY_MB, LARGE_MB) if not words.quick else (QUICK_FILES, QUICK_COPY_MB, QUICK_LARGE_MB)
    )
    runs = min(words.runs, RUNS)
    if "copies" in parts(words):
        copies = Copies(files, size_mb, large_mb)
        run_copies(copies, f"{words.prefix}-2", runs, chance, tell)
        found["copies"] = data_report.copies_as_json(copies, report.load())
    if "translation" in parts(words):
        translations = Translations(QUICK_SIZE_MB if words.quick else SIZE_MB)
        run_translations(translations, runs, chance, tell)
        found["translation"] = data_report.translation_as_json(translations, report.load())
    if "job" in parts(words):
        job = JobFigures(files, size_mb)
        run_job(job, f"{words.prefix}-3", chance, tell)
        found["job"] = data_report.job_as_json(job, report.load())


def relaxed(words: argparse.Namespace, found: Found, chance: random.Random, tell: Tell) -> None:
    """The bed with beats of a second: rest, orders, cuts."""
    with on_stage(f"{words.prefix}-1", RELAXED) as stage:
        pair = start_pair(stage.bed, RELAXED.interval_ms / 1000) if parts(words) & {"idle", "cuts"} else None
        if pair is not None and "idle" in parts(words):
            seconds = QUICK_REST_S if words.quick else REST_S
            tell(f"at rest for {seconds:g} s, beats of 1 s")
            pair.wait_settled()
            idle = rest(stage, pair, SETTLE_S, seconds)
            found["idle"] = report.idle_as_json(idle, report.load())
        if "answers" in parts(words):
            tell("answers of redundancyctl")
            found["answers"] = report.answers_as_json(run_answers(stage, words.runs), report.load())
        if "orders" in parts(words):
            tell("manual takeovers there and back, beside a shell script")
            orders = Orders()
            run_orders(stage, orders, words.runs, tell)
            found["orders"] = report.orders_as_json(orders, report.load())
        if pair is not None and "cuts" in parts(words):
            stage.wait_settled(System.PRIMARY)
            cuts = Cuts(RELAXED, AT_MOST[RELAXED])
            tell("silent cuts at 1 s x 3, in turn with keepalived")
            run_cuts(stage, pair, cuts, words.runs, chance, tell)
            found["cuts"].append(report.cuts_as_json(cuts, report.load()))


def brisk(words: argparse.Namespace, found: Found, chance: random.Random, tell: Tell) -> None:
    """The bed with ten beats a second: cuts."""
    with on_stage(f"{words.prefix}-01", BRISK) as stage:
        pair = start_pair(stage.bed, BRISK.interval_ms / 1000)
        cuts = Cuts(BRISK, AT_MOST[BRISK])
        tell("silent cuts at 0.1 s x 3, in turn with keepalived")
        run_cuts(stage, pair, cuts, words.runs, chance, tell)
        found["cuts"].append(report.cuts_as_json(cuts, report.load()))


def measure(words: argparse.Namespace) -> Found:
    """Every part that was asked for."""
    started = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {line}", file=sys.stderr, flush=True)

    seed = random.SystemRandom().randrange(10**6) if words.seed is None else words.seed
    tell(f"seed {seed}, load {os.getloadavg()[0]:.1f}")
    chance = random.Random(seed)
    found: Found = {"seed": seed, "machine": report.machine(), "cuts": []}
    exchange(words, found, chance, tell)
    if parts(words) & set(BESIDE_THE_DAEMON):
        relaxed(words, found, chance, tell)
    if "cuts" in parts(words):
        brisk(words, found, chance, tell)
    tell("done")
    return found


def missed(found: Found) -> list[str]:
    """The goals that were."""
    judged = [*found["cuts"], *(found[name] for name in ("answers", "idle", *EXCHANGE) if name in found)]
    return [goal["text"] for part in judged for goal in part["goals"] if not goal["met"]]


def main() -> int:
    """The program; returns its exit status."""
    words = parser().parse_args()
    if words.page:
        print(report.page(json.loads(words.page.read_text())), end="")
        return 0
    if words.quick:
        words.runs = min(words.runs, QUICK_RUNS)
    try:
        found = measure(words)
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(report.page(found))
    is_whole = not words.quick and words.only is None  # a try must not take the place of the figures
    written = words.json or OUT / ("figures.json" if is_whole else "try.json")
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(json.dumps(found, indent=1) + "\n")
    print(f"Written to {written}; `python -m bench --page {written}` prints this page again.")
    return 1 if words.strict and missed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
