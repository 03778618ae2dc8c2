"""What each step of a job of exchange data does; it raises what went wrong, and decides nothing.

A step that is cancelled leaves nothing half done that counts: a mirror is listed when it is whole, and what the
alternate has received is no backup before it is loaded.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.daily import local_day
from redundancyd.adapters.data_in import IntoLim, Loaded
from redundancyd.adapters.far_data import FarLim
from redundancyd.adapters.journal import record
from redundancyd.adapters.lim_wire import AskLim
from redundancyd.adapters.login import Login
from redundancyd.adapters.mirror_checks import lim_folder
from redundancyd.adapters.mirror_store import MirrorStore
from redundancyd.adapters.progress import Progress
from redundancyd.adapters.pull import pull
from redundancyd.adapters.translation_engine import translate_files
from redundancyd.config import Config
from redundancyd.core import backups
from redundancyd.core.address_list import Seen
from redundancyd.core.backups import BackupList, BackupsNotUnderstood
from redundancyd.core.findings import Findings, Kind
from redundancyd.core.manifest import LimManifest
from redundancyd.core.mirrors import Mirror
from redundancyd.core.stamps import after
from redundancyd.core.systems import System
from redundancyd.data_servers import EXISTS, running, to_all
from redundancyd.errors import FarDataRefused, MirrorUnsound, OutOfReach, RedundancyError
from redundancyd.layout_watch import LayoutWatch
from redundancyd.translation_desk import TranslationDesk

TRANSLATION_DEADLINE_MS = 3_600_000
STAMPS_TRIED = 5
"""Data that was translated anew is sent under another stamp: the backup of the old one may be what runs"""
TOLD_MOST = 20
BITS_OF_KIB = 8 * 1024
_TOLD_MAX = 200


@dataclass(frozen=True, slots=True)
class Translation:
    """A mirror, as the alternate is to have it."""

    mirror: Mirror
    version: str
    table: str
    """checksum of the table that made it"""
    lims: Mapping[int, tuple[LimManifest, Path]]
    counts: Mapping[str, int]
    missing: tuple[str, ...]
    """the first own addresses that the table does not know, with file and line"""
    unconfirmed: tuple[str, ...] = ()
    """the first foreign addresses that nobody has confirmed, likewise"""
    seen: Seen | None = None
    """all that was found"""


class Steps:
    """The steps over the real LIMs, mirrors and table of a site."""

    def __init__(self, config: Config, clock: Clock, desk: TranslationDesk) -> None:
        self._config, self._clock, self._desk = config, clock, desk
        ssh = config.ssh
        login = Login(ssh.user, ssh.key, ssh.known_hosts, ssh.port, ssh.connect_timeout_ms)
        own = config.own_server()
        ask = {
            server: AskLim(server, login, ssh.local_socket if server == own else None) for server in config.servers()
        }
        self.layouts = LayoutWatch(list(ask.values()), config.servers(), Path(config.daemon.state_folder), clock)
        servers = config.servers()
        self._primary = [asked for server, asked in ask.items() if server.system is System.PRIMARY]
        self._far = {lim.server: FarLim(lim.server, login) for lim in self._primary}
        self._alternate = [
            IntoLim(server, login, ssh.local_socket if server == own else None)
            for server in servers
            if server.system is System.ALTERNATE
        ]
        self.loader = next(lim for lim in self._alternate if lim.server == own)
        self.store = MirrorStore(Path(config.exchange_data.folder))
        self.reload_deadline_ms = config.takeover.reload_deadline

    async def pull(self, tell: Callable[[Progress], None]) -> Mirror:
        """The primary's current backup as a whole mirror."""
        limit = (self._config.exchange_data.rate_limit or 0) // BITS_OF_KIB  # of bits a second
        sources = await running(self._primary)
        for server in sources:
            if server.standby:
                record("data_from_standby", level="warning", system=server.system, lim=server.lim)
        return await pull(
            [self._far[server] for server in sources],
            self.store,
            self._clock,
            system="primary",
            limit_kib_s=limit,
            tell=tell,
        )

    async def keep(self) -> None:
        """Remove the mirrors that are too many, and say why each stays or goes."""
        settings = self._config.exchange_data
        today = local_day(self._clock.wall_ms(), settings.timezone)
        for kept in await self.store.keep(settings.keep, today=today):
            record("mirror_kept" if kept.stays else "mirror_removed", stamp=kept.mirror.stamp, why=kept.reason)

    async def table_checksum(self) -> str:
        """Which table would translate now; empty when none can."""
        try:
            return (await self._desk.site()).table
        except RedundancyError:
            return ""

    async def translate(self, mirror: Mirror) -> Translation:
        """The files of a mirror with the alternate's addresses, in a folder of their own; D1: each byte is verified."""
        found = await self.store.verify(mirror.stamp)
        if not found.is_whole:
            raise MirrorUnsound(f"translating the mirror {mirror.stamp}", str(found), "Copy it again.")
        site = await self._desk.site()
        manifest = await self.store.manifest(mirror.stamp)
        target = await self.store.fresh(mirror.stamp)
        lims: dict[int, tuple[LimManifest, Path]] = {}
        seen: dict[int, Findings] = {}
        for lim in manifest.lims:
            folder = target / lim_folder(lim.lim)
            source = self.store.folder / mirror.stamp / lim_folder(lim.lim)
            names = [entry.path for entry in lim.files]
            made = await translate_files(source, folder, names, site.rules, deadline_ms=TRANSLATION_DEADLINE_MS)
            seen[lim.lim] = made.findings
            if not made.findings.refuses:
                lims[lim.lim] = (await self.store.measure(folder, lim.lim, mirror.stamp), folder)
        counts = {str(kind): sum(found.counts[kind] for found in seen.values()) for kind in Kind}
        return Translation(
            mirror,
            manifest.version,
            site.table,
            lims,
            counts,
            missing=told_of(Kind.MISSING, seen),
            unconfirmed=told_of(Kind.NEW, seen),
            seen=Seen(mirror.stamp, site.table, seen),
        )

    async def look_through(self, mirror: Mirror) -> Seen:
        """The addresses of a mirror, by the table of now; nothing is written."""
        site = await self._desk.site()
        manifest = await self.store.manifest(mirror.stamp)
        seen: dict[int, Findings] = {}
        for lim in manifest.lims:
            source = self.store.folder / mirror.stamp / lim_folder(lim.lim)
            names = [entry.path for entry in lim.files]
            made = await translate_files(source, None, names, site.rules, deadline_ms=TRANSLATION_DEADLINE_MS)
            seen[lim.lim] = made.findings
        return Seen(mirror.stamp, site.table, seen)

    async def send(self, made: Translation) -> tuple[str, tuple[str, ...]]:
        """Every LIM of the alternate has its part when this returns: the stamp under which it has.

        A standby server is given its LIM's part, too; servers without it, while another one of their LIM has it, are
        told with the reason.
        """
        numbers = {lim.server.lim for lim in self._alternate}
        if numbers != set(made.lims):
            why = f"the mirror is of LIM {_listed(made.lims)}, the alternate has LIM {_listed(numbers)}"
            raise FarDataRefused("sending exchange data", why, "Configure both systems with the same LIMs.")
        stamp = made.mirror.stamp
        for _ in range(STAMPS_TRIED):
            try:
                return stamp, await self._send_all(made, stamp)
            except FarDataRefused as error:
                if error.word != EXISTS:
                    raise
                stamp = after(stamp)
        raise FarDataRefused("sending exchange data", f"backups of {made.mirror.stamp} and after are there already")

    async def check_versions(self, version: str) -> None:
        """D3: data of another version is not loaded."""
        found = await self.own_backups()
        ours = found.find(found.current) if found.current else None
        if ours is not None and ours.version != version:
            why = f"the primary's backup is of version {version}, the alternate's own of {ours.version}"
            raise FarDataRefused("comparing the versions", why, "Bring both systems to the same version.")

    async def _send_all(self, made: Translation, stamp: str) -> tuple[str, ...]:
        async def give(lim: IntoLim) -> None:
            manifest, folder = made.lims[lim.server.lim]
            await lim.receive(replace(manifest, stamp=stamp), folder)

        return await to_all(self._alternate, give)

    async def load(self, stamp: str, running: Callable[[str, int], None]) -> Loaded:
        """The alternate runs this stamp when this returns; FarDataRefused: it does not; OutOfReach: nobody knows."""
        loaded = await self.loader.load(stamp, self.reload_deadline_ms, running)
        await self._check_current(stamp)
        return loaded

    async def last_load(self, running: Callable[[str, int], None]) -> Loaded:
        """What the alternate runs since the load or the rollback that was begun last; nothing is begun."""
        loaded = await self.loader.last_load(self.reload_deadline_ms, running)
        await self._check_current(loaded.stamp)
        return loaded

    async def has_begun(self, stamp: str, running: Callable[[str, int], None]) -> bool:
        """Whether this stamp is what was loaded last; a LIM that does not say may have begun."""
        with suppress(FarDataRefused, OutOfReach):
            return (await self.loader.last_load(self.reload_deadline_ms, running)).stamp == stamp
        return True

    async def _check_current(self, stamp: str) -> None:
        try:
            current = (await self.own_backups()).current
        except FarDataRefused as error:  # the load itself has not failed: it is asked again
            raise OutOfReach(error.tried, error.came_back, error.remedy) from error
        if current != stamp:
            raise FarDataRefused(f"`load {stamp}`", f"afterwards the alternate's current backup is {current}", word="")

    async def rollback(self, running: Callable[[str, int], None]) -> Loaded:
        """The alternate runs what it ran before the last load."""
        return await self.loader.rollback(self.reload_deadline_ms, running)

    async def own_backups(self) -> BackupList:
        """What the alternate's own exchange calls its valid backups."""
        try:
            return backups.parse(await self.loader.backups())
        except BackupsNotUnderstood as error:
            raise FarDataRefused("`backups` on our own LIM", str(error)) from error


def told_of(kind: Kind, seen: Mapping[int, Findings]) -> tuple[str, ...]:
    """The first addresses of a kind, each with its first place, for people; nothing where there is none of the kind."""
    found = []
    for lim, findings in seen.items():
        counted = findings.counts[kind]
        for of, address, tally in findings.told():
            if of is kind:
                counted -= tally.count
                file, line = tally.places[0] if tally.places else ("?", 0)
                times = f", {tally.count} times" if tally.count > 1 else ""
                found.append(f"{address} in LIM {lim}, {file}:{line}{times}"[:_TOLD_MAX])
        if counted > 0:
            places = "1 place" if counted == 1 else f"{counted} places"
            found.append(f"{places} more in LIM {lim}, beyond the addresses that are listed one by one")
    return tuple(found[:TOLD_MOST])


def _listed(numbers: "Mapping[int, object] | set[int]") -> str:
    return ", ".join(map(str, sorted(numbers))) or "none"
