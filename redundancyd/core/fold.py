"""State -> the one trigger that the table is asked with, or none.

Facts that speak against our right to order come first, then what operators and methods call for, then the answers to
what is under way, then the ordinary difference between goal and traffic.
"""

from redundancyd.core import seen
from redundancyd.core.due import Due, due, revert_due
from redundancyd.core.events import OperatorAdopted, OperatorAsked
from redundancyd.core.results import allow_result, block_result, came_about
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Goal, Kind, Server, System
from redundancyd.core.takeover import Trigger

MAY_BE_ORDERED = {Phase.RESTING, Phase.BLOCKING, Phase.ALLOWING}


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
    f = state.started_at + max(state.settings.block_deadline_ms, state.settings.timeout_ms)  # one beat at the least
    alive = any(view.heard_at is not None and not view.fresh for view in state.views)
    return max(f, state.started_at + 2 * state.settings.interval_ms) if alive else f


def differing(state: State, goal: Goal) -> tuple[Server, ...]:
    """The servers that are known to be otherwise than the goal wants them."""
    return tuple(view.server for view in state.views if view.is_known_otherwise(goal, state.us))


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
            return block_result(state, goal)
        case Phase.ALLOWING:
            return allow_result(state, goal)
        case Phase.RESTING if differing(state, goal):
            return Trigger.SEEN_OTHERWISE
        case Phase.RESTING if not goal.done:
            return came_about(state, goal)
        case _:
            return None
