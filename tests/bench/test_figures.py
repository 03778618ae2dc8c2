"""What the bench reckons with: phases, instants, medians, goals, and where the time of a takeover went."""

import argparse
import random
from collections.abc import Mapping

import pytest

from bench import __main__ as bench
from bench.__main__ import BESIDE_THE_DAEMON, EXCHANGE, Found, parser, parts
from bench.cuts import breakdown
from bench.figures import Goal, Spread, lateness_ms, next_at, phases, shown


def test_phases_come_one_from_each_part_of_the_interval():
    """
    Nine cuts fall into nine different ninths, in an order that the seed decides.
    """
    found = phases(9, random.Random(7))
    assert sorted(int(phase * 9) for phase in found) == list(range(9))
    assert found != sorted(found)
    assert found == phases(9, random.Random(7))


@pytest.mark.parametrize("not_before", [0, 1000, 1250, 1251, 1999, 5000, 123_456])
def test_a_cut_lies_at_its_phase_behind_a_beat_and_never_too_early(not_before: int):
    """
    Beats at 1000, 1100, ...: with a phase of a quarter the cut is at 25 behind one of them, within one interval.
    """
    at = next_at(1000, 100, 0.25, not_before)
    assert (at - 1000) % 100 == 25
    assert max(1025, not_before) <= at
    assert at < max(1026, not_before + 100)


def test_a_spread_shows_the_middle_the_least_and_the_most():
    """
    The median of an even number of values lies between the middle two.
    """
    spread = Spread((4.0, 1.0, 3.0, 200.0))
    assert spread.median == 3.5
    assert str(spread) == "3.50 (1.00-200)"


def test_a_figure_has_no_more_digits_than_it_deserves():
    """
    Three digits that count, no more.
    """
    assert [shown(value) for value in (0.517, 9.996, 12.34, 345.6)] == ["0.52", "10.00", "12.3", "346"]


def test_a_goal_is_met_up_to_its_bound_and_not_above():
    """
    The word stands at the front of its line.
    """
    assert str(Goal("ratio", 1.1, 1.1, " x")) == "met: ratio 1.10 x, at most 1.1 x"
    assert str(Goal("ratio", 1.1001, 1.1, " x")).startswith("MISSED")


def test_the_time_of_a_takeover_is_told_apart_by_its_journal():
    """
    The last three missed beats before the decision count: one that was missed earlier, and those after it, do not.
    """
    missed = [{"at_ms": sent + 50, "event": "beat_missed", "sent_at_ms": sent} for sent in (650, 1030, 1130, 1230)]
    lines: list[Mapping[str, object]] = [
        *missed,
        {"at_ms": 1281, "event": "takeover_decided"},
        {"at_ms": 1284, "event": "goal_saved"},
        {"at_ms": 1284, "event": "order_sent", "word": "block"},
        {"at_ms": 1285, "event": "order_sent", "word": "allow"},
        {"at_ms": 1330, "event": "beat_missed", "sent_at_ms": 1330},
        {"at_ms": 1340, "event": "traffic_allowed", "system": "alternate"},
        {"at_ms": 1350, "event": "traffic_allowed", "system": "alternate"},
    ]
    assert breakdown(lines, cut_ms=1000) == {
        "to_first_missed_ms": 30,
        "missing_ms": 200,
        "timeout_ms": 51,
        "saving_ms": 3,
        "blocking_ms": 1,
        "allowing_ms": 55,
    }


def test_a_beat_is_late_by_what_it_came_after_its_interval():
    """
    The one behind a late beat comes early, because beats keep to their grid; that is not made up.
    """
    assert lateness_ms([1000, 1100, 1260, 1300, 1401], 100) == (0, 60, 0, 1)


def test_exchange_data_can_be_measured_alone():
    """
    Its three parts and nothing else; without a word everything.
    """
    assert parts(parser().parse_args(["--only", "exchange"])) == {"copies", "translation", "job"}
    assert parts(parser().parse_args(["--only", "cuts"])) == {"cuts"}
    assert {"cuts", "idle", "orders", "job"} < parts(parser().parse_args([]))


@pytest.mark.parametrize("part", [*BESIDE_THE_DAEMON, *EXCHANGE])
def test_a_part_alone_is_measured(part: str, monkeypatch: pytest.MonkeyPatch):
    """
    On the bed that it needs, and the others are not built.
    """
    measured = []
    for bed in ("exchange", "relaxed", "brisk"):

        def on_bed(words: argparse.Namespace, _: Found, *__: object, bed: str = bed) -> None:
            measured.append((bed, part in parts(words)))

        monkeypatch.setattr(bench, bed, on_bed)
    bench.measure(parser().parse_args(["--only", part]))
    expected = {"cuts": ["exchange", "relaxed", "brisk"]}.get(part, ["exchange", "relaxed"])
    assert [bed for bed, _ in measured] == (["exchange"] if part in EXCHANGE else expected)
