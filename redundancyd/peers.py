"""Who is at the other end of a unix socket, what he is called, and whether he may change anything.

The kernel tells uid, gid and groups; nobody waits for it.  The user database may hang (a directory server out of
reach), so it is asked in a thread, within a deadline, and its answer is kept for a short while.
"""

import asyncio
import grp
import os
import pwd
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

SO_PEERGROUPS = 59  # asm-generic/socket.h; Python has no name for it
_CRED = struct.Struct("3i")
_GROUPS_BYTES = 1024  # all that Python lets one ask for; who is in more groups is looked up
_KEPT_S = 10.0
_LOOKUP_S = 1.0
_PEERS_MOST = 256

Answer = TypeVar("Answer")


class PeerSocket(Protocol):
    """As much of a socket as is needed to ask who is there."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """An option of the socket."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A process that has connected, as it was when it did."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int] = frozenset()


def peer_of(sock: PeerSocket) -> Peer:
    """Who has connected; OSError when the kernel does not say."""
    pid, uid, gid = _CRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CRED.size))
    groups: frozenset[int] = frozenset()
    with suppress(OSError):  # kernels before 4.13 do not tell, nor does any of more groups than fit
        raw = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _GROUPS_BYTES)
        groups = frozenset(struct.unpack(f"{len(raw) // 4}I", raw))
    return Peer(pid, uid, gid, groups)


def group_id(name: str) -> int | None:
    """The number of a group; None when there is none of this name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def groups_of(uid: int) -> frozenset[int]:
    """The groups that the user database gives this uid."""
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        return frozenset()
    return frozenset(os.getgrouplist(user.pw_name, user.pw_gid))


def name_of(uid: int) -> str:
    """The user's name, or `uid 1234` where the database has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


@dataclass(slots=True)
class Rights:
    """Changing is for root, the daemon's own user and the operators' group; looking for whoever got in."""

    group: int | None
    own_uid: int = field(default_factory=os.getuid)
    find_groups: Callable[[int], frozenset[int]] = groups_of
    find_name: Callable[[int], str] = name_of
    _names: dict[int, str] = field(default_factory=dict)
    _groups: dict[int, frozenset[int]] = field(default_factory=dict)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "user-database"))

    async def may_change(self, peer: Peer) -> bool:
        """Whether this peer may change anything."""
        if peer.uid in {0, self.own_uid}:
            return True
        if self.group is None:
            return False
        if self.group == peer.gid or self.group in peer.groups:
            return True
        return self.group in await self._ask(self._groups, self.find_groups, peer.uid, frozenset())

    async def name(self, peer: Peer) -> str:
        """What this peer is called."""
        return await self._ask(self._names, self.find_name, peer.uid, f"uid {peer.uid}")

    def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, kept: dict[int, Answer], find: Callable[[int], Answer], uid: int, otherwise: Answer) -> Answer:
        """The database's answer, a fresh enough one from before, or `otherwise` when it does not answer in time."""
        if uid in kept:
            return kept[uid]
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_LOOKUP_S):
                answer = await loop.run_in_executor(self._threads, find, uid)
        except (TimeoutError, OSError, RuntimeError):
            return otherwise
        if len(kept) < _PEERS_MOST:
            kept[uid] = answer
            loop.call_later(_KEPT_S, kept.pop, uid, None)
        return answer
