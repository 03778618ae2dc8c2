"""What can go wrong, one fault at a time, and what mends it.  A fault that changes nothing is None."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Connected,
    Event,
    FactsSeen,
    GoalNotSaved,
    GoalSaved,
    OperatorAdopted,
    OperatorAsked,
    ServersHeard,
)
from redundancyd.core.state import Phase
from redundancyd.core.systems import Origin, Server, Status, System, Traffic, Word
from redundancyd.sim.motion import kill, reconnect, tell
from redundancyd.sim.world import (
    A1,
    A2,
    ALTERNATE,
    P1,
    P2,
    PRIMARY,
    Lim,
    Line,
    World,
    boot,
    with_lim,
    without_answers_of,
)

FREEZE_BEATS = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can happen to the world."""

    name: str
    happen: Callable[[World], World | None]


def _power(world: World, servers: tuple[Server, ...], *, on: bool) -> World | None:
    if all(lim.powered == on for lim in world.lims if lim.server in servers):
        return None
    for lim in world.lims:
        if lim.server in servers and lim.powered != on:
            new = boot(lim, world.now) if on else replace(lim, powered=False, booted_at=None)
            lims = tuple(new if each.server == lim.server else each for each in world.lims)
            world = replace(world, lims=lims)
            world = without_answers_of(world, lim.server) if not on else world
    return world if not on else _reconnected(world)


def _reconnected(world: World) -> World:
    for lim in world.lims:
        world = reconnect(world, lim.server)
    return world


def _line(world: World, line: Line, *, silent: bool) -> World | None:
    if (line in world.silent) == silent:
        return None
    changed = world.silent | {line} if silent else world.silent - {line}
    return replace(world, silent=changed)


def _drop(world: World, server: Server) -> World | None:
    """A channel breaks for a moment: what was under way is lost, and it opens again."""
    core = world.core
    if core is None or not core.view(server).connected:
        return None
    lost = tell(without_answers_of(world, server), ChannelLost(server, "reset", world.now))
    return reconnect(lost, server)


def _refuse(world: World, server: Server, word: Word) -> World | None:
    lim = next(lim for lim in world.lims if lim.server == server)
    return None if word in lim.refuses else with_lim(world, server, refuses=lim.refuses | {word})


def _mark(world: World, server: Server, **marks: bool) -> World | None:
    lim = next(lim for lim in world.lims if lim.server == server)
    if not lim.powered or all(getattr(lim, name) == value for name, value in marks.items()):
        return None
    return with_lim(world, server, **marks)


def _rules(world: World, server: Server, traffic: Traffic, origin: Origin | None = None) -> World | None:
    lim = next(lim for lim in world.lims if lim.server == server)
    if not lim.powered or lim.status.traffic is traffic:
        return None
    status = replace(lim.status, traffic=traffic, origin=origin or lim.status.origin)
    return with_lim(world, server, status=status)


def _disk(world: World, *, full: bool) -> World | None:
    return None if world.disk_full == full else replace(world, disk_full=full)


def _rolled_back(world: World) -> World | None:
    """The goal file of last month comes back, and the daemon is started with it."""
    if world.disk is None or world.disk.number == 1:
        return None
    first = replace(world.disk, active=PRIMARY, number=1, by_operator=False, done=True, revert_at=None, accepted=())
    return kill(replace(world, disk=first))


def _lost_goal(world: World) -> World | None:
    """The goal file is gone, and the daemon is started without it."""
    return None if world.disk is None else kill(replace(world, disk=None))


def _freeze(world: World) -> World | None:
    """SIGSTOP for a while: the beat under way ends late, and what arrives meanwhile is read late."""
    if world.core is None or world.frozen_until is not None or world.todo:
        return None
    until = world.now + FREEZE_BEATS * world.settings.interval_ms
    pending = tuple(_read_at(item, until) for item in world.pending)
    since = replace(world.since, beats=0, astray=(None,) * len(world.lims), lost=None)
    return replace(world, frozen_until=until, pending=pending, next_beat=until, since=since)


def _read_at(item: tuple[int, Event], until: int) -> tuple[int, Event]:
    at, event = item
    at = max(at, until)
    match event:
        case Beat() | ServersHeard() | Answered() | ChannelLost() | Connected() | FactsSeen():
            return at, replace(event, at=at)
        case GoalSaved() | GoalNotSaved():
            return at, replace(event, at=at)
        case _:
            return item


