"""Visits every state within bounds: each fault, order and kill before each sampling of the truth, over the real core.

A state stands right before a sampling (world.py).  From there the world goes on to the next one; or something happens
first, as long as the bounds leave it: a fault that the sampling can see, an operator's order, a kill before a deed,
in its middle, or after it.  From every state a calm run, in which everything is mended and nothing further happens,
must end with the traffic at the goal.  Runs with less left to happen come later, so that no state is visited again
with more; a counter-example is a shortest way there.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import le

from redundancyd.core.effects import Order
from redundancyd.core.state import Phase
from redundancyd.core.systems import Methods, Settings, System
from redundancyd.sim.faults import ALL_FAULTS, COARSE_FAULTS, REVERT_AFTER_MS, Fault, kill_between, mend, order
from redundancyd.sim.laws import Court, Moment
from redundancyd.sim.likeness import likeness
from redundancyd.sim.motion import first_world, kill, move
from redundancyd.sim.world import SMALL, SMALLER, Sampling, World, sampling

CALM_MOVES = 600
QUIET_MOVES = 100
WARM_UP_BEATS = 5
DEEDS = {Sampling.SAVE, Sampling.ORDER, Sampling.LOAD}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may happen in one run."""

    faults: int = 3
    orders: int = 1
    kills: int = 1


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
    """A law that was broken, and a shortest way there."""

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
    court: Court = field(default_factory=Court)
    rows: Counter[str] = field(default_factory=Counter)
    broken: Broken | None = None
    closed: bool = False

    @property
    def kills(self) -> int:
        """How often the daemon was killed."""
        return sum(times for name, times in self.happened.items() if name.startswith("kill"))


Left = tuple[int, int, int, bool]  # faults, orders, kills; whether they may come in here
Way = tuple[int, str] | None  # where one came from, and by what


class Stop(Exception):  # noqa: N818 - it ends a search, and is no mistake
    """A law was broken."""


class Explorer:
    """One exploration: for one setting of the methods."""

    def __init__(self, methods: Methods, bounds: Bounds, grain: Grain = FINE, *, calm: bool = True) -> None:
        self.result = Exploration()
        self._grain = grain
        self._first = warmed_up(methods, grain.settings)
        self._bounds = bounds
        self._calm = calm
        self._ways: list[Way] = []
        self._settled: set[int] = set()
        self._seen: dict[int, Left | list[Left]] = {}

    def run(self, most_states: int | None = None) -> Exploration:
        """Until nothing new is found, a law is broken, or so many states were seen."""
        bounds = self._bounds
        first: Left = (bounds.faults, bounds.orders, bounds.kills, True)
        in_all = sum(first[:3])
        waiting = {in_all: deque([(self._first, first, self._number(None))])}
        try:
            for left_in_all in range(in_all, -1, -1):
                queue = waiting.pop(left_in_all, deque())
                while queue:
                    world, left, number = queue.popleft()
                    if not self._is_new(world, left, number):
                        continue
                    if most_states is not None and self.result.states >= most_states:
                        return self.result
                    for name, after, rest in self._next(world, left, number):
                        rank = sum(rest[:3])
                        target = queue if rank == left_in_all else waiting.setdefault(rank, deque())
                        target.append((after, rest, self._number((number, name))))
            self.result.closed = True
        except Stop:
            pass
        return self.result

    def _is_new(self, world: World, left: Left, number: int) -> bool:
        """Whether this state was not yet visited with as much left to happen; a first visit is held against calm."""
        key = hash(likeness(world))
        known = self._seen.get(key)
        if known is None:
            self._seen[key] = left
            self.result.states += 1
            if self._calm:
                self._end_well(world, key, number)
            return True
        before = known if isinstance(known, list) else [known]
        if any(all(map(le, left, old)) for old in before):
            return False
        self._seen[key] = [*before, left]
        return True

    def _next(self, world: World, left: Left, number: int) -> Iterator[tuple[str, World, Left]]:
        """Everything that can come next."""
        self.result.moves += 1
        faults, orders, kills, here = left
        after = self._go_on(world, number, "on")
        yield "on", after, (faults, orders, kills, bool(sum(left[:3])) and self._may_come_in(world, after))
        if not here:
            return
        if faults:
            for fault in self._grain.faults[sampling(world)]:
                after = fault.happen(world)
                if after is not None:
                    self.result.happened[fault.name] += 1
                    yield fault.name, self._to_sampling(after, number, fault.name), (faults - 1, orders, kills, True)
        if orders:
            for name, after in ordered(world):
                self.result.happened[name] += 1
                yield name, self._to_sampling(after, number, name), (faults, orders - 1, kills, True)
        if kills:
            for name, after in killed(world):
                self.result.happened[name] += 1
                yield name, self._to_sampling(after, number, name), (faults, orders, kills - 1, True)

    def _may_come_in(self, before: World, after: World) -> bool:
        """Whether faults, orders and kills are tried here."""
        if self._grain.everywhere or sampling(after) in DEEDS:
            return True
        return turn(before) != turn(after)

    def _number(self, way: Way) -> int:
        self._ways.append(way)
        return len(self._ways) - 1

    def _go_on(self, world: World, number: int, name: str) -> World:
        """Through the sampling, and to the next."""
        after = move(world)
        self._judge(world, after, number, name)
        return self._to_sampling(after, number, name)

    def _to_sampling(self, world: World, number: int, name: str) -> World:
        """What has been fixed before arrives and time goes by, up to where something outside can make a difference."""
        for _ in range(QUIET_MOVES):
            if sampling(world) is not Sampling.NONE:
                return world
            before, world = world, move(world)
            self._judge(before, world, number, name)
        raise AssertionError("the world does not come to a sampling")

    def _judge(self, before: World, after: World, number: int, name: str) -> None:
        did = before.todo[0] if before.todo and len(after.todo) != len(before.todo) + 1 else None
        did = did if did is not None and sampling(before) in DEEDS else None
        for row in after.rows:
            self.result.rows[row.row.number] += 1
        broken = self.result.court.judge(Moment(before, after, did))
        if broken is not None:
            self.result.broken = Broken(*broken, (*self._way(number), name))
            raise Stop

    def _end_well(self, world: World, key: int, number: int) -> None:
        """Mend everything, let nothing further happen: the traffic ends at the goal."""
        passed: list[int] = []
        for _ in range(CALM_MOVES):
            mended = mend(world)
            if mended is not world:
                world = self._to_sampling(mended, number, "calm")
                key = hash(likeness(world))
            if key in self._settled or is_settled(world):
                self._settled.update(passed)
                self._settled.add(key)
                self.result.calm_runs += 1
                return
            passed.append(key)
            world = self._go_on(world, number, "calm")
            key = hash(likeness(world))
        said = "a calm run does not end with traffic at the goal"
        self.result.broken = Broken("S5 calm", said, self._way(number))
        raise Stop

    def _way(self, number: int) -> tuple[str, ...]:
        names: list[str] = []
        while (way := self._ways[number]) is not None:
            number, name = way
            names.append(name)
        return tuple(reversed(names))


