"""The command `redundancy-sim explore`, and how a counter-example of it is played."""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from redundancyd.core.systems import Method, Methods
from redundancyd.core.takeover import TABLE
from redundancyd.sim import way
from redundancyd.sim.explore import COARSE, FINE, Bounds, Exploration, Explorer, Grain
from redundancyd.sim.laws import LAWS
from redundancyd.sim.quick import quicken
from redundancyd.sim.walk import LawBroken

ALL_METHODS = tuple(Methods(failure, recovery) for failure in reversed(Method) for recovery in reversed(Method))
ABOUT = """\
Visits every state of the decision within bounds: the real core, in a world of values with two systems of two LIMs, and
before each sampling of the truth every fault, order and kill that the bounds leave.  Each move is held against the
promises' laws, and from every state a calm run must end with the traffic at the goal.  The coarse grain lets things
happen where something has just changed and before every deed, one of each kind; the fine grain everywhere, all."""
EXAMPLES = """\
examples:
  redundancy-sim explore                                   what docs/proof.md says: both grains, all four settings
  redundancy-sim explore --grain fine --faults 1 --orders 1 --kills 1     all faults before every sampling
  redundancy-sim play counter-example-1.txt                walk again what broke a law

Exit status: 0 closed and nothing found, 1 a law was broken or something was never put to the test, 2 wrong words."""
GRAINS = {grain.name: grain for grain in (COARSE, FINE)}
Task = tuple[str, Bounds, Methods, int | None]  # what can be sent to another process: a grain by its name