def _stranger(world: World) -> World | None:
    """A second daemon, with another id, orders the alternate's LIMs under a higher number."""
    number = max(lim.status.number for lim in world.lims) + 3
    changed = world
    for lim in world.lims:
        if lim.server.system is ALTERNATE and lim.powered:
            status = Status(Traffic.BLOCKED, number, Word.BLOCK, "them.run1", Origin.ORDER)
            changed = with_lim(changed, lim.server, status=status, booted_at=None)
    return None if changed == world else changed


FAULTS: tuple[Fault, ...] = (
    Fault("power-off primary", lambda world: _power(world, (P1, P2), on=False)),
    Fault("power-on primary", lambda world: _power(world, (P1, P2), on=True)),
    Fault("power-off primary-2", lambda world: _power(world, (P2,), on=False)),
    Fault("power-off alternate-2", lambda world: _power(world, (A2,), on=False)),
    Fault("power-on alternate-2", lambda world: _power(world, (A2,), on=True)),
    Fault("cut sites", lambda world: _line(world, Line.SITES, silent=True)),
    Fault("heal sites", lambda world: _line(world, Line.SITES, silent=False)),
    Fault("silence control", lambda world: _line(world, Line.CONTROL, silent=True)),
    Fault("restore control", lambda world: _line(world, Line.CONTROL, silent=False)),
    Fault("silence primary-control", lambda world: _line(world, Line.PRIMARY_CONTROL, silent=True)),
    Fault("lose master", lambda world: _line(world, Line.MASTER, silent=True)),
    Fault("drop primary-2", lambda world: _drop(world, P2)),
    Fault("drop alternate-1", lambda world: _drop(world, A1)),
    Fault("refuse block primary-2", lambda world: _refuse(world, P2, Word.BLOCK)),
    Fault("refuse allow alternate-2", lambda world: _refuse(world, A2, Word.ALLOW)),
    Fault("refuse allow alternate-1", lambda world: _refuse(world, A1, Word.ALLOW)),
    Fault("lose answer of primary-2", lambda world: _mark(world, P2, loses=True)),
    Fault("lose answer of alternate-2", lambda world: _mark(world, A2, loses=True)),
    Fault("slow primary-1", lambda world: _mark(world, P1, slow=True)),
    Fault("flush alternate-2", lambda world: _rules(world, A2, Traffic.ALLOWED)),
    Fault("tamper primary-1", lambda world: _rules(world, P1, Traffic.TAMPERED)),
    Fault("allow by hand primary-1", lambda world: _rules(world, P1, Traffic.ALLOWED, Origin.HAND)),
    Fault("block by hand alternate-1", lambda world: _rules(world, A1, Traffic.BLOCKED, Origin.HAND)),
    Fault("fill disk", lambda world: _disk(world, full=True)),
    Fault("free disk", lambda world: _disk(world, full=False)),
    Fault("freeze daemon", _freeze),
    Fault("roll back goal", _rolled_back),
    Fault("lose goal", _lost_goal),
    Fault("stranger orders", _stranger),
)


def order(world: World, active: System, revert_after_ms: int | None = None) -> World | None:
    """The operator orders a manual takeover; None where there is nobody to hear it."""
    if world.core is None or world.frozen_until is not None:
        return None
    asked = OperatorAsked(active, 1, "operator", world.now, revert_after_ms)
    return tell(replace(world, rows=()), asked)


def mend(world: World) -> World:
    """Everything is repaired at once; who waits for the operator gets him."""
    lims = tuple(_mended(lim, world.now) for lim in world.lims)
    world = replace(world, lims=lims, silent=frozenset(), disk_full=False)
    world = _reconnected(world)
    core = world.core
    if core is not None and core.phase is Phase.WATCHING and not world.todo:
        world = tell(world, OperatorAdopted(1, "operator", world.now))
    if core is not None and core.phase is Phase.ASKING and not world.todo:
        world = order(world, PRIMARY) or world
    return world


def _mended(lim: Lim, now: int) -> Lim:
    whole = replace(lim, refuses=frozenset(), loses=False, slow=False)
    return whole if lim.powered else boot(whole, now)
