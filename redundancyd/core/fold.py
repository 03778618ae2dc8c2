"""State -> the one trigger that the table is asked with, or none.

Facts that speak against our right to order come first, then what operators and methods call for, then the answers to
what is under way, then the ordinary difference between goal and traffic.
"""

from redundancyd.core import seen
from redundancyd.core.due import Due, due, held, is_accepted, revert_due
from redundancyd.core.events import OperatorAdopted, OperatorAsked
from redundancyd.core.heartbeat import Verdict
from redundancyd.core.state import Operation, Phase, State, passive
from redundancyd.core.systems import Goal, Kind, Server, System
from redundancyd.core.takeover import Trigger

MAY_BE_ORDERED = {Phase.RESTING, Phase.BLOCKING, Phase.ALLOWING}
FLIPS_AT_ONCE = 2
"""A takeover goes back and forward once without waiting; then once a look, lest two broken systems spin."""


def find(state: State) -> tuple[Trigger, Due | None] | None:
    """The trigger of this instant, with the takeover that is due where it is one."""
    if state.phase is Phase.WATCHING:
        return (Trigger.ADOPTED, None) if isinstance(state.asked, OperatorAdopted) else None
    if state.goal is None:
        trigger = _without_goal(state)
        return (trigger, None) if trigger else None
    if state.phase is Phase.SAVING:
        return None  # only the disk's answer counts; it is an event of its own
    if state.phase is Phase.LOOKING and not _looked(state):
        return None
    if trigger := _contradicted(state, state.goal):
        return trigger, None
    if state.phase is Phase.LOOKING:
        return Trigger.LOOKED, None
    if isinstance(state.asked, OperatorAsked):
        return Trigger.ASKED, None
    if called := _due_in(state):
        return Trigger.DUE, called
    trigger = _difference(state, state.goal)
    return (trigger, None) if trigger else None


def looking_until(state: State) -> int:
    """How long a start waits for the first look: F, and longer for a LIM that is alive but not yet connected."""
    f = state.started_at + state.settings.block_deadline_ms
    alive = any(view.heard_at is not None and not view.fresh for view in state.views)
    return max(f, state.started_at + 2 * state.settings.interval_ms) if alive else f


def differing(state: State, goal: Goal) -> tuple[Server, ...]:
    """The servers that a fresh look showed to be otherwise than the goal wants them."""
    return tuple(
        view.server for view in state.views if view.connected and view.fresh and not view.is_as_wanted(goal, state.us)
    )


def _looked(state: State) -> bool:
    return all(view.fresh for view in state.views) or state.now >= looking_until(state)


def _without_goal(state: State) -> Trigger | None:
    """Where nothing is saved, the LIMs may tell; otherwise only the operator can."""
    if state.phase is not Phase.ASKING:
        return None
    if isinstance(state.asked, OperatorAsked):
        return Trigger.ASKED
    if any(view.fresh and seen.is_foreign(view, state.us) for view in state.views):
        return Trigger.FOREIGN
    everybody = all(view.fresh for view in state.views)
    return Trigger.FOUND if everybody and seen.the_one_allowed(state.views) else None


def _contradicted(state: State, goal: Goal) -> Trigger | None:
    """What LIMs hold that this goal may not, or should not, overrule."""
    against = [view for view in state.views if view.connected and seen.contradicts(view, goal)]
    if any(seen.is_foreign(view, state.us) for view in against):
        return Trigger.FOREIGN
    if against:
        return Trigger.BEHIND
    if state.phase in {Phase.RESTING, Phase.LOOKING} and _adopts_by_hand(state, goal):
        return Trigger.BY_HAND
    return None


def _adopts_by_hand(state: State, goal: Goal) -> bool:
    if goal.active is System.PRIMARY or seen.any_allowed(state.views, System.ALTERNATE):
        return False
    known = all(view.status is not None for view in seen.of(state.views, System.ALTERNATE))
    return known and bool(seen.allowed_by_hand(state.views, System.PRIMARY))


def _due_in(state: State) -> Due | None:
    """The loss of the primary overtakes anything; a return waits until we rest."""
    called = due(state)
    if called is not None and (state.phase is Phase.RESTING or called.kind is Kind.AUTOMATIC):
        return called
    return revert_due(state) if state.phase is Phase.RESTING else None


