"""Who may look and who may change, asked as real other users."""

import asyncio
import grp
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from redundancyd.peers import Peer, Rights, peer_of
from tests.api.real_desk import RealDesk
from tests.house import TOP

NOBODY = 65534
GROUP = grp.getgrnam("nogroup").gr_gid  # the operators' group of the fixture
OTHER = 54321

ASK = """
import json, os, sys
import redundancyd.unix_http  # imported late otherwise, by a user who may not read it
from redundancyd.client import Client
from redundancyd.errors import RedundancyError
path, uid, gid, *groups = sys.argv[1:]
os.setgroups([int(group) for group in groups])
os.setgid(int(gid))
os.setuid(int(uid))
client = Client(path)
told = {}
for name, ask in (("look", lambda: client.get("/v1/status")), ("change", lambda: client.act("resume", {}))):
    try:
        told[name] = bool(ask())
    except RedundancyError as error:
        told[name] = [error.exit_code, str(error)]
print(json.dumps(told))
"""

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be other users")


async def ask_as(path: Path, uid: int, gid: int, *groups: int) -> dict[str, Any]:
    """What a process of this user is answered; its imports come first, since the tree may be open to root only."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ASK, str(path), str(uid), str(gid), *map(str, groups)),
        cwd="/",
        env={"PYTHONPATH": str(TOP), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        out, _ = await process.communicate()
    told: dict[str, Any] = json.loads(out)
    return told


@root
async def test_a_stranger_cannot_even_open_the_socket(api: object, folder: Path, desk: RealDesk):
    """
    Neither its group nor root: the file's mode keeps him out, and the client says what to do.
    """
    told = await ask_as(folder / "s", OTHER, OTHER)
    assert told["look"][0] == told["change"][0] == 4
    assert "you may not open it" in told["look"][1]


@root
async def test_who_may_open_it_and_is_no_operator_looks_and_changes_nothing(api: object, folder: Path, desk: RealDesk):
    """
    With a mode that lets everybody in, looking is answered and changing refused with the group that may.
    """
    (folder / "s").chmod(0o666)
    told = await ask_as(folder / "s", OTHER, OTHER)
    assert told["look"] is True
    assert told["change"][0] == 3
    assert "uid 54321 may not do resume" in told["change"][1]
    assert "members of the group nogroup" in told["change"][1]
    assert desk.asked == []


@root
@pytest.mark.parametrize(
    ("uid", "gid", "groups"),
    [(OTHER, GROUP, ()), (OTHER, OTHER, (GROUP,)), (NOBODY, OTHER, ())],
    ids=["by primary group", "by supplementary group", "by the user database"],
)
async def test_a_member_of_the_group_may_change(
    api: object, folder: Path, desk: RealDesk, uid: int, gid: int, groups: tuple[int, ...]
):
    """
    His group as the kernel knows it, or as the user database does.
    """
    (folder / "s").chmod(0o666)
    assert (await ask_as(folder / "s", uid, gid, *groups))["change"] is True
    assert len(desk.asked) == 1


@root
async def test_a_member_gets_through_the_mode_of_the_file(api: object, folder: Path):
    """
    0660 and the group are set before anybody can connect.
    """
    info = (folder / "s").stat()
    assert (info.st_mode & 0o777, info.st_gid) == (0o660, GROUP)
    assert await ask_as(folder / "s", OTHER, OTHER, GROUP) == {"look": True, "change": True}


async def test_the_kernel_tells_who_has_connected():
    """
    Process, user, group and supplementary groups of the other end.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer = peer_of(ours)
    assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.getuid(), os.getgid())
    assert peer.groups == set(os.getgroups())


async def test_a_user_database_that_hangs_delays_nobody_for_long_and_gives_no_rights(monkeypatch: pytest.MonkeyPatch):
    """
    A directory server out of reach: the answer is no, within the deadline, and the loop goes on meanwhile.
    """
    monkeypatch.setattr("redundancyd.peers._LOOKUP_S", 0.05)

    def hangs(uid: int) -> frozenset[int]:
        time.sleep(0.3)
        return frozenset({7})

    rights = Rights(7, find_groups=hangs, find_name=lambda uid: "somebody")
    assert not await rights.may_change(Peer(1, 1000, 1000))
    assert await rights.may_change(Peer(1, 1000, 1000, frozenset({7})))
    rights.close()


async def test_the_user_database_is_not_asked_for_every_request():
    """
    Its answer is kept for a short while.
    """
    asked: list[int] = []

    def find_groups(uid: int) -> frozenset[int]:
        asked.append(uid)
        return frozenset({7})

    rights = Rights(7, find_groups=find_groups)
    peer = Peer(1, 1000, 1000)
    assert [await rights.may_change(peer) for _ in range(3)] == [True] * 3
    assert asked == [1000]
    rights.close()


async def test_without_the_group_only_root_and_the_own_user_may_change():
    """
    A group that does not exist gives nobody rights.
    """
    rights = Rights(None, own_uid=990)
    assert [await rights.may_change(Peer(1, uid, 0)) for uid in (0, 990, 1000)] == [True, True, False]
    rights.close()
