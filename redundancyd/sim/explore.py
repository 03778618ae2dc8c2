"""Visits every state within bounds: each fault, order and kill from each state, breadth first, over the real core.

Faults, orders and kills come in before each sampling of the truth (world.py).  From every state a calm run, in which
everything is mended and nothing further happens, must end with the traffic at the goal.  A counter-example is the
shortest way there.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from redundancyd.core.effects import Order
from redundancyd.core.state import Phase
from redundancyd.core.systems import Methods, System
from redundancyd.sim.faults import FAULTS, mend, order
from redundancyd.sim.laws import Court, Moment
from redundancyd.sim.likeness import likeness
from redundancyd.sim.motion import advance, kill, start
from redundancyd.sim.world import World, first_world

CALM_STEPS = 400
WARM_UP_BEATS = 4


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may happen in one run."""

    faults: int = 3
    orders: int = 1
    kills: int = 1


@dataclass(frozen=True, slots=True)
class Broken:
    """A law that was broken, and the shortest way there."""

    law: str
    said: str
    way: tuple[str, ...]


@dataclass(slots=True)
class Exploration:
    """What was visited, and what was found."""

    states: int = 0
    moves: int = 0
    kills: int = 0
    calm_runs: int = 0
    court: Court = field(default_factory=Court)
    rows: set[str] = field(default_factory=set)
    broken: Broken | None = None
    closed: bool = False


Left = tuple[int, int, int]
Way = tuple[int, str] | None  # where one came from, and by what


class Explorer:
    """One exploration: for one setting of the methods."""

    def __init__(self, methods: Methods, bounds: Bounds, *, calm: bool = True) -> None:
        self.result = Exploration()
        self._first = warmed_up(methods)
        self._left: Left = (bounds.faults, bounds.orders, bounds.kills)
        self._calm = calm
        self._ways: list[Way] = []
        self._settled: set[int] = set()

    def run(self, most_states: int | None = None) -> Exploration:
        """Until nothing new is found, a law is broken, or so many states were seen."""
        seen: dict[int, list[Left]] = {}
        waiting = deque([(self._first, self._left, self._number(None))])
        while waiting:
            world, left, number = waiting.popleft()
            key = hash(likeness(world))
            if any(all(mine <= theirs for mine, theirs in zip(left, old, strict=True)) for old in seen.get(key, ())):
                continue
            if key not in seen:
                self.result.states += 1
                if self._calm and not self._ends_well(world, number):
                    return self.result
            seen.setdefault(key, []).append(left)
            if most_states is not None and self.result.states >= most_states:
                return self.result
            for name, after, rest in moves(world, left):
                self.result.moves += 1
                self.result.kills += name == "kill"
                here = self._number((number, name))
                if not self._lawful(world, after, here, stepped=name in {"on", "kill before"}):
                    return self.result
                waiting.append((after, rest, here))
        self.result.closed = True
        return self.result

    def _number(self, way: Way) -> int:
        self._ways.append(way)
        return len(self._ways) - 1

    def _lawful(self, before: World, after: World, number: int, *, stepped: bool) -> bool:
        effect = before.todo[0] if stepped and before.todo else None
        moment = Moment(before, after, effect if isinstance(effect, Order) else None)
        self.result.rows.update(row.row.number for row in after.rows)
        broken = self.result.court.judge(moment)
        if broken is not None:
            self.result.broken = Broken(*broken, self._way(number))
        return broken is None

    def _ends_well(self, world: World, number: int) -> bool:
        """Mend everything, let nothing further happen: the traffic ends at the goal."""
        passed: list[int] = []
        for _ in range(CALM_STEPS):
            world = mend(world)
            key = hash(likeness(world))
            if key in self._settled or is_settled(world):
                self._settled.update(passed)
                self.result.calm_runs += 1
                return True
            passed.append(key)
            before, world = world, advance(world)
            if not self._lawful(before, world, number, stepped=True):
                return False
        said = "a calm run does not end with traffic at the goal"
        self.result.broken = Broken("S5 calm", said, self._way(number))
        return False

    def _way(self, number: int) -> tuple[str, ...]:
        names: list[str] = []
        while (way := self._ways[number]) is not None:
            number, name = way
            names.append(name)
        return tuple(reversed(names))


def warmed_up(methods: Methods) -> World:
    """A pair at rest: everything heard, ready, and as the goal wants it."""
    world = start(first_world(methods))
    end = world.now + WARM_UP_BEATS * world.settings.interval_ms
    while world.now < end or not is_settled(world):
        world = advance(world)
    return world


def moves(world: World, left: Left) -> Iterator[tuple[str, World, Left]]:
    """Everything that can happen next."""
    faults, orders, kills = left
    yield "on", advance(world), left
    if faults:
        for fault in FAULTS:
            after = fault.happen(world)
            if after is not None:
                yield fault.name, after, (faults - 1, orders, kills)
    if orders and not world.todo:
        for system in System:
            after = order(world, system)
            if after is not None:
                yield f"order {system}", after, (faults, orders - 1, kills)
    if kills:
        yield "kill", kill(world), (faults, orders, kills - 1)


def is_settled(world: World) -> bool:
    """Whether every LIM is as the goal wants it, and nothing is under way."""
    core = world.core
    if core is None or core.goal is None or core.phase is not Phase.RESTING or world.todo or not core.goal.done:
        return False
    if any(type(event).__name__ in {"Answered", "GoalSaved", "GoalNotSaved"} for _, event in world.pending):
        return False
    goal = core.goal
    return all(
        lim.powered and lim.status.traffic is goal.wanted(lim.server).traffic and lim.status.number == goal.number
        for lim in world.lims
    )
