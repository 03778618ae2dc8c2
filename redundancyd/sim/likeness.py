"""When two worlds are alike: nothing that can still happen tells them apart.

Instants count from now and only as far as any rule looks back; takeover numbers and operation numbers count from the
lowest that anybody still holds; who ordered a LIM counts as ours or not.
"""

from collections.abc import Callable

from redundancyd.core.effects import Order, SaveGoal
from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Connected,
    Event,
    FactsSeen,
    Refused,
    ServersHeard,
)
from redundancyd.core.seen import View
from redundancyd.core.state import State
from redundancyd.core.systems import Goal, Status, Supervisor
from redundancyd.sim.world import World

Key = tuple[object, ...]
Ago = Callable[..., int | None]


def likeness(world: World) -> Key:
    """Equal for worlds that are alike."""
    core = world.core
    lowest = min([lim.status.number for lim in world.lims] + ([world.disk.number] if world.disk else []))
    base = lowest - 1
    horizon = (world.settings.missed + 2) * world.settings.interval_ms
    now, us = world.now, world.us

    def ago(at: int | None, most: int = horizon) -> int | None:
        return None if at is None else max(-most, min(at - now, most))

    lims = tuple(
        (
            _status(lim.status, base, us),
            lim.powered,
            lim.refuses,
            lim.loses,
            lim.slow,
            ago(lim.booted_at, 1000),
        )
        for lim in world.lims
    )
    pending = tuple((at - now, _event(event, base, world)) for at, event in world.pending)
    todo = tuple(_effect(each, base, now) for each in world.todo)
    outside = (
        world.silent,
        world.disk_full,
        ago(world.frozen_until, 1000),
        world.next_beat - now,
        _goal(world.disk, base, now),
    )
    since = (
        tuple(ago(at) for at in world.since.astray),
        ago(world.since.lost),
        min(world.since.beats, world.settings.missed),
    )
    return (lims, pending, todo, outside, since, None if core is None else _core(core, base, ago))


def _status(status: Status | None, base: int, us: Supervisor) -> Key | None:
    if status is None:
        return None
    number = status.number - base if status.number else 0
    return status.traffic, number, status.word, us.is_own(status.supervisor), status.origin


def _goal(goal: Goal | None, base: int, now: int) -> Key | None:
    if goal is None:
        return None
    decided = max(goal.decided_at - now, -1000)
    revert = None if goal.revert_at is None else max(goal.revert_at - now, -1)
    return (
        goal.active,
        goal.number - base,
        goal.kind,
        goal.by_operator,
        goal.other_by_operator,
        goal.done,
        goal.flips,
        decided,
        revert,
        len(goal.recent),
        goal.latched,
    )


def _core(core: State, base: int, ago: Ago) -> Key:
    heart = core.heart
    beats = (
        min(heart.missed, 2 * core.settings.missed),
        tuple(ago(at) for at in heart.starts),
        heart.heard,
        heart.control_answers,
        min(heart.control_silent, 3),
        heart.isolated,
        ago(heart.last_started_at),
    )
    views = tuple(_view(view, core, base, ago) for view in core.views)
    op = core.op
    under_way = None if op is None else (op.word, op.targets, op.waiting, ago(op.deadline_at), core.next_op - op.op)
    waiting = core.saving is not None and core.phase == "saving"
    started = ago(core.started_at) if core.phase in {"looking", "asking"} else None
    return (
        core.phase,
        _goal(core.goal, base, core.now),
        _goal(core.previous, base, core.now) if waiting else None,
        core.saving_order if waiting else None,
        beats,
        views,
        under_way,
        started,
        ago(core.look_at),
        ago(core.stable_since, core.settings.return_after_ms),
        bool(core.goal_unsaved),
        ago(core.now),
    )


def _view(view: View, core: State, base: int, ago: Ago) -> Key:
    status = _status(view.status, base, core.us)
    facts_ms = 3 * core.settings.look_interval_ms + 1
    return (
        view.connected,
        view.fresh,
        view.doubtful,
        status,
        ago(view.heard_at),
        bool(view.refused),
        bool(view.unreached),
        view.exchange_running,
        view.hears_control,
        ago(view.facts_at, facts_ms),
    )


def _effect(effect: SaveGoal | Order, base: int, now: int) -> Key:
    if isinstance(effect, SaveGoal):
        return "save", _goal(effect.goal, base, now)
    return effect.word, effect.number - base, effect.servers


def _event(event: Event, base: int, world: World) -> Key:
    name = type(event).__name__
    match event:
        case Answered(op, server, answer):
            assert world.core is not None
            looked = op in world.core.looks
            return name, world.core.next_op - op, looked, server, _answer(answer, base, world.us)
        case Beat(primary, control, started_at, at):
            return name, primary, control, started_at - world.now, at - world.now
        case ServersHeard(servers, started_at):
            return name, servers, started_at - world.now
        case Connected(server) | ChannelLost(server):
            return name, server
        case FactsSeen(server, exchange_running, hears_control, _, at):
            return name, server, exchange_running, hears_control, at - world.now
        case _:
            return (name,)


def _answer(answer: object, base: int, us: Supervisor) -> Key:
    match answer:
        case Status():
            return "status", _status(answer, base, us)
        case Refused(error, _, status):
            return "refused", error, _status(status, base, us)
        case _:
            return ("unreached",)
