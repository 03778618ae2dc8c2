"""What the journal is told: one line a row of the table, one summary a takeover, and what changed between two states.

Pure: the daemon hands in the states before and after an event, and writes what comes back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from redundancyd.core import seen
from redundancyd.core.alarms import Alarm, alarms
from redundancyd.core.decision import Step, Taken
from redundancyd.core.effects import Order
from redundancyd.core.events import Answered, Beat, Event, GoalNotSaved, GoalSaved, Refused, Reply
from redundancyd.core.seen import View
from redundancyd.core.state import State
from redundancyd.core.systems import Status, System, Traffic, Word
from redundancyd.core.takeover import Ask, Trigger

Level = Literal["debug", "info", "notice", "warning", "error", "critical"]
MAJOR = 3  # from this severity of an alarm on, its line is an error


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal."""

    event: str
    level: Level = "info"
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Takeover:
    """What is gathered about the takeover under way, for its summary."""

    number: int
    active: System
    reason: str
    decided_at: int
    saved_at: int | None = None
    blocked_at: int | None = None
    both_since: int | None = None
    both_active_ms: int = 0
    lims: dict[str, str] = field(default_factory=dict)


class Chronicle:
    """Turns steps into records; remembers the takeover under way, and the alarms that it told of last."""

    def __init__(self) -> None:
        self._takeover: Takeover | None = None
        self._told: tuple[State, dict[str, Alarm]] | None = None

    def tell(self, before: State, event: Event, step: Step) -> Iterator[Record]:
        """The records of one step, in the order things happened."""
        after = step.state
        yield from _event(before, event)
        yield from _verdict(before, after)
        for old, new in zip(before.views, after.views, strict=True):
            if old is not new:
                yield from _server(after, old, new)
        self._gather(before, event, after)
        for row in step.rows:
            yield from self._row(after, row)
        for effect in step.effects:
            if isinstance(effect, Order):
                names = " ".join(server.name for server in effect.servers)
                yield Record("order_sent", "info", {"word": str(effect.word), "takeover": effect.number, "lims": names})
        stood, stand = self._standing(before), {alarm.handle: alarm for alarm in alarms(after)}
        self._told = after, stand
        yield from alarm_changes(stood, stand)

    def _standing(self, state: State) -> dict[str, Alarm]:
        """The alarms of a state: those of the last step's end are known."""
        if self._told is not None and self._told[0] is state:
            return self._told[1]
        return {alarm.handle: alarm for alarm in alarms(state)}

    def _gather(self, before: State, event: Event, after: State) -> None:
        """Note what belongs into the summary."""
        takeover = self._takeover
        if takeover is None:
            return
        if isinstance(event, GoalSaved) and takeover.saved_at is None:
            takeover.saved_at = event.at
        if isinstance(event, Answered) and event.op not in before.looks:
            takeover.lims[event.server.name] = _answer_word(event)
        both = all(_last_seen_allowed(after, system) for system in System)
        if both and takeover.both_since is None:
            takeover.both_since = after.now
        elif not both and takeover.both_since is not None:
            takeover.both_active_ms += after.now - takeover.both_since
            takeover.both_since = None

    def _row(self, after: State, row: Taken) -> Iterator[Record]:
        words = {"row": row.row.number, "phase": str(row.row.phase), "why": row.row.why, "takeover": row.takeover}
        if row.row.ask is Ask.SAVE and after.goal is not None:
            fields: dict[str, object] = {"takeover": row.takeover, "active": str(after.goal.active)}
            if row.trigger is Trigger.FAILED:
                yield Record("takeover_undone", "error", {**fields, "row": row.row.number, "why": row.reason})
            self._takeover = Takeover(row.takeover, after.goal.active, row.reason, row.at)
            how = {"reason": row.reason, "by_operator": after.goal.by_operator, "kind": str(after.goal.kind)}
            yield Record("takeover_decided", "warning", {**fields, "row": row.row.number, **how})
        yield Record("row_taken", "info", {**words, "from_phase": str(row.phase), "trigger": str(row.trigger)})
        if row.row.ask is Ask.ALLOW and self._takeover is not None:
            self._takeover.blocked_at = row.at
        if row.row.ask is Ask.FINISH and self._takeover is not None:
            yield _summary(self._takeover, row)
            self._takeover = None


