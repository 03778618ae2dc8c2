"""State -> the alarms that stand now.

An alarm stands as long as what it tells is so; nothing is stored, so none can be forgotten.  Severity is MX-ONE's:
4 critical, 3 major, 2 minor, 1 warning, 0 cleared.  A handle names the same alarm as long as it stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from redundancyd.core import seen
from redundancyd.core.due import called_for, held, lacks, master_alone_is_silent, waits_for_load
from redundancyd.core.heartbeat import control_is_silent
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Goal, Server, System, Traffic

NOTE_SEVERITY = {"takeover_undone": 3, "rules_changed": 3, "changed_by_hand": 2, "lim_restarted": 1, "stalled": 2}


@dataclass(frozen=True, slots=True, order=True)
class Alarm:
    """One alarm that stands."""

    handle: str
    name: str
    severity: int
    subject: str
    text: str


def alarms(state: State) -> tuple[Alarm, ...]:
    """All alarms that stand, gravest first."""
    found = [*_decision(state), *_heartbeat(state), *_servers(state), *_notes(state)]
    return gravest_first(*found)


def gravest_first(*found: Alarm) -> tuple[Alarm, ...]:
    """These alarms in the order in which people should read them."""
    return tuple(sorted(found, key=lambda alarm: (-alarm.severity, alarm.handle)))


def _alarm(name: str, severity: int, subject: str, text: str) -> Alarm:
    return Alarm(f"{name}:{subject}", name, severity, subject, text)


def _decision(state: State) -> Iterator[Alarm]:
    if state.phase is Phase.ASKING:
        yield _alarm("no_goal", 4, "goal", "no goal is known; order one with manual-takeover")
    if state.phase is Phase.WATCHING:
        text = "another supervisor orders these LIMs; only watching until 'settings adopt'"
        yield _alarm("foreign_supervisor", 4, "goal", text)
    if state.goal_unsaved:
        yield _alarm("goal_not_saved", 3, "goal", f"the goal could not be written: {state.goal_unsaved}")
    if (called := called_for(state)) is not None and (why := held(state, called.active)):
        name = "takeover_awaits_operator" if called.active is System.ALTERNATE else "return_awaits_operator"
        text = f"a takeover to the {called.active} is called for ({called.reason}) and awaits the operator: {why}"
        yield _alarm(name, 4 if called.active is System.ALTERNATE else 2, str(called.active), text)
    elif called is not None and waits_for_load(state, called.active):
        text = f"a takeover to the alternate is due ({called.reason}) and waits until its exchange data is loaded"
        yield _alarm("takeover_awaits_load", 4, str(called.active), text)
    goal = state.goal
    if goal is not None and goal.latched:
        yield _alarm("latched", 3, "takeovers", "too many automatic takeovers within an hour; acknowledge to go on")
    if goal is not None and goal.revert_at is not None and state.now >= goal.revert_at:
        why = "; ".join(lack.why for lack in lacks(state, goal.active.other, goal.accepted))
        yield _alarm("revert_awaits", 3, str(goal.active.other), f"the ordered return cannot begin yet: {why}")


def _heartbeat(state: State) -> Iterator[Alarm]:
    if control_is_silent(state.heart):
        yield _alarm("control_silent", 3, "control", "the network control address does not answer: we may be isolated")
    if state.heart.missed >= state.settings.missed:
        yield _alarm("primary_lost", 4, "primary", f"the primary missed {state.heart.missed} beats in a row")
    if master_alone_is_silent(state):
        yield _alarm("master_address_gone", 3, "primary", "the master IP address is silent, most of its LIMs answer")


def _servers(state: State) -> Iterator[Alarm]:
    goal = state.goal
    for view in state.views:
        name = view.server.name
        if not view.connected:
            yield _alarm("lim_out_of_reach", 3, name, f"{name} cannot be ordered: {view.unreached or 'no channel yet'}")
        if view.refused:
            yield _alarm("lim_refused", 3, name, f"{name} did not follow: {view.refused}")
        if view.status is not None and view.status.number and not view.status.remembered:
            yield _alarm("lim_not_remembered", 2, name, f"{name} could not save its order; a reboot forgets it")
        if view.unread or (view.status is not None and view.status.traffic is Traffic.UNKNOWN):
            yield _alarm("rules_unreadable", 3, name, f"{name} cannot read its rules: {view.unread or 'unknown'}")
    if goal is not None:
        for server in state.unfenced():
            yield _unfenced(goal, server)
    for system in System:
        for lim in seen.strangers(state.views, system):
            yield _alarm("unlisted_lim", 4, f"{system}-{lim}", f"UNFENCED: LIM {lim} of the {system} is not listed")


def _unfenced(goal: Goal, server: Server) -> Alarm:
    text = f"UNFENCED: {server.name} has not confirmed that it is blocked; both systems may carry traffic"
    return _alarm("unfenced", 4 if goal.done else 3, server.name, text)


def _notes(state: State) -> Iterator[Alarm]:
    for note in state.notes:
        yield _alarm(note.name, NOTE_SEVERITY.get(note.name, 2), note.subject, note.text)
