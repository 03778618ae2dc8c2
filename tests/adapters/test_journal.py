"""The journal against a real socket, a pipe nobody reads, and a subscriber that sleeps."""

import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from redundancyd.adapters import journal
from redundancyd.adapters.journal import JOURNAL_SOCKET, Journal, open_journal
from redundancyd.adapters.message_ids import MESSAGE_IDS
from tests.adapters.neighbours import SetClock


@pytest.fixture(autouse=True)
def _no_journal_stays_open() -> Iterator[None]:
    """Each test opens its own."""
    yield
    journal._current = None
    logging.getLogger().removeHandler(journal._libraries)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """What journald would be: a datagram socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "socket"))
        sock.settimeout(2)
        yield sock


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Standard error of a daemon: a reading and a writing end."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    yield reading, writing
    os.close(reading)
    os.close(writing)


@pytest.fixture
def native(tmp_path: Path, listener: socket.socket) -> Iterator[Journal]:
    """A journal that writes to the listener."""
    here = Journal(SetClock(), journal._JournalSink(tmp_path / "socket", "redundancyd"))
    yield here
    here.close()


@pytest.fixture
def here(tmp_path: Path, pipe: tuple[int, int]) -> Journal:
    """The journal of this process, written into a pipe that is known not to block."""
    os.set_blocking(pipe[1], False)
    return open_journal(SetClock(), socket_path=tmp_path / "none", stream=pipe[1])


def fields(datagram: bytes) -> dict[str, str]:
    """The short fields of one entry."""
    return dict(line.split("=", 1) for line in datagram.decode().splitlines() if "=" in line)


def lines(reading: int) -> list[dict[str, object]]:
    """What can be read now, as JSON objects."""
    return [json.loads(line) for line in os.read(reading, 1_000_000).splitlines()]


def test_fields_arrive_native_and_with_the_message_id(native: Journal, listener: socket.socket):
    """
    journalctl can ask for each field, and -x finds the explanation.
    """
    native.record(
        "takeover_done", level="notice", takeover=7, row="T08", lim=2, system="alternate", message="takeover 7 done"
    )
    got = fields(listener.recv(65_536))
    assert got["MESSAGE"] == "takeover 7 done"
    assert got["REDUNDANCY_EVENT"] == "takeover_done"
    assert got["MESSAGE_ID"] == MESSAGE_IDS["takeover_done"]
    assert (got["PRIORITY"], got["TAKEOVER"], got["ROW"], got["LIM"], got["SYSTEM"]) == (
        "5",
        "7",
        "T08",
        "2",
        "alternate",
    )


@pytest.mark.parametrize("name", ["message", "why"])
def test_what_others_said_is_readable_and_steers_no_terminal(native: Journal, listener: socket.socket, name: str):
    """
    journalctl hides a whole message with a character that cannot be printed; a terminal obeys it.
    """
    native.record("lim_refused", **{name: "\x1b]0;owned\x07\x9b2J\u202e ö"})  # type: ignore[arg-type]
    said = fields(listener.recv(65_536))["MESSAGE"]
    assert said.isprintable()
    assert "ö" in said
    assert "\\x1b]0;owned" in said


def test_a_field_cannot_take_the_place_of_one_of_ours(native: Journal, listener: socket.socket):
    """
    Names that journald or we have a meaning for are written with a prefix, odd ones are made sound.
    """
    odd: dict[str, Any] = {"_pid": 1, "a-b": 2, "message_id": "no"}
    native.record("x", priority="0", **odd)
    got = fields(listener.recv(65_536))
    assert got["PRIORITY"] == "6"
    assert got["REDUNDANCY_PRIORITY"] == "0"
    assert got["REDUNDANCY_MESSAGE_ID"] == "no"
    assert (got["PID"], got["A_B"]) == ("1", "2")


def test_a_line_break_in_a_value_makes_no_second_field(native: Journal, listener: socket.socket):
    """
    What a LIM says is data, also when it looks like a field.
    """
    native.record("x", why="first\nPRIORITY=0\nlast")
    datagram = listener.recv(65_536)
    assert datagram.count(b"\nPRIORITY=") == 2
    assert b"WHY\n" + len(b"first\nPRIORITY=0\nlast").to_bytes(8, "little") + b"first\nPRIORITY=0\nlast\n" in datagram


def test_a_traceback_is_written_whole(native: Journal, listener: socket.socket):
    """
    exc_info= becomes a field with all lines of the traceback.
    """
    try:
        dict[str, str]()["nothing here"]
    except KeyError as error:
        native.record("effect_failed", level="error", exc_info=error)
    datagram = listener.recv(65_536)
    assert b"EXCEPTION\n" in datagram
    assert b"in test_a_traceback_is_written_whole" in datagram
    assert b"nothing here" in datagram


def test_a_frozen_journal_makes_nobody_wait_and_the_loss_is_told(native: Journal, listener: socket.socket):
    """
    Nobody reads: five hundred records cost no wait.  When somebody reads again, one record says how many were lost.
    """
    began = time.monotonic()
    for number in range(500):
        native.record("beat_missed", number=number)
    assert time.monotonic() - began < 1
    listener.setblocking(False)
    arrived = 0
    while True:
        try:
            listener.recv(65_536)
        except BlockingIOError:
            break
        arrived += 1
    native.record("beat_answered")
    told, last = fields(listener.recv(65_536)), fields(listener.recv(65_536))
    assert told["REDUNDANCY_EVENT"] == "journal_lost"
    assert int(told["COUNT"]) == 500 - arrived
    assert last["REDUNDANCY_EVENT"] == "beat_answered"


def test_a_journal_started_anew_is_found_again(tmp_path: Path, native: Journal, listener: socket.socket):
    """
    journald is restarted and has a new socket at the same path: records go there.
    """
    native.record("one")
    listener.recv(65_536)
    (tmp_path / "socket").unlink()
    native.record("lost")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
        again.bind(str(tmp_path / "socket"))
        again.settimeout(2)
        native.record("two")
        assert [fields(again.recv(65_536))["REDUNDANCY_EVENT"] for _ in range(2)] == ["journal_lost", "two"]


def test_without_a_journal_each_record_is_a_json_object_a_line(tmp_path: Path, pipe: tuple[int, int]):
    """
    Keys are event, at_ms, level and the fields in lower case.
    """
    reading, writing = pipe
    open_journal(SetClock(now=77), socket_path=tmp_path / "none", stream=writing)
    journal.record("takeover_done", level="notice", takeover=7, why="one\ntwo", gone=None)
    (line,) = lines(reading)
    assert line == {"event": "takeover_done", "at_ms": 77, "level": "notice", "takeover": 7, "why": "one\ntwo"}


def test_what_libraries_complain_of_is_a_record_like_any_other(tmp_path: Path, pipe: tuple[int, int]):
    """
    A warning with a traceback from a library is one JSON line; what it says for information is not written.
    """
    reading, writing = pipe
    open_journal(SetClock(), socket_path=tmp_path / "none", stream=writing)
    logging.getLogger("asyncssh").info("connected")
    try:
        dict[str, str]()["nothing here"]
    except KeyError:
        logging.getLogger("asyncio").exception("an exception in a callback")
    (line,) = lines(reading)
    assert (line["event"], line["level"], line["logger"]) == ("library_said", "error", "asyncio")
    assert "in test_what_libraries" in str(line["why"])


def test_a_full_pipe_makes_nobody_wait_and_never_cuts_a_line(tmp_path: Path, pipe: tuple[int, int]):
    """
    Whoever read our standard error has stopped: nothing blocks, every line that arrives is whole, the loss is told.
    """
    reading, writing = pipe
    here = open_journal(SetClock(), socket_path=tmp_path / "none", stream=writing)
    began = time.monotonic()
    for number in range(100):
        here.record("row", number=number, text="x" * 6000)
    assert time.monotonic() - began < 1
    arrived = os.read(reading, 1_000_000)
    for _ in range(3):
        here.record("after")
        arrived += os.read(reading, 1_000_000)
    events = [json.loads(line) for line in arrived.splitlines()]
    (lost,) = (event for event in events if event["event"] == "journal_lost")
    rows = [event["number"] for event in events if event["event"] == "row"]
    assert rows == list(range(len(rows)))
    assert lost["count"] == 100 - len(rows)
    assert events[-1]["event"] == "after"


def test_a_closed_standard_error_ends_nothing(tmp_path: Path):
    """
    The reader is gone for good: records are handed on all the same.
    """
    reading, writing = os.pipe()
    here = open_journal(SetClock(), socket_path=tmp_path / "none", stream=writing)
    got: list[str] = []
    here.tap(lambda event, _at_ms, _fields: got.append(event))
    os.close(reading)
    for _ in range(3):
        here.record("row")
    os.close(writing)
    here.record("row")
    assert len(got) == 4


def test_on_a_terminal_records_are_plain_sentences(tmp_path: Path):
    """
    Somebody who runs the daemon by hand reads text, not JSON.
    """
    terminal, ours = os.openpty()
    here = open_journal(SetClock(now=12_345), socket_path=tmp_path / "none", stream=ours)
    here.record("beat_missed", primary="silent", count=3)
    assert os.read(terminal, 1000).decode().strip() == "12.345 info     beat_missed primary=silent count=3"
    os.close(terminal)
    os.close(ours)


def test_who_taps_the_journal_gets_every_record(here: Journal):
    """
    In order, each once, with its level and its fields.
    """
    got: list[tuple[str, int, dict[str, object]]] = []
    here.tap(lambda event, at_ms, fields: got.append((event, at_ms, fields)))
    here.record("one", number=1)
    here.record("two", level="error")
    assert [(event, fields) for event, _, fields in got] == [
        ("one", {"level": "info", "number": 1}),
        ("two", {"level": "error"}),
    ]


@pytest.mark.skipif(JOURNAL_SOCKET.is_socket(), reason="this host has a journal, and tests do not write into it")
def test_a_host_without_journald_gets_lines_on_standard_error(capfd: pytest.CaptureFixture[str]):
    """
    open_journal finds no socket and takes standard error.
    """
    open_journal(SetClock())
    journal.record("daemon_started")
    assert json.loads(capfd.readouterr().err)["event"] == "daemon_started"
