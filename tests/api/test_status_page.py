"""The status page as a pure function of the state."""

import json
from dataclasses import replace

import pytest

from redundancyd.core.clusters import fallback_alarm
from redundancyd.core.events import FactsSeen, OperatorAsked
from redundancyd.core.state import Phase
from redundancyd.core.systems import Kind, Method, Methods, Server, System, Traffic
from redundancyd.status import About, hindrances, status, system_traffic, unfenced, warnings, without_secrets
from tests.api.real_desk import SERVERS, SETTINGS, RealDesk

ABOUT = About("0.1.0", 1000)


@pytest.mark.parametrize(
    ("kinds", "amount_to"),
    [
        (["allowed", "allowed"], "allowed"),
        (["blocked"], "blocked"),
        (["allowed", "blocked"], "mixed"),
        (["allowed", "mixed"], "mixed"),
        (["allowed", "unknown"], "unknown"),
        (["unknown", "mixed"], "mixed"),
        (["tampered", "unknown", "allowed"], "tampered"),
        (["unknown"], "unknown"),
    ],
)
def test_the_servers_of_a_system_amount_to_the_worst_that_is_known(kinds: list[str], amount_to: str):
    """
    A system is allowed or blocked only when every server is known to be.
    """
    assert system_traffic(map(Traffic, kinds)) == amount_to


def test_without_a_goal_the_page_stands_and_says_what_to_do():
    """
    Nothing on the page needs a goal; what goes wrong is that there is none.
    """
    state = replace(RealDesk().state(), goal=None, phase=Phase.ASKING)
    page = status(state, ABOUT, state.now)
    assert page["goal"] is None
    assert page["unfenced"] == []
    assert "manual-takeover" in page["would_go_wrong"][0]
    assert json.loads(json.dumps(page)) == page


def test_while_another_supervisor_orders_nothing_else_matters():
    """
    The only thing to say is how to become the supervisor.
    """
    state = replace(RealDesk().state(), phase=Phase.WATCHING)
    assert [said for said in hindrances(state) if "settings adopt" in said] == list(hindrances(state))
    assert unfenced(state) == ()


def test_a_lim_that_runs_on_its_standby_server_is_told():
    """
    By name, and as an alarm.
    """
    standby = Server(System.PRIMARY, 1, "192.0.2.21", standby=True)
    desk = RealDesk(replace(SETTINGS, servers=(*SERVERS, standby)))
    for server, runs in ((SERVERS[0], False), (standby, True)):
        desk.feed(FactsSeen(server, runs, None, (1, 2), desk.state().now))
    page = status(desk.state(), ABOUT, desk.state().now)
    assert page["systems"]["primary"]["on_standby"] == ["primary-1-standby"]
    assert "on_standby:primary-1-standby" in {alarm["handle"] for alarm in page["alarms"]}


def test_what_was_set_and_cannot_be_so_is_an_alarm_beside_the_others():
    """
    In the order of their gravity.
    """
    held = fallback_alarm(Methods(primary_from_alternate=Method.AUTOMATIC), (replace(SERVERS[0], standby=True),), None)
    assert held is not None
    state = RealDesk().state()
    page = status(state, replace(ABOUT, held=(held,)), state.now)
    assert [alarm["name"] for alarm in page["alarms"]] == ["return_held_manual"]


@pytest.mark.S2
def test_a_lim_that_is_seen_and_not_listed_is_unfenced():
    """
    The exchange of the primary knows a third LIM: with the alternate active it may carry traffic.
    """
    desk = RealDesk()
    desk.feed(OperatorAsked(System.ALTERNATE, 1, "anna", desk.state().now))
    assert unfenced(desk.state()) == ()
    desk.feed(FactsSeen(SERVERS[0], True, True, (1, 2, 3), desk.state().now))
    assert unfenced(desk.state()) == ("primary-3",)


def test_nothing_is_unfenced_before_the_other_system_is_allowed():
    """
    Between the order and the first allow, traffic is where it was; that is no alarm.
    """
    desk = RealDesk()
    state = desk.state()
    assert state.goal is not None
    begun = replace(state.goal, active=System.ALTERNATE, number=2, kind=Kind.PLANNED, done=False)
    assert unfenced(replace(state, goal=begun, phase=Phase.BLOCKING)) == ()
    assert unfenced(replace(state, goal=begun, phase=Phase.ALLOWING)) == ("primary-1", "primary-2")
    assert unfenced(replace(state, goal=replace(begun, done=True), phase=Phase.BLOCKING)) == ("primary-1", "primary-2")


def test_a_disk_that_does_not_take_the_goal_stands_in_the_page():
    """
    A manual takeover would be refused, and that is what is said.
    """
    state = replace(RealDesk().state(), goal_unsaved="disk full")
    assert any("disk full" in said for said in hindrances(state))


def test_a_latch_and_a_pause_and_a_manual_method_are_hindrances_while_the_primary_is_active():
    """
    Each keeps an automatic takeover from beginning; the words that end it are named.
    """
    desk = RealDesk()
    state = desk.state()
    assert state.goal is not None
    assert hindrances(state) == ()
    latched = replace(state, goal=replace(state.goal, latched=True))
    assert any("alarms acknowledge latched:takeovers" in said for said in hindrances(latched))


def test_a_return_by_hand_is_no_hindrance():
    """
    Manual at recovery is what is recommended: with the alternate active it goes without saying.
    """
    desk = RealDesk()
    desk.feed(OperatorAsked(System.ALTERNATE, 1, "anna", desk.state().now))
    assert hindrances(desk.state()) == ()
    assert len(warnings(desk.state(), ABOUT)) == 1


def test_what_is_out_of_reach_is_unknown_and_what_was_last_seen_is_kept_apart():
    """
    A program that reads `traffic` is never told an old thing as if it were so now.
    """
    desk = RealDesk()
    desk.lose(System.PRIMARY)
    state = desk.state()
    lim = status(state, ABOUT, state.now)["systems"]["primary"]["lims"][0]
    assert (lim["traffic"], lim["last_traffic"], lim["reach"]) == ("unknown", "allowed", False)


def test_instants_stand_there_as_they_are_and_as_how_long_ago():
    """
    Both come from one clock.
    """
    state = RealDesk().state()
    page = status(state, ABOUT, state.now + 700)
    heart = page["heartbeat"]
    assert heart["last_answer_at"] + heart["last_answer_ago_ms"] == page["at"] == state.now + 700
    assert page["started_ago_ms"] == page["at"] - 1000


def test_a_standby_server_has_a_line_of_its_own():
    """
    1+1: the LIM is ready by either of its servers, and both are shown.
    """
    standby = Server(System.PRIMARY, 1, "192.0.2.21", standby=True)
    desk = RealDesk(replace(SETTINGS, servers=(*SERVERS, standby)))
    names = [lim["name"] for lim in desk.status()["systems"]["primary"]["lims"]]
    assert names == ["primary-1", "primary-2", "primary-1-standby"]


def test_the_configuration_shows_no_secret():
    """
    Communities and tokens are hidden; that they are set is not.
    """
    settings = {"alarms": {"snmp": "public@192.0.2.1", "webhook": "", "command": None}, "ssh": {"user": "x"}}
    shown = without_secrets(settings)
    assert shown["alarms"] == {"snmp": "(set, not shown)", "webhook": "", "command": None}
    assert shown["ssh"] == {"user": "x"}
    assert without_secrets({"ssh": 1}) == {"ssh": 1}
