"""`lim install`, `check`, `key` and `more_configuration`: from the settings to every LIM, and a result for each.

It runs in the utility's own process, with the rights of whoever called it: the daemon has no part in it, and none of
the rights that it takes.  What is asked of the operator comes in from outside.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from redundancyd.adapters import admin_ssh, by_hand, lim_install
from redundancyd.adapters.admin_ssh import Administrator, HostKey
from redundancyd.adapters.goal_file import has_goal
from redundancyd.adapters.key_files import KeyFiles
from redundancyd.adapters.lim_install import NOBODY, Here, Runner, Wanted
from redundancyd.config import Config
from redundancyd.core.events import Refused
from redundancyd.core.systems import Server, Status, Traffic
from redundancyd.errors import LimRefused, OutOfReach, RedundancyError
from redundancyd.lim import texts

__all__ = ["ALLOW", "BLOCK", "STATUS", "Administrator", "Answer", "KeyFiles", "Result", "Setup", "Shown"]

AT_A_TIME = 8
STATUS, BLOCK, ALLOW = by_hand.STATUS, "block --by-hand", "allow --by-hand"
_Found = TypeVar("_Found")


class Answer(StrEnum):
    """What became of one LIM."""

    ANSWERED = "answered"
    REFUSED = "refused"
    OUT_OF_REACH = "out of reach"


@dataclass(frozen=True, slots=True)
class Result:
    """One LIM, what became of it, and what it said."""

    server: Server
    answer: Answer
    said: str
    good: bool = True  # it is as it should be

    @property
    def is_done(self) -> bool:
        """Nothing is left to be done there."""
        return self.answer is Answer.ANSWERED and self.good


@dataclass(frozen=True, slots=True)
class Shown:
    """The host key that a server shows, and what is pinned for it."""

    server: Server
    key: HostKey
    pinned: tuple[HostKey, ...]

    @property
    def is_pinned(self) -> bool:
        """It is the one we know."""
        return self.key in self.pinned

    @property
    def is_changed(self) -> bool:
        """It is another than the one we know: reinstalled, or somebody else."""
        return bool(self.pinned) and not self.is_pinned


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings and the files on this host, and who does the work."""

    config: Config
    keys: KeyFiles

    def others(self, chosen: Sequence[Server]) -> list[Server]:
        """Those that are reached over SSH: this host only where we are not root."""
        return [server for server in chosen if not self._is_here(server)]

    def _is_here(self, server: Server) -> bool:
        return server == self.config.own_server() and os.geteuid() == 0

    def wanted(self, server: Server, public_key: str) -> Wanted:
        """All that belongs on this server."""
        config, is_own = self.config, server == self.config.own_server()
        user = NOBODY if is_own else config.ssh.user
        programs = str(Path(sys.prefix) / "bin") if is_own else NOBODY
        return Wanted(texts.files(config, server), texts.started(config, server), user, public_key, programs)

    # --- host keys ---

    async def show(self, chosen: Sequence[Server]) -> tuple[list[Shown], list[Result]]:
        """The host key of each server, and those that show none."""

        async def one(server: Server) -> Shown:
            key = await admin_ssh.host_key(server, self.config.ssh.port)
            return Shown(server, key, self.keys.pinned(server))

        found = await _each(self.others(chosen), one)
        shown = [each for each in found if isinstance(each, Shown)]
        return shown, [each for each in found if isinstance(each, Result)]

    def refuse_changed(self, shown: Iterable[Shown], renewed: Sequence[str]) -> list[Result]:
        """Those whose key is not the pinned one, unless the operator named them as reinstalled."""
        return [
            Result(
                one.server,
                Answer.REFUSED,
                f"its host key is {one.key.kind} {one.key.fingerprint}, pinned is {one.pinned[0].kind} "
                f"{one.pinned[0].fingerprint}.  If it was reinstalled, compare the key at its console "
                f"(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then: "
                f"redundancyctl lim install --renewed {one.server.name}",
            )
            for one in shown
            if one.is_changed and one.server.name not in renewed
        ]

    # --- the work ---

    async def install(self, chosen: Sequence[Server], who: Administrator | None, public_key: str) -> list[Result]:
        """Put everything on each of them; then each has to answer, with its own number, to the supervision's key."""
        return await _each(chosen, partial(self._install, who=who, public_key=public_key))

    async def check(
        self, chosen: Sequence[Server], who: Administrator | None, public_key: str, *, repair: bool
    ) -> list[Result]:
        """Hold what is there against what would be installed; with `repair`, put it right."""
        return await _each(chosen, partial(self._check, who=who, public_key=public_key, repair=repair))

    async def remove(self, chosen: Sequence[Server], who: Administrator | None) -> list[Result]:
        """Take everything away again."""
        return await _each(chosen, partial(self._remove, who=who))

    async def _install(self, server: Server, who: Administrator | None, public_key: str) -> Result:
        wanted = self.wanted(server, public_key)
        async with self._root_on(server, who) as root:
            looked = await lim_install.look(root, wanted, server.name)
            before = lim_install.differences(wanted, looked)
            notes = await lim_install.put(root, wanted, looked, server.name) if before else ()
            left = lim_install.differences(wanted, await lim_install.look(root, wanted, server.name))
        if left:
            return Result(server, Answer.ANSWERED, f"NOT as it should be: {'; '.join(left)}", good=False)
        said = "installed" if looked.is_empty else f"mended: {'; '.join(before)}" if before else "nothing to do"
        return await self._answers(server, "; ".join([said, *notes]))

    async def _check(self, server: Server, who: Administrator | None, public_key: str, *, repair: bool) -> Result:
        if repair:
            return await self._install(server, who, public_key)
        wanted = self.wanted(server, public_key)
        async with self._root_on(server, who) as root:
            looked = await lim_install.look(root, wanted, server.name)
        if looked.is_empty:
            return Result(server, Answer.ANSWERED, "nothing is installed", good=False)
        if left := lim_install.differences(wanted, looked):
            version = f"version {looked.version or 'not known'}: "
            return Result(server, Answer.ANSWERED, version + "; ".join(left), good=False)
        return Result(server, Answer.ANSWERED, f"version {looked.version}, all as it should be")

    async def _remove(self, server: Server, who: Administrator | None) -> Result:
        wanted = self.wanted(server, "")
        async with self._root_on(server, who) as root:
            if (await lim_install.look(root, wanted, server.name)).is_empty:
                return Result(server, Answer.ANSWERED, "nothing is installed")
            await lim_install.take(root, wanted, server.name)
        return Result(server, Answer.ANSWERED, "removed")

    async def _answers(self, server: Server, said: str) -> Result:
        """Whether it does what it was installed for: answers the supervision."""
        if server == self.config.own_server() and not _is_there(self.config.ssh.local_socket):
            return Result(server, Answer.ANSWERED, f"{said}; its socket is not there before systemd has started it")
        try:
            found = await by_hand.ask(self.config, server, STATUS)
        except OutOfReach as error:
            why = f"{said}, but it does not answer to the supervision's key: {error.came_back}"
            return Result(server, Answer.ANSWERED, why, good=False)
        if isinstance(found, Refused):
            return Result(server, Answer.REFUSED, f"{said}, but it says: {found.error}: {found.detail}")
        return Result(server, Answer.ANSWERED, f"{said}; answers to the supervision, traffic is {found.traffic}")

    @asynccontextmanager
    async def _root_on(self, server: Server, who: Administrator | None) -> AsyncIterator[Runner]:
        if self._is_here(server):
            yield Here()
            return
        assert who is not None
        async with admin_ssh.login(server, self.config.ssh.port, who, self.keys.pins()) as session:
            await session.become_root()
            yield session

    # --- without a daemon ---

    async def by_hand(self, chosen: Sequence[Server], words: str) -> list[Result]:
        """Ask each of them `status`, or have its traffic blocked or allowed by hand."""

        async def one(server: Server) -> Result:
            found = await by_hand.ask(self.config, server, words)
            if isinstance(found, Refused):
                raise LimRefused(words, f"{found.error}: {found.detail}".rstrip(": "))
            return Result(server, Answer.ANSWERED, _told(found), good=_is_wanted(found, words))

        return await _each(chosen, one)

    async def beside(self, chosen: Sequence[Server]) -> list[str]:
        """What is to be known of the other system before these are allowed: nothing where it says it is blocked."""
        systems = {server.system.other for server in chosen}
        others = [server for server in self.config.servers() if server.system in systems]
        unknown: list[str] = []
        carrying: list[str] = []

        async def one(server: Server) -> None:
            try:
                found = await by_hand.ask(self.config, server, STATUS)
            except RedundancyError:
                found = Refused("", "")
            if isinstance(found, Refused):
                unknown.append(server.name)
            elif found.traffic is not Traffic.BLOCKED:
                carrying.append(server.name)

        await _each(others, one)
        told = (
            [f"{', '.join(sorted(carrying))} let traffic through, too: then BOTH systems carry it."] if carrying else []
        )
        return told + ([f"{', '.join(sorted(unknown))} did not say: they may carry traffic, too."] if unknown else [])


