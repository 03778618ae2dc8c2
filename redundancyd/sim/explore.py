"""Visits every state within bounds: each fault, order and kill before each sampling of the truth, over the real core.

A state stands right before a sampling (world.py).  From there the world goes on to the next one; or something happens
first, as long as the bounds leave it: a fault that the sampling can see, an operator's order, a kill before a deed,
in its middle, or after it.  There a calm run begins, too: everything is mended, nothing further happens, and it must
end with the traffic at the goal.  States with more left to happen are left first, so that hardly any is visited twice,
and a counter-example is a short way there.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import le

from redundancyd.core.systems import Methods, Settings
from redundancyd.sim.calm import SETTLED, Calm
from redundancyd.sim.faults import ALL_FAULTS, COARSE_FAULTS, Fault
from redundancyd.sim.likeness import likeness
from redundancyd.sim.walk import CALM, DEEDS, ON, LawBroken, Walk, is_settled, killed, ordered, turn, warmed_up
from redundancyd.sim.world import SMALL, SMALLER, Sampling, World, sampling

CALM_MOVES = 600


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may happen in one run."""

    faults: int = 3
    orders: int = 1
    kills: int = 1

    def __str__(self) -> str:
        return f"{self.faults} faults, {self.orders} orders, {self.kills} kills"


@dataclass(frozen=True, slots=True)
class Grain:
    """How finely the bounds are filled."""

    name: str
    everywhere: bool  # before every sampling; otherwise where something has just changed, and before every deed
    settings: Settings
    faults: dict[Sampling, tuple[Fault, ...]]


FINE = Grain("fine", everywhere=True, settings=SMALL, faults=ALL_FAULTS)
COARSE = Grain("coarse", everywhere=False, settings=SMALLER, faults=COARSE_FAULTS)


@dataclass(frozen=True, slots=True)
class Broken:
    """A law that was broken, and a short way there."""

    law: str
    said: str
    way: tuple[str, ...]


@dataclass(slots=True)
class Exploration:
    """What was visited, and what was found."""

    states: int = 0
    moves: int = 0
    calm_runs: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    tried: dict[str, int] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    broken: Broken | None = None
    closed: bool = False

    @property
    def kills(self) -> int:
        """How often the daemon was killed."""
        return sum(times for name, times in self.happened.items() if name.startswith("kill"))


Left = tuple[int, int, int, bool]  # faults, orders, kills; whether they may come in here
Way = tuple[int, str] | None  # where one came from, and by what
Visit = tuple[World, Left, int, int]  # where one is, what may happen, how one came, what it is like


