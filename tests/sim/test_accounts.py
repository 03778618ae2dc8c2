"""What the judge counts for itself: beats as they were truly asked and answered."""

from redundancyd.sim.accounts import Beats

MS = 1000
TIMEOUT = 2000 * MS


def silent(beats: int) -> Beats:
    """So many whole beats of two seconds without an answer; the next has begun."""
    made = Beats()
    for sequence in range(beats + 1):
        made.ask(sequence, sequence * TIMEOUT)
    return made


def test_a_beat_without_an_answer_counts_once_its_time_is_over():
    """
    Three beats; the fourth while it lasts, and at its end.
    """
    made = silent(3)
    assert made.run(3 * TIMEOUT + 1, TIMEOUT) == 3
    assert made.run(4 * TIMEOUT, TIMEOUT) == 4


def test_what_could_not_be_sent_makes_the_count_begin_anew_when_the_beat_is_over():
    """
    Nobody can know before: what the beats before it said stands until then.
    """
    made = silent(3)
    made.ask(3, 3 * TIMEOUT + 500 * MS, sent=False)
    assert made.run(3 * TIMEOUT + 700 * MS, TIMEOUT) == 3
    assert made.run(4 * TIMEOUT, TIMEOUT) == 0
    made.ask(4, 4 * TIMEOUT)
    assert made.run(5 * TIMEOUT, TIMEOUT) == 1


def test_an_answer_ends_the_count_though_a_packet_was_not_sent():
    """
    One of the packets of the beat came through.
    """
    made = silent(3)
    made.ask(3, 3 * TIMEOUT + 500 * MS, sent=False)
    made.answer(3)
    assert made.run(4 * TIMEOUT, TIMEOUT) == 0
