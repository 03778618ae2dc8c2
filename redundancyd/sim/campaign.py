"""Many seeds, what they amount to, and what is said of them; or one of them again."""

import argparse
import gc
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from redundancyd.scenarios.pages import PageError
from redundancyd.sim import seed_page
from redundancyd.sim.incidents import INCIDENTS
from redundancyd.sim.promises import LAWS, Broken
from redundancyd.sim.quick import quicken
from redundancyd.sim.seeds import Outcome, Run
from redundancyd.sim.swarm import Plan, plan

MOST_SEEDS = 1_000_000
MOST_HOURS = 100.0
FRESH = 1_000_000_000
CAMPAIGN_H = 8.0
"""From so many simulated hours on, a law that was never tried, or a fault that never happened, fails the campaign."""
TELL_EVERY_S = 10.0
WRONG_WORDS = 2


@dataclass(slots=True)
class Campaign:
    """What many runs amount to."""

    ran_ms: int = 0
    cpu_s: float = 0.0
    seeds: int = 0
    tried: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(LAWS, 0)))
    incidents: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(INCIDENTS, 0)))
    rows: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """One more run."""
        self.seeds += 1
        self.ran_ms += outcome.ran_ms
        self.cpu_s += outcome.cpu_s
        self.tried += outcome.tried
        self.incidents += outcome.incidents
        self.rows += outcome.rows

    @property
    def hours(self) -> float:
        """Simulated."""
        return self.ran_ms / 3_600_000

    def missing(self) -> list[str]:
        """The laws that were never tried, and the faults that never happened."""
        if self.hours < CAMPAIGN_H:
            return []
        return [
            *(law for law in LAWS if not self.tried[law]),
            *(name for name in INCIDENTS if not self.incidents[name]),
        ]

    def report(self) -> Iterator[str]:
        """How often each fault happened and each law was tried."""
        yield f"faults, {sum(self.incidents.values())} in all:"
        yield from (f"  {self.incidents[name]:9} times  {name}" for name in INCIDENTS)
        yield f"rows taken: {' '.join(f'{row}:{times}' for row, times in sorted(self.rows.items()))}"
        yield "laws:"
        yield from (f"  {self.tried[law]:9} times  {law}" for law in LAWS)


def _run(task: tuple[int, float]) -> Outcome:
    seed, hours = task
    quicken()
    gc.collect()
    gc.freeze()
    gc.disable()  # a run leaves little garbage; it is collected before the next
    return Run(plan(seed, hours)).play()


def many(arguments: argparse.Namespace) -> int:
    """A campaign; the exit status."""
    if not (0 < arguments.count <= MOST_SEEDS and 0 < arguments.hours <= MOST_HOURS and arguments.jobs > 0):
        print(
            f"redundancy-sim: 1 to {MOST_SEEDS} seeds, up to {MOST_HOURS:.0f} hours, one job or more", file=sys.stderr
        )
        return WRONG_WORDS
    first = secrets.randbelow(FRESH) if arguments.fresh else arguments.first
    print(f"seeds {first} to {first + arguments.count - 1}, {arguments.hours} simulated hours each", flush=True)
    campaign, began, told = Campaign(), time.monotonic(), time.monotonic()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        tasks = [(seed, arguments.hours) for seed in range(first, first + arguments.count)]
        for outcome in pool.map(_run, tasks):
            campaign.add(outcome)
            if outcome.broken is not None:
                pool.shutdown(wait=False, cancel_futures=True)
                print("\n".join(campaign.report()))
                return _failed(outcome, outcome.broken, arguments)
            if time.monotonic() - told > TELL_EVERY_S:
                told = time.monotonic()
                print(_pace(campaign, told - began, arguments.jobs), flush=True)
    print("\n".join(campaign.report()))
    print(_pace(campaign, time.monotonic() - began, arguments.jobs))
    if missing := campaign.missing():
        print(f"never happened, or never tried: {', '.join(missing)}")
        return 1
    print("nothing was found")
    return 0


def _pace(campaign: Campaign, took_s: float, jobs: int) -> str:
    by_clock = campaign.hours / took_s * 60
    by_work = campaign.hours / max(campaign.cpu_s, 0.001) * 60 * jobs
    seeds = f"{campaign.seeds} seeds, {campaign.hours:.1f} simulated hours in {took_s:.0f} s"
    return f"{seeds}: {by_clock:.0f} hours a minute ({by_work:.0f} by processor time)"


def _failed(outcome: Outcome, broken: Broken, arguments: argparse.Namespace) -> int:
    """Say it, and write the page."""
    number = outcome.plan.seed
    print(f"seed {number} broke a promise: {broken}", flush=True)
    short = seed_page.cut_down(outcome.plan, broken)
    path = arguments.pages / f"seed-{number}.txt"
    path.write_text(seed_page.write(short, broken, len(outcome.plan.deeds)))
    print(f"its page, {len(short.deeds)} of {len(outcome.plan.deeds)} deeds: {path}")
    print(f"again: redundancy-sim seed {number} --hours {arguments.hours}, or redundancy-sim seed {path}")
    return 1


def one(arguments: argparse.Namespace) -> int:
    """One run, its journal printed; the exit status."""
    try:
        wanted = _plan(arguments.seed, arguments.hours)
    except (PageError, OSError) as error:
        print(f"redundancy-sim: {arguments.seed}: {error}", file=sys.stderr)
        return WRONG_WORDS
    outcome = Run(wanted, keep=True).play()
    text = "".join(f"{line}\n" for line in outcome.journal)
    if arguments.journal is None:
        sys.stdout.write(text)
    else:
        arguments.journal.write_text(text)
    verdict = f"broke a promise: {outcome.broken}" if outcome.broken else "broke no promise"
    print(f"seed {wanted.seed}, {outcome.ran_ms / 3_600_000:.2f} simulated hours: {verdict}", file=sys.stderr)
    return int(outcome.broken is not None)


def _plan(seed: str, hours: float) -> Plan:
    return plan(int(seed), hours) if seed.isdecimal() else seed_page.read(Path(seed).read_text())
