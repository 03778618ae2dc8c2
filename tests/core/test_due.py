"""Goal, verdict, readiness and methods -> whether a takeover is due: each condition by itself."""

from dataclasses import replace

import pytest

from redundancyd.core.due import Lack, due, is_ready, lacks, master_alone_is_silent, revert_due
from redundancyd.core.heartbeat import Heartbeat
from redundancyd.core.systems import Kind, Method, Methods, Reload, Server, Status, System, Traffic
from redundancyd.core.takeover import Trigger, goal_for
from tests.core.table_top import A1, A2, ALTERNATE, P1, P2, PRIMARY, SETTINGS, first_goal
from tests.core.values import CONTROL_MISSED, CONTROL_SILENT, HEARD, LOST, NOW, UNSURE, Change, Views, state, status_of

AUTOMATIC = Methods(Method.AUTOMATIC, Method.AUTOMATIC)
P1_STANDBY = Server(PRIMARY, 1, "192.0.2.51", standby=True)
WITH_STANDBY = replace(SETTINGS, servers=(*SETTINGS.servers, P1_STANDBY))
HOUR_MS = 3_600_000
LONG_READY = NOW - SETTINGS.return_after_ms
OWN_ALTERNATE = first_goal(ALTERNATE, 5)


def keys(found: tuple[Lack, ...]) -> list[str]:
    """What `--accept` would name."""
    return [lack.key for lack in found]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"connected": False, "unreached": "reset", "heard_at": None}, "alternate-2 is out of reach (reset)"),
        ({"connected": False, "heard_at": None}, "alternate-2 is out of reach"),
        ({"unread": "state_torn"}, "alternate-2 cannot read its traffic rules"),
        ({"status": None}, "alternate-2 cannot read its traffic rules"),
        (
            {"status": replace(status_of(first_goal(), A2), traffic=Traffic.UNKNOWN)},
            "alternate-2 cannot read its traffic rules",
        ),
        ({"refused": "iptables_failed"}, "alternate-2 did not follow its last order (iptables_failed)"),
        ({"facts_at": None}, "alternate-2 has not said whether its exchange is running"),
        ({"facts_at": NOW - 15_001}, "alternate-2 has not said whether its exchange is running"),
        ({"exchange_running": False}, "the exchange of alternate-2 is not running"),
    ],
)
def test_a_server_that_could_not_carry_traffic_is_named_with_the_reason(changes: Change, why: str):
    """
    Each reason keeps its LIM, and so its system, from being ready.
    """
    found = state(views={A2: changes})
    assert lacks(found, ALTERNATE) == (Lack("alternate-2", why),)
    assert not is_ready(found, ALTERNATE)


def test_facts_hold_for_three_looks():
    """
    Three look intervals old is just young enough.
    """
    assert is_ready(state(views={A2: {"facts_at": NOW - 15_000}}), ALTERNATE)


def test_one_server_of_a_lim_is_enough():
    """
    LIM 1 of the primary runs on its standby, or the other way round; LIM 1 hears the control address on either.
    """
    gone = {"connected": False, "heard_at": None}
    for lost, left in ((P1, P1_STANDBY), (P1_STANDBY, P1)):
        views: Views = {lost: {**gone, "hears_control": None}, left: {"hears_control": True}}
        found = state(OWN_ALTERNATE, settings=WITH_STANDBY, views=views)
        assert (lacks(found, PRIMARY), is_ready(found, PRIMARY)) == ((), True)
    assert is_ready(state(OWN_ALTERNATE, settings=WITH_STANDBY), PRIMARY)


def test_only_a_lim_1_that_can_be_reached_tells_what_the_primary_hears():
    """
    What LIM 2 hears says nothing, nor what LIM 1 heard before its channel broke.
    """
    other = state(views={P1: {"hears_control": False}, P2: {"hears_control": True}})
    assert not is_ready(other, PRIMARY)
    gone = {"connected": False, "heard_at": None}
    assert not is_ready(state(settings=WITH_STANDBY, views={P1: gone}), PRIMARY)


@pytest.mark.parametrize(
    ("to", "views", "heart", "expected"),
    [
        (PRIMARY, {P1: {"hears_control": False}}, HEARD, ["control"]),
        (PRIMARY, {P1: {"hears_control": False, "exchange_running": False}}, HEARD, ["primary-1"]),
        (ALTERNATE, {P1: {"hears_control": False}}, HEARD, []),
        (PRIMARY, {}, CONTROL_MISSED, []),
        (ALTERNATE, {}, CONTROL_MISSED, ["control"]),
        (ALTERNATE, {P2: {"connected": False}}, HEARD, ["primary-2"]),
        (ALTERNATE, {P2: {"connected": False, "heard_at": NOW - 3000}}, HEARD, ["primary-2"]),
        (ALTERNATE, {P2: {"connected": False, "heard_at": NOW - 3001}}, HEARD, []),
    ],
)
def test_what_a_planned_takeover_lacks(to: System, views: Views, heart: Heartbeat, expected: list[str]):
    """
    Each system needs its own view of the endpoints, and the one that is left must be one that can be blocked.
    """
    assert keys(lacks(state(views=views, heart=heart), to)) == expected


@pytest.mark.parametrize(("accept", "left"), [("alternate-2", 0), ("2", 0), ("primary-2", 1), ("1", 1)])
def test_a_lack_that_the_operator_accepts_is_none(accept: str, left: int):
    """
    `--accept 2` names LIM 2 of either system, `--accept alternate-2` that of one.
    """
    found = lacks(state(views={A2: {"exchange_running": False}}), ALTERNATE, (accept,))
    assert len(found) == left


