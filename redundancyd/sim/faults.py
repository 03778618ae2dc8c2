"""What can go wrong, one fault at a time, and what mends it.

A fault comes in right before the sampling that can see it, and only there: earlier would look the same.  One that
changes nothing, or that the sampling cannot see, is None.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from redundancyd.core.effects import Look, Order
from redundancyd.core.events import Event, LoadAsked, OperatorAdopted, OperatorAsked
from redundancyd.core.state import Phase
from redundancyd.core.systems import Origin, Server, Status, System, Traffic, Word
from redundancyd.sim.motion import (
    NOBODY,
    break_channel,
    kill,
    move,
    open_channels,
    order_some,
    release_holds,
    start,
    tell,
)
from redundancyd.sim.world import (
    A1,
    A2,
    ALTERNATE,
    P1,
    P2,
    PRIMARY,
    Delivery,
    Lim,
    Line,
    Sampling,
    Since,
    World,
    answers,
    arriving,
    boot,
    first_goal,
    is_reached,
    lim_of,
    sampling,
    with_lim,
    without_answers_of,
)

FREEZE_BEATS = 5
REVERT_AFTER_MS = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can happen to the world; before which samplings it can be seen."""

    name: str
    coarse: bool  # one of its kind stands for all where not everything is tried
    at: frozenset[Sampling]
    happen: Callable[[World], World | None]


# Power.


def _power_off(world: World, *servers: Server) -> World | None:
    if not all(lim_of(world, server).powered for server in servers):
        return None
    for server in servers:
        world = without_answers_of(with_lim(world, server, powered=False, booted_at=None), server)
    return world


def _power_on(world: World, system: System) -> World | None:
    off = [lim for lim in world.lims if lim.server.system is system and not lim.powered]
    for lim in off:
        new = boot(lim, world.now)
        world = with_lim(world, lim.server, powered=True, status=new.status, booted_at=new.booted_at)
        world = break_channel(world, lim.server, "reset")
    return open_channels(world) if off else None


# Lines and channels.


def _silence(world: World, *lines: Line) -> World | None:
    return None if set(lines) <= world.silent else replace(world, silent=world.silent | set(lines))


def _restore(world: World, *lines: Line) -> World | None:
    return replace(world, silent=world.silent - set(lines)) if set(lines) & world.silent else None


def _drop(world: World, server: Server) -> World | None:
    """A channel breaks for a moment: what was under way is lost, and it opens again."""
    if not world.core.view(server).connected:
        return None
    return open_channels(break_channel(world, server, "reset"))


def _unsent(world: World) -> World | None:
    return None if world.unsent else replace(world, unsent=True)


# LIMs, before an order reaches them, or a look.


def _asked(world: World, server: Server, word: Word | None = None) -> bool:
    """Whether the next sampling is an order, or a look, that this server will get."""
    effect = world.todo[0]
    suits = isinstance(effect, Look) if word is None else isinstance(effect, Order) and effect.word is word
    return suits and isinstance(effect, Order | Look) and server in effect.servers


def _refuse(world: World, server: Server, word: Word) -> World | None:
    if not _asked(world, server, word) or lim_of(world, server).refuses is word:
        return None
    return with_lim(world, server, refuses=word)


def _accept(world: World, server: Server, word: Word) -> World | None:
    if not _asked(world, server, word) or lim_of(world, server).refuses is not word:
        return None
    return with_lim(world, server, refuses=Word.NONE)


def _slow(world: World, server: Server, word: Word) -> World | None:
    lim = lim_of(world, server)
    if not _asked(world, server, word) or lim.slow or not answers(world, lim):
        return None
    return with_lim(world, server, slow=True)


def _lose_answer(world: World, server: Server, word: Word) -> World | None:
    """The deed is done, and its answer lost: the channel breaks in that moment."""
    if not _asked(world, server, word) or not answers(world, lim_of(world, server)):
        return None
    done = move(world)
    return open_channels(break_channel(done, server, "reset"))


def _too_late(world: World, server: Server, word: Word) -> World | None:
    """The order reaches the LIM when nobody waits any more: the deed is done after it was given up."""
    if not _asked(world, server, word) or not answers(world, lim_of(world, server)):
        return None
    order = world.todo[0]
    assert isinstance(order, Order)
    at = world.now + order.deadline_ms + world.settings.timeout_ms
    off = with_lim(world, server, powered=False)
    done = with_lim(move(off), server, powered=True)
    return arriving(done, (at, Delivery(server, replace(order, servers=(server,)))))


