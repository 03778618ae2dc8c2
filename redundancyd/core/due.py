"""Goal, verdict, readiness and methods -> whether a takeover is due.

`called_for` says what the facts call for, whatever the methods say; `held` says what makes it wait for the operator;
`due` is the first without the second.  An alarm stands while the first meets the second.  A third place that knows
more (a lease, say) would join as one more fact in `called_for`.
"""

from dataclasses import dataclass

from redundancyd.core import seen
from redundancyd.core.heartbeat import Verdict, control_is_silent
from redundancyd.core.state import State
from redundancyd.core.systems import Kind, Method, System, Traffic

HOUR_MS = 3_600_000
FACTS_LAST_LOOKS = 3
"""Facts older than so many look intervals are no facts."""


@dataclass(frozen=True, slots=True)
class Due:
    """A takeover that is called for."""

    active: System
    kind: Kind
    reason: str
    by_operator: bool = False  # the operator's own order, carried out later (revert)


@dataclass(frozen=True, slots=True)
class Lack:
    """One reason why a system is not ready; `key` is what `--accept` names it by."""

    key: str
    why: str


def due(state: State) -> Due | None:
    """The automatic takeover to begin now."""
    called = called_for(state)
    if called is None or held(state, called.active) or waits_for_load(state, called.active):
        return None
    return called


def waits_for_load(state: State, active: System) -> bool:
    """Whether a takeover to this system waits for the exchange data that it is loading (DESIGN, section 4)."""
    return active is System.ALTERNATE and state.reloading()


def revert_due(state: State) -> Due | None:
    """The takeover back that the operator ordered together with the last one."""
    goal = state.goal
    if goal is None or not goal.done or goal.revert_at is None or state.now < goal.revert_at:
        return None
    target = goal.active.other
    if waits_for_load(state, target) or lacks(state, target, goal.accepted):
        return None
    return Due(target, Kind.PLANNED, "the time the operator gave it is over", by_operator=goal.other_by_operator)


def called_for(state: State) -> Due | None:
    """The takeover that the facts call for."""
    if state.goal is None:
        return None
    if state.goal.active is System.PRIMARY:
        return _loss(state)
    return None if state.goal.by_operator else _return(state)


def held(state: State, active: System) -> str:
    """Why no automatic takeover to this system may begin; empty when it may."""
    if state.methods.to(active) is Method.MANUAL:
        return "the takeover method is manual"
    if state.paused():
        return "takeovers are paused"
    if state.goal is not None and state.goal.latched:
        return "there were too many automatic takeovers within an hour"
    return ""


def master_alone_is_silent(state: State) -> bool:
    """Whether the master IP address is lost while more than half of the primary's LIMs answer."""
    if state.verdict is not Verdict.LOST:
        return False
    reached = seen.in_reach(state.views, System.PRIMARY, state.heart.missed_since)
    return 2 * len(reached) > len(state.settings.lims(System.PRIMARY))


def lacks(state: State, system: System, accept: tuple[str, ...] = ()) -> tuple[Lack, ...]:
    """Why a planned takeover to this system would not work now; nothing when it is ready."""
    found = [lack for lim in state.settings.lims(system) if (lack := _lim_lack(state, system, lim))]
    if system is System.PRIMARY and not found and not _primary_hears_control(state):
        found.append(Lack("control", "LIM 1 of the primary system does not hear the network control address"))
    if system is System.ALTERNATE and not state.control_answers():
        found.append(Lack("control", "the network control address does not answer us"))
    found += _old_system_lacks(state, system.other)
    return tuple(lack for lack in found if not _is_accepted(lack.key, accept))


def is_ready(state: State, system: System) -> bool:
    """Whether each LIM number has a server in reach, its exchange running, able to allow (DESIGN, "Ready")."""
    if system is System.PRIMARY and not _primary_hears_control(state):
        return False
    able = seen.lims_with(seen.of(state.views, system), lambda view: not _server_lack(state, view))
    return able.issuperset(state.settings.lims(system))


def is_accepted(state: State, system: System, lim: int) -> bool:
    """Whether the operator lets this LIM be missing in the takeover under way."""
    return state.goal is not None and _is_accepted(f"{system}-{lim}", state.goal.accepted)


def _loss(state: State) -> Due | None:
    """The primary is lost while we are connected."""
    if state.verdict is not Verdict.LOST:
        return None
    k = state.settings.missed
    if master_alone_is_silent(state) and state.heart.missed < 2 * k:
        return None
    return Due(System.ALTERNATE, Kind.AUTOMATIC, f"the primary missed {state.heart.missed} beats and we are connected")


def _return(state: State) -> Due | None:
    """The primary is back, and either stable or the only one with endpoints."""
    if state.verdict is not Verdict.HEARD:
        return None
    since = state.stable_since
    if control_is_silent(state.heart):
        reason = "we have lost the endpoints, the primary has not"
    elif state.control_answers() and since is not None and state.now - since >= state.settings.return_after_ms:
        reason = f"the primary has been ready for {(state.now - since) // 1000} s"
    else:
        return None
    return Due(System.PRIMARY, Kind.PLANNED, reason) if is_ready(state, System.PRIMARY) else None


def _lim_lack(state: State, system: System, lim: int) -> Lack | None:
    """Why none of a LIM's servers could carry traffic."""
    servers = [view for view in seen.of(state.views, system) if view.server.lim == lim]
    whys = [_server_lack(state, view) for view in servers]
    if not all(whys):
        return None
    return Lack(f"{system}-{lim}", "; ".join(whys))


def _server_lack(state: State, view: seen.View) -> str:
    name = view.server.name
    if not view.connected:
        return f"{name} is out of reach" + (f" ({view.unreached})" if view.unreached else "")
    if view.unread or view.status is None or view.status.traffic is Traffic.UNKNOWN:
        return f"{name} cannot read its traffic rules"
    if view.refused:
        return f"{name} did not follow its last order ({view.refused})"
    if view.facts_at is None or state.now - view.facts_at > FACTS_LAST_LOOKS * state.settings.look_interval_ms:
        return f"{name} has not said whether its exchange is running"
    if not view.exchange_running:
        return f"the exchange of {name} is not running"
    return ""


def _primary_hears_control(state: State) -> bool:
    return any(
        view.hears_control for view in seen.of(state.views, System.PRIMARY) if view.server.lim == 1 and view.connected
    )


def _old_system_lacks(state: State, system: System) -> list[Lack]:
    """Servers that are alive and cannot be blocked: a takeover would leave both systems active."""
    return [
        Lack(f"{system}-{view.server.lim}", f"{view.server.name} is alive and cannot be ordered to block")
        for view in seen.of(state.views, system)
        if not view.connected and view.heard_since(state.now - state.settings.window_ms)
    ]


def _is_accepted(key: str, accept: tuple[str, ...]) -> bool:
    """`--accept 2` names LIM 2 of either system, `--accept alternate-2` that of one."""
    return key in accept or key.rpartition("-")[2] in accept
