"""Beats -> one verdict."""

import pytest

from redundancyd.core.events import Beat, Reply
from redundancyd.core.heartbeat import Heartbeat, Verdict, awake, beat, control_is_silent, forget, judge
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


@pytest.mark.S4
@pytest.mark.parametrize(
    ("interval_ms", "slack_ms"),
    [(1000, 500), (100, 100), (240, 120), (150, 100)],
)
def test_a_beat_may_be_late_by_half_an_interval_and_never_by_less_than_100_ms(interval_ms: int, slack_ms: int):
    """
    To the millisecond, at its end and at its beginning; what is later is a stall.
    """
    settings = Settings((), interval_ms=interval_ms, timeout_ms=80, missed=3)
    begun = beat(Heartbeat(), Beat(A, A, 0, 5), settings)
    for late_ms, stalls in ((slack_ms, 0), (slack_ms + 1, 1)):
        ended = beat(begun, Beat(S, A, interval_ms, interval_ms + 80 + late_ms), settings)
        began = beat(begun, Beat(S, A, interval_ms + late_ms, interval_ms + late_ms + 80), settings)
        assert (ended.stalls, began.stalls) == (stalls, stalls)


@pytest.mark.S4
def test_the_beat_after_a_stall_is_measured_from_its_end():
    """
    The next beat begins within an interval of the end of the one that stalled: that is no second stall.
    """
    stalled = beat(heart_of("ASS", "AAA"), Beat(S, A, 13_000, 43_000), SETTINGS)
    after = beat(stalled, Beat(S, A, 44_000, 44_800), SETTINGS)
    assert (stalled.stalls, stalled.last_started_at, after.stalls, after.missed) == (1, 43_000, 1, 1)
    again = beat(stalled, Beat(S, A, 44_501, 45_000), SETTINGS)
    assert again.stalls == 2


@pytest.mark.parametrize("primary", ["A", "S", "U"])
def test_a_beat_keeps_what_the_next_one_is_measured_by(primary: str):
    """
    When it was sent, and how the control address did, whatever the primary says; a stall is counted for ever.
    """
    stalled = beat(heart_of("ASS", "AAA"), Beat(S, A, 13_000, 43_000), SETTINGS)
    word = {"A": A, "S": S, "U": U}[primary]
    heart = beat(beat(stalled, Beat(A, S, 44_000, 44_800), SETTINGS), Beat(word, S, 45_000, 45_800), SETTINGS)
    assert (heart.last_started_at, heart.control_silent, heart.control_answers, heart.stalls) == (45_000, 2, False, 1)


def test_a_beat_that_could_not_be_sent_says_what_the_control_address_did():
    """
    Our own host could not ask the primary; that we are connected is known all the same.
    """
    assert heart_of("ASU", "AAA").control_answers


@pytest.mark.S4
def test_a_window_begun_anew_knows_when_the_last_beat_was_sent():
    """
    The control address answers again after our isolation, or a takeover was undone: a stall after that is seen.
    """
    heart = forget(heart_of("ASSS", "AASS"))
    assert (heart.last_started_at, heart.control_silent, heart.control_answers) == (13_000, 2, False)
    assert beat(heart, Beat(S, A, 43_000, 43_800), SETTINGS).stalls == 1


@pytest.mark.S4
def test_an_answer_of_the_primary_ends_the_isolation_and_the_window():
    """
    While the control address is still silent: heard, and nothing of what was missed counts any more.
    """
    heart = heart_of("ASSSA", "ASSSS")
    assert (judge(heart, SETTINGS), heart.isolated) == (Verdict.HEARD, False)
    assert (heart.missed, heart.missed_since, heart.starts) == (0, None, ())
    one_more = beat(heart, Beat(S, S, 15_000, 15_800), SETTINGS)
    assert (one_more.missed_since, one_more.starts) == (15_000, (15_000,))


@pytest.mark.S4
def test_an_isolation_lasts_until_the_control_address_answers():
    """
    A silent control address does not begin the window anew, however long it is silent.
    """
    assert judge(heart_of("ASSSSSSS", "ASSSSSSS"), SETTINGS) is Verdict.ISOLATED
    assert heart_of("ASSSS", "ASSSS").missed == 4
    assert heart_of("SSSSS", "SSSSS").missed == 5


@pytest.mark.S4
def test_a_beat_is_overdue_when_its_interval_its_deadline_and_the_slack_are_over():
    """
    At that very instant nothing is lost yet; a millisecond later we stood still, and the window begins anew.
    """
    heart = heart_of("ASS", "AAA")
    assert heart.last_started_at is not None
    due_at = heart.last_started_at + SETTINGS.interval_ms + SETTINGS.timeout_ms + SETTINGS.interval_ms // 2
    assert awake(heart, due_at, SETTINGS) == heart
    late = awake(heart, due_at + 1, SETTINGS)
    assert (late.missed, late.stalls, late.last_started_at) == (0, 1, due_at + 1)