def _summary(takeover: Takeover, row: Taken) -> Record:
    saved_at = takeover.saved_at or takeover.decided_at
    blocked_at = takeover.blocked_at or saved_at
    both_ms = takeover.both_active_ms
    if takeover.both_since is not None:
        both_ms += row.at - takeover.both_since
    fields: dict[str, object] = {
        "takeover": takeover.number,
        "active": str(takeover.active),
        "reason": takeover.reason,
        "complete": row.trigger is Trigger.ALLOWED,
        "saving_ms": saved_at - takeover.decided_at,
        "blocking_ms": blocked_at - saved_at,
        "allowing_ms": row.at - blocked_at,
        "all_ms": row.at - takeover.decided_at,
        "both_active_ms": both_ms,
        "results": " ".join(f"{name}={word}" for name, word in sorted(takeover.lims.items())),
    }
    return Record("takeover_done", "warning", fields)


def _event(before: State, event: Event) -> Iterator[Record]:
    match event:
        case Beat(primary, control, started_at) if not primary is control is Reply.ANSWERED:
            fields: dict[str, object] = {"primary": str(primary), "control": str(control), "sent_at_ms": started_at}
            yield Record("beat_missed", "info" if before.heart.missed < before.settings.missed else "debug", fields)
        case GoalSaved():
            yield Record("goal_saved", "info", {"takeover": before.goal.number if before.goal else 0})
        case GoalNotSaved(why=why):
            yield Record("goal_not_saved", "error", {"why": why})
        case Answered(server=server, answer=Refused(error, detail)):
            fields = {"lim": server.lim, "system": str(server.system), "server": server.name, "error": error}
            yield Record("lim_refused", "error", {**fields, "why": detail})
        case _:
            return


def _verdict(before: State, after: State) -> Iterator[Record]:
    if before.verdict is after.verdict:
        return
    fields: dict[str, object] = {
        "verdict": str(after.verdict),
        "was": str(before.verdict),
        "missed": after.heart.missed,
        "control_answers": after.heart.control_answers,
    }
    if after.heart.last_answer_at is not None:
        fields["last_answer_ago_ms"] = after.now - after.heart.last_answer_at
    yield Record("verdict_changed", "warning", fields)


def _server(after: State, old: View, new: View) -> Iterator[Record]:
    server = new.server
    fields: dict[str, object] = {"lim": server.lim, "system": str(server.system), "server": server.name}
    if old.connected != new.connected:
        event = "lim_connected" if new.connected else "lim_out_of_reach"
        yield Record(event, "info" if new.connected else "warning", {**fields, "why": new.unreached})
    was, now = old.status, new.status
    if now is None or (was is not None and (was.traffic, was.number) == (now.traffic, now.number)):
        return
    wanted = after.goal is None or new.is_as_wanted(after.goal, after.us)
    more = {"traffic": str(now.traffic), "takeover": now.number, "origin": str(now.origin)}
    yield Record(_traffic_event(now), "info" if wanted else "warning", {**fields, **more})


def _traffic_event(status: Status) -> str:
    match status.traffic:
        case Traffic.BLOCKED | Traffic.ALLOWED:
            return f"traffic_{status.traffic}"
        case _:
            return "traffic_seen"


def alarm_changes(old: Mapping[str, Alarm], new: Mapping[str, Alarm]) -> Iterator[Record]:
    """What the journal is told where these alarms stood, and now those do; each by its handle."""
    for handle, alarm in new.items():
        if handle not in old:
            level: Level = "error" if alarm.severity >= MAJOR else "warning"
            fields: dict[str, object] = {"name": alarm.name, "severity": alarm.severity, "subject": alarm.subject}
            yield Record("alarm_raised", level, {"handle": handle, **fields, "text": alarm.text})
    for handle, alarm in old.items():
        if handle not in new:
            yield Record("alarm_cleared", "info", {"handle": handle, "name": alarm.name, "subject": alarm.subject})


def _answer_word(event: Answered) -> str:
    match event.answer:
        case Status(traffic=traffic):
            return str(traffic)
        case Refused(error):
            return f"refused:{error}"
        case _:
            return "no_answer"


def _last_seen_allowed(state: State, system: System) -> bool:
    return any(
        view.status is not None and view.status.traffic is Word.ALLOW.traffic for view in seen.of(state.views, system)
    )
