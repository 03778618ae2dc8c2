"""What each fault does to the world; what changes nothing, or what the next sampling cannot see, is None."""

from dataclasses import replace

from redundancyd.core.effects import Look, Order
from redundancyd.core.events import Event, LoadAsked
from redundancyd.core.systems import Origin, Server, Status, System, Traffic, Word
from redundancyd.sim.motion import (
    NOBODY,
    break_channel,
    kill,
    move,
    open_channels,
    order_some,
    release_holds,
    tell,
)
from redundancyd.sim.world import (
    A2,
    ALTERNATE,
    Delivery,
    Line,
    Since,
    World,
    answers,
    arriving,
    boot,
    first_goal,
    lim_of,
    with_lim,
    without_answers_of,
)

FREEZE_BEATS = 5


# Power.


def power_off(world: World, *servers: Server) -> World | None:
    """Silence at once; channels are not even closed."""
    if not all(lim_of(world, server).powered for server in servers):
        return None
    for server in servers:
        world = without_answers_of(with_lim(world, server, powered=False, booted_at=None), server)
    return world


def power_on(world: World, system: System) -> World | None:
    """They come up blocked, and hold."""
    off = [lim for lim in world.lims if lim.server.system is system and not lim.powered]
    for lim in off:
        new = boot(lim, world.now)
        world = with_lim(world, lim.server, powered=True, status=new.status, booted_at=new.booted_at)
        world = break_channel(world, lim.server, "reset")
    return open_channels(world) if off else None


# Lines and channels.


def silence(world: World, *lines: Line) -> World | None:
    """These lines carry nothing any more."""
    return None if set(lines) <= world.silent else replace(world, silent=world.silent | set(lines))


def restore(world: World, *lines: Line) -> World | None:
    """These lines carry again."""
    return replace(world, silent=world.silent - set(lines)) if set(lines) & world.silent else None


def drop(world: World, server: Server) -> World | None:
    """A channel breaks for a moment: what was under way is lost, and it opens again."""
    if not world.core.view(server).connected:
        return None
    return open_channels(break_channel(world, server, "reset"))


def unsent(world: World) -> World | None:
    """Our own host cannot send the next beat."""
    return None if world.unsent else replace(world, unsent=True)


# LIMs, before an order reaches them, or a look.


def _asked(world: World, server: Server, word: Word | None = None) -> bool:
    """Whether the next sampling is an order, or a look, that this server will get."""
    effect = world.todo[0]
    suits = isinstance(effect, Look) if word is None else isinstance(effect, Order) and effect.word is word
    return suits and isinstance(effect, Order | Look) and server in effect.servers


def refuse(world: World, server: Server, word: Word) -> World | None:
    """The LIM answers such an order, and does not do it."""
    if not _asked(world, server, word) or lim_of(world, server).refuses is word:
        return None
    return with_lim(world, server, refuses=word)


def accept(world: World, server: Server, word: Word) -> World | None:
    """The LIM does such orders again."""
    if not _asked(world, server, word) or lim_of(world, server).refuses is not word:
        return None
    return with_lim(world, server, refuses=Word.NONE)


def slow(world: World, server: Server, word: Word) -> World | None:
    """The LIM answers orders just before nobody waits any more."""
    lim = lim_of(world, server)
    if not _asked(world, server, word) or lim.slow or not answers(world, lim):
        return None
    return with_lim(world, server, slow=True)


def lose_answer(world: World, server: Server, word: Word) -> World | None:
    """The deed is done, and its answer lost: the channel breaks in that moment."""
    if not _asked(world, server, word) or not answers(world, lim_of(world, server)):
        return None
    done = move(world)
    return open_channels(break_channel(done, server, "reset"))


def too_late(world: World, server: Server, word: Word) -> World | None:
    """The order reaches the LIM when nobody waits any more: the deed is done after it was given up."""
    if not _asked(world, server, word) or not answers(world, lim_of(world, server)):
        return None
    order = world.todo[0]
    assert isinstance(order, Order)
    at = world.now + order.deadline_ms + world.settings.timeout_ms
    off = with_lim(world, server, powered=False)
    done = with_lim(move(off), server, powered=True)
    return arriving(done, (at, Delivery(server, replace(order, servers=(server,)))))


def overtaken(world: World, server: Server) -> World | None:
    """What a look read is told half a beat later: answers to later orders overtake it."""
    if not _asked(world, server) or not answers(world, lim_of(world, server)):
        return None
    looked = move(world)
    late = [item for item in looked.pending if getattr(item[1], "server", None) is server]
    rest = tuple(item for item in looked.pending if item not in late)
    later = [(at + world.settings.timeout_ms, _at(event, at + world.settings.timeout_ms)) for at, event in late]
    return arriving(replace(looked, pending=rest), *later)


def rules(world: World, server: Server, traffic: Traffic, origin: Origin | None = None) -> World | None:
    """Somebody changes the rules of a LIM."""
    lim = lim_of(world, server)
    if not _asked(world, server) or not lim.powered or lim.status.traffic is traffic:
        return None
    return with_lim(world, server, status=replace(lim.status, traffic=traffic, origin=origin or lim.status.origin))


def stranger(world: World) -> World | None:
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


def disk(world: World, *, full: bool) -> World | None:
    """The goal can be written no more, or again."""
    return None if world.disk_full == full else replace(world, disk_full=full)


def rolled_back(world: World) -> World | None:
    """The goal file of last month comes back, and the daemon is started with it."""
    if world.disk is None or world.disk.number == 1:
        return None
    return kill(replace(world, disk=first_goal()))


def lost_goal(world: World) -> World | None:
    """The goal file is gone, and the daemon is started without it."""
    return None if world.disk is None else kill(replace(world, disk=None))


def freeze(world: World) -> World | None:
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
    return event if isinstance(event, Delivery) else replace(event, at=at)  # type: ignore[arg-type, unused-ignore]


def begin_load(world: World) -> World | None:
    """The daily job has data ready to be loaded."""
    return None if world.load is not None else tell(world, LoadAsked(9, "the daily job", world.now))


def load_again(world: World) -> World | None:
    """The daily job asks once more while its data is being loaded: it is refused, and nothing else changes."""
    return tell(world, LoadAsked(10, "the daily job", world.now)) if world.core.reloading() else None


def hang(world: World) -> World | None:
    """A load that was begun does not end by itself."""
    if world.load is None or world.load_ends >= world.load.until:
        return None
    until = world.load.until
    pending = tuple(
        (until, replace(event, at=until)) if type(event).__name__ == "LoadEnded" else (at, event)  # type: ignore[arg-type]
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
