"""How the world moves: to the next sampling of the truth, and through it."""

from dataclasses import replace

from redundancyd.core import decision
from redundancyd.core.effects import Effect, Load, Look, Order, Refuse, SaveGoal
from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Connected,
    Event,
    FactsSeen,
    GoalNotSaved,
    GoalSaved,
    LoadEnded,
    LoadUnderWay,
    Reply,
    ServersHeard,
    Unreached,
    Woke,
)
from redundancyd.core.systems import Methods, Origin, Reload, Server, Settings, Supervisor, System
from redundancyd.sim.since import marked
from redundancyd.sim.world import (
    ALTERNATE,
    LOAD_MS,
    P1,
    PRIMARY,
    SERVERS,
    SMALL,
    START,
    Delivery,
    Lim,
    Line,
    Sampling,
    Since,
    World,
    answers,
    arriving,
    first_goal,
    hold_ends,
    is_reached,
    lim_of,
    lims_at_first,
    master_answers,
    obey,
    sampling,
    with_lim,
    without_answers_of,
)

GOALS_KEPT = 6
NOBODY = (None,) * len(SERVERS)


def first_world(methods: Methods, settings: Settings = SMALL) -> World:
    """A pair that was set up well, and a daemon that has just been started."""
    us, goal = Supervisor("us", ("run1",)), first_goal()
    core = decision.start(settings, us, methods, goal, None, START).state
    world = World(settings, START, START, lims_at_first(us, goal), core, us, methods, goal, Since(NOBODY))
    return start(replace(world, goals=((goal.number, goal.active),)))


def start(world: World) -> World:
    """Start the daemon: only the disk and the LIMs remember, and orders that are on their way."""
    us = Supervisor(world.us.id, (*world.us.runs, f"run{len(world.us.runs) + 1}"))
    first = decision.start(world.settings, us, world.methods, world.disk, None, world.now)
    world = replace(
        world,
        us=us,
        core=first.state,
        pending=tuple(item for item in world.pending if isinstance(item[1], Delivery)),
        todo=(),
        since=Since(NOBODY),
        unsent=False,
        kept=world.disk.number if world.disk is not None else 0,
        next_beat=max(world.next_beat, world.now),
    )
    if (load := world.load) is not None:
        world = tell(world, LoadUnderWay(load, world.now))
        ends = max(world.load_ends, world.now)
        world = arriving(world, (ends, LoadEnded(load.request, ends)))
    for lim in world.lims:
        if answers(world, lim):
            world = tell(world, Connected(lim.server, world.now))
    return world


def kill(world: World) -> World:
    """kill -9, and systemd starts it again at once."""
    return start(replace(world, rows=()))


def tell(world: World, event: Event) -> World:
    """Hand one event to the core; what it asks for waits for the next move."""
    taken = decision.step(world.core, event)
    asked = tuple(effect for effect in taken.effects if not isinstance(effect, Refuse))
    return replace(world, core=taken.state, rows=world.rows + taken.rows, todo=world.todo + asked)


def move(world: World) -> World:
    """Perform what is asked for, or hand over what has arrived, or let time go on to the next instant."""
    if world.rows:
        world = replace(world, rows=())
    match sampling(world):
        case Sampling.NONE if world.pending and world.pending[0][0] <= world.now:
            moved = _arrive(world)
        case Sampling.NONE:
            moved = _pass_time(world)
        case Sampling.BEAT:
            moved = _beat(world)
        case _:
            moved = _perform(replace(world, todo=world.todo[1:]), world.todo[0])
    return replace(moved, since=marked(moved))


def break_channel(world: World, server: Server, why: str) -> World:
    """A channel breaks: what was under way on it is lost."""
    if not world.core.view(server).connected:
        return world
    return tell(without_answers_of(world, server), ChannelLost(server, why, world.now))


def open_channels(world: World) -> World:
    """Where a channel is missing and the LIM answers, it opens."""
    for lim, view in zip(world.lims, world.core.views, strict=True):
        if not view.connected and answers(world, lim):
            world = tell(world, Connected(lim.server, world.now))
    return world


def _perform(world: World, effect: Effect) -> World:
    match effect:
        case SaveGoal():
            return _save(world, effect)
        case Order():
            return order_some(world, effect, effect.servers)
        case Look():
            return _look(world, effect)
        case Load(request, until):
            ends = min(world.now + LOAD_MS, until)
            world = replace(world, load=Reload(request, until), load_ends=ends)
            return arriving(world, (ends, LoadEnded(request, ends)))
        case Refuse():
            return world


def _save(world: World, effect: SaveGoal) -> World:
    if world.disk_full:
        return arriving(world, (world.now, GoalNotSaved(effect.op, "no space", world.now)))
    return arriving(replace(world, disk=effect.goal), (world.now, GoalSaved(effect.op, world.now)))