class Explorer:
    """One exploration: for one setting of the methods."""

    def __init__(self, methods: Methods, bounds: Bounds, grain: Grain = FINE) -> None:
        self.result = Exploration()
        self._grain, self._bounds = grain, bounds
        self._first = warmed_up(methods, grain.settings)
        self._walk = Walk()
        self._ways: list[Way] = []
        self._seen: dict[int, Left | list[Left]] = {}
        self._calm = Calm()
        self._here: Way = None  # what is being tried just now

    def run(self, most_states: int | None = None) -> Exploration:
        """Until nothing new is found, a law is broken, or so many states were seen."""
        try:
            self._visit_all(most_states)
        except LawBroken as broken:
            self.result.broken = Broken(broken.law, broken.said, self._way(self._here))
        self.result.tried, self.result.rows = self._walk.court.tried, self._walk.rows
        return self.result

    def _visit_all(self, most_states: int | None) -> None:
        bounds = self._bounds
        first: Left = (bounds.faults, bounds.orders, bounds.kills, True)
        queues: list[deque[Visit]] = [deque() for _ in range(sum(first[:3]) + 1)]
        self._visit(queues, self._first, first, None)
        while (queue := next((queue for queue in reversed(queues) if queue), None)) is not None:
            if most_states is not None and self.result.states >= most_states:
                return
            self._leave(queues, *queue.popleft())
        restless = self._calm.restless()
        if restless is not None:
            self._here = (restless, CALM)
            raise LawBroken("S5 calm", "a calm run does not end with traffic at the goal")
        self.result.closed = True

    def _visit(self, queues: list[deque[Visit]], world: World, left: Left, way: Way) -> int:
        """Come to a state: it is left again later, unless it was visited with as much left to happen."""
        key = hash(likeness(world))
        known = self._seen.get(key)
        if known is None:
            self._seen[key] = left
            self.result.states += 1
        else:
            before = known if isinstance(known, list) else [known]
            if any(all(map(le, left, old)) for old in before):
                return key
            self._seen[key] = [*before, left]
        self._ways.append(way)
        queues[sum(left[:3])].append((world, left, len(self._ways) - 1, key))
        return key

    def _leave(self, queues: list[deque[Visit]], world: World, left: Left, number: int, key: int) -> None:
        """Everything that can come next, and what calm would make of it."""
        self.result.moves += 1
        self._here = (number, CALM)
        mended = self._walk.calm(world)
        mends = mended is not None and left[3] and self._calm_run(key, mended, number)
        self._here = (number, ON)
        after = self._walk.on(world)
        next_key = self._visit(queues, after, (*left[:3], self._may_come_in(world, after)), self._here)
        if not mends and (mended is None or left[3]):
            self._whole(key, world, (next_key, after), number)
        if not left[3] or not any(left[:3]):
            return
        world = replace(world, rows=())
        for name, changed, rest in self._happenings(world, left):
            self.result.happened[name] += 1
            self._here = (number, name)
            self._visit(queues, self._walk.changed(world, changed), rest, self._here)

    def _whole(self, key: int, world: World, following: tuple[int, World], number: int) -> None:
        """Where nothing is to be mended calm goes on like everything else."""
        next_key, after = following
        self._calm.follows(key, SETTLED if is_settled(world) else next_key, number)
        if not self._calm.knows(next_key) and (mended := self._walk.calm(after)) is not None:
            self._calm_run(next_key, mended, number)

    def _happenings(self, world: World, left: Left) -> Iterator[tuple[str, World, Left]]:
        """Whatever can happen here, as far as the bounds leave it."""
        faults, orders, kills, _ = left
        everything = self._grain.everywhere
        if faults:
            for fault in self._grain.faults[sampling(world)]:
                if (after := fault.happen(world)) is not None:
                    yield fault.name, after, (faults - 1, orders, kills, True)
        if orders:
            for name, after in ordered(world, everything=everything):
                yield name, after, (faults, orders - 1, kills, True)
        if kills:
            for name, after in killed(world, everything=everything):
                yield name, after, (faults, orders, kills - 1, True)

    def _may_come_in(self, before: World, after: World) -> bool:
        """Whether faults, orders, kills and calm are tried here."""
        return self._grain.everywhere or sampling(after) in DEEDS or turn(before) != turn(after)

    def _calm_run(self, key: int, world: World, number: int) -> bool:
        """Mend everything, let nothing further happen, up to what is known; False where mending made no difference."""
        next_key = hash(likeness(world))
        if next_key == key:
            return False
        self.result.calm_runs += 1
        for _ in range(CALM_MOVES):
            self._calm.follows(key, next_key, number)
            if self._calm.knows(next_key):
                return True
            if is_settled(world):
                self._calm.follows(next_key, SETTLED, number)
                return True
            world = self._walk.on(world)
            world = self._walk.calm(world) or world
            key, next_key = next_key, hash(likeness(world))
        raise LawBroken("S5 calm", "a calm run does not end with traffic at the goal")

    def _way(self, way: Way) -> tuple[str, ...]:
        names: list[str] = []
        while way is not None:
            number, name = way
            names.append(name)
            way = self._ways[number]
        return tuple(reversed(names))
