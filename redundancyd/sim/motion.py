"""How the world moves: one sampling of the truth at a time."""

from dataclasses import replace

from redundancyd.core import decision
from redundancyd.core.effects import Effect, Look, Order, Refuse, SaveGoal
from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Connected,
    Event,
    FactsSeen,
    GoalNotSaved,
    GoalSaved,
    Reply,
    ServersHeard,
    Unreached,
    Woke,
)
from redundancyd.core.state import Phase
from redundancyd.core.systems import Method, Origin, Server, Supervisor, System
from redundancyd.core.takeover import Ask
from redundancyd.sim.world import (
    BOOT_HOLD_MS,
    PRIMARY,
    Lim,
    Line,
    Since,
    World,
    arriving,
    holds_out,
    master_answers,
    obey,
    reachable,
    with_lim,
    without_answers_of,
)

GOALS_KEPT = 6


def start(world: World) -> World:
    """Start the daemon: only the disk and the LIMs remember."""
    runs = (*world.us.runs, f"run{len(world.us.runs) + 1}")
    us = Supervisor(world.us.id, runs)
    first = decision.start(world.settings, us, world.methods, world.disk, None, world.now)
    since = Since(astray=(None,) * len(world.lims))
    next_beat = max(world.next_beat, world.now)
    world = replace(
        world,
        us=us,
        core=first.state,
        pending=(),
        todo=(),
        rows=(),
        since=since,
        next_beat=next_beat,
    )
    for lim in world.lims:
        if reachable(world, lim):
            world = tell(world, Connected(lim.server, world.now))
    return world


def kill(world: World) -> World:
    """kill -9, and systemd starts it again at once."""
    return start(replace(world, core=None, pending=(), todo=()))


def tell(world: World, event: Event) -> World:
    """Hand one event to the core; looks are performed at once, orders and goals wait for the next advance."""
    assert world.core is not None
    taken = decision.step(world.core, event)
    world = replace(world, core=taken.state, rows=(*world.rows, *taken.rows))
    for effect in taken.effects:
        world = _ask(world, effect)
    return world


def advance(world: World) -> World:
    """Up to and including the next sampling of the truth, or the next batch of arrivals."""
    world = replace(world, rows=())
    if world.todo:
        effect, *rest = world.todo
        return _marked(_perform(replace(world, todo=tuple(rest)), effect))
    if world.pending and world.pending[0][0] <= world.now and not world.frozen_until:
        return _marked(_arrive(world))
    return _marked(_pass_time(world))


def reconnect(world: World, server: Server) -> World:
    """A channel breaks or opens, as the truth has it."""
    lim = next(lim for lim in world.lims if lim.server == server)
    core = world.core
    if core is None:
        return world
    connected = core.view(server).connected
    if connected and not reachable(world, lim):
        return tell(without_answers_of(world, server), ChannelLost(server, "broken", world.now))
    if not connected and reachable(world, lim):
        return tell(world, Connected(server, world.now))
    return world


def _ask(world: World, effect: Effect) -> World:
    match effect:
        case SaveGoal() | Order():
            return replace(world, todo=(*world.todo, effect))
        case Look(op, servers, deadline_ms):
            return _look(world, op, servers, deadline_ms)
        case Refuse():
            return world


def _look(world: World, op: int, servers: tuple[Server, ...], deadline_ms: int) -> World:
    events: list[tuple[int, Event]] = []
    for lim in world.lims:
        if lim.server not in servers:
            continue
        if reachable(world, lim):
            events.append((world.now, Answered(op, lim.server, lim.status, world.now)))
            hears = None if lim.server.system is not PRIMARY else Line.PRIMARY_CONTROL not in world.silent
            facts = FactsSeen(lim.server, True, hears if lim.server.lim == 1 else None, (1, 2), world.now)
            events.append((world.now, facts))
        else:
            events += _no_answer(world, op, lim.server, deadline_ms)
    return arriving(world, events)


def _no_answer(world: World, op: int, server: Server, deadline_ms: int) -> list[tuple[int, Event]]:
    """The deadline passes, and the channel, on which replies could no longer be told apart, is closed."""
    at = world.now + deadline_ms
    return [(at, Answered(op, server, Unreached("no answer"), at)), (at, ChannelLost(server, "no answer", at))]


def _perform(world: World, effect: SaveGoal | Order) -> World:
    if isinstance(effect, SaveGoal):
        return _save(world, effect)
    kept = (*(goal for goal in world.goals if goal[0] != effect.number), (effect.number, _active_of(effect)))
    world = replace(world, goals=kept[-GOALS_KEPT:])
    events: list[tuple[int, Event]] = []
    for server in effect.servers:
        lim = next(lim for lim in world.lims if lim.server == server)
        if not reachable(world, lim):
            events += _no_answer(world, effect.op, server, effect.deadline_ms)
            continue
        changed, answer = obey(lim, effect, world.us.name)
        world = with_lim(world, server, status=changed.status, booted_at=changed.booted_at, loses=False)
        if lim.loses:
            events += _no_answer(world, effect.op, server, effect.deadline_ms)
        else:
            at = world.now + (effect.deadline_ms if lim.slow else 0)
            events.append((at, Answered(effect.op, server, answer, at)))
    return arriving(world, events)


