"""Why the traffic stays, and why it was moved: from pages of the real core and records as the daemon keeps them."""

from typing import Any

import pytest

from redundancyd.utility import configuration_screen, explanation, past_alarms
from redundancyd.utility.explanation import why_it_stays
from redundancyd.utility.text import WIDTH
from tests.api.real_desk import RealDesk
from tests.utility.golden import compare
from tests.utility.test_screens import awaiting, calm, isolated, lost, moved, page_of


def returned() -> RealDesk:
    """The primary came back after a loss, but the exchange of its LIM 2 does not run."""
    desk = lost()
    desk.cut.clear()
    desk.primary_answers = True
    desk.beats(1)
    return desk


@pytest.mark.parametrize(
    ("desk", "why"),
    [
        (calm, "the primary is heard, and it is the active system"),
        (lost, "the primary is not heard (lost)"),
        (moved, "the operator ordered it"),
        (awaiting, "a takeover is called for and waits"),
        (isolated, "it is we who are cut off"),
        (returned, "the primary is heard and not ready: primary-1 is out of reach"),
    ],
)
def test_why_no_takeover_begins_now_is_one_sentence(desk: Any, why: str):
    """
    Each line of the decision table that says stay.
    """
    assert why in why_it_stays(page_of(desk()))


def line(seq: int, event: str, **fields: Any) -> dict[str, Any]:
    """A record as the socket tells it."""
    return {"seq": seq, "at_ms": seq * 500, "event": event, **fields}


RECORDS = [
    line(1, "row_taken", row="T01", takeover=1, from_phase="resting", phase="saving", why="old"),
    line(2, "takeover_done", takeover=1, active="primary", all_ms=1),
    line(3, "beat_missed", primary="silent", control="answered"),
    line(4, "beat_missed", primary="silent", control="silent"),
    line(5, "beat_missed", primary="silent", control="answered"),
    line(6, "verdict_changed", was="heard", verdict="lost", missed=3),
    line(7, "takeover_decided", takeover=2, active="alternate", reason="the primary missed 3 beats", row="T01"),
    line(8, "row_taken", row="T08", takeover=2, from_phase="saving", phase="allowing", why="out of reach"),
    line(9, "operator_asked", who="anna", action="settings-takeover", answer="done"),
]


def test_a_takeover_is_told_from_its_beats_to_its_rows():
    """
    Only what belongs to it: neither the takeover before, nor an order that came later.
    """
    page = explanation.page(page_of(lost()), RECORDS, 2)
    assert page["known"] == [1, 2]
    told = explanation.screen(page)
    compare("explain-takeover", told)
    assert "old" not in told
    assert "anna" not in told


def test_without_a_number_the_present_comes_first():
    """
    What holds now, then the latest takeover that is known.
    """
    told = explanation.screen(explanation.page(page_of(lost()), RECORDS, None))
    assert told.index("Traffic is in the alternate system.") < told.index("Takeover 2")


def test_what_is_not_kept_is_said_with_where_to_look():
    """
    The journal is older than the daemon.
    """
    told = explanation.screen(explanation.page(page_of(calm()), [], 9))
    assert "nothing is kept" in told
    assert "TAKEOVER=9" in told


def test_alarms_that_came_and_went_are_paired_by_their_handle():
    """
    One that still stands is no past; one that was raised before the oldest record has no beginning.
    """
    records = [
        line(2, "alarm_cleared", handle="a:x"),
        line(4, "alarm_raised", handle="b:y", severity=3, text="bad"),
        line(6, "alarm_raised", handle="c:z", severity=2, text="stands"),
        line(8, "alarm_cleared", handle="b:y"),
    ]
    gone = past_alarms.past(records, 5000)
    assert [(alarm["handle"], alarm["raised_ago_ms"], alarm["cleared_ago_ms"]) for alarm in gone] == [
        ("b:y", 3000, 1000),
        ("a:x", None, 4000),
    ]
    assert "raised ?" in past_alarms.screen({"alarms": [], "past": gone})


def test_the_configuration_fits_the_screen_and_shows_what_was_set_since():
    """
    Systems, control address, methods; every other setting by its name.
    """
    lims = [{"lim": 1, "address": "192.0.2.11", "standby": False}, {"lim": 1, "address": "192.0.2.19", "standby": True}]
    settings = {
        "primary": {"master_ip": "192.0.2.10", "lims": lims},
        "alternate": {"lims": lims[:1]},
        "network_control": {"addresses": ["203.0.113.1", "203.0.113.2"]},
        "heartbeat": {"interval_ms": 2000, "missed": 10, "probes": ["icmp"]},
        "traffic": {"services": [{"proto": "udp", "ports": str(5000 + n)} for n in range(20)], "deny": "reject"},
        "takeover": {"orphan_hold": None},
    }
    told = configuration_screen.screen(configuration_screen.page(settings, page_of(moved())))
    compare("list", told)
    assert all(len(shown) <= WIDTH for shown in told.splitlines())
