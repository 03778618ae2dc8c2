"""Each line of the decision table in DESIGN's words ("The decision"), on the table top."""

from dataclasses import replace

import pytest

from redundancyd.core.alarms import alarms
from redundancyd.core.events import PauseSet
from redundancyd.core.systems import Method, Methods, Pause
from tests.core.table_top import ALTERNATE, P1, P2, PRIMARY, TableTop, first_goal

BOTH_AUTOMATIC = Methods(Method.AUTOMATIC, Method.AUTOMATIC)
BOTH_MANUAL = Methods(Method.MANUAL, Method.MANUAL)


def names(top: TableTop) -> set[str]:
    """The names of the alarms that stand."""
    return {alarm.name for alarm in alarms(top.state)}


def alternate_active(methods: Methods = BOTH_AUTOMATIC, **changes: object) -> TableTop:
    """The alternate carries the traffic and the primary is back, heard and ready."""
    top = TableTop(first_goal(ALTERNATE, 5, **changes), methods=methods)
    top.beat(2)
    return top


def test_a_heard_primary_stays_active():
    """
    Active primary, heard: stay.
    """
    top = TableTop()
    top.beat(30)
    assert (top.active(), top.disk) == ({PRIMARY}, first_goal())


@pytest.mark.L1
def test_a_lost_primary_with_the_control_address_answering_is_taken_over():
    """
    Active primary, lost, its LIMs out of reach, automatic: take over.
    """
    top = TableTop()
    top.beat(3)
    top.power_off(PRIMARY)
    top.beat(5)
    assert top.active() == {ALTERNATE}


def test_half_of_the_lims_out_of_reach_are_enough():
    """
    One LIM of two still answers: not more than half, so no second window.
    """
    top = TableTop()
    top.beat(3)
    top.primary_answers = False
    top.lims[P2].up = False
    top.beat(4)
    assert top.active() == {ALTERNATE}


def test_a_master_address_that_dies_alone_is_given_one_more_window():
    """
    More than half of the LIMs answer: alarm at k beats, takeover at 2 k.
    """
    top = TableTop()
    top.beat(3)
    top.primary_answers = False
    top.beat(5)
    assert top.active() == {PRIMARY}
    assert "master_address_gone" in names(top)
    top.beat(3)
    assert top.active() == {ALTERNATE}
    assert top.overlap_ms == 0


@pytest.mark.S4
@pytest.mark.parametrize("why", ["manual", "latched", "paused"])
def test_a_takeover_that_is_held_awaits_the_operator(why: str):
    """
    Active primary, lost, but manual, latched or paused: stay, with an alarm.
    """
    top = TableTop(first_goal(latched=why == "latched"), methods=BOTH_MANUAL if why == "manual" else None)
    if why == "paused":
        top.happen(PauseSet(Pause(top.now + 100_000, "works on the line"), top.now))
    top.beat(3)
    top.power_off(PRIMARY)
    top.beat(10)
    assert top.active() == set()
    assert "takeover_awaits_operator" in names(top)
    assert top.saved == []


@pytest.mark.S4
def test_a_pause_that_ends_lets_the_takeover_go():
    """
    The loss still stands when the pause is over.
    """
    top = TableTop()
    top.beat(3)
    top.happen(PauseSet(Pause(top.now + 8_000, "works on the line"), top.now))
    top.power_off(PRIMARY)
    top.beat(7)
    assert top.active() == set()
    top.beat(2)
    assert top.active() == {ALTERNATE}


@pytest.mark.S4
@pytest.mark.parametrize("control_first_by", [0, 1, 2])
def test_who_is_isolated_stays(control_first_by: int):
    """
    Active primary, lost, control address silent: stay; neither when it answers again first.
    """
    top = TableTop()
    top.beat(3)
    top.primary_answers = top.control_answers = False
    top.beat(10)
    top.control_answers = True
    top.beat(control_first_by)
    top.primary_answers = True
    top.beat(10)
    assert (top.active(), top.saved) == ({PRIMARY}, [])


@pytest.mark.L1
def test_the_window_starts_anew_when_the_control_address_answers_again():
    """
    A primary that stays silent after our isolation is lost one window later.
    """
    top = TableTop()
    top.beat(3)
    top.primary_answers = top.control_answers = False
    top.lims[P1].up = top.lims[P2].up = False
    top.beat(10)
    top.control_answers = True
    top.beat(2)
    assert top.active() == set()
    top.beat(3)
    assert top.active() == {ALTERNATE}


def test_a_primary_ready_for_long_enough_returns():
    """
    Active alternate by itself, primary heard and ready for return_after, automatic: return, without overlap.
    """
    top = alternate_active()
    top.beat(15)
    assert top.active() == {ALTERNATE}
    top.beat(8)
    assert (top.active(), top.overlap_ms) == ({PRIMARY}, 0)


def test_the_wait_for_the_return_starts_anew_when_the_primary_is_not_ready():
    """
    Ready for less than return_after: stay.
    """
    top = alternate_active()
    top.beat(12)
    top.lims[P2].exchange = False
    top.beat(7)
    top.lims[P2].exchange = True
    top.beat(12)
    assert top.active() == {ALTERNATE}
    top.beat(16)
    assert top.active() == {PRIMARY}


def test_a_primary_that_hears_the_endpoints_is_preferred_to_us_who_do_not():
    """
    Active alternate, primary heard and ready, our control address silent for three beats: return at once.
    """
    top = alternate_active()
    top.control_answers = False
    top.beat(2)
    assert top.active() == {ALTERNATE}
    top.beat(3)
    assert top.active() == {PRIMARY}


def test_a_primary_that_hears_no_endpoints_either_is_not():
    """
    The same, but LIM 1 of the primary does not hear the control address: not ready, stay.
    """
    top = alternate_active()
    top.primary_hears_control = top.control_answers = False
    top.beat(40)
    assert top.active() == {ALTERNATE}


@pytest.mark.S6
def test_what_the_operator_ordered_is_not_returned():
    """
    Active alternate by the operator, primary heard, automatic: stay.
    """
    top = alternate_active(by_operator=True)
    top.beat(60)
    assert top.active() == {ALTERNATE}


@pytest.mark.S4
@pytest.mark.parametrize("why", ["manual", "latched", "paused"])
def test_a_return_that_is_held_awaits_the_operator(why: str):
    """
    Active alternate, primary heard: manual, latched or paused keep the primary blocked, with an alarm.
    """
    top = alternate_active(BOTH_MANUAL if why == "manual" else BOTH_AUTOMATIC, latched=why == "latched")
    if why == "paused":
        top.happen(PauseSet(Pause(top.now + 100_000, "works"), top.now))
    top.beat(40)
    assert top.active() == {ALTERNATE}
    assert "return_awaits_operator" in names(top)


def test_a_lost_primary_is_not_returned_to():
    """
    Active alternate, primary lost: stay.
    """
    top = alternate_active()
    top.power_off(PRIMARY)
    top.beat(60)
    assert top.active() == {ALTERNATE}


@pytest.mark.S4
def test_too_many_takeovers_in_an_hour_latch_both_methods():
    """
    The fourth automatic takeover within an hour is the last until somebody acknowledges.
    """
    top = TableTop(methods=BOTH_AUTOMATIC)
    top.beat(3)
    for _ in range(4):
        top.power_off(PRIMARY)
        top.beat(6)
        top.power_on(PRIMARY)
        top.beat(30)
    assert top.disk is not None
    assert (top.disk.latched, len(top.disk.recent)) == (True, 4)
    assert "latched" in names(top)
    assert top.disk == replace(top.disk, number=5)
