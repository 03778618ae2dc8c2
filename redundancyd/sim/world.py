"""A world of values around the real core: two systems of LIMs, the lines between them, a disk, a clock.

The world is frozen, so that anything can branch from it.  It moves by `advance`, one sampling of the truth at a time:
a beat is sent, an effect is performed, or what has arrived is handed to the core.  Between two samplings nothing
that happens outside could make a difference; so `advance` stops before each, and there faults, orders and kills come
in (explore.py).  An answer is fixed when its order arrives, and may be lost after the deed was done.

Instants are milliseconds of a clock that starts at `START`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from redundancyd.core.decision import Taken
from redundancyd.core.effects import Order, SaveGoal
from redundancyd.core.events import Answered, Event, Refused
from redundancyd.core.state import State
from redundancyd.core.systems import Goal, Kind, Methods, Origin, Server, Settings, Status, Supervisor, System, Word

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
    takeovers_per_hour=3,
)
"""Few different instants: everything is a multiple of half a beat."""

BOOT_HOLD_MS = 400


class Line(StrEnum):
    """What can be silent by itself."""

    SITES = "sites"  # between the systems: master address, LIMs, channels
    CONTROL = "control"  # from us to the network control address
    PRIMARY_CONTROL = "primary-control"  # from the primary's LIM 1 to it
    MASTER = "master"  # the master address alone


@dataclass(frozen=True, slots=True)
class Lim:
    """One LIM as it truly is."""

    server: Server
    status: Status
    powered: bool = True
    refuses: frozenset[Word] = frozenset()
    loses: bool = False  # does what the next order says, and the answer is lost
    slow: bool = False  # answers orders just before nobody waits any more
    booted_at: int | None = None  # holds since then, waiting for a word

    @property
    def carries(self) -> bool:
        """Whether endpoints get an answer."""
        return self.powered and self.status.traffic is not Word.BLOCK.traffic


@dataclass(frozen=True, slots=True)
class Since:
    """Since when something is so that must not last, for the laws."""

    astray: tuple[int | None, ...]  # each LIM: reachable, able, and not as the goal wants
    lost: int | None = None  # the primary is gone, we are connected, nothing holds us
    beats: int = 0  # beats sampled since the daemon started or stalled
    silent: int = 0  # of these, the last in a row that the master address left unanswered
    control_silent: int = 0  # and that the control address did


@dataclass(frozen=True, slots=True)
class World:
    """All there is."""

    settings: Settings
    now: int
    next_beat: int
    lims: tuple[Lim, ...]
    core: State | None  # None while the daemon is dead
    us: Supervisor
    methods: Methods
    disk: Goal | None
    since: Since
    silent: frozenset[Line] = frozenset()
    disk_full: bool = False
    frozen_until: int | None = None
    pending: tuple[tuple[int, Event], ...] = ()  # arrives at; in order of time
    todo: tuple[SaveGoal | Order, ...] = ()  # asked for, not yet performed
    goals: tuple[tuple[int, System], ...] = ()  # the last goals that LIMs were ordered
    rows: tuple[Taken, ...] = ()  # taken by the last advance


def reachable(world: World, lim: Lim) -> bool:
    """Whether we can talk to a LIM: it runs, and the line is there."""
    return lim.powered and (lim.server.system is ALTERNATE or Line.SITES not in world.silent)


def master_answers(world: World) -> bool:
    """Whether the master IP address answers us: it follows a running LIM."""
    gone = {Line.SITES, Line.MASTER} & world.silent
    return not gone and any(lim.powered for lim in world.lims if lim.server.system is PRIMARY and lim.server.lim == 1)


def active(world: World) -> frozenset[System]:
    """The systems that carry traffic anywhere."""
    return frozenset(lim.server.system for lim in world.lims if lim.carries)


def with_lim(world: World, server: Server, **changes: object) -> World:
    """The world with one LIM changed."""
    lims = tuple(
        replace(lim, **changes) if lim.server == server else lim  # type: ignore[arg-type]
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
    if order.word in lim.refuses:
        return lim, Refused("iptables_failed", "broken", status)
    status = Status(order.word.traffic, order.number, order.word, supervisor, Origin.ORDER)
    return replace(lim, status=status, booted_at=None), status


def boot(lim: Lim, now: int) -> Lim:
    """A LIM comes up blocked and holds (promise S3)."""
    held = replace(lim.status, traffic=Word.BLOCK.traffic, origin=Origin.HOLD)
    return replace(lim, powered=True, status=held, booted_at=now)


def holds_out(world: World, lim: Lim) -> bool:
    """Whether a LIM allows itself now: of the primary, last allowed, waited long enough, hears the control address."""
    return (
        lim.powered
        and lim.booted_at is not None
        and lim.server.system is PRIMARY
        and lim.status.word is Word.ALLOW
        and world.now - lim.booted_at >= BOOT_HOLD_MS
        and Line.PRIMARY_CONTROL not in world.silent
    )


def arriving(world: World, events: Iterable[tuple[int, Event]]) -> World:
    """The world with more on its way."""
    return replace(world, pending=tuple(sorted((*world.pending, *events), key=lambda item: item[0])))


def without_answers_of(world: World, server: Server) -> World:
    """What a LIM had not yet said is lost with its channel."""
    kept = tuple(item for item in world.pending if not (isinstance(item[1], Answered) and item[1].server == server))
    return replace(world, pending=kept)


def first_world(methods: Methods, settings: Settings = SMALL, active_system: System = PRIMARY) -> World:
    """A pair that was set up well: the goal is on disk, every LIM obeys it, the daemon not yet started."""
    us = Supervisor("us", ("run1",))
    goal = Goal(active_system, 1, Kind.FORCED, by_operator=False, reason="first", decided_at=START, done=True)
    lims = tuple(
        Lim(server, Status(goal.wanted(server).traffic, 1, goal.wanted(server), us.name, Origin.ORDER))
        for server in settings.servers
    )
    since = Since(astray=(None,) * len(lims))
    return World(settings, START, START, lims, None, us, methods, goal, since, goals=((1, active_system),))
