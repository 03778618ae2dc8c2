"""The job's table: every end of every step leads somewhere, and what earlier jobs left behind becomes alarms."""

from itertools import pairwise

import pytest

from redundancyd.core import data_job
from redundancyd.core.data_alarms import data_alarms
from redundancyd.core.data_job import HOUR_MS, TABLE, Ended, Past, Result, Step, retry_ms
from redundancyd.core.stamps import after, is_stamp

DAY = 24 * HOUR_MS


def test_every_row_has_a_number_of_its_own_and_a_sentence():
    """
    The journal names rows by their numbers.
    """
    assert len({row.number for row in TABLE.values()}) == len(TABLE)
    assert all(row.why for row in TABLE.values())


def test_a_row_leads_to_a_step_or_ends_the_job_with_a_result():
    """
    Never both, never neither.
    """
    assert all((row.step is Step.RESTING) == (row.result is not None) for row in TABLE.values())


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.RESTING])
def test_a_step_is_reached_and_left(step: Step):
    """
    From the beginning of a job, and to its end.
    """
    assert any(row.step is step for row in TABLE.values())
    assert any(of is step for of, _ in TABLE)


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.RESTING])
def test_a_mistake_or_a_failure_has_a_row_in_each_step_that_can_fail(step: Step):
    """
    Asking alone can't fail: it is granted or not.
    """
    assert (step, Ended.FAILED) in TABLE or step is Step.ASKING


@pytest.mark.parametrize("step", [Step.PULLING, Step.KEEPING, Step.TRANSLATING, Step.SENDING, Step.ASKING])
def test_a_takeover_ends_what_has_not_begun_to_load_and_it_is_tried_again(step: Step):
    """
    A pull stops at once; the next job goes on from what it brought.
    """
    assert data_job.row(step, Ended.CALLED_OFF).result is Result.TRIED_AGAIN


@pytest.mark.D3
def test_a_load_that_failed_leads_to_what_ran_before():
    """
    Failed, or nobody knows: rolled back, and nothing else.
    """
    for ended in (Ended.FAILED, Ended.OUT_OF_REACH):
        assert data_job.row(Step.LOADING, ended).step is Step.ROLLING_BACK


@pytest.mark.D3
def test_nothing_is_sent_while_own_addresses_are_missing():
    """
    There is no way from there to the alternate.
    """
    assert data_job.row(Step.TRANSLATING, Ended.OWN_MISSING).result is Result.NOT_APPLIED


@pytest.mark.D3
def test_the_only_way_to_a_load_is_a_grant_of_the_decision():
    """
    Whoever loads has asked.
    """
    assert [(step, ended) for (step, ended), row in TABLE.items() if row.step is Step.LOADING] == [
        (Step.ASKING, Ended.DONE)
    ]


def test_the_pauses_between_tries_grow_to_an_hour():
    """
    A primary that is silent all night is asked a few dozen times, not thousands.
    """
    pauses = [retry_ms(tries) for tries in range(1, 30)]
    assert pauses[0] == 60_000
    assert all(earlier <= later for earlier, later in pairwise(pauses))
    assert pauses[-1] == HOUR_MS


def test_only_what_may_go_better_later_is_tried_again():
    """
    A refusal stays one until somebody does something; a silence does not.
    """
    silent = Past().begun(0).finished(Result.TRIED_AGAIN, "no answer", 1000)
    assert silent.retry_at(2000) == 61_000
    assert Past().finished(Result.NOT_APPLIED, "own", 1000).retry_at(2000) is None
    assert silent.finished(Result.LOADED, "", 2000).tries == 0


def names(past: Past, now: int, age_ms: int | None = None) -> list[str]:
    """The alarms that stand."""
    return [alarm.name for alarm in data_alarms(past, now, age_ms, 2 * DAY)]


def test_two_days_without_a_success_are_an_alarm():
    """
    Counted from the last one, or from when the first could have been.
    """
    never = Past(watched_since=1)
    assert names(never, 47 * HOUR_MS) == []
    assert names(never, 49 * HOUR_MS) == ["data_overdue"]
    done = never.begun(2).finished(Result.LOADED, "", 40 * HOUR_MS)
    assert names(done, 80 * HOUR_MS) == []
    assert names(done, 89 * HOUR_MS) == ["data_overdue"]


def test_what_is_wrong_with_the_data_is_an_alarm_of_its_own():
    """
    Each by its name, gravest first.
    """
    assert names(Past().finished(Result.BROKEN, "", 0), 0) == ["data_not_rolled_back"]
    assert names(Past().finished(Result.ROLLED_BACK, "", 0), 0) == ["data_rolled_back"]
    assert names(Past(missing=("192.0.2.9 in LIM 1",)), 0) == ["data_untranslated"]
    assert names(Past(loaded="a", foreign="b"), 0) == ["data_changed_by_hand"]
    assert names(Past(), 0, 3 * DAY) == ["backup_too_old"]
    assert names(Past(), 0, DAY) == []


@pytest.mark.D3
@pytest.mark.parametrize("result", [Result.ROLLED_BACK, Result.BROKEN])
@pytest.mark.parametrize("later", [each for each in Result if each not in {Result.ROLLED_BACK, Result.BROKEN}])
def test_a_load_that_failed_is_an_alarm_until_one_ends_well(result: Result, later: Result):
    """
    A copy, a night in which the alternate was active, a silent LIM: none of them mends what the alternate runs.
    """
    failed = Past().finished(result, "the disk there is full", 0)
    (alarm,) = data_alarms(failed.finished(later, "another", 1), 2, None, DAY) or (None,)
    if later is Result.LOADED:
        assert alarm is None
    else:
        assert alarm is not None
        assert "the disk there is full" in alarm.text


def test_instants_that_lie_ahead_were_told_by_a_clock_that_was_set_back():
    """
    The next attempt begins now, and from then on it is counted again how long nothing has succeeded.
    """
    ahead = Past(attempt_at=400 * DAY, ended_at=400 * DAY, success_at=400 * DAY, result=Result.TRIED_AGAIN, tries=3)
    begun = ahead.begun(10 * DAY)
    assert begun.success_at == 10 * DAY
    assert names(begun.finished(Result.FAILED, "why", 10 * DAY), 13 * DAY) == ["data_overdue"]
    never = Past(watched_since=400 * DAY).begun(10 * DAY).finished(Result.FAILED, "why", 10 * DAY)
    assert names(never, 13 * DAY) == ["data_overdue"]
    assert ahead.retry_at(10 * DAY) == 10 * DAY
    assert ahead.retry_at(400 * DAY) == 400 * DAY + retry_ms(3)


def test_what_a_job_says_of_its_end_has_room_on_the_disk():
    """
    A LIM may say as much as it likes.
    """
    assert len(Past().finished(Result.FAILED, "x" * 100_000, 0).why) <= 1000


@pytest.mark.parametrize("stamp", ["20260309031502", "20260309031559", "20260309035960", "20260309235959"])
def test_another_stamp_is_one_too_and_of_the_same_day(stamp: str):
    """
    Even behind the last second of an hour.
    """
    found = after(stamp)
    assert is_stamp(found)
    assert found != stamp
    assert found[:8] == stamp[:8]
