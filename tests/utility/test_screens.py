"""What the operator reads, from pages of the real core."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from redundancyd.client import Client
from redundancyd.core.events import Beat, FactsSeen, MethodSet, OperatorAsked, PauseSet, Reply
from redundancyd.core.systems import Direction, Method, Pause, Server, Settings, System
from redundancyd.errors import RequestRefused
from redundancyd.status import About, status
from redundancyd.utility import cli, commands, rows, screens
from redundancyd.utility.text import Paint, box, plain, span, wrapped
from tests.api.real_desk import SETTINGS, RealDesk
from tests.utility.golden import compare


def page_of(desk: RealDesk, about: About | None = None) -> dict[str, Any]:
    """The status page of a daemon that has been running for a while."""
    return status(desk.state(), about or About("0.1.0", 1000), desk.state().now + 400)


def calm() -> RealDesk:
    """The primary is active."""
    return RealDesk()


def lost() -> RealDesk:
    """The primary lost its power, and the alternate took over."""
    desk = calm()
    desk.lose(System.PRIMARY)
    desk.beats(5)
    return desk


def moved() -> RealDesk:
    """The operator moved the traffic for a quarter of an hour, and paused."""
    desk = calm()
    desk.feed(OperatorAsked(System.ALTERNATE, 1, "anna", desk.state().now, revert_after_ms=900_000))
    desk.feed(PauseSet(Pause(desk.state().now + 7_200_000, "work on the routers"), desk.state().now))
    return desk


def awaiting() -> RealDesk:
    """The primary is lost and the method is manual."""
    desk = calm()
    desk.feed(MethodSet(Direction.ALTERNATE_FROM_PRIMARY, Method.MANUAL, desk.state().now))
    desk.lose(System.PRIMARY)
    desk.beats(4)
    return desk


def isolated() -> RealDesk:
    """Nobody answers us."""
    desk = calm()
    desk.lose(System.PRIMARY)
    desk.control_answers = False
    desk.beats(5)
    return desk


def wide() -> RealDesk:
    """IPv6, a standby server, a LIM that refuses, one that is not listed, an exchange that stands still."""
    servers = (
        Server(System.PRIMARY, 1, "2001:db8:1::11"),
        Server(System.PRIMARY, 1, "2001:db8:1:ffff:ffff:ffff:ffff:1012", standby=True),
        Server(System.ALTERNATE, 1, "2001:db8:2::11"),
    )
    desk = RealDesk(replace(SETTINGS, servers=servers))
    desk.refusing = {servers[1]}
    desk.feed(OperatorAsked(System.ALTERNATE, 1, "anna", desk.state().now, accept=("1",)))
    desk.feed(FactsSeen(servers[0], False, True, (1, 3), desk.state().now))
    return desk


@pytest.mark.parametrize("situation", [calm, lost, moved, awaiting, isolated, wide])
def test_the_status_of_each_situation_reads_as_it_was_found_good(situation: Callable[[], RealDesk]):
    """
    Somebody who was woken at night sees first what is wrong and who has to act.
    """
    text = screens.status(page_of(situation()))
    assert max(map(len, text.splitlines())) <= 80
    compare(f"status-{situation.__name__}", text)


@pytest.mark.parametrize("situation", [calm, lost, awaiting])
def test_the_alarms_of_each_situation_read_as_they_were_found_good(situation: Callable[[], RealDesk]):
    """
    Gravest first, with the handle that acknowledge takes.
    """
    compare(f"alarms-{situation.__name__}", screens.alarms(page_of(situation())))


def test_the_table_and_a_row_of_it_read_as_they_were_found_good():
    """
    Number, where it applies, what leads to it, what is asked for, and why.
    """
    compare("table", rows.table())
    assert rows.find("T07") is not None
    assert rows.find("T99") is None


@pytest.mark.S2
def test_unfenced_cannot_be_overlooked():
    """
    Without colour a frame over the whole width, with colour all of it white on red; and it stands near the top.
    """
    page = page_of(lost())
    text = screens.status(page)
    assert text.index("UNFENCED") < text.index("PRIMARY SYSTEM")
    assert sum(line.strip().startswith("##") for line in text.splitlines()) >= 4
    framed = [line for line in screens.status(page, Paint(colour=True)).splitlines() if "##" in line]
    assert framed
    assert all(line.strip().startswith("\x1b[1;37;41m##") for line in framed)


def test_colour_changes_no_letter_and_no_place():
    """
    What stands in colour is the same text.
    """
    for situation in (calm, lost, awaiting, wide):
        page = page_of(situation())
        coloured = screens.status(page, Paint(colour=True))
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == screens.status(page)


def test_what_a_lim_said_cannot_steer_the_terminal():
    """
    An escape sequence from outside is shown as harmless marks.
    """
    desk = calm()
    page = page_of(desk)
    page["goal"]["reason"] = "\x1b[2J\x1b]0;owned\x07"
    page["systems"]["primary"]["lims"][0]["refused"] = "\x9b2J\r\n"
    page["would_go_wrong"] = ["\x1b[31mred"]
    assert not set(screens.status(page)) & {"\x1b", "\x07", "\x9b", "\r"}
    line = {"seq": 1, "at_ms": 1, "event": "\x1b[2J", "why": "\x1b[2J"}
    assert "\x1b" not in screens.event(line)


def test_an_error_that_quotes_a_lim_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """
    Its lines stay; what a terminal would obey goes, in what was refused as in what was done.
    """

    def refuse(*_: object) -> int:
        raise RequestRefused("configuring", "version: 7.8\x1b]0;owned\x07\n  second line")

    monkeypatch.setattr(commands, "perform", refuse)
    assert cli.run(["status"]) == RequestRefused.exit_code
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\x07" not in told
    assert told.endswith("\n  second line.\n")
    monkeypatch.undo()
    monkeypatch.setattr(Client, "act", lambda *_: {"detail": "loaded \x1b]0;owned\x07", "takeover": None})
    assert cli.run(["settings", "resume"]) == 0
    told = capsys.readouterr().out
    assert "loaded" in told
    assert "\x1b" not in told


def test_the_warning_about_a_primary_that_stays_blocked_stands_whenever_it_is_so():
    """
    While the alternate is active and a healthy primary is blocked, status says what to do if we die.
    """
    desk = moved()
    assert any("redundancy-lim allow --by-hand" in reason for reason in page_of(desk)["would_go_wrong"])
    held = page_of(desk, About("0.1.0", 1000, orphan_hold_ms=3_600_000))
    assert any("by itself 60 min after the last word" in reason for reason in held["would_go_wrong"])
    assert not any("by-hand" in reason for reason in page_of(calm())["would_go_wrong"])


def test_the_latest_beats_are_drawn():
    """
    One mark a beat: answered, silent, not sent.
    """
    replies = (Reply.ANSWERED, Reply.SILENT, Reply.UNSENT)
    beats = tuple(Beat(reply, Reply.ANSWERED, at, at) for at, reply in enumerate(replies))
    text = screens.status(page_of(calm(), About("0.1.0", 1000, beats)))
    assert "primary |.!  control |||" in text
    assert "! not sent: our own host" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_preview_is_now_will_do_afterwards():
    """
    The steps are numbered; a refusal says why and shows no steps.
    """
    page = {"now": ["primary: primary-1 allowed"], "will_do": ["block", "allow"], "afterwards": ["x"], "refused": ""}
    compare("preview", screens.preview(page))
    refused = screens.preview(page | {"refused": "alternate-1 is out of reach"})
    assert "It would be refused: alternate-1 is out of reach" in refused
    assert "Will do" not in refused


def test_an_event_is_one_line_with_its_sentence_last():
    """
    A row reads as in the table, everything else by its fields.
    """
    row = {"seq": 7, "at_ms": 12_345, "event": "row_taken", "row": "T04", "phase": "blocking", "from_phase": "saving"}
    lines = [
        row | {"why": "block there before allowing here", "takeover": 2},
        {"seq": 8, "at_ms": 12_350, "event": "verdict_changed", "was": "heard", "verdict": "lost", "missed": 3},
        {"seq": 9, "at_ms": 12_360, "event": "alarm_raised", "severity": 4, "text": "fields of another version"},
        {"seq": 10, "at_ms": 12_370, "event": "something_new", "level": "info", "lim": 2, "why": "told by its fields"},
    ]
    compare("events", "\n".join(screens.event(line) for line in lines))
    assert screens.event(lines[1] | {"level": "error"}, Paint(colour=True)).count("\x1b[1;31mverdict_changed") == 1


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, "0.0 s"),
        (9_940, "9.9 s"),
        (12_000, "12 s"),
        (250_000, "4 min 10 s"),
        (11_000_000, "3 h 3 min"),
        (90_000_000, "1 d 1 h"),
        (-5000, "-5.0 s"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(ms: int, said: str):
    """
    Nobody counts milliseconds at night.
    """
    assert span(ms) == said


def test_a_frame_keeps_its_width_and_text_its_margin():
    """
    Long text is folded, in the frame and outside.
    """
    assert {len(line) for line in box(["word " * 50], Paint())} == {79}
    assert max(map(len, wrapped("word " * 50, "   - "))) <= 80
    assert plain("a\tb\n") == "a?b?"


def test_every_fact_of_a_page_has_a_line_with_its_name():
    """
    `inspect state` hides nothing.
    """
    told = list(screens.facts({"goal": {"active": "primary", "done": True}, "list": [1, {}], "none": None}))
    assert told == ["goal.active = primary", "goal.done = yes", "list[0] = 1", "list[1] = (none)", "none = -"]


def test_a_fleet_of_the_largest_size_is_shown_quickly():
    """
    Two systems of 124 LIMs: every one has its line.
    """
    servers = tuple(Server(system, lim, f"192.0.2.{lim}") for system in System for lim in range(1, 125))
    text = screens.status(page_of(RealDesk(Settings(servers, interval_ms=1000, timeout_ms=750, missed=3))))
    assert sum("LIM" in line for line in text.splitlines()) == 248
