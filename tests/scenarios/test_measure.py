"""Figures from answered packets: golden inputs, in milliseconds for the eye."""

from redundancyd.scenarios import measure
from redundancyd.scenarios.measure import MS, Interval


def at(*instants_ms: float) -> list[int]:
    """Instants in nanoseconds."""
    return [round(instant * MS) for instant in instants_ms]


def spans(intervals: list[Interval]) -> list[tuple[float, float]]:
    """Intervals in milliseconds."""
    return [(interval.start / MS, interval.end / MS) for interval in intervals]


def test_answers_a_hundred_milliseconds_apart_are_one_activity():
    """
    Up to 100 ms between two answers the system counts as active all the time; at 101 ms it does not.
    """
    assert spans(measure.activity(at(0, 100, 200))) == [(0, 200)]
    assert spans(measure.activity(at(0, 101))) == [(0, 20), (101, 121)]


def test_a_single_answer_counts_as_twenty_milliseconds():
    """
    One answered packet is activity too: it takes a phone away from the other system.
    """
    assert spans(measure.activity(at(500))) == [(500, 520)]


def test_answers_in_any_order_give_the_same_activity():
    """
    Packets of several phones are not in the order of time.
    """
    assert measure.activity(at(40, 0, 20)) == measure.activity(at(0, 20, 40))


def test_no_answers_are_no_activity():
    """
    A silent system was never active.
    """
    assert measure.activity([]) == []


def test_a_gap_without_overlap_in_a_clean_takeover():
    """
    The primary answers until 1000, the alternate from 1080: nobody was active for 80 ms, both for none.
    """
    primary, alternate = measure.activity(at(*range(0, 1001, 20))), measure.activity(at(*range(1080, 2001, 20)))
    assert measure.overlap(primary, alternate) == []
    gaps = measure.gaps(Interval(0, 2000 * MS), primary, alternate)
    assert spans(gaps) == [(1000, 1080)]
    assert measure.total_ms(gaps) == 80


def test_an_overlap_is_found_to_the_packet():
    """
    The alternate answers from 900 while the primary answers until 1000: both were active for 100 ms.
    """
    primary, alternate = measure.activity(at(*range(0, 1001, 20))), measure.activity(at(*range(900, 2001, 20)))
    assert spans(measure.overlap(primary, alternate)) == [(900, 1000)]
    assert measure.gaps(Interval(0, 2000 * MS), primary, alternate) == []


def test_one_stray_answer_of_the_passive_system_is_an_overlap():
    """
    A single packet from the wrong system within the other's activity is 20 ms of overlap.
    """
    primary, alternate = measure.activity(at(500)), measure.activity(at(*range(0, 1001, 20)))
    assert measure.total_ms(measure.overlap(primary, alternate)) == 20


def test_overlaps_of_many_intervals_are_all_found():
    """
    Systems that take turns too early overlap each time.
    """
    one = [Interval(0, 10), Interval(20, 30), Interval(40, 50)]
    other = [Interval(5, 25), Interval(45, 60)]
    assert measure.overlap(one, other) == [Interval(5, 10), Interval(20, 25), Interval(45, 50)]


def test_a_gap_reaches_to_the_end_of_the_window():
    """
    Nobody answers any more: the time until the end counts.
    """
    assert spans(measure.gaps(Interval(0, 1000 * MS), measure.activity(at(*range(0, 401, 20))))) == [(400, 1000)]


def test_a_gap_before_the_first_answer_counts():
    """
    Nobody answers yet: the time from the start of the window counts.
    """
    assert spans(measure.gaps(Interval(0, 200 * MS), measure.activity(at(*range(100, 201, 20))))) == [(0, 100)]


def test_what_lies_outside_the_window_is_cut_off():
    """
    An activity that began before the fault counts from the fault on.
    """
    assert measure.clipped([Interval(0, 50), Interval(60, 70)], Interval(40, 65)) == [
        Interval(40, 50),
        Interval(60, 65),
    ]


def test_the_smallest_overlap_is_not_rounded_away():
    """
    A tenth of a millisecond of overlap shows as one millisecond, not as none.
    """
    assert measure.total_ms([Interval(0, MS // 10)]) == 1
    assert measure.total_ms([]) == 0


def test_the_longest_stretch_is_told_apart_from_the_sum():
    """
    Two gaps of 30 and 50 ms: 80 in all, 50 at a stretch.
    """
    gaps = [Interval(0, 30 * MS), Interval(100 * MS, 150 * MS)]
    assert (measure.total_ms(gaps), measure.longest_ms(gaps)) == (80, 50)
