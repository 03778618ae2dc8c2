"""Beats -> one verdict."""

import pytest

from redundancyd.core.events import Beat, Reply
from redundancyd.core.heartbeat import Heartbeat, Verdict, beat, control_is_silent, forget, judge
from redundancyd.core.systems import Settings

A, S, U = Reply.ANSWERED, Reply.SILENT, Reply.UNSENT
SETTINGS = Settings((), interval_ms=1000, timeout_ms=800, missed=3)
LONG = Settings((), interval_ms=1000, timeout_ms=800, missed=10)


def heart_of(primary: str, control: str, settings: Settings = SETTINGS) -> Heartbeat:
    """A window after beats written as letters: A answered, S silent, U unsent."""
    words = {"A": A, "S": S, "U": U}
    heart = Heartbeat()
    for number, (p, c) in enumerate(zip(primary, control, strict=True)):
        start = 10_000 + number * settings.interval_ms
        at = start + (5 if (p, c) == ("A", "A") else settings.timeout_ms)
        heart = beat(heart, Beat(words[p], words[c], start, at), settings)
    return heart


@pytest.mark.parametrize(
    ("primary", "control", "verdict"),
    [
        ("A", "A", Verdict.HEARD),
        ("ASS", "AAA", Verdict.HEARD),
        ("ASSS", "AAAA", Verdict.LOST),
        ("SSS", "AAA", Verdict.LOST),
        ("SS", "AA", Verdict.UNSURE),
        ("", "", Verdict.UNSURE),
        ("ASSS", "AAAS", Verdict.ISOLATED),
        ("ASSS", "ASSS", Verdict.ISOLATED),
        ("ASSSS", "ASSSA", Verdict.UNSURE),
        ("ASSSSS", "ASSSAA", Verdict.UNSURE),
        ("ASSSSSS", "ASSSAAA", Verdict.LOST),
        ("ASSSSA", "ASSSAA", Verdict.HEARD),
        ("ASSSSS", "AAASAA", Verdict.UNSURE),
        ("ASSSSSS", "AAASAAA", Verdict.LOST),
        ("ASUSS", "AAAAA", Verdict.UNSURE),
        ("ASUSSS", "AAAAAA", Verdict.LOST),
        ("ASSSU", "AAAAA", Verdict.UNSURE),
        ("ASSSUA", "AAAAAA", Verdict.HEARD),
        ("AAA", "SSS", Verdict.HEARD),
    ],
)
def test_beats_amount_to_a_verdict(primary: str, control: str, verdict: Verdict):
    """
    Each line of beats, primary above control address, has one verdict.
    """
    assert judge(heart_of(primary, control), SETTINGS) is verdict


def test_three_missed_beats_with_the_control_address_answering_are_a_loss():
    """
    The primary is lost at the third missed beat, not before.
    """
    assert judge(heart_of("ASS", "AAA"), SETTINGS) is Verdict.HEARD
    assert judge(heart_of("ASSS", "AAAA"), SETTINGS) is Verdict.LOST


def test_a_long_window_is_unsure_between_chance_and_loss():
    """
    Two silent beats are chance, three to nine are unsure, ten are a loss.
    """
    assert judge(heart_of("A" + "S" * 2, "A" * 3, LONG), LONG) is Verdict.HEARD
    assert judge(heart_of("A" + "S" * 3, "A" * 4, LONG), LONG) is Verdict.UNSURE
    assert judge(heart_of("A" + "S" * 9, "A" * 10, LONG), LONG) is Verdict.UNSURE
    assert judge(heart_of("A" + "S" * 10, "A" * 11, LONG), LONG) is Verdict.LOST


@pytest.mark.S4
def test_a_control_address_silent_for_three_beats_within_the_window_starts_it_anew():
    """
    We were isolated for three beats of ten: the ten are counted from when the control address answered again.
    """
    assert judge(heart_of("A" + "S" * 10, "AAASSSAAAAA", LONG), LONG) is Verdict.UNSURE
    assert judge(heart_of("A" + "S" * 14, "AAASSSAAAAAAAAA", LONG), LONG) is Verdict.UNSURE
    assert judge(heart_of("A" + "S" * 15, "AAASSSAAAAAAAAAA", LONG), LONG) is Verdict.LOST


def test_a_control_address_silent_for_two_beats_within_the_window_changes_nothing():
    """
    Two beats of the control address are chance.
    """
    assert judge(heart_of("A" + "S" * 10, "AAASSAAAAAA", LONG), LONG) is Verdict.LOST


@pytest.mark.S4
@pytest.mark.parametrize("late_ms", [600, 30_000])
def test_a_beat_that_ends_long_after_its_deadline_is_a_stall_of_our_own(late_ms: int):
    """
    The process was frozen during the beat: what was counted is worth nothing.
    """
    heart = heart_of("ASS", "AAA")
    start = heart.last_started_at or 0
    stalled = beat(heart, Beat(S, A, start + 1000, start + 1000 + 800 + late_ms), SETTINGS)
    assert judge(stalled, SETTINGS) is Verdict.UNSURE
    assert (stalled.missed, stalled.stalls) == (0, 1)


@pytest.mark.S4
def test_a_gap_between_beats_is_a_stall_of_our_own():
    """
    Beats 30 s apart say nothing about the 30 s between them.
    """
    heart = heart_of("ASS", "AAA")
    start = (heart.last_started_at or 0) + 30_000
    assert judge(beat(heart, Beat(S, A, start, start + 800), SETTINGS), SETTINGS) is Verdict.UNSURE


def test_a_beat_late_by_less_than_half_an_interval_counts():
    """
    A busy machine is not a stall.
    """
    heart = heart_of("ASS", "AAA")
    start = (heart.last_started_at or 0) + 1400
    assert judge(beat(heart, Beat(S, A, start, start + 800), SETTINGS), SETTINGS) is Verdict.LOST


def test_the_last_missed_beats_tell_since_when_the_window_reaches():
    """
    A sign of life counts when it came after the first of the last k missed beats was sent.
    """
    heart = heart_of("ASSSS", "AAAAA")
    assert heart.missed_since == 12_000
    assert heart.missed == 4


def test_the_control_address_is_silent_after_three_beats_only():
    """
    The rule of three holds for the control address too.
    """
    assert not control_is_silent(heart_of("AAA", "ASS"))
    assert control_is_silent(heart_of("AAAA", "ASSS"))


def test_a_forgotten_window_keeps_what_is_known_of_the_control_address():
    """
    After an undone takeover only the count of the primary starts anew.
    """
    heart = forget(heart_of("ASSS", "AAAA"))
    assert (heart.missed, heart.control_answers) == (0, True)