def test_the_alternate_is_ready_whatever_the_primary_hears():
    """
    Only the primary is asked what it hears; for the alternate we hear ourselves.
    """
    assert is_ready(state(views={P1: {"hears_control": False}}), ALTERNATE)


@pytest.mark.S4
@pytest.mark.parametrize(("missed", "expected"), [(3, None), (5, None), (6, ALTERNATE)])
def test_a_master_address_that_is_silent_alone_has_two_windows(missed: int, expected: str | None):
    """
    With every LIM in reach the takeover is due at the sixth missed beat of three, not before.
    """
    found = due(state(heart=replace(LOST, missed=missed)))
    assert (found and found.active) == expected


def test_a_master_address_is_not_silent_before_the_loss():
    """
    One missed beat with every LIM in reach is not an alarm.
    """
    assert not master_alone_is_silent(state(heart=replace(HEARD, missed=1, missed_since=NOW - 1000)))


def test_more_than_half_of_the_primarys_own_lims_make_the_difference():
    """
    Three LIMs of the primary, two of them in reach, and two in the alternate: still more than half.
    """
    third = Server(PRIMARY, 3, "192.0.2.13")
    large = replace(SETTINGS, servers=(P1, P2, third, A1, A2))
    gone = {"connected": False, "heard_at": None}
    assert master_alone_is_silent(state(settings=large, heart=LOST, views={third: gone}))
    assert not master_alone_is_silent(state(settings=large, heart=LOST, views={third: gone, P2: gone}))
    fourth = Server(ALTERNATE, 3, "198.51.100.13")
    wide = replace(SETTINGS, servers=(P1, P2, A1, A2, fourth))
    assert master_alone_is_silent(state(settings=wide, heart=LOST))
    wider = replace(wide, servers=(*wide.servers, replace(fourth, lim=4)))
    assert master_alone_is_silent(state(settings=wider, heart=LOST))


@pytest.mark.parametrize(
    ("since", "heart", "expected"),
    [
        (LONG_READY, HEARD, True),
        (LONG_READY + 1, HEARD, False),
        (None, HEARD, False),
        (LONG_READY, UNSURE, False),
        (LONG_READY, CONTROL_MISSED, False),
        (None, CONTROL_SILENT, True),
    ],
)
def test_when_a_return_is_due(since: int | None, heart: Heartbeat, expected: bool):
    """
    Heard, ready and long enough so, with the endpoints in view of us; or at once when only the primary has them.
    """
    found = due(state(OWN_ALTERNATE, methods=AUTOMATIC, stable_since=since, heart=heart))
    assert (found is not None) == expected
    assert found is None or (found.active, found.kind) == (PRIMARY, Kind.PLANNED)


def test_no_return_to_a_primary_that_is_not_ready():
    """
    Long heard is not enough.
    """
    views = {P2: {"exchange_running": False}}
    assert due(state(OWN_ALTERNATE, methods=AUTOMATIC, stable_since=LONG_READY, views=views)) is None


@pytest.mark.S6
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"revert_at": NOW}, True),
        ({"revert_at": NOW + 1}, False),
        ({"revert_at": None}, False),
        ({"revert_at": NOW, "done": False}, False),
    ],
)
def test_when_the_operators_own_revert_is_due(changes: Change, expected: bool):
    """
    At its instant, once the takeover before it was completed.
    """
    goal = first_goal(ALTERNATE, 5, by_operator=True, other_by_operator=True, **changes)
    found = revert_due(state(goal))
    assert (found is not None) == expected
    assert found is None or (found.active, found.kind, found.by_operator) == (PRIMARY, Kind.PLANNED, True)


def test_a_revert_waits_for_the_other_system():
    """
    Not ready: not due, unless the operator had accepted that LIM as missing.
    """
    views = {P2: {"exchange_running": False}}
    goal = first_goal(ALTERNATE, 5, revert_at=NOW)
    assert revert_due(state(goal, views=views)) is None
    assert revert_due(state(replace(goal, accepted=("2",)), views=views)) is not None


@pytest.mark.S4
@pytest.mark.parametrize(("ago", "counted"), [(HOUR_MS - 1, 2), (HOUR_MS, 1)])
def test_takeovers_of_the_last_hour_are_counted(ago: int, counted: int):
    """
    One of an hour ago no longer is.
    """
    found = state(first_goal(recent=(NOW - ago,)), heart=replace(LOST, missed=6))
    assert len(goal_for(found, Trigger.DUE, due(found)).recent) == counted


def test_a_status_that_nobody_gave_is_not_needed_to_be_ready_elsewhere():
    """
    The other system's LIMs may be unread: only those that are to be allowed count.
    """
    unread: dict[str, object] = {"status": None, "unread": "state_torn"}
    assert is_ready(state(views={A1: unread, A2: unread}), PRIMARY)
    assert isinstance(state().views[0].status, Status)


@pytest.mark.parametrize(("until", "expected"), [(NOW + 1, False), (NOW, True)])
def test_a_revert_to_the_alternate_waits_until_it_has_loaded(until: int, expected: bool):
    """
    As long as the load may take; a revert to the primary waits for no load.
    """
    loads = Reload(7, until)
    found = state(first_goal(PRIMARY, 5, revert_at=NOW), reload=loads)
    assert (revert_due(found) is not None) == expected
    assert revert_due(state(first_goal(ALTERNATE, 5, revert_at=NOW), reload=loads)) is not None