@dataclass(slots=True)
class Found:
    """What several explorations found together."""

    states: int = 0
    moves: int = 0
    kills: int = 0
    calm_runs: int = 0
    tried: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)

    def add(self, result: Exploration) -> None:
        """Count one exploration in."""
        self.states += result.states
        self.moves += result.moves
        self.kills += result.kills
        self.calm_runs += result.calm_runs
        self.tried.update(result.tried)
        self.happened.update(result.happened)
        self.rows.update(result.rows)

    def missing(self) -> list[str]:
        """What the explorations never put to the test; nothing may be."""
        faults = {fault.name for faults in FINE.faults.values() for fault in faults}
        lacking = [f"law {law.__name__} was never put to the test" for law in LAWS if not self.tried[law.__name__]]
        lacking += [f"fault {name!r} never happened" for name in sorted(faults) if not self.happened[name]]
        return lacking


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Make `explore` known."""
    raw = argparse.RawDescriptionHelpFormatter
    about = "visit every state within bounds, and hold each against the laws"
    parser = commands.add_parser("explore", help=about, description=ABOUT, epilog=EXAMPLES, formatter_class=raw)
    parser.add_argument("--grain", choices=[FINE.name, COARSE.name], help="one grain only (default: both)")
    parser.add_argument("--faults", type=int, help="at most so many faults in a run")
    parser.add_argument("--orders", type=int, help="and so many operator's orders")
    parser.add_argument("--kills", type=int, help="and so many kills of the daemon")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side (default: %(default)s)")
    parser.add_argument("--most-states", type=int, help="stop each after so many states, without having closed")
    parser.add_argument("--into", type=Path, metavar="FILE", help="write the figures into this page, between its marks")
    parser.set_defaults(does=run)


def run(arguments: argparse.Namespace) -> int:
    """Explore what the words ask for; the exit status."""
    started = time.monotonic()
    found, lines, broken = Found(), list[str](), 0
    plan = _plan(arguments)
    tasks: list[Task] = [
        (grain.name, bounds, each, arguments.most_states) for grain, bounds in plan for each in ALL_METHODS
    ]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for (name, bounds, methods, _), result in zip(tasks, pool.map(_explore, tasks), strict=True):
            found.add(result)
            lines.append(_line(GRAINS[name], bounds, methods, result))
            print(lines[-1], flush=True)
            if result.broken is not None:
                broken += 1
                _keep(way.written(result.broken, methods, GRAINS[name]), broken)
            broken += not result.closed and result.broken is None and arguments.most_states is None
    took = time.monotonic() - started
    told = list(_told(found))
    print("\n".join(told))
    missing = found.missing() if arguments.grain is None and arguments.most_states is None else []
    print("\n".join(f"MISSING: {line}" for line in missing), end="\n" if missing else "")
    verdict = f"{broken} explorations broke a law" if broken else "no law was broken"
    print(f"{took:.0f} s; {verdict}")
    if arguments.into is not None and not broken:
        _write_into(arguments.into, [*lines, "", *told, "", f"{took:.0f} s on {arguments.jobs} cores; {verdict}"])
    return int(bool(broken or missing))


def _plan(arguments: argparse.Namespace) -> list[tuple[Grain, Bounds]]:
    """The coarse grain first: its explorations are the longest."""
    usual = {COARSE.name: (COARSE, [Bounds()]), FINE.name: (FINE, [Bounds(1, 1, 1), Bounds(2, 0, 0)])}
    plan = []
    for name, (grain, many) in usual.items():
        if arguments.grain not in {None, name}:
            continue
        given = (arguments.faults, arguments.orders, arguments.kills)
        if given == (None, None, None):
            plan += [(grain, bounds) for bounds in many]
        else:
            bounds = [usually if each is None else each for each, usually in zip(given, (3, 1, 1), strict=True)]
            plan.append((grain, Bounds(*bounds)))
    return plan


def _explore(task: Task) -> Exploration:
    name, bounds, methods, most_states = task
    quicken()
    return Explorer(methods, bounds, GRAINS[name]).run(most_states)


def _line(grain: Grain, bounds: Bounds, methods: Methods, result: Exploration) -> str:
    ended = "closed" if result.closed else "BROKEN" if result.broken else "not closed"
    setting = f"at failure {methods.alternate_from_primary}, at recovery {methods.primary_from_alternate}"
    counts = f"{result.states:9,} states {result.kills:9,} kills {result.calm_runs:9,} calm runs"
    return f"{grain.name:6} {bounds}; {setting:37} {counts}  {ended}"


def _told(found: Found) -> Iterator[str]:
    yield f"in all {found.states:,} states, {found.moves:,} moves, {found.kills:,} kills, {found.calm_runs:,} calm runs"
    never = sorted(row.number for row in TABLE.values() if not found.rows[row.number])
    yield f"rows taken: {len(found.rows)} of {len(TABLE)}" + (f"; never {' '.join(never)}" if never else "")
    yield ""
    yield "times put to the test, law by law:"
    for law, promise in LAWS.items():
        yield f"{found.tried[law.__name__]:12,}  {promise}  {law.__name__[3:].replace('_', ' ')}"
    yield ""
    yield "what happened, and how often:"
    for name, times in sorted(found.happened.items()):
        yield f"{times:12,}  {name}"


def _keep(page: str, number: int) -> None:
    path = Path(f"counter-example-{number}.txt")
    path.write_text(page)
    print(page)
    print(f"kept in {path}; walk it again: redundancy-sim play {path}")


def _write_into(path: Path, lines: list[str]) -> None:
    """Put the figures between the page's two marks."""
    text = path.read_text()
    before, mark, rest = text.partition("<!-- figures -->\n")
    _, end, after = rest.partition("<!-- end of figures -->\n")
    if not mark or not end:
        raise ValueError(f"{path} has no marks '<!-- figures -->' and '<!-- end of figures -->'")
    path.write_text(f"{before}{mark}```\n" + "\n".join(lines) + f"\n```\n{end}{after}")


def play(path: Path, _: argparse.Namespace) -> int:
    """Walk a counter-example again, with what the core made of each step; 1 when the law breaks again."""
    page = way.read(path.read_text()[: way.LONGEST * 100])
    try:
        for line in way.walked(page):
            print(line)
    except LawBroken as broken:
        print(f"BROKEN {broken}")
        return 1
    print("no law was broken")
    return 0
