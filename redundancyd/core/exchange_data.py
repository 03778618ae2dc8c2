"""When exchange data may be loaded into the alternate (promise D3), as far as the decision goes.

A load stops all traffic of the system that loads and cannot be broken off.  So it begins only while the alternate is
passive and seen to be, the primary answered every beat of a whole window, and nothing else is under way; and while it
lasts, a takeover to the alternate waits for it, at most the reload deadline.  That versions match and that the table
translates every own address is seen to before it is asked for.
"""

from redundancyd.core import heartbeat, seen
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import System


def load_hindrance(state: State) -> str:
    """Why exchange data may not be loaded into the alternate now; empty when it may."""
    goal = state.goal
    if goal is None or state.phase is not Phase.RESTING or not goal.done:
        return "the traffic is not where it should be, or being moved"
    if goal.active is not System.PRIMARY:
        return "the alternate is active"
    if state.reloading():
        return "exchange data is being loaded already"
    if not heartbeat.is_whole(state.heart, state.settings):
        return f"not all of the last {state.settings.missed} beats of the primary were answered"
    for view in seen.of(state.views, System.ALTERNATE):
        if not (view.connected and view.fresh and view.is_as_wanted(goal, state.us)):
            return f"{view.server.name} is not seen to be blocked"
    return ""