def _difference(state: State, goal: Goal) -> Trigger | None:
    match state.phase:
        case Phase.BLOCKING:
            return _block_result(state, goal)
        case Phase.ALLOWING:
            return _allow_result(state, goal)
        case Phase.RESTING if differing(state, goal):
            return Trigger.SEEN_OTHERWISE
        case Phase.RESTING if not goal.done:
            return _came_about(state, goal)
        case _:
            return None


def _over(state: State, op: Operation) -> bool:
    return not op.waiting or state.now >= op.deadline_at


def _block_result(state: State, goal: Goal) -> Trigger | None:
    """Many answers to `block` become one."""
    assert state.op is not None
    if not _over(state, state.op):
        return None
    open_still = [view for view in seen.of(state.views, passive(goal)) if not view.is_as_wanted(goal, state.us)]
    if not open_still:
        return Trigger.BLOCKED
    if any(_came_late(state.op, view) for view in open_still):
        return Trigger.SEEN_OTHERWISE
    if goal.kind is not Kind.PLANNED or goal.done:
        return Trigger.NOT_ALL_BLOCKED
    alive = [view for view in open_still if _stands_against(state, state.op, view)]
    return Trigger.FAILED if alive else Trigger.NOT_ALL_BLOCKED


def _came_late(op: Operation, view: seen.View) -> bool:
    """Whether a server that is not blocked came into reach, or back, after the order had gone out."""
    return view.connected and view.fresh and (view.server not in op.targets or not view.refused)


def _stands_against(state: State, op: Operation, view: seen.View) -> bool:
    """Whether a server that is not blocked forbids a planned takeover to go on."""
    server = view.server
    if is_accepted(state, server.system, server.lim):
        return False
    if view.refused and view.connected:
        return True
    if server.system is System.PRIMARY and state.verdict is Verdict.LOST:
        return False
    window_ms = state.settings.missed * state.settings.interval_ms
    return server in op.targets or view.heard_since(state.now - window_ms)


def _allow_result(state: State, goal: Goal) -> Trigger | None:
    """Many answers to `allow` become one."""
    assert state.op is not None
    if not _over(state, state.op):
        return None
    allowed = _allowed_lims(state, goal)
    if allowed and not _missing_lims(state, goal, allowed):
        return Trigger.ALLOWED
    if goal.kind is Kind.PLANNED and not goal.done and seen.answers(state.views, passive(goal)):
        return Trigger.FAILED
    if allowed:
        return Trigger.NOT_ALL_ALLOWED
    return Trigger.FAILED if _may_go_back(state, goal) else Trigger.NONE_ALLOWED


def _came_about(state: State, goal: Goal) -> Trigger | None:
    """What looking finds of a takeover that orders could not complete."""
    allowed = _allowed_lims(state, goal)
    if not allowed:
        return Trigger.FAILED if _may_go_back(state, goal) else None
    return Trigger.ALLOWED if not _missing_lims(state, goal, allowed) else None


def _missing_lims(state: State, goal: Goal, allowed: frozenset[int]) -> list[int]:
    return [
        lim
        for lim in state.settings.lims(goal.active)
        if lim not in allowed and not is_accepted(state, goal.active, lim)
    ]


def _allowed_lims(state: State, goal: Goal) -> frozenset[int]:
    """The LIM numbers of the active system that confirmed the goal."""
    return seen.lims_with(seen.of(state.views, goal.active), lambda view: view.is_as_wanted(goal, state.us))


def _may_go_back(state: State, goal: Goal) -> bool:
    """Whether a goal of which nothing could be allowed may be left for the other system."""
    if not seen.answers(state.views, passive(goal)):
        return False
    if goal.flips >= FLIPS_AT_ONCE and state.now - goal.decided_at < state.settings.look_interval_ms:
        return False
    if goal.active is System.PRIMARY and not all(_is_out(state, view) for view in seen.of(state.views, goal.active)):
        return False
    if not goal.done:
        return True
    isolated = goal.active is System.PRIMARY and not state.control_answers()
    refused = any(view.connected and view.refused for view in seen.of(state.views, goal.active))
    return refused and not goal.by_operator and not isolated and not held(state, passive(goal))


def _is_out(state: State, view: seen.View) -> bool:
    """Whether a server of the primary surely carries nothing: a slow channel alone does not show that (promise S4)."""
    if view.connected:
        return bool(view.refused)
    if view.is_fenced():
        return True
    window_ms = state.settings.missed * state.settings.interval_ms + state.settings.timeout_ms
    return state.now - state.started_at >= window_ms and not view.heard_since(state.now - window_ms)