def _overtaken(world: World, server: Server) -> World | None:
    """What a look read is told half a beat later: answers to later orders overtake it."""
    if not _asked(world, server) or not answers(world, lim_of(world, server)):
        return None
    looked = move(world)
    late = [item for item in looked.pending if getattr(item[1], "server", None) is server]
    rest = tuple(item for item in looked.pending if item not in late)
    later = [(at + world.settings.timeout_ms, _at(event, at + world.settings.timeout_ms)) for at, event in late]
    return arriving(replace(looked, pending=rest), *later)


def _rules(world: World, server: Server, traffic: Traffic, origin: Origin | None = None) -> World | None:
    lim = lim_of(world, server)
    if not _asked(world, server) or not lim.powered or lim.status.traffic is traffic:
        return None
    return with_lim(world, server, status=replace(lim.status, traffic=traffic, origin=origin or lim.status.origin))


def _stranger(world: World) -> World | None:
    """A second daemon, with another id, orders the alternate's LIMs under a higher number."""
    if not _asked(world, A2) or any(lim.status.supervisor == "them.run1" for lim in world.lims):
        return None
    number = max(lim.status.number for lim in world.lims) + 3
    for lim in world.lims:
        if lim.server.system is ALTERNATE and lim.powered:
            status = Status(Traffic.BLOCKED, number, Word.BLOCK, "them.run1", Origin.ORDER)
            world = with_lim(world, lim.server, status=status, booted_at=None)
    return world


# Ourselves: disk, process, load.


def _disk(world: World, *, full: bool) -> World | None:
    return None if world.disk_full == full else replace(world, disk_full=full)


def _rolled_back(world: World) -> World | None:
    """The goal file of last month comes back, and the daemon is started with it."""
    if world.disk is None or world.disk.number == 1:
        return None
    return kill(replace(world, disk=first_goal()))


def _lost_goal(world: World) -> World | None:
    """The goal file is gone, and the daemon is started without it."""
    return None if world.disk is None else kill(replace(world, disk=None))


def _freeze(world: World) -> World | None:
    """SIGSTOP in this moment: what was asked for is done, and everything that arrives meanwhile is read at waking."""
    while world.todo:
        world = move(world)
    until = world.now + FREEZE_BEATS * world.settings.interval_ms
    pending = tuple(sorted((_read_at(item, until) for item in world.pending), key=lambda item: item[0]))
    woken = replace(world, now=until, next_beat=until, pending=pending, since=Since(NOBODY))
    return release_holds(woken)


def _read_at(item: tuple[int, Event | Delivery], until: int) -> tuple[int, Event | Delivery]:
    at, event = item
    if at >= until or isinstance(event, Delivery):
        return item
    return until, _at(event, until)


def _at(event: Event | Delivery, at: int) -> Event | Delivery:
    return event if isinstance(event, Delivery) else replace(event, at=at)


def _load(world: World) -> World | None:
    """The daily job has data ready to be loaded."""
    return None if world.load is not None else tell(world, LoadAsked(9, "the daily job", world.now))


def _hang(world: World) -> World | None:
    """A load that was begun does not end by itself."""
    if world.load is None or world.load_ends >= world.load.until:
        return None
    until = world.load.until
    pending = tuple(
        (until, replace(event, at=until)) if type(event).__name__ == "LoadEnded" else (at, event)
        for at, event in world.pending
    )
    pending = tuple(sorted(pending, key=lambda item: item[0]))
    return replace(world, load_ends=until, pending=pending)


def kill_between(world: World) -> World | None:
    """kill -9 when the order has reached the first of its LIMs, and no other."""
    effect = world.todo[0] if world.todo else None
    if not isinstance(effect, Order) or len(effect.servers) < 2:  # noqa: PLR2004
        return None
    return kill(order_some(replace(world, rows=()), effect, effect.servers[:1]))


BEAT, LOOK, ORDER, SAVE, LOAD = (
    frozenset({each}) for each in (Sampling.BEAT, Sampling.LOOK, Sampling.ORDER, Sampling.SAVE, Sampling.LOAD)
)
ANY_DEED = ORDER | SAVE
TALK = BEAT | ORDER


def _fault(name: str, coarse: bool, at: frozenset[Sampling], happen: Callable[..., World | None], *words: object) -> Fault:
    return Fault(name, coarse, at, lambda world: happen(world, *words))