def _active_of(order: Order) -> System:
    """The system that an order's goal makes active."""
    system = order.servers[0].system
    return system if order.word == "allow" else system.other


def _save(world: World, effect: SaveGoal) -> World:
    if world.disk_full:
        return arriving(world, [(world.now, GoalNotSaved(effect.op, "no space", world.now))])
    return arriving(replace(world, disk=effect.goal), [(world.now, GoalSaved(effect.op, world.now))])


def _arrive(world: World) -> World:
    """Hand over what has arrived, until something has to be performed."""
    while world.pending and world.pending[0][0] <= world.now and not world.todo:
        (_, event), *rest = world.pending
        world = tell(replace(world, pending=tuple(rest)), event)
        if isinstance(event, ChannelLost):
            world = reconnect(world, event.server)
    return world


def _pass_time(world: World) -> World:
    """On to the next instant at which anything happens; a beat is sampled when it is due."""
    core = world.core
    assert core is not None
    instants = [world.next_beat, *(at for at, _ in world.pending[:1]), *_hold_ends(world)]
    if world.frozen_until is not None:
        instants = [world.frozen_until]
    else:
        instants.append(decision.wake_at(core))
    world = replace(world, now=max(world.now, min(instants)))
    if world.frozen_until is not None and world.now >= world.frozen_until:
        world = replace(world, frozen_until=None)
    for lim in world.lims:
        if holds_out(world, lim):
            allowed = replace(lim.status, traffic=lim.status.word.traffic, origin=Origin.HOLD)
            world = with_lim(world, lim.server, status=allowed, booted_at=None)
    for lim in world.lims:
        world = reconnect(world, lim.server)
    if world.now >= world.next_beat:
        world = _beat(world)
    elif world.core is not None and decision.wake_at(world.core) <= world.now:
        world = tell(world, Woke(world.now))
    return world


def _hold_ends(world: World) -> list[int]:
    ends = [lim.booted_at + BOOT_HOLD_MS for lim in world.lims if lim.booted_at is not None and lim.powered]
    return [at for at in ends if at > world.now]


def _beat(world: World) -> World:
    started_at, settings = world.now, world.settings
    primary = Reply.ANSWERED if master_answers(world) else Reply.SILENT
    control = Reply.SILENT if Line.CONTROL in world.silent else Reply.ANSWERED
    at = started_at if primary is control is Reply.ANSWERED else started_at + settings.timeout_ms
    heard = frozenset(lim.server for lim in world.lims if reachable(world, lim))
    since = world.since
    since = replace(
        since,
        beats=since.beats + 1,
        silent=0 if primary is Reply.ANSWERED else since.silent + 1,
        control_silent=0 if control is Reply.ANSWERED else since.control_silent + 1,
    )
    events: list[tuple[int, Event]] = [(at, Beat(primary, control, started_at, at))]
    if heard:
        events.append((at, ServersHeard(heard, started_at, at)))
    return arriving(replace(world, next_beat=started_at + settings.interval_ms, since=since), events)


def _marked(world: World) -> World:
    """Note since when things are so that must not last."""
    core = world.core
    if core is None or core.goal is None:
        return world
    goal, orders = core.goal, core.phase not in {Phase.WATCHING, Phase.ASKING}
    astray = tuple(
        (old if old is not None else world.now) if orders and _is_astray(world, lim) else None
        for lim, old in zip(world.lims, world.since.astray, strict=True)
    )
    if any(row.row.ask is Ask.SAVE for row in world.rows):
        astray = (None,) * len(world.lims)  # a new goal: everything starts anew
    gone = not master_answers(world) and not any(
        reachable(world, lim) for lim in world.lims if lim.server.system is PRIMARY
    )
    free = world.methods.alternate_from_primary is Method.AUTOMATIC and not goal.latched and not world.frozen_until
    lost = gone and free and orders and Line.CONTROL not in world.silent and goal.active is PRIMARY
    lost_since = (world.since.lost if world.since.lost is not None else world.now) if lost else None
    return replace(world, since=replace(world.since, astray=astray, lost=lost_since))


def _is_astray(world: World, lim: Lim) -> bool:
    core = world.core
    assert core is not None
    assert core.goal is not None
    if not reachable(world, lim) or world.frozen_until or lim.slow or lim.loses or world.disk_full:
        return False
    word = core.goal.wanted(lim.server)
    return word not in lim.refuses and lim.status.traffic is not word.traffic
