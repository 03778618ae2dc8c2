"""The pull: the primary's current backup becomes a mirror of ours.

Ask which backup is current; what is in it, on every LIM; link what the newest mirror has already; bring the rest,
several LIMs at once; ask again whether the backup still stands, and is what it was; and verify every file against what
its LIM said.  While the LIMs still count, what differs of the newest mirror's large files comes already, and where
there is no mirror, everything.  A line that breaks is gone on from where it broke.  Nothing is written in the primary.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.far_data import FarLim
from redundancyd.adapters.incoming import Incoming, Place
from redundancyd.adapters.journal import record
from redundancyd.adapters.mirror_checks import lim_folder
from redundancyd.adapters.mirror_store import MirrorStore
from redundancyd.adapters.progress import Meter, Tell
from redundancyd.core import mirror_manifest
from redundancyd.core.backups import Backup
from redundancyd.core.manifest import Entry, LimManifest, ManifestNotUnderstood
from redundancyd.core.mirror_manifest import Manifest
from redundancyd.core.mirrors import Mirror, newest
from redundancyd.errors import FarDataRefused, MirrorUnsound, NotSaved, OutOfReach, RedundancyError

AT_ONCE = 4
"""LIMs that send at the same time"""
MOVED = "moved"
"""the word for a backup that was written to, or deleted, at its source meanwhile"""
BREAKS_MAX = 10
BREAK_PAUSE_MS = 2000
_Result = TypeVar("_Result")


async def pull(
    lims: Sequence[FarLim],
    store: MirrorStore,
    clock: Clock,
    *,
    system: str,
    limit_kib_s: int = 0,
    tell: Tell = lambda _: None,
) -> Mirror:
    """The mirror of the primary's current backup, every byte of it; the same one again when we have it already."""
    async with contextlib.AsyncExitStack() as stack:
        connecting = asyncio.create_task(_at_once([partial(_connect, stack, far) for far in lims[1:]]))
        stack.push_async_callback(_end, [connecting])
        await stack.enter_async_context(lims[0].connected())
        current, mirrors = await asyncio.gather(_current(lims), store.look())
        for mirror in mirrors:
            is_it = mirror.stamp == current.stamp and mirror.is_whole
            if is_it and (read := await store.verify(mirror.stamp)).is_whole:
                return read
        await connecting
        work = _Pull(lims, store, clock, limit_kib_s, Meter(clock, tell, clock.now()))
        return await work.run(system, current, newest(mirrors))


async def _connect(stack: contextlib.AsyncExitStack, far: FarLim) -> None:
    """As long as the stack stands; where it fails the first word to that LIM says why."""
    with contextlib.suppress(OutOfReach):
        await stack.enter_async_context(far.connected())


async def _current(lims: Sequence[FarLim]) -> Backup:
    """The primary's current backup, as LIM 1 says: what is valid is the same in the whole system."""
    found = await lims[0].backups()
    current = found.find(found.current) if found.current else None
    if current is None:
        raise FarDataRefused(
            f"the current backup of {lims[0].server.name}", "there is none", "Make one there: data_backup."
        )
    return current


def _whole(system: str, backup: Backup, lims: Sequence[LimManifest]) -> Manifest:
    try:
        return mirror_manifest.whole(system, backup.version, backup.stamp, (backup.date, backup.zone), lims)
    except ManifestNotUnderstood as error:
        raise FarDataRefused(f"backup {backup.stamp} of the primary", str(error)) from error


