"""Which explorations and seeds are measured, and how: each in a process of its own, two at a time."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from branches.unentered import measured
from redundancyd.core.systems import Method, Methods
from redundancyd.sim.campaign import Campaign
from redundancyd.sim.explore import FINE, Bounds, Exploration, Explorer
from redundancyd.sim.quick import quicken
from redundancyd.sim.seeds import Outcome, Run
from redundancyd.sim.swarm import plan

TOP = Path(__file__).resolve().parents[1]
MODULES = ("heartbeat", "takeover", "decision", "exchange_data", "due", "fold", "results", "learn")
FILES = tuple(TOP / "redundancyd" / "core" / f"{name}.py" for name in MODULES)
BOTH_AUTOMATIC = Methods(Method.AUTOMATIC, Method.AUTOMATIC)
TASK_S = 1200
"""No task takes longer, however busy the machine."""


@dataclass(frozen=True, slots=True)
class Explored:
    """One exploration, in the fine grain."""

    bounds: Bounds

    def __str__(self) -> str:
        return f"fine grain, {self.bounds}"


@dataclass(frozen=True, slots=True)
class Seeds:
    """Some seeds, one after the other."""

    first: int
    count: int
    hours: float

    def __str__(self) -> str:
        return f"seeds {self.first} to {self.first + self.count - 1}, {self.hours} simulated hours each"


@dataclass(frozen=True, slots=True)
class Only:
    """Some seeds that know one incident each, or two: what leads where chance seldom does."""

    names: tuple[str, ...]
    seeds: tuple[int, ...]
    hours: float

    def __str__(self) -> str:
        return f"{len(self.seeds)} seeds, {self.hours} simulated hours each, that know only: {'; '.join(self.names)}"


Task = Explored | Seeds | Only
AND = " + "
SELDOM = (
    ("nobody is able to allow", "a system cannot be put back", "the operator goes on without a LIM"),
    ("the operator confirms too early", "no goal can be kept", "a LIM blocks itself late"),
    ("the endpoints are lost after a takeover", "the daemon stands still in a beat", "the operator looks"),
)
TWO_AN_HOUR = (9, 18, 20, 22, 25)
"""Seeds whose settings hold automatic takeovers after two within an hour."""
QUICKLY_LOST = (9, 15, 18)
"""Seeds whose settings take over by themselves, after few beats: a pause meets a loss."""
TASKS: tuple[Task, ...] = (
    Explored(Bounds(1, 1, 1)),
    *(Seeds(first, 8, 0.2) for first in (1, 9, 17, 25)),
    *(Only(names, (1, 2, 3), 0.12) for names in SELDOM),
    Only(("the primary is lost again and again",), TWO_AN_HOUR, 0.12),
    Only((f"the operator pauses{AND}the sites are cut",), QUICKLY_LOST, 0.12),
    Explored(Bounds(2, 0, 0)),
)


@dataclass(slots=True)
class Tried:
    """What the tasks found together."""

    campaign: Campaign = field(default_factory=Campaign)
    broken: list[str] = field(default_factory=list)

    def add(self, task: Task, result: Exploration | list[Outcome]) -> None:
        """Count one task in."""
        if isinstance(result, Exploration):
            if not result.closed and result.broken is None:
                self.broken.append(f"{task} did not come to its end")
            if result.broken is not None:
                self.broken.append(f"{task} broke {result.broken.law}: {result.broken.said}")
            return
        for outcome in result:
            self.campaign.add(outcome)
            if outcome.broken is not None:
                self.broken.append(f"seed {outcome.plan.seed} broke a promise: {outcome.broken}")

    def mistakes(self) -> list[str]:
        """Laws that were broken, and what the seeds never tried (what explorations have to try, `make proof` says)."""
        never = [f"{name}: never happened in the seeds, or was never tried" for name in self.campaign.missing()]
        return [*self.broken, *never]


def tried(tasks: Sequence[Task], into: Path, jobs: int) -> Iterator[tuple[Task, Exploration | list[Outcome]]]:
    """Each task with what it found; what it entered is in the folder."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        yield from zip(tasks, pool.map(partial(try_one, into), tasks, timeout=TASK_S), strict=True)


def try_one(into: Path, task: Task) -> Exploration | list[Outcome]:
    """Measure one task, in this process."""
    quicken()
    with measured(into, FILES):
        match task:
            case Explored(bounds):
                return Explorer(BOTH_AUTOMATIC, bounds, FINE).run()
            case Seeds(first, count, hours):
                return [Run(plan(seed, hours)).play() for seed in range(first, first + count)]
            case Only(names, seeds, hours):
                return [Run(plan(seed, hours, only=name.split(AND))).play() for name in names for seed in seeds]
