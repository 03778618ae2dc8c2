"""State -> the page of `GET /v1/status`, and the reasons of `/readyz`.  Pure; instants are boot-time milliseconds.

An instant stands there twice: as it is, for programs on the same host, and as `..._ago_ms`, for people.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redundancyd.core import seen
from redundancyd.core.alarms import Alarm, alarms, gravest_first
from redundancyd.core.clusters import on_standby, standby_alarms
from redundancyd.core.decision import awaits_operator
from redundancyd.core.due import is_ready, lacks
from redundancyd.core.events import Beat
from redundancyd.core.seen import View
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Direction, Goal, Method, Pause, System, Traffic

Page = dict[str, Any]
_SECRET = ("snmp", "webhook", "command")


@dataclass(frozen=True, slots=True)
class About:
    """What the state does not know of the daemon around it."""

    version: str
    started_at: int
    beats: tuple[Beat, ...] = ()  # the latest ones, oldest first
    orphan_hold_ms: int | None = None  # after so long without a word a blocked primary allows itself
    data: Page | None = None  # the part of exchange data, where this daemon has it
    data_alarms: tuple[Alarm, ...] = ()
    held: tuple[Alarm, ...] = ()  # what was set and can't be so
    exchange_alarms: Page | None = None  # what stands in the exchanges themselves


def status(state: State, about: About, now: int) -> Page:
    """The whole page."""
    return {
        "version": about.version,
        "started_at": about.started_at,
        "started_ago_ms": now - about.started_at,
        "at": now,
        "phase": str(state.phase),
        "verdict": str(state.verdict),
        "goal": _goal(state.goal, now) if state.goal else None,
        "under_way": _under_way(state, now),
        "methods": {str(Direction.to(system)): str(state.methods.to(system)) for system in reversed(System)},
        "pause": _pause(state.pause, now) if state.pause is not None and state.paused() else None,
        "heartbeat": _heartbeat(state, about, now),
        "systems": {str(system): _system(state, system, now) for system in System},
        "unfenced": list(unfenced(state)),
        "awaits_operator": awaits_operator(state),
        "exchange_data": about.data,
        "exchange_alarms": about.exchange_alarms,
        "alarms": [alarm_page(alarm) for alarm in _standing(state, about)],
        "would_go_wrong": [*hindrances(state), *warnings(state, about)],
    }


def _standing(state: State, about: About) -> tuple[Alarm, ...]:
    return gravest_first(*alarms(state), *standby_alarms(state.views), *about.data_alarms, *about.held)


def alarm_page(alarm: Alarm) -> Page:
    """One alarm, as the socket tells it."""
    return {
        "handle": alarm.handle,
        "name": alarm.name,
        "severity": alarm.severity,
        "subject": alarm.subject,
        "text": alarm.text,
    }


def without_secrets(settings: Page) -> Page:
    """The settings, without what would let a reader speak in our name: communities and addresses with tokens."""
    told = settings.get("alarms", {})
    hidden = {name: "(set, not shown)" if told[name] else told[name] for name in _SECRET if name in told}
    return {**settings, "alarms": {**told, **hidden}} if hidden else settings


def hindrances(state: State) -> tuple[str, ...]:
    """Why a takeover would not work now, as it should; nothing when `/readyz` may say yes."""
    goal = state.goal
    if goal is None:
        return ("no goal is known, so no traffic is moved or repaired; order one with 'manual-takeover'",)
    if state.phase is Phase.WATCHING:
        return ("another supervisor orders these LIMs; nothing is done before 'settings adopt'",)
    other = goal.active.other
    found = [f"no takeover to the {other}: {lack.why}" for lack in lacks(state, other)]
    found += _held(state, goal)
    found += [f"UNFENCED: {name} may carry traffic although the {goal.active} is active" for name in unfenced(state)]
    if state.goal_unsaved:
        found.append(f"the goal cannot be written to disk ({state.goal_unsaved}); a manual takeover would be refused")
    return tuple(found)


def warnings(state: State, about: About) -> tuple[str, ...]:
    """What would go wrong if this daemon, or its host, were lost now."""
    goal = state.goal
    if goal is None:
        return ()
    if goal.active is System.PRIMARY:
        return tuple(f"exchange data: {alarm.text}" for alarm in about.data_alarms)
    blocked = [view.server.name for view in seen.of(state.views, System.PRIMARY) if view.is_fenced()]
    if not blocked:
        return ()
    names = ", ".join(blocked)
    said = f"the primary stays blocked if this daemon dies; 'redundancy-lim allow --by-hand' on {names} lets it carry"
    if about.orphan_hold_ms is None:
        return (f"{said} traffic",)
    return (f"{said} traffic, or each does so by itself {about.orphan_hold_ms // 60_000} min after the last word",)


def unfenced(state: State) -> tuple[str, ...]:
    """The servers that may carry traffic although the other system is active, or is being allowed."""
    if state.goal is None or state.phase is Phase.WATCHING:
        return ()
    system = state.goal.active.other
    strange = tuple(f"{system}-{lim}" for lim in seen.strangers(state.views, system))
    return tuple(server.name for server in state.unfenced()) + strange


def traffic(view: View) -> Traffic:
    """What a server does now; unknown while it is out of reach."""
    return view.status.traffic if view.connected and view.status is not None else Traffic.UNKNOWN


def system_traffic(kinds: Iterable[Traffic]) -> Traffic:
    """What the servers of a system amount to: the worst that is known of them."""
    found = set(kinds)
    if len(found) == 1:
        return found.pop()
    if Traffic.TAMPERED in found:
        return Traffic.TAMPERED
    known = found - {Traffic.UNKNOWN}
    return Traffic.MIXED if len(known) > 1 or Traffic.MIXED in known else Traffic.UNKNOWN


def _held(state: State, goal: Goal) -> list[str]:
    """What keeps an automatic takeover from beginning.  A return by hand is how it should be."""
    found = []
    if goal.active is System.PRIMARY and state.methods.alternate_from_primary is Method.MANUAL:
        found.append("alternate-from-primary is manual: a loss of the primary would await the operator")
    if state.paused() and state.pause is not None:
        found.append(f"automatic takeovers are paused: {state.pause.reason}")
    if goal.latched:
        found.append(
            "too many automatic takeovers within an hour; 'alarms acknowledge latched:takeovers' releases them"
        )
    return found


def _goal(goal: Goal, now: int) -> Page:
    return {
        "active": str(goal.active),
        "number": goal.number,
        "kind": str(goal.kind),
        "by": "operator" if goal.by_operator else "daemon",
        "reason": goal.reason,
        "decided_at": goal.decided_at,
        "decided_ago_ms": now - goal.decided_at,
        "done": goal.done,
        "accepted": list(goal.accepted),
        "revert_at": goal.revert_at,
        "revert_in_ms": None if goal.revert_at is None else goal.revert_at - now,
        "latched": goal.latched,
    }


def _under_way(state: State, now: int) -> Page | None:
    if state.op is None:
        return None
    return {
        "word": str(state.op.word),
        "ordered": sorted(server.name for server in state.op.targets),
        "waits_for": sorted(server.name for server in state.op.waiting),
        "deadline_in_ms": state.op.deadline_at - now,
    }


def _pause(pause: Pause, now: int) -> Page:
    return {"until": pause.until, "left_ms": pause.until - now, "reason": pause.reason}


def _heartbeat(state: State, about: About, now: int) -> Page:
    heart = state.heart
    return {
        "interval_ms": state.settings.interval_ms,
        "missed": heart.missed,
        "of": state.settings.missed,
        "control_answers": heart.control_answers,
        "control_silent": heart.control_silent,
        "last_answer_at": heart.last_answer_at,
        "last_answer_ago_ms": _ago(heart.last_answer_at, now),
        "stable_since": state.stable_since,
        "stable_ms": _ago(state.stable_since, now),
        "return_after_ms": state.settings.return_after_ms,
        "stalls": heart.stalls,
        "beats": [
            {"started_ago_ms": now - beat.started_at, "primary": str(beat.primary), "control": str(beat.control)}
            for beat in about.beats
        ],
    }


def _system(state: State, system: System, now: int) -> Page:
    views = seen.of(state.views, system)
    return {
        "traffic": str(system_traffic(traffic(view) for view in views)),
        "ready": is_ready(state, system),
        "lacks": [{"key": lack.key, "why": lack.why} for lack in lacks(state, system)],
        "lims": [_lim(view, now) for view in views],
        "on_standby": [server.name for server in on_standby(state.views, system)],
        "not_listed": list(seen.strangers(state.views, system)),
    }


def _lim(view: View, now: int) -> Page:
    said = view.status
    return {
        "lim": view.server.lim,
        "name": view.server.name,
        "address": view.server.address,
        "standby": view.server.standby,
        "traffic": str(traffic(view)),
        "last_traffic": str(said.traffic) if said else "unknown",
        "number": said.number if said else 0,
        "word": str(said.word) if said else "none",
        "origin": str(said.origin) if said else "none",
        "remembered": said.remembered if said else None,
        "reach": view.connected,
        "unreached": view.unreached,
        "refused": view.refused,
        "heard_at": view.heard_at,
        "heard_ago_ms": _ago(view.heard_at, now),
        "exchange_running": view.exchange_running,
        "hears_control": view.hears_control,
    }


def _ago(at: int | None, now: int) -> int | None:
    return None if at is None else now - at
