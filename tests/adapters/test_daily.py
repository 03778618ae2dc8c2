"""The daily job's time: across daylight saving, after being down, and never twice."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from redundancyd.adapters.daily import JITTER_MS, Daily, jitter_ms

STOCKHOLM = ZoneInfo("Europe/Stockholm")
DAILY = Daily(2, 30, "Europe/Stockholm")
HOUR, DAY = 3_600_000, 86_400_000


def at(text: str, fold: int = 0) -> int:
    """An instant as people in Stockholm write it."""
    return round(datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM, fold=fold).timestamp() * 1000)


def begun(first: int, until: int, host: str = "a") -> list[int]:
    """When jobs begin if somebody looks every 30 s, between these two."""
    found: list[int] = []
    for now in range(first, until, 30_000):
        if DAILY.is_due(now, found[-1] if found else None, first, host):
            found.append(now)
    return found


@pytest.mark.parametrize("day", ["2026-10-24", "2027-03-27"])
def test_it_is_once_a_day_across_both_changes_of_the_clock(day: str):
    """
    Three days around the hour that is skipped or that comes twice: three jobs, about a day apart.
    """
    found = begun(at(f"{day}T00:00"), at(f"{day}T00:00") + 3 * DAY)
    assert len(found) == 3
    assert all(abs(later - earlier - DAY) <= 2 * HOUR for earlier, later in pairwise(found))


def test_in_the_hour_that_comes_twice_it_is_the_first():
    """
    Half past two of summer time.
    """
    assert DAILY.next_after(at("2026-10-25T00:10")) == at("2026-10-25T02:30", fold=0)


def test_a_time_that_the_clock_skips_is_made_up_for_at_once():
    """
    There is no half past two on that night; three o'clock it is.
    """
    assert DAILY.next_after(at("2027-03-28T00:10")) == at("2027-03-28T03:00")


def test_what_was_missed_while_down_is_caught_up_once():
    """
    Five days off: one job after the start, a while of this host's own later, and then the ordinary ones.
    """
    start = at("2026-06-06T12:00")
    last = at("2026-06-01T02:30")
    first = start + jitter_ms("a")
    assert not DAILY.is_due(first - 1, last, start, "a")
    assert DAILY.is_due(first, last, start, "a")
    assert not DAILY.is_due(first + HOUR, first, start, "a")
    assert DAILY.is_due(at("2026-06-07T02:30"), first, start, "a")


def test_who_never_ran_waits_for_the_first_time_of_day():
    """
    A daemon that was just installed at noon does not begin to copy at noon.
    """
    start = at("2026-06-06T12:00")
    assert not DAILY.is_due(start + 2 * JITTER_MS, None, start, "a")
    assert DAILY.is_due(at("2026-06-07T02:30"), None, start, "a")


def test_a_clock_that_is_set_back_does_not_begin_a_second_job():
    """
    What was done today is done.
    """
    done = at("2026-06-07T02:30")
    assert not DAILY.is_due(done - HOUR, done, done - 10 * DAY, "a")


def test_an_attempt_that_lies_days_ahead_holds_back_nothing():
    """
    The clock was a year ahead when the last job began, and was put right since: there is a job in the next night.
    """
    start = at("2026-06-06T12:00")
    ahead = at("2027-06-06T02:30")
    assert not DAILY.is_due(at("2026-06-07T02:29"), ahead, start, "a")
    assert DAILY.is_due(at("2026-06-07T02:30"), ahead, start, "a")


def test_each_host_has_a_delay_of_its_own():
    """
    The same one every time, and another than its neighbour's.
    """
    assert jitter_ms("a") == jitter_ms("a") != jitter_ms("b")
