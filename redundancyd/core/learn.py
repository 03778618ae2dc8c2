"""Event -> what is known.  Nothing is decided here; requests that cannot be met are refused with the reason."""

from dataclasses import dataclass, replace

from redundancyd.core import heartbeat, seen
from redundancyd.core.due import is_ready, lacks
from redundancyd.core.effects import Effect, Load, Refuse, SaveGoal
from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Connected,
    Event,
    FactsSeen,
    GoalNotSaved,
    GoalSaved,
    LatchAcknowledged,
    LoadAsked,
    LoadEnded,
    LoadUnderWay,
    MethodSet,
    OperatorAdopted,
    OperatorAsked,
    OperatorConfirmed,
    PauseSet,
    Refused,
    ServersHeard,
    Unreached,
    Woke,
)
from redundancyd.core.exchange_data import load_hindrance
from redundancyd.core.heartbeat import Verdict
from redundancyd.core.seen import View
from redundancyd.core.state import Operation, Phase, State
from redundancyd.core.systems import Goal, Origin, Reload, Server, Status, System

NOTES_LAST_MS = 600_000
"""A note of something mended stands for ten minutes."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What an event taught, before the table is asked."""

    state: State
    effects: tuple[Effect, ...] = ()
    look_at_once: tuple[Server, ...] = ()


def learn(state: State, event: Event) -> Learnt:
    """The state that knows what the event says."""
    notes = tuple(note for note in state.notes if event.at - note.at < NOTES_LAST_MS)
    state = _wakened(replace(state, now=max(state.now, event.at), notes=notes), event)
    learnt = _learn(state, event)
    stable = _stability(learnt.state)
    return learnt if stable is learnt.state else replace(learnt, state=stable)


def refusal(state: State, asked: OperatorAsked) -> Refuse | None:
    """Why a manual takeover is not begun; None when nothing speaks against it."""
    if state.phase is Phase.WATCHING:
        why = "another supervisor orders these LIMs; 'settings adopt' makes us their supervisor"
        return Refuse(asked.request, "foreign_supervisor", why)
    if state.phase in {Phase.LOOKING, Phase.SAVING} or state.asked is not None or not _at_rest(state):
        why = f"{_under_way(state)}; ask again when it has ended"
        return Refuse(asked.request, "under_way", why)
    stays = state.goal is not None and state.goal.active is asked.active
    if stays and asked.revert_after_ms is not None:
        why = f"the {asked.active} is active already, so there is nothing to revert to"
        return Refuse(asked.request, "nothing_to_revert", why)
    if state.reloading():
        why = "the alternate is loading exchange data, which cannot be broken off; ask again when it has ended"
        return Refuse(asked.request, "reload_under_way", why)
    if missing := lacks(state, asked.active, asked.accept):
        why = "; ".join(lack.why for lack in missing)
        keys = " ".join(sorted({f"--accept {lack.key}" for lack in missing}))
        return Refuse(asked.request, "not_ready", f"{why}.  To go on without: {keys}")
    return None


def _learn(state: State, event: Event) -> Learnt:
    match event:
        case Beat():
            return Learnt(_beat(state, event))
        case ServersHeard() | Connected() | ChannelLost() | Answered() | FactsSeen():
            return _server_told(state, event)
        case GoalSaved(op):
            return Learnt(replace(state, goal_unsaved="", before_change=None) if op == state.saving else state)
        case GoalNotSaved(op, why):
            goal = state.before_change or state.goal  # a change that is not on disk is not accepted
            unsaved = replace(state, goal=goal, before_change=None, goal_unsaved=why)
            return Learnt(unsaved if op == state.saving else state)
        case MethodSet(direction, method):
            return Learnt(replace(state, methods=state.methods.with_method(direction, method)))
        case PauseSet(pause):
            return Learnt(replace(state, pause=pause))
        case LoadAsked() | LoadUnderWay() | LoadEnded():
            return _load(state, event)
        case Woke():
            return Learnt(state)
        case OperatorAsked() | OperatorAdopted() | OperatorConfirmed() | LatchAcknowledged():
            return _request(state, event)


def _server_told(state: State, event: ServersHeard | Connected | ChannelLost | Answered | FactsSeen) -> Learnt:
    match event:
        case ServersHeard(servers, started_at):
            heard = (replace(view, heard_at=started_at) if view.server in servers else view for view in state.views)
            return Learnt(replace(state, views=tuple(heard)))
        case Connected(server, at):
            opened = _changed(state, server, connected=True, fresh=False, unreached="", heard_at=at)
            return Learnt(opened, look_at_once=_to_look_at(opened, server))
        case ChannelLost(server, why):
            under_way = state.op is not None and server in state.op.targets
            marks = {"doubtful": True} if under_way else {}
            closed = _changed(state, server, connected=False, fresh=False, unreached=why, **marks)
            return Learnt(_unwait(closed, server))
        case Answered():
            return Learnt(_answered(state, event))
        case FactsSeen(server, exchange_running, hears_control, lims, at):
            facts = {"exchange_running": exchange_running, "hears_control": hears_control, "lims": lims, "facts_at": at}
            return Learnt(_changed(state, server, **facts))


def _to_look_at(state: State, server: Server) -> tuple[Server, ...]:
    """A channel that opens is looked at; but what leaves looks unanswered and is to be blocked is ordered at once."""
    if server not in state.settings.servers:
        return ()
    passive = state.goal is not None and server.system is not state.goal.active
    return () if passive and state.view(server).deaf else (server,)