def _told(found: Status) -> str:
    origins = {"hand": "by hand", "hold": "holds after a restart", "order": f"order {found.number}"}
    origin = origins.get(found.origin, "never ordered")
    return f"traffic {found.traffic} ({origin}{'' if found.remembered or not found.number else ', NOT remembered'})"


def _is_wanted(found: Status, words: str) -> bool:
    return words == STATUS or found.traffic == {BLOCK: Traffic.BLOCKED, ALLOW: Traffic.ALLOWED}[words]


def _is_there(path: str) -> bool:
    return Path(path).exists()


def is_configured(config: Config) -> bool:
    """Whether a pair is configured here, as the disk says it: for when no daemon answers."""
    return has_goal(Path(config.daemon.state_folder))


def comment() -> str:
    """What stands behind the key, for whoever finds it in an authorized_keys."""
    return f"redundancyd@{socket.gethostname()}"


def fingerprint(public_key: str) -> str:
    """The fingerprint of a public key."""
    return admin_ssh.as_host_key(public_key).fingerprint


async def _each(servers: Sequence[Server], work: Callable[[Server], Awaitable[_Found]]) -> list[_Found | Result]:
    """Several at a time; whatever goes wrong with one is its own result."""
    places = asyncio.Semaphore(AT_A_TIME)

    async def one(server: Server) -> _Found | Result:
        async with places:
            try:
                return await work(server)
            except OutOfReach as error:
                refused = type(error) is not OutOfReach  # a login or a host key
                said = f"{error.came_back}  {error.remedy}".strip()
                return Result(server, Answer.REFUSED if refused else Answer.OUT_OF_REACH, said)
            except RedundancyError as error:
                return Result(server, Answer.REFUSED, f"{error.came_back}  {error.remedy}".strip())

    return await asyncio.gather(*(one(server) for server in servers))