FAULTS: tuple[Fault, ...] = (
    _fault("power-off primary", True, TALK, _power_off, P1, P2),
    _fault("power-off primary-2", False, TALK, _power_off, P2),
    _fault("power-off alternate-2", True, TALK, _power_off, A2),
    _fault("power-on primary", True, BEAT, _power_on, PRIMARY),
    _fault("power-on alternate", False, BEAT, _power_on, ALTERNATE),
    _fault("cut inter-site", True, TALK, _silence, Line.THERE, Line.BACK),
    _fault("cut primary>alternate", True, TALK, _silence, Line.BACK),
    _fault("heal inter-site", True, TALK, _restore, Line.THERE, Line.BACK),
    _fault("cut control", True, BEAT, _silence, Line.CONTROL),
    _fault("heal control", True, BEAT, _restore, Line.CONTROL),
    _fault("cut primary-control", False, LOOK, _silence, Line.PRIMARY_CONTROL),
    _fault("drop-master primary", True, BEAT, _silence, Line.MASTER),
    _fault("unsent", False, BEAT, _unsent),
    _fault("drop primary-2", False, ORDER, _drop, P2),
    _fault("drop alternate-1", False, ORDER, _drop, A1),
    _fault("refuse block primary-2", True, ORDER, _refuse, P2, Word.BLOCK),
    _fault("refuse block alternate-2", False, ORDER, _refuse, A2, Word.BLOCK),
    _fault("refuse allow alternate-1", False, ORDER, _refuse, A1, Word.ALLOW),
    _fault("refuse allow alternate-2", True, ORDER, _refuse, A2, Word.ALLOW),
    _fault("accept alternate-2", False, ORDER, _accept, A2, Word.ALLOW),
    _fault("slow block primary-1", False, ORDER, _slow, P1, Word.BLOCK),
    _fault("slow allow alternate-2", False, ORDER, _slow, A2, Word.ALLOW),
    _fault("lose answer block primary-2", False, ORDER, _lose_answer, P2, Word.BLOCK),
    _fault("lose answer allow alternate-2", True, ORDER, _lose_answer, A2, Word.ALLOW),
    _fault("too late block primary-2", True, ORDER, _too_late, P2, Word.BLOCK),
    _fault("too late allow alternate-2", False, ORDER, _too_late, A2, Word.ALLOW),
    _fault("overtaken primary-2", False, LOOK, _overtaken, P2),
    _fault("flush alternate-2", True, LOOK, _rules, A2, Traffic.ALLOWED),
    _fault("tamper primary-1", False, LOOK, _rules, P1, Traffic.TAMPERED),
    _fault("by-hand allow primary-1", True, LOOK, _rules, P1, Traffic.ALLOWED, Origin.HAND),
    _fault("by-hand block alternate-1", False, LOOK, _rules, A1, Traffic.BLOCKED, Origin.HAND),
    _fault("stranger orders", True, LOOK, _stranger),
    Fault("fill disk", True, SAVE, partial(_disk, full=True)),
    Fault("free disk", False, SAVE, partial(_disk, full=False)),
    Fault("freeze daemon", True, BEAT | ANY_DEED, _freeze),
    Fault("roll back goal", True, BEAT, _rolled_back),
    Fault("lose goal", False, BEAT, _lost_goal),
    Fault("load exchange data", True, BEAT, _load),
    Fault("load hangs", True, BEAT, _hang),
)


ALL_FAULTS = {each: tuple(fault for fault in FAULTS if each in fault.at) for each in Sampling}
"""Those that the next sampling can see."""
COARSE_FAULTS = {each: tuple(fault for fault in faults if fault.coarse) for each, faults in ALL_FAULTS.items()}


# What is no fault.


def order(world: World, active: System, revert_after_ms: int | None = None) -> World:
    """The operator orders a manual takeover."""
    return tell(replace(world, rows=()), OperatorAsked(active, 1, "operator", world.now, revert_after_ms))


def mend(world: World) -> World:
    """Everything is repaired at once; who waits for the operator gets him."""
    if any(not lim.powered or lim.slow or lim.refuses is not Word.NONE for lim in world.lims):
        world = replace(world, lims=tuple(_mended(lim, world.now) for lim in world.lims))
    if world.silent or world.disk_full or world.unsent:
        world = replace(world, silent=frozenset(), disk_full=False, unsent=False)
    for lim, view in zip(world.lims, world.core.views, strict=True):
        if view.connected and lim.booted_at == world.now:
            world = break_channel(world, lim.server, "reset")
    if not world.todo and world.core.phase is Phase.WATCHING:
        return tell(world, OperatorAdopted(1, "operator", world.now))
    if not world.todo and world.core.phase is Phase.ASKING:
        return order(world, PRIMARY)
    return world


def _mended(lim: Lim, now: int) -> Lim:
    whole = replace(lim, refuses=Word.NONE, slow=False)
    return whole if lim.powered else boot(whole, now)