def _request(state: State, event: OperatorAsked | OperatorAdopted | OperatorConfirmed | LatchAcknowledged) -> Learnt:
    match event:
        case OperatorAsked():
            refused = refusal(state, event)
            return Learnt(state, (refused,)) if refused else Learnt(replace(state, asked=event))
        case OperatorAdopted(request) if state.phase is not Phase.WATCHING:
            return Learnt(state, (Refuse(request, "nothing_to_adopt", "no other supervisor has ordered these LIMs"),))
        case OperatorAdopted():
            return Learnt(replace(state, asked=event))
        case OperatorConfirmed(request):
            if state.goal is None or state.goal.revert_at is None:
                return Learnt(state, (Refuse(request, "nothing_to_confirm", "no takeover would revert by itself"),))
            return _resave(state, replace(state.goal, revert_at=None), request)
        case LatchAcknowledged(request):
            if state.goal is None or not state.goal.latched:
                return Learnt(state, (Refuse(request, "nothing_to_acknowledge", "automatic takeovers are not held"),))
            return _resave(state, replace(state.goal, latched=False, recent=()), request)


def _resave(state: State, goal: Goal, request: int) -> Learnt:
    """The same takeover, with something about it changed by the operator."""
    if state.phase is Phase.SAVING:
        return Learnt(state, (Refuse(request, "under_way", "a goal is being saved; ask again"),))
    op = state.next_op
    state = replace(state, goal=goal, before_change=state.goal, next_op=op + 1, saving=op)
    return Learnt(state, (SaveGoal(op, goal, request),))


def _load(state: State, event: LoadAsked | LoadUnderWay | LoadEnded) -> Learnt:
    match event:
        case LoadAsked(request):
            if why := load_hindrance(state):
                return Learnt(state, (Refuse(request, "not_loaded", why),))
            until = state.now + state.settings.reload_deadline_ms
            return Learnt(replace(state, reload=Reload(request, until)), (Load(request, until),))
        case LoadUnderWay(reload):
            return Learnt(replace(state, reload=reload))
        case LoadEnded(request):
            ended = state.reload is not None and state.reload.request == request
            return Learnt(replace(state, reload=None) if ended else state)


def _wakened(state: State, event: Event) -> State:
    """Beats that are overdue mean that we stood still, whichever event tells first."""
    if isinstance(event, Beat):
        return state
    return _with_heart(state, heartbeat.awake(state.heart, state.now, state.settings))


def _beat(state: State, event: Beat) -> State:
    return _with_heart(state, heartbeat.beat(state.heart, event, state.settings))


def _with_heart(state: State, heart: heartbeat.Heartbeat) -> State:
    if heart is state.heart:
        return state
    if heart.stalls > state.heart.stalls:
        state = state.noted("stalled", "daemon", "this daemon stood still; its beats began anew")
    return replace(state, heart=heart)


def _answered(state: State, event: Answered) -> State:
    looked = event.op in state.looks
    before = {view.server: view for view in state.views}.get(event.server)
    if before is None:
        return state
    after = seen.take_answer(before, event, looked=looked)
    if state.goal is not None and after.refused and after.is_as_wanted(state.goal, state.us):
        after = replace(after, refused="")  # it follows after all
    state = replace(state, views=seen.update(state.views, event.server, lambda _: after))
    if looked:
        return _note_change(state, before, after) if isinstance(event.answer, Status) else state
    match event.answer:
        case Refused(error, detail):
            state = replace(state, trouble=f"{event.server.name} refused ({error}{': ' + detail if detail else ''})")
        case Unreached(why):
            state = replace(state, trouble=f"{event.server.name} did not answer ({why})")
        case _:
            pass
    return _unwait(state, event.server, event.op)


def _note_change(state: State, before: View, after: View) -> State:
    """A look that finds other than what the last one left: somebody, or a restart, changed it."""
    goal, status, name = state.goal, after.status, after.server.name
    if goal is None or status is None or before.status is None:
        return state
    if before.status.boot_id == status.boot_id and status.repairs > before.status.repairs:
        return state.noted("rules_changed", name, f"the traffic rules of {name} were changed; it put them back itself")
    if not before.is_as_wanted(goal, state.us) or after.is_as_wanted(goal, state.us):
        return state
    match status.origin:
        case Origin.HOLD:
            return state.noted("lim_restarted", name, f"{name} was restarted and waits for a word")
        case Origin.HAND:
            return state.noted("changed_by_hand", name, f"the traffic of {name} was changed by hand: {status.traffic}")
        case _:
            return state.noted("rules_changed", name, f"the traffic rules of {name} were changed: {status.traffic}")


def _unwait(state: State, server: Server, op: int | None = None) -> State:
    """An answer, or the loss of the channel, ends the waiting for a server."""
    under_way = state.op
    if under_way is None or (op is not None and op != under_way.op):
        return state
    return replace(state, op=replace(under_way, waiting=under_way.waiting - {server}))


def _changed(state: State, server: Server, **fields: object) -> State:
    views = tuple(
        replace(view, **fields) if view.server == server else view  # type: ignore[arg-type]
        for view in state.views
    )
    return replace(state, views=views)


def _stability(state: State) -> State:
    """Since when the primary is heard and ready without a break."""
    stable = state.verdict is Verdict.HEARD and is_ready(state, System.PRIMARY)
    if stable == (state.stable_since is not None):
        return state
    return replace(state, stable_since=state.now if stable else None)


def _at_rest(state: State) -> bool:
    """Whether nothing but a repair is under way."""
    under_way: Operation | None = state.op
    return under_way is None or (state.goal is not None and state.goal.done)


def _under_way(state: State) -> str:
    number = state.goal.number if state.goal else 0
    return "the daemon has just started" if state.phase is Phase.LOOKING else f"takeover {number} is under way"
