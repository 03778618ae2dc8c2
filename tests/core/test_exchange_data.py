"""When exchange data may be loaded, and what a takeover does meanwhile."""

import pytest

from redundancyd.core.alarms import alarms
from redundancyd.core.data_job import hindrance, takeover_waits
from redundancyd.core.effects import Load, Refuse
from redundancyd.core.events import LoadAsked, LoadEnded, LoadUnderWay
from redundancyd.core.systems import Method, Methods, Reload
from tests.core.table_top import A2, ALTERNATE, PRIMARY, SETTINGS, TableTop


def rested(beats: int = 4) -> TableTop:
    """A table top whose primary has answered a whole window."""
    top = TableTop()
    top.beat(beats)
    return top


def asked(top: TableTop, request: int = 7) -> Load | Refuse:
    """What the core says to a load that is ready."""
    top.happen(LoadAsked(request, "the daily job", top.now))
    loads = [load for load in top.loads if load.request == request]
    said: list[Load | Refuse] = [*loads, *(refuse for refuse in top.refused if refuse.request == request)]
    assert len(said) == 1
    return said[0]


@pytest.mark.D3
def test_a_load_begins_while_the_alternate_is_passive_and_a_whole_window_was_answered():
    """
    Granted, until the reload deadline.
    """
    top = rested()
    assert asked(top) == Load(7, top.now + SETTINGS.reload_deadline_ms)
    assert top.state.reloading()


@pytest.mark.D3
def test_one_missed_beat_in_the_window_puts_a_load_off():
    """
    Refused with the reason; three answered beats later it is granted.
    """
    top = rested()
    top.primary_answers = False
    top.beat()
    top.primary_answers = True
    top.beat(2)
    refused = asked(top)
    assert isinstance(refused, Refuse)
    assert "beats" in refused.why
    top.beat(2)
    assert isinstance(asked(top, 8), Load)


@pytest.mark.D3
@pytest.mark.D4
def test_nothing_is_loaded_into_an_active_alternate():
    """
    Refused while the alternate carries the traffic.
    """
    top = rested()
    top.order(ALTERNATE)
    top.beat(4)
    assert top.active() == {ALTERNATE}
    assert isinstance(asked(top), Refuse)


@pytest.mark.D3
def test_a_lim_of_the_alternate_that_is_not_seen_blocked_puts_a_load_off():
    """
    Deaf since a few looks: refused, with its name.
    """
    top = rested()
    top.lims[A2].deaf = True
    top.run(3 * SETTINGS.look_interval_ms)
    refused = asked(top)
    assert isinstance(refused, Refuse)
    assert A2.name in refused.why


@pytest.mark.D3
def test_a_second_load_is_refused_while_the_first_goes_on():
    """
    One at a time.
    """
    top = rested()
    assert isinstance(asked(top), Load)
    top.happen(LoadAsked(8, "the operator", top.now))
    assert [refuse.code for refuse in top.refused] == ["not_loaded"]


@pytest.mark.L1
def test_a_takeover_waits_for_a_load_that_has_begun_and_goes_on_when_it_has_ended():
    """
    The primary dies during a load: nothing moves before it ends, with an alarm that says why.
    """
    top = rested()
    asked(top)
    top.power_off(PRIMARY)
    top.beat(10)
    assert top.active() == set()
    assert "takeover_awaits_load" in {alarm.name for alarm in alarms(top.state)}
    top.happen(LoadEnded(7, top.now))
    top.beat(1)
    assert top.active() == {ALTERNATE}


@pytest.mark.L1
def test_a_takeover_waits_for_a_load_no_longer_than_its_deadline():
    """
    A load that hangs: what is there is allowed.
    """
    top = rested()
    asked(top)
    top.power_off(PRIMARY)
    top.run(SETTINGS.reload_deadline_ms - 1000)
    assert top.active() == set()
    top.run(2000)
    assert top.active() == {ALTERNATE}


def test_a_manual_takeover_is_refused_during_a_load():
    """
    The operator is told why, and what to do.
    """
    top = rested()
    asked(top)
    top.order(ALTERNATE)
    assert [refuse.code for refuse in top.refused] == ["reload_under_way"]


def test_a_load_that_an_earlier_run_began_is_waited_for_after_a_restart():
    """
    Killed during a load and started again: the takeover waits for what is left of it.
    """
    top = rested()
    asked(top)
    left = top.state.reload
    assert left is not None
    top.start()
    top.happen(LoadUnderWay(left, top.now))
    top.beat(2)
    top.power_off(PRIMARY)
    top.beat(10)
    assert top.active() == set()
    top.happen(LoadEnded(left.request, top.now))
    top.beat(1)
    assert top.active() == {ALTERNATE}


def test_the_end_of_another_load_ends_nothing():
    """
    A late word of a load that was given up.
    """
    top = rested()
    asked(top)
    top.happen(LoadEnded(6, top.now))
    assert top.state.reload == Reload(7, top.now + SETTINGS.reload_deadline_ms)


@pytest.mark.L1
def test_a_way_back_is_waited_for_like_any_reload():
    """
    The load failed late, and the primary is lost while the alternate goes back to what ran before.
    """
    top = rested()
    asked(top)
    top.happen(LoadUnderWay(Reload(7, top.now + 2 * SETTINGS.reload_deadline_ms), top.now))
    top.power_off(PRIMARY)
    top.run(2 * SETTINGS.reload_deadline_ms - 1000)
    assert top.active() == set()
    assert takeover_waits(top.state) == "a takeover to the alternate waits"
    top.run(2000)
    assert top.active() == {ALTERNATE}
    assert "active" in takeover_waits(top.state)


def test_a_takeover_that_is_the_operator_s_to_begin_waits_for_no_load():
    """
    Nor does anybody while the primary is well: there is time to go back to what ran before.
    """
    top = TableTop(methods=Methods(Method.MANUAL, Method.MANUAL))
    top.beat(4)
    assert takeover_waits(top.state) == ""
    asked(top)
    top.power_off(PRIMARY)
    top.beat(10)
    assert hindrance(top.state) == "a takeover to the alternate is due"
    assert takeover_waits(top.state) == ""