def order_some(world: World, effect: Order, servers: tuple[Server, ...]) -> World:
    """The order reaches these servers."""
    kept = (*(goal for goal in world.goals if goal[0] != effect.number), (effect.number, active_of(effect)))
    world = replace(world, goals=kept[-GOALS_KEPT:])
    items: list[tuple[int, Event | Delivery]] = []
    for server in servers:
        lim = lim_of(world, server)
        if not is_reached(world, lim):
            items += _no_answer(world, effect, server)
            continue
        changed, answer = obey(lim, effect, world.us.name)
        world = with_lim(world, server, status=changed.status, booted_at=changed.booted_at)
        if answers(world, changed):
            at = world.now + (effect.deadline_ms // 2 if lim.slow else 0)
            items.append((at, Answered(effect.op, server, answer, at)))
        else:
            items += _no_answer(world, effect, server)
    return arriving(world, *items)


def active_of(order: Order) -> System:
    """The system that an order's goal makes active."""
    system = order.servers[0].system
    return system if order.word == "allow" else system.other


def _look(world: World, effect: Look) -> World:
    items: list[tuple[int, Event | Delivery]] = []
    for server in effect.servers:
        lim = lim_of(world, server)
        if answers(world, lim):
            items.append((world.now, Answered(effect.op, server, lim.status, world.now)))
            items.append((world.now, _facts(world, server)))
        else:
            items += _no_answer(world, effect, server)
    return arriving(world, *items)


def _facts(world: World, server: Server) -> FactsSeen:
    hears = Line.PRIMARY_CONTROL not in world.silent if server is P1 else None
    running = world.load is None or server.system is PRIMARY
    return FactsSeen(server, running, hears, (1, 2), world.now)


def _no_answer(world: World, effect: Order | Look, server: Server) -> list[tuple[int, Event | Delivery]]:
    """The deadline passes, and the channel, on which replies could no longer be told apart, is closed."""
    at = world.now + effect.deadline_ms
    return [(at, Answered(effect.op, server, Unreached("no answer"), at)), (at, ChannelLost(server, "no answer", at))]


def _arrive(world: World) -> World:
    """Hand over what has arrived, until something has to be performed."""
    while world.pending and world.pending[0][0] <= world.now and not world.todo:
        (_, item), *rest = world.pending
        world = replace(world, pending=tuple(rest))
        match item:
            case Delivery(server, order):
                lim, _ = obey(lim_of(world, server), order, world.us.name)
                world = with_lim(world, server, status=lim.status, booted_at=lim.booted_at) if lim.powered else world
            case GoalSaved():
                kept = world.disk.number if world.disk is not None else 0
                world = tell(replace(world, kept=kept), item)
            case Beat(primary, control):
                world = tell(replace(world, since=_counted(world.since, primary, control)), item)
            case LoadEnded():
                world = tell(replace(world, load=None), item)
            case ChannelLost(server) if not world.core.view(server).connected:
                pass
            case _:
                world = tell(world, item)
    return world


def _pass_time(world: World) -> World:
    """On to the next instant at which anything happens."""
    instants = [world.next_beat, decision.wake_at(world.core), *(at for at, _ in world.pending[:1])]
    ends = [end for lim in world.lims if (end := hold_ends(lim)) is not None and end > world.now]
    world = release_holds(replace(world, now=max(world.now, min([*instants, *ends]))))
    world = open_channels(world)
    if not world.todo and world.now < world.next_beat and decision.wake_at(world.core) <= world.now:
        world = tell(world, Woke(world.now))
    return world


def release_holds(world: World) -> World:
    """LIMs of the primary that have waited long enough for a word allow themselves."""
    if Line.PRIMARY_CONTROL in world.silent:
        return world
    for lim in world.lims:
        end = hold_ends(lim)
        if end is not None and world.now >= end:
            allowed = replace(lim.status, traffic=lim.status.word.traffic, origin=Origin.HOLD)
            world = with_lim(world, lim.server, status=allowed, booted_at=None)
    return world


def _beat(world: World) -> World:
    started_at, settings = world.now, world.settings
    primary = Reply.ANSWERED if master_answers(world) else Reply.SILENT
    control = Reply.SILENT if Line.CONTROL in world.silent else Reply.ANSWERED
    if world.unsent:
        primary = control = Reply.UNSENT
    at = started_at if primary is control is Reply.ANSWERED else started_at + settings.timeout_ms
    heard = frozenset(lim.server for lim in world.lims if _is_heard(world, lim))
    items: list[tuple[int, Event | Delivery]] = [(at, Beat(primary, control, started_at, at))]
    if heard:
        items.append((at, ServersHeard(heard, started_at, at)))
    world = replace(world, next_beat=started_at + settings.interval_ms, unsent=False)
    return arriving(world, *items)


def _is_heard(world: World, lim: Lim) -> bool:
    return answers(world, lim) and not (world.unsent and lim.server.system is not ALTERNATE)


def _counted(since: Since, primary: Reply, control: Reply) -> Since:
    return replace(
        since,
        beats=since.beats + 1,
        answered=since.answered + 1 if primary is Reply.ANSWERED else 0,
        silent=since.silent + 1 if primary is Reply.SILENT else 0,
        control_silent=0 if control is Reply.ANSWERED else since.control_silent + 1,
    )
