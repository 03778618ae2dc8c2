"""The path of the socket: one daemon, only a socket is replaced, and systemd may hand one over."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from redundancyd.api import Api
from redundancyd.client import Client
from redundancyd.errors import AlreadyRunning, DaemonNotReached
from redundancyd.socket_file import SocketFile, SocketUnusable
from tests.api.real_desk import RealDesk
from tests.api.wire import exchange
from tests.house import TOP

GROUP = os.getgid()


async def test_a_second_daemon_is_refused_and_the_first_goes_on(api: object, folder: Path):
    """
    The lock beside the socket tells; the first daemon's socket stays where it is.
    """
    with pytest.raises(AlreadyRunning):
        await Api(RealDesk(), str(folder / "s"), "nogroup").start()
    assert (await exchange(folder / "s", "GET", "/healthz"))[0] == 200


def test_a_living_listener_without_the_lock_is_not_replaced(folder: Path):
    """
    Somebody else listens there: he keeps his socket.
    """
    with socket.socket(socket.AF_UNIX) as somebody:
        somebody.bind(str(folder / "s"))
        somebody.listen()
        with pytest.raises(AlreadyRunning, match="somebody listens"):
            SocketFile.take(str(folder / "s"), GROUP)
        assert (folder / "s").is_socket()


def test_a_socket_that_a_killed_daemon_left_is_replaced(folder: Path):
    """
    A restart is the ordinary way to begin.
    """
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "s"))
    taken = SocketFile.take(str(folder / "s"), GROUP)
    assert taken.complaints == ()
    assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o660
    taken.give_up()
    assert not (folder / "s").exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_only_a_socket_is_ever_replaced(folder: Path, kind: str):
    """
    A file, a folder or a link at that path stays, and the error says what to do.
    """
    place = folder / "s"
    match kind:
        case "file":
            place.write_text("precious")
        case "folder":
            place.mkdir()
        case _:
            place.symlink_to(folder / "elsewhere")
    with pytest.raises(SocketUnusable, match="not a socket"):
        SocketFile.take(str(place), GROUP)
    assert os.path.lexists(place)


def test_a_folder_that_is_not_there_is_an_error_with_a_remedy(folder: Path):
    """
    Nothing is made where nobody said so.
    """
    with pytest.raises(SocketUnusable, match="folder has to exist"):
        SocketFile.take(str(folder / "no" / "s"), GROUP)


def test_a_group_that_does_not_exist_is_a_complaint_and_no_end(folder: Path):
    """
    Supervision goes on; the journal is told who may open the socket now.
    """
    taken = SocketFile.take(str(folder / "s"), None)
    assert "only root" in taken.complaints[0]
    taken.give_up()


def test_giving_up_leaves_what_another_has_put_there(folder: Path):
    """
    The path is removed only if it is still the own socket.
    """
    taken = SocketFile.take(str(folder / "s"), GROUP)
    (folder / "s").unlink()
    (folder / "s").write_text("another's")
    taken.give_up()
    assert (folder / "s").read_text() == "another's"


SERVE = """
import asyncio, os
from redundancyd.api import Api
from tests.api.real_desk import RealDesk
async def main():
    async with Api(RealDesk(), os.environ["WRONG_PATH"], "nogroup"):
        pass  # settings were reread: another life on the same socket
    async with Api(RealDesk(), os.environ["WRONG_PATH"], "nogroup"):
        await asyncio.sleep(30)
asyncio.run(main())
"""


def test_a_socket_that_systemd_hands_over_is_used(folder: Path):
    """
    Socket activation: the daemon is started by the first caller, and makes no file of its own.
    """
    path = folder / "activated"
    activate = ["systemd-socket-activate", "-l", str(path), "-E", "WRONG_PATH", "-E", "PYTHONPATH"]
    environ = {**os.environ, "WRONG_PATH": str(folder / "wrong"), "PYTHONPATH": str(TOP)}
    process = subprocess.Popen([*activate, sys.executable, "-c", SERVE], env=environ, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if path.exists():
                break
            process.poll()
            subprocess.run(["sleep", "0.02"], check=True)
        assert Client(str(path)).get("/v1/status")["version"] == "0.0.test"
        assert not (folder / "wrong").exists()
    finally:
        process.terminate()
        process.wait(10)


def test_what_keeps_a_client_from_the_daemon_is_said(folder: Path):
    """
    No such socket, nobody behind it, something else behind it: exit status 4 and what to look at.
    """
    with pytest.raises(DaemonNotReached, match=r"no such socket.*systemctl status"):
        Client(str(folder / "none")).get("/v1/status")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "dead"))
    with pytest.raises(DaemonNotReached, match="nobody listens"):
        Client(str(folder / "dead")).get("/v1/status")
