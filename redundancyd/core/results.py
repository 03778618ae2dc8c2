"""The answers of many servers -> the one trigger that ends blocking or allowing, or none while they are waited for.

A planned takeover wants every server to follow; an automatic one goes on with those that do, since the active system
is lost; a forced one (undoing, adopting) takes what can be reached.
"""

from redundancyd.core import seen
from redundancyd.core.due import held, is_accepted, waits_for_load
from redundancyd.core.heartbeat import Verdict
from redundancyd.core.state import Operation, State, passive
from redundancyd.core.systems import Goal, Kind, System
from redundancyd.core.takeover import Trigger

FLIPS_AT_ONCE = 2
"""A takeover goes back and forward once without waiting; then once a look, lest two broken systems spin."""


def block_result(state: State, goal: Goal) -> Trigger | None:
    """Many answers to `block` become one."""
    assert state.op is not None
    if _late_comers(state, state.op, goal):
        return Trigger.SEEN_OTHERWISE
    if not _is_over(state, state.op, goal):
        return None
    open_still = [view for view in seen.of(state.views, passive(goal)) if not view.is_as_wanted(goal, state.us)]
    if not open_still:
        return Trigger.BLOCKED
    if goal.done or goal.kind is Kind.FORCED:
        return Trigger.NOT_ALL_BLOCKED
    if goal.kind is Kind.AUTOMATIC:
        heard = state.verdict is Verdict.HEARD  # it is not lost after all: then a refusal counts
        refused = any(view.connected and view.refused for view in open_still)
        return Trigger.FAILED if heard and refused else Trigger.NOT_ALL_BLOCKED
    alive = any(_stands_against(state, state.op, view) for view in open_still)
    return Trigger.FAILED if alive else Trigger.NOT_ALL_BLOCKED


def allow_result(state: State, goal: Goal) -> Trigger | None:
    """Many answers to `allow` become one."""
    assert state.op is not None
    if _late_comers(state, state.op, goal):
        return Trigger.SEEN_OTHERWISE
    if not _is_over(state, state.op, goal):
        return None
    allowed = _allowed_lims(state, goal)
    if allowed and not _missing_lims(state, goal, allowed):
        return Trigger.ALLOWED
    if goal.kind is Kind.PLANNED and not goal.done and seen.answers(state.views, passive(goal)):
        return Trigger.FAILED
    if allowed:
        return Trigger.NOT_ALL_ALLOWED
    return Trigger.FAILED if _may_go_back(state, goal) else Trigger.NONE_ALLOWED


def came_about(state: State, goal: Goal) -> Trigger | None:
    """What looking finds of a takeover that orders could not complete."""
    allowed = _allowed_lims(state, goal)
    if not allowed:
        return Trigger.FAILED if _may_go_back(state, goal) else None
    return Trigger.ALLOWED if not _missing_lims(state, goal, allowed) else None


def _is_over(state: State, op: Operation, goal: Goal) -> bool:
    """Whether nobody is waited for any more."""
    if state.now >= op.deadline_at:
        return True
    return not any(view.server in op.waiting and not view.is_as_wanted(goal, state.us) for view in state.views)


def _late_comers(state: State, op: Operation, goal: Goal) -> bool:
    """Whether a passive server that this takeover has not tried to block yet came into reach meanwhile."""
    return any(
        view.server not in op.tried and view.is_known_otherwise(goal, state.us)
        for view in seen.of(state.views, passive(goal))
    )


def _stands_against(state: State, op: Operation, view: seen.View) -> bool:
    """Whether a server that is not blocked forbids a planned takeover to go on."""
    server = view.server
    if is_accepted(state, server.system, server.lim):
        return False
    if view.connected and (view.refused or view.fresh):
        return True
    if server.system is System.PRIMARY and state.verdict is Verdict.LOST:
        return False
    return server in op.tried or view.heard_since(state.now - state.settings.window_ms)


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
    if not seen.answers(state.views, passive(goal)) or waits_for_load(state, passive(goal)):
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
    return state.verdict is Verdict.LOST and not view.heard_since(state.heart.missed_since)
