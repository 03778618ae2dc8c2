"""A world of values around the real core: two systems of LIMs, the lines between them, a disk, a clock.

The world is frozen, so that anything can branch from it.  It moves from one *sampling* of the truth to the next: a beat
is sent, a LIM is read or ordered, a goal is written, a load is begun.  Between two samplings nothing that happens
outside can make a difference; so faults, orders and kills come in right before each (explore.py), and only those that
the sampling can see.  Instants are milliseconds of a clock that starts at `START`, all multiples of half a beat.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from redundancyd.core.decision import Taken
from redundancyd.core.effects import Load, Look, Order, SaveGoal
from redundancyd.core.events import Answered, Event, Refused
from redundancyd.core.state import State
from redundancyd.core.systems import (
    Goal,
    Kind,
    Methods,
    Origin,
    Reload,
    Server,
    Settings,
    Status,
    Supervisor,
    System,
    Traffic,
    Word,
)

START = 100_000
PRIMARY, ALTERNATE = System.PRIMARY, System.ALTERNATE
SERVERS = tuple(
    Server(system, lim, f"{net}.{10 + lim}")
    for system, net in ((PRIMARY, "192.0.2"), (ALTERNATE, "198.51.100"))
    for lim in (1, 2)
)
P1, P2, A1, A2 = SERVERS
SMALL = Settings(
    SERVERS,
    interval_ms=100,
    timeout_ms=50,
    missed=3,
    return_after_ms=300,
    look_interval_ms=200,
    block_deadline_ms=100,
    allow_deadline_ms=100,
    reload_deadline_ms=400,
    takeovers_per_hour=3,
)
SMALLER = replace(SMALL, look_interval_ms=100)
"""The same with a look at every beat: what happens between two beats without a look is left to the other."""

BOOT_HOLD_MS = 400
LOAD_MS = 200
"""How long a load takes that does not hang."""


class Line(StrEnum):
    """What can be silent by itself."""

    THERE = "alternate>primary"  # between the systems, towards the primary: beats, looks, orders
    BACK = "primary>alternate"  # and back: their answers
    CONTROL = "control"  # from us to the network control address
    PRIMARY_CONTROL = "primary-control"  # from the primary's LIM 1 to it
    MASTER = "master"  # the master address alone


@dataclass(frozen=True, slots=True)
class Lim:
    """One LIM as it truly is."""

    server: Server
    status: Status
    powered: bool = True
    refuses: Word = Word.NONE
    slow: bool = False  # answers orders just before nobody waits any more
    booted_at: int | None = None  # holds since then, waiting for a word

    @property
    def carries(self) -> bool:
        """Whether endpoints get an answer."""
        return self.powered and self.status.traffic is not Traffic.BLOCKED


@dataclass(frozen=True, slots=True)
class Delivery:
    """An order that reaches its LIM when nobody waits for it any more."""

    server: Server
    order: Order


@dataclass(frozen=True, slots=True)
class Since:
    """Since when something is so that must not last, and what the truth of the last beats was, for the laws."""

    astray: tuple[int | None, ...]  # each LIM: reachable, able, and not as the goal wants
    lost: int | None = None  # the primary is gone, we are connected, nothing holds us
    dark: int | None = None  # no LIM carries traffic, and one that may could be allowed
    beats: int = 0  # beats sampled since the daemon started or stood still
    answered: int = 0  # of these, the last in a row that the master address answered
    silent: int = 0  # or left unanswered
    control_silent: int = 0  # and that the control address did


@dataclass(frozen=True, slots=True)
class World:
    """All there is."""

    settings: Settings
    now: int
    next_beat: int
    lims: tuple[Lim, ...]
    core: State
    us: Supervisor
    methods: Methods
    disk: Goal | None
    since: Since
    silent: frozenset[Line] = frozenset()
    unsent: bool = False  # our own host cannot send the next beat
    disk_full: bool = False
    kept: int = 1  # the number of the last goal of which the disk has answered that it holds it
    load: Reload | None = None  # the load under way, as noted on disk
    load_ends: int = 0
    pending: tuple[tuple[int, Event | Delivery], ...] = ()  # arrives at; in order of time
    todo: tuple["Asked", ...] = ()  # asked for, not yet performed
    goals: tuple[tuple[int, System], ...] = ()  # the last goals that LIMs were ordered
    rows: tuple[Taken, ...] = ()  # taken by the last move


Asked = SaveGoal | Order | Look | Load


class Sampling(StrEnum):
    """What comes next, seen from outside."""

    BEAT = "beat"
    LOOK = "look"
    ORDER = "order"
    SAVE = "save"
    LOAD = "load"
    NONE = "none"  # only what has been fixed before arrives, or time goes by


_OF = {SaveGoal: Sampling.SAVE, Order: Sampling.ORDER, Look: Sampling.LOOK, Load: Sampling.LOAD}


def sampling(world: World) -> Sampling:
    """What the next move looks at."""
    if world.todo:
        return _OF[type(world.todo[0])]
    if world.pending and world.pending[0][0] <= world.now:
        return Sampling.NONE
    return Sampling.BEAT if world.now >= world.next_beat else Sampling.NONE


def lim_of(world: World, server: Server) -> Lim:
    """A LIM as it truly is."""
    return world.lims[SERVERS.index(server)]


def is_reached(world: World, lim: Lim) -> bool:
    """Whether what we send reaches a LIM."""
    return lim.powered and (lim.server.system is ALTERNATE or Line.THERE not in world.silent)


def answers(world: World, lim: Lim) -> bool:
    """Whether we can talk with a LIM: what we send reaches it, and its answers reach us."""
    return is_reached(world, lim) and (lim.server.system is ALTERNATE or Line.BACK not in world.silent)


def master_answers(world: World) -> bool:
    """Whether the master IP address answers us: it follows LIM 1."""
    return Line.MASTER not in world.silent and answers(world, world.lims[0])


def with_lim(world: World, server: Server, **changes: object) -> World:
    """The world with one LIM changed."""
    lims = tuple(
        replace(lim, **changes) if lim.server is server else lim  # type: ignore[arg-type]
        for lim in world.lims
    )
    return replace(world, lims=lims)


def obey(lim: Lim, order: Order, supervisor: str) -> tuple[Lim, Status | Refused]:
    """What redundancy-lim does with an order (DESIGN, section 3), and what it answers."""
    status = lim.status
    if order.number < status.number:
        return lim, Refused("stale_number", status=status)
    if order.number == status.number and order.word is not status.word:
        return lim, Refused("other_word", status=status)
    if order.word is lim.refuses:
        return lim, Refused("iptables_failed", "broken", status)
    status = Status(order.word.traffic, order.number, order.word, supervisor, Origin.ORDER)
    return replace(lim, status=status, booted_at=None), status


def boot(lim: Lim, now: int) -> Lim:
    """A LIM comes up blocked and holds (promise S3)."""
    held = replace(lim.status, traffic=Traffic.BLOCKED, origin=Origin.HOLD)
    return replace(lim, powered=True, status=held, booted_at=now)


def hold_ends(lim: Lim) -> int | None:
    """When a LIM that booted may allow itself: of the primary, last allowed; None for one that waits for a word."""
    waits = lim.booted_at is None or not lim.powered
    if waits or lim.server.system is ALTERNATE or lim.status.word is not Word.ALLOW:
        return None
    assert lim.booted_at is not None
    return lim.booted_at + BOOT_HOLD_MS


def arriving(world: World, *items: tuple[int, Event | Delivery]) -> World:
    """The world with more on its way; what is due at the same instant keeps its order."""
    if not items:
        return world
    return replace(world, pending=tuple(sorted((*world.pending, *items), key=lambda item: item[0])))


def without_answers_of(world: World, server: Server) -> World:
    """What a LIM had not yet said is lost with its channel."""
    kept = tuple(item for item in world.pending if not (isinstance(item[1], Answered) and item[1].server is server))
    return replace(world, pending=kept)


def lims_at_first(us: Supervisor, goal: Goal, servers: Iterable[Server] = SERVERS) -> tuple[Lim, ...]:
    """Every LIM as the goal wants it, by our order."""
    return tuple(
        Lim(server, Status(goal.wanted(server).traffic, goal.number, goal.wanted(server), us.name, Origin.ORDER))
        for server in servers
    )


def first_goal(active: System = PRIMARY) -> Goal:
    """The goal of a pair that was set up well."""
    return Goal(active, 1, Kind.FORCED, by_operator=False, reason="first", decided_at=START, done=True)
