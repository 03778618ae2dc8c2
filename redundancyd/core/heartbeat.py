"""Beats -> one verdict on the primary system.

What may be known: whether the master IP address answered, whether the network control address did, and when each
beat was sent.  What may not: why an address is silent.  Silence of the primary alone means nothing, since a cut
beside us looks the same; so it counts only while the control address shows that *we* are connected.

How it thinks.  The window is the last k beats.  The primary is *lost* when every beat of a full window went
unanswered, the control address answers now, and was never silent for three beats in a row within the window.  When
we were isolated the window starts anew as soon as the control address answers: beats that were lost together with
our own connection say nothing.  Beats around a stall of our own are worth nothing either: a process that was
frozen knows only that time has passed.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from redundancyd.core.events import Beat, Reply
from redundancyd.core.systems import Settings

SILENT_RUN = 3
"""So many silent beats in a row are silence; fewer are chance (DESIGN, "The decision")."""

STALL_SLACK_MS = 100
"""A beat may be late by half an interval, but never by less than this: a busy machine is not a stall."""


class Verdict(StrEnum):
    """What the beats say of the primary system."""

    HEARD = "heard"
    LOST = "lost"
    ISOLATED = "isolated"  # nobody answers: it is us
    UNSURE = "unsure"  # just started, just stalled, or not yet a full window


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The window, folded into counts; a new one knows nothing."""

    missed: int = 0  # beats of the primary in a row unanswered, since the window began
    missed_since: int | None = None  # when the first of the last k of them was sent
    starts: tuple[int, ...] = ()  # when each of the last missed beats was sent, at most k
    answered: int = 0  # beats of the primary in a row answered, since the window began; no more than k
    heard: bool = False  # the primary has answered since the window began
    control_answers: bool = False  # its latest beat was answered
    control_silent: int = 0  # its beats in a row unanswered
    isolated: bool = False  # the window is worthless; it begins anew when the control address answers
    last_started_at: int | None = None
    last_answer_at: int | None = None
    stalls: int = 0  # how often a stall of our own made the window begin anew


def beat(heart: Heartbeat, seen: Beat, settings: Settings) -> Heartbeat:
    """The window after one more beat."""
    if _stalled(heart, seen, settings):
        return _after_stall(heart, seen.at)
    control = seen.control is Reply.ANSWERED
    if control and (heart.isolated or heart.control_silent >= SILENT_RUN):
        heart = _anew(heart)
    heart = replace(
        heart,
        control_answers=control,
        control_silent=0 if control else heart.control_silent + 1,
        last_started_at=seen.started_at,
    )
    match seen.primary:
        case Reply.ANSWERED:
            answered = min(heart.answered + 1, settings.missed)
            heart = replace(heart, missed=0, starts=(), missed_since=None, heard=True, last_answer_at=seen.at)
            return replace(heart, answered=answered, isolated=False)
        case Reply.UNSENT:
            return replace(_anew(heart), control_answers=control, control_silent=heart.control_silent)
        case Reply.SILENT:
            return _missed(heart, seen, settings)


def judge(heart: Heartbeat, settings: Settings) -> Verdict:
    """The verdict of the window as it stands."""
    if heart.isolated:
        return Verdict.ISOLATED
    if heart.missed >= settings.missed:
        return Verdict.LOST
    if heart.heard and heart.missed < SILENT_RUN:
        return Verdict.HEARD
    return Verdict.UNSURE


def is_whole(heart: Heartbeat, settings: Settings) -> bool:
    """Whether every beat of a full window was answered."""
    return heart.answered >= settings.missed


def control_is_silent(heart: Heartbeat) -> bool:
    """Whether the control address missed so many beats in a row that chance is out."""
    return heart.control_silent >= SILENT_RUN


def forget(heart: Heartbeat) -> Heartbeat:
    """The window begun anew, as after a takeover that was undone: what was counted has been used."""
    return replace(_anew(heart), control_answers=heart.control_answers, control_silent=heart.control_silent)


def awake(heart: Heartbeat, at: int, settings: Settings) -> Heartbeat:
    """The window at any other event: where beats are overdue we stood still, and what was counted is worth nothing."""
    overdue_ms = settings.interval_ms + settings.timeout_ms + _slack_ms(settings)
    if heart.last_started_at is None or at - heart.last_started_at <= overdue_ms:
        return heart
    return _after_stall(heart, at)


def _after_stall(heart: Heartbeat, at: int) -> Heartbeat:
    return Heartbeat(last_started_at=at, last_answer_at=heart.last_answer_at, stalls=heart.stalls + 1)


def _missed(heart: Heartbeat, seen: Beat, settings: Settings) -> Heartbeat:
    """One more unanswered beat of the primary."""
    starts = (*heart.starts, seen.started_at)[-settings.missed :]
    missed = heart.missed + 1
    isolated = heart.isolated or (missed >= settings.missed and not heart.control_answers)
    return replace(heart, missed=missed, starts=starts, missed_since=starts[0], answered=0, isolated=isolated)


def _anew(heart: Heartbeat) -> Heartbeat:
    return Heartbeat(last_started_at=heart.last_started_at, last_answer_at=heart.last_answer_at, stalls=heart.stalls)


def _stalled(heart: Heartbeat, seen: Beat, settings: Settings) -> bool:
    """Whether we ourselves stood still during or before this beat."""
    slack_ms = _slack_ms(settings)
    if seen.at - seen.started_at > settings.timeout_ms + slack_ms:
        return True
    return heart.last_started_at is not None and (
        seen.started_at - heart.last_started_at > settings.interval_ms + slack_ms
    )


def _slack_ms(settings: Settings) -> int:
    return max(settings.interval_ms // 2, STALL_SLACK_MS)
