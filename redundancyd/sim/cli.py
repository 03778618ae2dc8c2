"""The program `redundancy-sim`: think the decision through, anywhere, without privileges."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from redundancyd.core.systems import Method, Methods
from redundancyd.sim import play, seeds_cli
from redundancyd.sim.explore import Bounds, Exploration, Explorer

ALL_METHODS = tuple(Methods(failure, recovery) for failure in Method for recovery in Method)


def main(words: Sequence[str] | None = None) -> int:
    """The program; returns its exit status."""
    arguments = _parser().parse_args(words)
    if "does" in arguments:
        return play.run(arguments)
    bounds = Bounds(arguments.faults, arguments.orders, arguments.kills)
    return explore(bounds, arguments.jobs, arguments.most_states)


def explore(bounds: Bounds, jobs: int, most_states: int | None) -> int:
    """Visit every state for each combination of the methods; 0 when nothing is found."""
    print(f"at most {bounds.faults} faults, {bounds.orders} orders, {bounds.kills} kills in a run")
    status = 0
    started = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        found = pool.map(_explore_one, [(methods, bounds, most_states) for methods in ALL_METHODS])
        for methods, result in zip(ALL_METHODS, found, strict=True):
            for line in report(methods, result):
                print(line)
            status |= result.broken is not None
            sys.stdout.flush()
    print(f"{time.monotonic() - started:.0f} s; " + ("a law was broken" if status else "nothing was found"))
    return status


def _explore_one(task: tuple[Methods, Bounds, int | None]) -> Exploration:
    methods, bounds, most_states = task
    return Explorer(methods, bounds).run(most_states)


def report(methods: Methods, result: Exploration) -> Iterator[str]:
    """What one exploration visited and found, for people."""
    ended = "closed" if result.closed else "not closed"
    yield f"at failure {methods.alternate_from_primary}, at recovery {methods.primary_from_alternate}: {ended}"
    yield f"  {result.states} states, {result.moves} moves, {result.kills} kills, {result.calm_runs} calm runs"
    yield f"  rows taken: {' '.join(sorted(result.rows))}"
    for law, times in result.court.tried.items():
        yield f"  {times:9} times  {law}"
    if result.broken is not None:
        yield f"  BROKEN {result.broken.law}: {result.broken.said}"
        yield from (f"    {name}" for name in result.broken.way)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="redundancy-sim",
        description="Thinks the decision through: the real core, in a world of values, with a clock of its own.",
        epilog="example: redundancy-sim explore --faults 1 --orders 1 --kills 1.  Exit status: 1 if a law broke.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    play.add_parsers(commands)
    seeds_cli.add_parsers(commands)
    visit = commands.add_parser("explore", help="visit every state within bounds, and hold each against the laws")
    visit.add_argument("--faults", type=int, default=1, help="at most so many faults in a run (default: %(default)s)")
    visit.add_argument("--orders", type=int, default=1, help="and so many operator's orders (default: %(default)s)")
    visit.add_argument("--kills", type=int, default=1, help="and so many kills of the daemon (default: %(default)s)")
    visit.add_argument("--jobs", type=int, default=2, help="processes side by side (default: %(default)s)")
    visit.add_argument("--most-states", type=int, help="stop after so many states, without having closed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
