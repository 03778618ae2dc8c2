"""What systemd is told, through a real datagram socket."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from redundancyd.adapters.notify import Notify


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that systemd listens at."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(2)
        yield sock


@pytest.fixture
def notify(tmp_path: Path) -> Notify:
    """Ours."""
    return Notify(str(tmp_path / "notify"))


def test_each_word_is_one_datagram(systemd: socket.socket, notify: Notify):
    """
    READY with a status, WATCHDOG, RELOADING with its instant, STOPPING.
    """
    notify.ready("standby → ok")
    notify.watchdog()
    notify.reloading(123_456)
    notify.stopping()
    assert [systemd.recv(1000).decode() for _ in range(4)] == [
        "READY=1\nSTATUS=standby → ok",
        "WATCHDOG=1",
        "RELOADING=1\nMONOTONIC_USEC=123456",
        "STOPPING=1",
    ]


def test_a_status_of_two_lines_sets_nothing_else(systemd: socket.socket, notify: Notify):
    """
    A line break in a status would be a second assignment.
    """
    notify.status("lost\nWATCHDOG=trigger")
    assert systemd.recv(1000).decode() == "STATUS=lost WATCHDOG=trigger"


def test_an_abstract_socket_is_reached_too():
    """
    NOTIFY_SOCKET may begin with @.
    """
    name = f"redundancyd-test-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.settimeout(2)
        assert Notify(f"@{name}").watchdog()
        assert sock.recv(100) == b"WATCHDOG=1"


def test_nobody_to_tell_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    Started by hand, or systemd's socket is gone: False, nothing raised.
    """
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not Notify().ready()
    assert not Notify(str(tmp_path / "none")).ready()


def test_a_systemd_that_does_not_listen_makes_nobody_wait(systemd: socket.socket, notify: Notify):
    """
    Its queue is full: the word is lost, at once.
    """
    began = time.monotonic()
    told = [notify.watchdog() for _ in range(2000)]
    assert not told[-1]
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("usec", "pid", "expected"), [("10000000", "", 5000), ("10000000", "1", None), ("", "", None), ("x", "", None)]
)
def test_the_watchdog_is_fed_twice_as_often_as_it_bites(
    monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, expected: int | None
):
    """
    Half of WATCHDOG_USEC, and only if this process is the one that is watched.
    """
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert Notify("").watchdog_interval_ms() == expected