@dataclass(frozen=True, slots=True)
class _Pull:
    """One backup that is not here yet."""

    lims: Sequence[FarLim]
    store: MirrorStore
    clock: Clock
    limit_kib_s: int
    meter: Meter

    async def run(self, system: str, current: Backup, before: Mirror | None) -> Mirror:
        """The mirror of it."""
        stamp = current.stamp
        placing = asyncio.create_task(self.store.place(stamp, before))
        counting = asyncio.create_task(self._count(system, current, placing))
        ahead = asyncio.create_task(self._bring_ahead(stamp, placing))
        try:
            for ended in (await asyncio.wait({counting, ahead}, return_when=asyncio.FIRST_EXCEPTION))[0]:
                ended.result()
            manifest, place = await counting, await placing
        finally:
            await _end([counting, ahead, placing])
        try:
            await self._bring(manifest, place)
        except FarDataRefused:
            await self._assert_listed(stamp)  # the better reason, where it is the reason
            raise
        try:
            return await self.store.finish(manifest, beside=self._assert_stands(manifest))
        except MirrorUnsound:
            await self._assert_stands(manifest)  # the better reason, likewise
            if not self.store.found_damage:
                raise
        await self._bring(manifest, place)  # a mirror that it was linked from was damaged: no more of it is linked
        return await self.store.finish(manifest, beside=self._assert_stands(manifest))

    async def _count(self, system: str, current: Backup, placing: Awaitable[Place]) -> Manifest:
        counted = await _at_once([partial(far.manifest, current.stamp) for far in self.lims])
        had = (await placing).had
        self.meter.know([entry for lim in counted for entry in lim.files if entry.contents not in had])
        return _whole(system, current, counted)

    async def _assert_listed(self, stamp: str) -> None:
        """FarDataRefused when it is not what the exchange calls a backup any more."""
        if (await self.lims[0].backups()).find(stamp) is None:
            tried = f"backup {stamp} of the primary"
            raise FarDataRefused(tried, "it was deleted there while it was copied", "Copy the newer one.", word=MOVED)

    async def _assert_stands(self, manifest: Manifest) -> None:
        """FarDataRefused unless the backup is listed still, and what it was when it was counted first.

        What is listed may be half written still.  A LIM that has counted knows the sums of what did not change.
        """
        counting = asyncio.create_task(_at_once([partial(far.manifest, manifest.stamp) for far in self.lims]))
        try:
            await self._assert_listed(manifest.stamp)
            again = await counting
        finally:
            await _end([counting])
        if odd := differing(manifest.lims, again):
            others = f", and {len(odd) - 1} more" if len(odd) > 1 else ""
            why = f"it was written to there while it was copied: {odd[0]}{others}"
            tried = f"backup {manifest.stamp} of the primary"
            raise FarDataRefused(tried, why, "Copy again when it is whole.", word=MOVED)

    async def _bring_ahead(self, stamp: str, placing: Awaitable[Place]) -> None:
        """Bring what has changed of the large files while the LIMs still count; where no mirror is, everything.

        What went wrong here ends nothing: what is missing then is brought by name.
        """
        place = await placing

        def brought(lim: int, size_bytes: int) -> None:
            self.meter.brought(lim, size_bytes)
            if sum(self.meter.done.values()) > place.room_bytes:
                raise NotSaved(f"copying to {place.folder}", f"there is room for {place.room_bytes} bytes")

        async def one(far: FarLim) -> None:
            number = far.server.lim
            into = place.folder / lim_folder(number)
            basis, share = place.basis(number), self._share(len(self.lims))
            if basis is None or basis[1]:
                await far.fetch_ahead(stamp, into, basis, limit_kib_s=share, brought=partial(brought, number))

        try:
            await _at_once([partial(one, far) for far in self.lims])
        except OutOfReach as error:
            _interrupted(stamp, error)
        except RedundancyError:
            pass

    def _share(self, lims: int) -> int:
        """What each of those that send at the same time may use."""
        return max(1, self.limit_kib_s // min(AT_ONCE, lims)) if self.limit_kib_s and lims else 0

    async def _bring(self, manifest: Manifest, place: Place) -> None:
        """Bring what is missing; a break is waited out as long as each try brings something."""
        breaks = 0
        while (incoming := await self._begin(manifest, place)).missing:
            try:
                await self._fetch(manifest.stamp, incoming, place)
            except OutOfReach as error:
                _interrupted(manifest.stamp, error)
                breaks += 1
                if breaks > BREAKS_MAX:
                    raise
                await self.clock.sleep_until(self.clock.now() + BREAK_PAUSE_MS)
            else:
                return

    async def _begin(self, manifest: Manifest, place: Place) -> Incoming:
        incoming = await self.store.begin(manifest, place)
        self.meter.go_on(sum(entry.size_bytes for _, entry in incoming.missing))
        return incoming

    async def _fetch(self, stamp: str, incoming: Incoming, place: Place) -> None:
        async def one(far: FarLim, entries: list[Entry]) -> None:
            number = far.server.lim
            basis = place.basis(number)
            await far.fetch(
                stamp,
                entries,
                incoming.folder / lim_folder(number),
                basis[0] if basis else None,
                limit_kib_s=self._share(len(busy)),
                brought=partial(self.meter.brought, number),
            )

        wanted = {far: [entry for lim, entry in incoming.missing if lim == far.server.lim] for far in self.lims}
        busy = {far: entries for far, entries in wanted.items() if entries}
        await _at_once([partial(one, far, entries) for far, entries in busy.items()])


def differing(before: Iterable[LimManifest], after: Iterable[LimManifest]) -> list[str]:
    """The files that two counts of the LIMs tell otherwise, by the names that people know them by."""
    first, then = dict(_named(before)), dict(_named(after))
    return [name for name in {**first, **then} if first.get(name) != then.get(name)]


def _named(lims: Iterable[LimManifest]) -> Iterator[tuple[str, Entry]]:
    return ((f"{lim_folder(lim.lim)}/{entry.path}", entry) for lim in lims for entry in lim.files)


def _interrupted(stamp: str, error: OutOfReach) -> None:
    record("copy_interrupted", level="warning", stamp=stamp, why=str(error))


async def _at_once(works: Iterable[Callable[[], Awaitable[_Result]]]) -> list[_Result]:
    """The results of these works, so many at a time; with the first failure the others end."""
    places = asyncio.Semaphore(AT_ONCE)

    async def in_turn(work: Callable[[], Awaitable[_Result]]) -> _Result:
        async with places:
            return await work()

    tasks = [asyncio.create_task(in_turn(work)) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def _end(tasks: Collection[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