def warmed_up(methods: Methods, settings: Settings = SMALL) -> World:
    """A pair at rest: everything heard, ready, and as the goal wants it, right before a beat."""
    world = first_world(methods, settings)
    end = world.now + WARM_UP_BEATS * world.settings.interval_ms
    while world.now < end or not is_settled(world) or sampling(world) is not Sampling.BEAT:
        world = move(world)
    return world


def turn(world: World) -> tuple[object, ...]:
    """What makes a turning when it changes: phase, verdict, goal, who can be ordered, what is seen of them, a load."""
    core = world.core
    seen = tuple((view.connected, view.status.traffic if view.status else None) for view in core.views)
    goal = core.goal
    return core.phase, core.verdict, goal and (goal.number, goal.done), seen, core.control_answers(), world.load is None


def ordered(world: World) -> Iterator[tuple[str, World]]:
    """What the operator can order: where it may be heard, and where it meets something under way."""
    if sampling(world) is Sampling.LOOK:
        return
    for system in System:
        yield f"order traffic-in-{system}", order(world, system)
    if sampling(world) is Sampling.BEAT:
        yield "order traffic-in-alternate --revert-after", order(world, System.ALTERNATE, REVERT_AFTER_MS)


def killed(world: World) -> Iterator[tuple[str, World]]:
    """kill -9 before a deed, in its middle, after it; and at a beat."""
    match sampling(world):
        case Sampling.BEAT:
            yield "kill daemon", kill(world)
        case Sampling.SAVE | Sampling.LOAD:
            yield "kill daemon before it", kill(world)
            yield "kill daemon after it", kill(move(world))
        case Sampling.ORDER:
            yield "kill daemon before it", kill(world)
            between = kill_between(world)
            if between is not None:
                yield "kill daemon between", between
            yield "kill daemon after it", kill(move(world))
        case _:
            return


def is_settled(world: World) -> bool:
    """Whether every LIM is as the goal wants it, and nothing is under way."""
    core = world.core
    goal = core.goal
    if goal is None or core.phase is not Phase.RESTING or not goal.done or world.load is not None:
        return False
    if any(isinstance(effect, Order) or type(effect).__name__ == "SaveGoal" for effect in world.todo):
        return False
    if any(type(event).__name__ in {"GoalSaved", "GoalNotSaved", "Delivery"} for _, event in world.pending):
        return False
    return all(
        lim.powered and lim.status.traffic is goal.wanted(lim.server).traffic and lim.status.number == goal.number
        for lim in world.lims
    )
