"""When two worlds are alike: nothing that can still happen tells them apart.

Instants count from now and only as far as any rule looks back; takeover numbers count from the lowest that anybody
still holds, operations from the next; who ordered a LIM counts as ours or not.  Texts do not count.
"""

from typing import Any

from redundancyd.core.effects import Load, Look, Order, SaveGoal
from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Event,
    FactsSeen,
    GoalNotSaved,
    GoalSaved,
    Refused,
    ServersHeard,
)
from redundancyd.core.seen import View
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Goal, Status
from redundancyd.sim.world import SERVERS, Delivery, Lim, World

PLACE = {server: place for place, server in enumerate(SERVERS)}
Rank = dict[int, int]
FAR = 600
"""No rule of the small world looks further back, or ahead, than so many milliseconds (but for an hour's takeovers)."""
LAW_FAR = 1800
"""No law waits longer for what must not last; nearer, and a law would never see its bound."""


def likeness(world: World) -> tuple[Any, ...]:
    """Equal for worlds that are alike."""
    now, core, since = world.now, world.core, world.since
    rank = _ranks(world)
    return (
        tuple([_lim(lim, rank, now, core) for lim in world.lims]),
        tuple([(at - now, _item(item, rank, world)) for at, item in world.pending]),
        tuple([_effect(each, rank, now) for each in world.todo]),
        tuple(sorted(world.silent)),
        world.unsent,
        world.disk_full,
        world.next_beat - now,
        None if world.load is None else (world.load.until - now, world.load_ends - now),
        _goal(world.disk, rank, now),
        tuple([None if at is None else max(at - now, -LAW_FAR) for at in since.astray]),
        _ago(since.lost, now, LAW_FAR),
        _ago(since.dark, now, LAW_FAR),
        world.kept and rank[world.kept],
        min(since.beats, 3),
        min(since.answered, 3),
        min(since.silent, 3),
        min(since.control_silent, 3),
        _core(core, rank),
    )


def _ranks(world: World) -> Rank:
    """Only which takeover number is higher counts, not how much."""
    core = world.core
    goals = (world.disk, core.goal, core.previous, *(each.goal for each in world.todo if isinstance(each, SaveGoal)))
    numbers = {goal.number for goal in goals if goal is not None} | {world.kept}
    numbers.update([lim.status.number for lim in world.lims])
    numbers.update([view.status.number for view in core.views if view.status is not None])
    numbers.update([each.number for each in world.todo if isinstance(each, Order)])
    for _, item in world.pending:
        match item:
            case Answered(answer=Status() as status) | Answered(answer=Refused(status=Status() as status)):
                numbers.add(status.number)
            case Delivery(order=order):
                numbers.add(order.number)
            case _:
                pass
    return {number: place for place, number in enumerate(sorted(numbers))}


def _ago(at: int | None, now: int, most: int) -> int | None:
    return None if at is None else max(at - now, -most)


def _lim(lim: Lim, rank: Rank, now: int, core: State) -> tuple[Any, ...]:
    booted = None if lim.booted_at is None else max(lim.booted_at - now, -FAR)
    return _status(lim.status, rank, core), lim.powered, lim.refuses, lim.slow, booted


def _status(status: Status | None, rank: Rank, core: State) -> tuple[Any, ...] | None:
    if status is None:
        return None
    return status.traffic, rank[status.number], status.word, core.us.is_own(status.supervisor), status.origin


def _goal(goal: Goal | None, rank: Rank, now: int) -> tuple[Any, ...] | None:
    if goal is None:
        return None
    return (
        goal.active,
        rank[goal.number],
        goal.kind,
        goal.by_operator,
        goal.other_by_operator,
        goal.done,
        min(goal.flips, 2),
        max(goal.decided_at - now, -200) if goal.flips > 1 else None,
        None if goal.revert_at is None else max(goal.revert_at - now, -1),
        None if goal.former_revert_at is None else max(goal.former_revert_at - now, -1),
        len(goal.recent),
        goal.latched,
    )


def _core(core: State, rank: Rank) -> tuple[Any, ...]:
    heart, now, settings = core.heart, core.now, core.settings
    op, saving = core.op, core.phase is Phase.SAVING
    starting = core.phase in {Phase.LOOKING, Phase.ASKING}
    return (
        core.phase,
        _goal(core.goal, rank, now),
        (_goal(core.previous, rank, now), core.saving_order) if saving else None,
        core.next_op - core.saving if core.saving is not None and core.saving >= core.next_op - 3 else None,
        min(heart.missed, 2 * settings.missed),
        tuple([max(at - now, -FAR) for at in heart.starts]),
        heart.answered,
        heart.heard,
        heart.control_answers,
        min(heart.control_silent, 3),
        heart.isolated,
        _ago(heart.last_started_at, now, 400),
        tuple([_view(view, core, rank) for view in core.views]),
        None
        if op is None
        else (
            op.word,
            _places(op.targets),
            _places(op.waiting),
            _places(op.tried),
            op.deadline_at - now,
            core.next_op - op.op,
        ),
        max(core.started_at - now, -FAR) if starting else None,
        core.look_at - now,
        _ago(core.stable_since, now, settings.return_after_ms),
        bool(core.goal_unsaved),
        None if core.reload is None else max(core.reload.until - now, 0),
    )


def _places(servers: frozenset[Any]) -> int:
    return sum([1 << PLACE[server] for server in servers])


def _view(view: View, core: State, rank: Rank) -> tuple[Any, ...]:
    now, missed_ms = core.now, core.settings.window_ms + core.settings.interval_ms
    return (
        _status(view.status, rank, core),
        view.connected,
        view.fresh,
        view.deaf,
        view.doubtful,
        bool(view.refused),
        None if view.heard_at is None else max(view.heard_at - now, -missed_ms),
        view.exchange_running,
        view.hears_control,
        None if view.facts_at is None else max(view.facts_at - now, -FACTS_MS),
    )


FACTS_MS = 601  # three looks, and one millisecond


def _effect(effect: SaveGoal | Order | Look | Load, rank: Rank, now: int) -> tuple[Any, ...]:
    match effect:
        case SaveGoal(goal=goal):
            return ("save", _goal(goal, rank, now))
        case Order(word=word, number=number, servers=servers):
            return (word, rank[number], servers)
        case Look(servers=servers):
            return ("look", servers)
        case Load():
            return ("load",)


def _item(item: Event | Delivery, rank: Rank, world: World) -> tuple[Any, ...]:
    name, now, core = type(item).__name__, world.now, world.core
    match item:
        case Answered(op, server, answer):
            # An operation's age tells whether its answer is still news; only its rank among those known counts.
            known = core.view(server).status_op
            return name, op in core.looks, op >= known, _is_waited_for(core, op), server, _answer(answer, rank, core)
        case Beat(primary, control, started_at):
            return name, primary, control, started_at - now
        case ServersHeard(servers, started_at):
            return name, _places(servers), started_at - now
        case ChannelLost(server):
            return name, server
        case FactsSeen(server, exchange_running, hears_control):
            return name, server, exchange_running, hears_control
        case GoalSaved(op=op) | GoalNotSaved(op=op):
            return name, op == core.saving
        case Delivery(server, order):
            return name, server, order.word, rank[order.number]
        case _:
            return (name,)


def _is_waited_for(core: State, op: int) -> bool:
    return core.op is not None and core.op.op == op


def _answer(answer: object, rank: Rank, core: State) -> tuple[Any, ...]:
    match answer:
        case Status():
            return ("status", _status(answer, rank, core))
        case Refused(error, _, status):
            return ("refused", error, _status(status, rank, core))
        case _:
            return ("unreached",)
