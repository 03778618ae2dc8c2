"""Finds out all that `configure` wants to know of both systems before it changes anything; it only asks."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redundancyd.adapters import traffic
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.far_data import FarLim
from redundancyd.adapters.line_rate import line_rate
from redundancyd.adapters.login import Login
from redundancyd.adapters.mirror_store import MirrorStore
from redundancyd.adapters.probes import answering
from redundancyd.config import Config
from redundancyd.core.manifest import LimManifest
from redundancyd.core.mirrors import newest
from redundancyd.core.prerequisite_kinds import Asked, is_address
from redundancyd.core.survey import LimFacts, Survey
from redundancyd.core.systems import Server, Status, System
from redundancyd.errors import OutOfReach, RedundancyError

FACTS_MS = 8000
COUNT_MS = 8000
"""in which the LIMs have to count a backup; a first count of a large one takes longer, and is then not known"""
PING_MS = 1500
HEARS_S = 12.0
"""in which the primary's LIM 1 has to have listened for all the addresses, one after the other"""
AT_ONCE = 8
"""LIMs that count at the same time, a process of ours each"""

Answering = Callable[[frozenset[str]], Coroutine[None, None, frozenset[str]]]


@dataclass(slots=True)
class _Gathered:
    """What came in so far."""

    facts: dict[Server, LimFacts] = field(default_factory=dict)
    unreached: dict[Server, str] = field(default_factory=dict)
    status: dict[Server, Status] = field(default_factory=dict)
    unread: dict[Server, str] = field(default_factory=dict)
    clocks_off_s: dict[Server, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Backup:
    """The primary's current backup, as far as it could be counted."""

    size_bytes: int | None = None
    why: str = ""
    rate: int | None = None
    rate_why: str = ""


class Surveyor:
    """Asks both systems."""

    def __init__(
        self, config: Config, clock: Clock, channels: Mapping[Server, Channel], ping: Answering | None = None
    ) -> None:
        self._config, self._clock, self._channels = config, clock, channels
        self._ping = ping or self._answering
        ssh = config.ssh
        self._login = Login(ssh.user, ssh.key, ssh.known_hosts, ssh.port, ssh.connect_timeout_ms)

    async def _answering(self, addresses: frozenset[str]) -> frozenset[str]:
        return await answering(addresses, self._clock, PING_MS)

    async def survey(self, asked: Asked) -> Survey:
        """All of it, within a bounded time."""
        gathered = _Gathered()
        control = tuple(address for address in asked.control if is_address(address))
        addresses = frozenset({*control, *([asked.master_ip] if is_address(asked.master_ip) else [])})
        async with asyncio.TaskGroup() as tasks:
            for channel in self._channels.values():
                tasks.create_task(self._ask(channel, gathered))
            pinged = tasks.create_task(self._ping(addresses))
            hears = tasks.create_task(self._primary_hears(control))
            backup = tasks.create_task(self._backup())
            room = tasks.create_task(self._room())
        counted = backup.result()
        return Survey(
            servers=tuple(self._channels),
            facts=gathered.facts,
            unreached=gathered.unreached,
            strange_keys=frozenset(server for server, channel in self._channels.items() if channel.strange_key),
            status=gathered.status,
            unread=gathered.unread,
            master_answers=asked.master_ip in pinged.result(),
            control_answers={address: address in pinged.result() for address in control},
            primary_hears=hears.result(),
            clocks_off_s=gathered.clocks_off_s,
            backup_bytes=counted.size_bytes,
            backup_why=counted.why,
            room_bytes=room.result(),
            rate=counted.rate,
            rate_why=counted.rate_why,
        )

    async def _ask(self, channel: Channel, gathered: _Gathered) -> None:
        server = channel.server
        try:
            said = await traffic.look(channel, FACTS_MS)
            facts = await traffic.survey(channel, FACTS_MS)
        except OutOfReach as error:
            gathered.unreached[server] = error.came_back
            return
        if isinstance(said, Status):
            gathered.status[server] = said
        else:
            gathered.unread[server] = f"{said.error}: {said.detail}"
        gathered.facts[server] = facts
        if facts.clock_s is not None:
            gathered.clocks_off_s[server] = facts.clock_s - self._clock.wall_ms() // 1000

    def _first(self) -> Server | None:
        """LIM 1 of the primary: the server of it that is in reach."""
        own = [server for server in self._channels if server.system is System.PRIMARY and server.lim == 1]
        return next((server for server in own if self._channels[server].connected), None)

    async def _primary_hears(self, control: tuple[str, ...]) -> bool | None:
        first = self._first()
        if first is None or not control:
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARS_S):
                return await traffic.hears(self._channels[first], control, FACTS_MS)
        return None

    async def _backup(self) -> _Backup:
        """How large the primary's backup is, and how fast it comes."""
        servers = [server for server in self._channels if server.system is System.PRIMARY and not server.standby]
        first = next((server for server in servers if server.lim == 1 and self._channels[server].connected), None)
        if first is None:
            return _Backup(why="LIM 1 of the primary does not answer", rate_why="LIM 1 of the primary does not answer")
        lims = [FarLim(server, self._login) for server in servers]
        try:
            async with asyncio.timeout(COUNT_MS / 1000):
                stamp = (await FarLim(first, self._login).backups()).current
                if not stamp:
                    return _Backup(why="there is no backup", rate_why="there is no backup")
                places = asyncio.Semaphore(AT_ONCE)
                manifests = await asyncio.gather(*(_manifest(lim, stamp, places) for lim in lims))
        except TimeoutError:
            why = "the LIMs still count it"
            return _Backup(why=why, rate_why=why)
        except (OSError, RedundancyError) as error:
            return _Backup(why=str(error), rate_why=str(error))
        return await self._timed(first, stamp, manifests)

    async def _timed(self, first: Server, stamp: str, manifests: list[LimManifest]) -> _Backup:
        size = sum(manifest.size_bytes for manifest in manifests)
        own = next(manifest for manifest in manifests if manifest.lim == first.lim)
        try:
            rate = await line_rate(first, self._login, stamp, own.files, self._clock)
        except (OSError, RedundancyError) as error:
            return _Backup(size, rate_why=str(error))
        return _Backup(size, "", rate, "" if rate is not None else "nothing came")

    async def _room(self) -> int | None:
        """What is free where the mirrors lie, and what the newest one has already."""
        folder = Path(self._config.exchange_data.folder)
        has = 0
        with suppress(RedundancyError):
            mirror = newest(await MirrorStore(folder).look())
            has = (mirror.size_bytes or 0) if mirror is not None else 0
        return await asyncio.to_thread(_free, folder, has)


async def _manifest(lim: FarLim, stamp: str, places: asyncio.Semaphore) -> LimManifest:
    async with places:
        return await lim.manifest(stamp)


def _free(folder: Path, has: int) -> int | None:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize + has
