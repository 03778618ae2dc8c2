"""The client against whatever may be behind a socket that is not, or no longer, a sound daemon."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached
from tests.house import TOP

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def answering(path: Path, answer: Callable[[socket.socket], None]) -> Iterator[Client]:
    """A client of a server that answers one connection in its own way."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            with suppress(OSError), listener.accept()[0] as caller:
                caller.recv(10_000)
                answer(caller)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Client(str(path))
        listener.close()
        thread.join(5)


@pytest.mark.parametrize(
    "said",
    [b"SSH-2.0-OpenSSH\r\n", b"\x00" * 100, OK + b"Content-Length: 3\r\n\r\n{}}", OK + b"Content-Length: 2\r\n\r\n[]"],
)
def test_what_is_not_redundancyd_is_said_to_be_none(folder: Path, said: bytes):
    """
    No HTTP, no JSON, no object: not reached, with the path that was tried.
    """
    with answering(folder / "s", lambda caller: caller.sendall(said)) as client:
        with pytest.raises(DaemonNotReached, match="is not redundancyd") as error:
            client.get("/v1/status")
        assert str(folder / "s") in str(error.value)


def test_a_daemon_that_dies_in_its_answer_is_not_reached(folder: Path):
    """
    Half an answer is none.
    """
    half = OK + b"Content-Length: 1000\r\n\r\n{"
    with answering(folder / "s", lambda caller: caller.sendall(half)) as client, pytest.raises(DaemonNotReached):
        client.get("/v1/status")


def test_an_answer_that_trickles_is_cut_off_at_the_deadline(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """
    A byte now and then does not keep a client waiting; the deadline is one for the whole answer.
    """
    monkeypatch.setattr("redundancyd.client.ANSWER_S", 0.3)

    def trickle(caller: socket.socket) -> None:
        caller.sendall(OK + b"Content-Length: 1000\r\n\r\n")
        for _ in range(100):
            caller.sendall(b" ")
            time.sleep(0.02)

    with answering(folder / "s", trickle) as client:
        began = time.monotonic()
        with pytest.raises(DaemonNotReached, match="no answer in time"):
            client.get("/v1/status")
        assert time.monotonic() - began < 1.5


def test_a_frozen_daemon_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """
    The kernel connects for it, and then nothing comes.
    """
    monkeypatch.setattr("redundancyd.client.ANSWER_S", 0.1)
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(folder / "s"))
        frozen.listen()
        with pytest.raises(DaemonNotReached, match="no answer in time"):
            Client(str(folder / "s")).get("/v1/status")


def test_importing_the_client_is_cheap():
    """
    It brings neither http nor json, nor anything from outside the standard library.
    """
    probe = (
        "import sys, redundancyd.client; print({'json', 'http.client', 'ssl', 'click', 'aiohttp'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", probe], cwd=TOP, capture_output=True, check=True, text=True)
    assert ran.stdout == "set()\n"
