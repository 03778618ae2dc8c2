"""One way through the world of values: from one sampling to the next, every move held against the laws.

What can happen on the way has names; by them a way can be told and walked again (way.py).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from redundancyd.core.effects import Order, SaveGoal
from redundancyd.core.events import GoalNotSaved, GoalSaved
from redundancyd.core.state import Phase
from redundancyd.core.systems import Methods, Settings, System
from redundancyd.sim.faults import FAULTS, REVERT_AFTER_MS, mend, order
from redundancyd.sim.harm import kill_between
from redundancyd.sim.laws import Court
from redundancyd.sim.moment import Moment
from redundancyd.sim.motion import first_world, kill, move
from redundancyd.sim.world import SMALL, Delivery, Sampling, World, sampling

ON = "on"
CALM = "calm"
QUIET_MOVES = 100
WARM_UP_BEATS = 5
DEEDS = {Sampling.SAVE, Sampling.ORDER, Sampling.LOAD}


class LawBroken(Exception):
    """A law was broken; the text says how."""

    def __init__(self, law: str, said: str) -> None:
        super().__init__(f"{law}: {said}")
        self.law, self.said = law, said


@dataclass(slots=True)
class Walk:
    """Moves the world, holds each move against the laws, and counts."""

    court: Court = field(default_factory=Court)
    rows: Counter[str] = field(default_factory=Counter)

    def on(self, world: World) -> World:
        """Through the sampling, and to the next; LawBroken."""
        after = move(world)
        self._judge(world, after)
        return self.to_sampling(after)

    def to_sampling(self, world: World) -> World:
        """What has been fixed before arrives and time goes by, up to where something outside can make a difference."""
        for _ in range(QUIET_MOVES):
            if sampling(world) is not Sampling.NONE:
                return world
            before, world = world, move(world)
            self._judge(before, world)
        raise LawBroken("the world", "it does not come to a sampling")

    def changed(self, before: World, after: World) -> World:
        """Something has happened from outside: what the core made of it is judged, and the world goes on."""
        if after.rows:
            self._judge(before, after, happened=True)
        return self.to_sampling(after)

    def calm(self, world: World) -> World | None:
        """Everything mended, up to the next sampling; None where nothing was to be mended."""
        mended = mend(world)
        return None if mended is world else self.to_sampling(mended)

    def _judge(self, before: World, after: World, *, happened: bool = False) -> None:
        for row in after.rows:
            self.rows[row.row.number] += 1
        did = before.todo[0] if sampling(before) in DEEDS and not happened else None
        broken = self.court.judge(Moment(before, after, did))
        if broken is not None:
            raise LawBroken(*broken)


def warmed_up(methods: Methods, settings: Settings = SMALL) -> World:
    """A pair at rest: everything heard, ready, and as the goal wants it, right before a beat."""
    world = first_world(methods, settings)
    end = world.now + WARM_UP_BEATS * world.settings.interval_ms
    while world.now < end or not is_settled(world) or sampling(world) is not Sampling.BEAT:
        world = move(world)
    return world


def ordered(world: World, *, everything: bool) -> Iterator[tuple[str, World]]:
    """What the operator can order: where it may be heard, and where it meets something under way."""
    here = sampling(world)
    if here is Sampling.LOOK or not (everything or here is Sampling.BEAT):
        return
    for system in System:
        yield f"order traffic-in-{system}", order(world, system)
    if everything and here is Sampling.BEAT:
        yield "order traffic-in-alternate --revert-after", order(world, System.ALTERNATE, REVERT_AFTER_MS)


def killed(world: World, *, everything: bool) -> Iterator[tuple[str, World]]:
    """kill -9 before a deed, in its middle, after it; and at a beat."""
    here = sampling(world)
    if here is Sampling.BEAT and everything:
        yield "kill daemon", kill(world)
    if here in DEEDS:
        yield "kill daemon before it", kill(world)
        yield "kill daemon after it", kill(move(world))
    between = kill_between(world)
    if between is not None:
        yield "kill daemon between", between


def happen(world: World, name: str) -> World:
    """What happens under this name, here; ValueError where it cannot."""
    here = sampling(world)
    for fault in FAULTS:
        if fault.name == name and here in fault.at and (after := fault.happen(world)) is not None:
            return after
    known = dict([*ordered(world, everything=True), *killed(world, everything=True)])
    if name not in known:
        raise ValueError(f"{name!r} cannot happen before a {here}")
    return known[name]


def turn(world: World) -> tuple[object, ...]:
    """What makes a turning when it changes: phase, verdict, goal, who can be ordered, a load."""
    core, goal = world.core, world.core.goal
    connected = tuple([view.connected for view in core.views])
    return core.phase, core.verdict, goal and (goal.number, goal.done), connected, world.load is None


def is_settled(world: World) -> bool:
    """Whether every LIM is as the goal wants it, and nothing is under way."""
    core = world.core
    goal = core.goal
    if goal is None or core.phase is not Phase.RESTING or not goal.done or world.load is not None:
        return False
    if any(isinstance(effect, Order | SaveGoal) for effect in world.todo):
        return False
    if any(isinstance(item, GoalSaved | GoalNotSaved | Delivery) for _, item in world.pending):
        return False
    return all(
        lim.powered and lim.status.traffic is goal.wanted(lim.server).traffic and lim.status.number == goal.number
        for lim in world.lims
    )
