"""The pull: the primary's current backup becomes a mirror of ours.

Ask which backup is current; what is in it, on every LIM; link what the newest mirror has already; bring the rest,
several LIMs at once; ask again whether the backup still stands, and is what it was; then verify every file against
what its LIM said.  A line that breaks is gone on from where it broke.  The first time, with nothing to link, everything
is brought while the LIMs still count.  Nothing is written in the primary.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.far_data import FarLim
from redundancyd.adapters.journal import record
from redundancyd.adapters.mirror_checks import lim_folder
from redundancyd.adapters.mirror_store import Incoming, MirrorStore
from redundancyd.core.backups import Backup
from redundancyd.core.manifest import Entry, LimManifest
from redundancyd.core.mirror_manifest import Manifest
from redundancyd.core.mirrors import Mirror, newest
from redundancyd.errors import FarDataRefused, MirrorUnsound, NotSaved, OutOfReach, RedundancyError

AT_ONCE = 4
"""LIMs that send at the same time"""
BREAKS_MAX = 10
BREAK_PAUSE_MS = 2000
MOVED = "moved"
"""the word of a refusal that the primary's own work on its backups is the reason of"""
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is."""

    done_bytes: int
    """of what crosses the line or is compared; what the newest mirror has already is not counted"""
    all_bytes: int
    """0 while the LIMs still count"""
    files: int
    """that are still to come in full, when the copying began"""
    rate: int
    """bytes a second since the copying began"""
    left_s: int | None
    """as far as the rate tells; None while there is none"""


Tell = Callable[[Progress], None]


@dataclass(slots=True)
class _Meter:
    """Adds up what the LIMs bring."""

    clock: Clock
    tell: Tell
    all_bytes: int
    files: int
    started_at: int
    done: dict[int, int]

    def counted(self, lims: Sequence[LimManifest]) -> None:
        """How much there is at all, once the LIMs have said it."""
        self.all_bytes = sum(lim.size_bytes for lim in lims)
        self.files = sum(len(lim.files) for lim in lims)
        self.show()

    def brought(self, lim: int, size_bytes: int) -> None:
        self.done[lim] = max(size_bytes, self.done.get(lim, 0))
        self.show()

    def show(self) -> None:
        done = sum(self.done.values())
        if self.all_bytes:
            done = min(done, self.all_bytes)
        took_ms = max(1, self.clock.now() - self.started_at)
        rate = done * 1000 // took_ms
        left = (self.all_bytes - done) // rate if rate and self.all_bytes else None
        self.tell(Progress(done, self.all_bytes, self.files, rate, left))


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
    current = await _current(lims)
    for mirror in await store.look():
        if mirror.stamp == current.stamp and mirror.is_whole and (read := await store.verify(mirror.stamp)).is_whole:
            return read
    is_first = newest(await store.look()) is None
    meter = _Meter(clock, tell, 0, 0, clock.now(), {})
    asking = asyncio.create_task(_count(lims, current.stamp, meter if is_first else None))
    works: set[asyncio.Task[Any]] = {asking}
    if is_first:
        works.add(asyncio.create_task(_guess(lims, store, current.stamp, meter, limit_kib_s)))
    try:
        await asyncio.wait(works, return_when=asyncio.FIRST_EXCEPTION)
        manifest = _whole(system, current, await asking)
    finally:
        await _end(works)
    bring = partial(_bring, lims, store, clock, manifest, limit_kib_s=limit_kib_s, tell=tell)
    try:
        await bring()
    except FarDataRefused:
        await _check_listed(lims, current.stamp)  # the better reason, where it is the reason
        raise
    await _check_stands(lims, manifest)
    try:
        return await store.finish(manifest)
    except MirrorUnsound:
        if not store.found_damage:
            raise
    await bring()  # a mirror that it was linked from had been damaged: the store knows it now, and links no more of it
    return await store.finish(manifest)


async def _current(lims: Sequence[FarLim]) -> Backup:
    """The primary's current backup, as LIM 1 says: what is valid is the same in the whole system."""
    found = await lims[0].backups()
    current = found.find(found.current) if found.current else None
    if current is None:
        raise FarDataRefused(
            f"the current backup of {lims[0].server.name}", "there is none", "Make one there: data_backup."
        )
    return current


async def _count(lims: Sequence[FarLim], stamp: str, meter: _Meter | None = None) -> list[LimManifest]:
    """What is in the backup, on every LIM."""
    counted = await _at_once([partial(far.manifest, stamp) for far in lims])
    if meter is not None:
        meter.counted(counted)
    return counted


async def _check_listed(lims: Sequence[FarLim], stamp: str) -> None:
    """FarDataRefused when the backup is not valid any more."""
    if (await lims[0].backups()).find(stamp) is None:
        tried = f"backup {stamp} of the primary"
        raise FarDataRefused(tried, "it was deleted there while it was copied", "Copy the newer one.", word=MOVED)


async def _check_stands(lims: Sequence[FarLim], manifest: Manifest) -> None:
    """FarDataRefused unless the backup is valid still and what it was when it was counted first.

    What is listed may be half written still.  A LIM that counted a moment ago knows the sums of what did not change.
    """
    counting = asyncio.create_task(_count(lims, manifest.stamp))
    try:
        await _check_listed(lims, manifest.stamp)
        again = await counting
    finally:
        await _end({counting})
    before, after = (dict(_named(each)) for each in (manifest.lims, again))
    if odd := [name for name in {**before, **after} if before.get(name) != after.get(name)]:
        others = f", and {len(odd) - 1} more" if len(odd) > 1 else ""
        why = f"it was written to there while it was copied: {odd[0]}{others}"
        tried = f"backup {manifest.stamp} of the primary"
        raise FarDataRefused(tried, why, "Copy again when it is whole.", word=MOVED)


def _named(lims: Iterable[LimManifest]) -> Iterator[tuple[str, Entry]]:
    """Every file of all LIMs by the name that people know it by."""
    return ((f"{lim_folder(lim.lim)}/{entry.path}", entry) for lim in lims for entry in lim.files)


def _whole(system: str, backup: Backup, lims: Sequence[LimManifest]) -> Manifest:
    ordered = tuple(sorted(lims, key=lambda lim: lim.lim))
    return Manifest(system, backup.version, backup.stamp, backup.date, backup.zone, ordered)


async def _guess(lims: Sequence[FarLim], store: MirrorStore, stamp: str, meter: _Meter, limit_kib_s: int) -> None:
    """Bring everything while the LIMs still count it: where no mirror is, nothing could be linked.

    What went wrong here ends nothing: what is missing then is brought by name.
    """
    folder, room = await store.place(stamp)
    share = _share(limit_kib_s, len(lims))

    def brought(lim: int, size_bytes: int) -> None:
        meter.brought(lim, size_bytes)
        if sum(meter.done.values()) > room:
            raise NotSaved(f"copying to {folder}", f"there is room for {room} bytes")

    def fetching(far: FarLim) -> Callable[[], Awaitable[None]]:
        number = far.server.lim
        into = folder / lim_folder(number)
        return partial(far.fetch, stamp, None, into, limit_kib_s=share, brought=partial(brought, number))

    try:
        await _at_once([fetching(far) for far in lims])
    except OutOfReach as error:
        _interrupted(stamp, error)
    except RedundancyError:
        pass


def _interrupted(stamp: str, error: OutOfReach) -> None:
    record("copy_interrupted", level="warning", stamp=stamp, why=str(error))


def _share(limit_kib_s: int, lims: int) -> int:
    """What each of those that send at the same time may use."""
    return max(1, limit_kib_s // min(AT_ONCE, lims)) if limit_kib_s and lims else 0


async def _bring(
    lims: Sequence[FarLim], store: MirrorStore, clock: Clock, manifest: Manifest, *, limit_kib_s: int, tell: Tell
) -> None:
    """Bring what is missing; a break is waited out as long as each try brings something."""
    breaks = 0
    while (incoming := await store.begin(manifest)).missing:
        before = await _newest(store)
        left = sum(entry.size_bytes for _, entry in incoming.missing)
        meter = _Meter(clock, tell, left, len(incoming.missing), clock.now(), {})
        try:
            await _fetch(lims, manifest.stamp, incoming, before, meter, limit_kib_s)
        except OutOfReach as error:
            _interrupted(manifest.stamp, error)
            breaks += 1
            if breaks > BREAKS_MAX:
                raise
            await clock.sleep_until(clock.now() + BREAK_PAUSE_MS)
        else:
            return


async def _newest(store: MirrorStore) -> Path | None:
    found = newest(await store.look())
    return store.folder / found.stamp if found else None


async def _fetch(
    lims: Sequence[FarLim], stamp: str, incoming: Incoming, before: Path | None, meter: _Meter, limit_kib_s: int
) -> None:
    async def one(far: FarLim, entries: list[Entry]) -> None:
        number = far.server.lim
        await far.fetch(
            stamp,
            entries,
            incoming.folder / lim_folder(number),
            before / lim_folder(number) if before else None,
            limit_kib_s=limit_kib_s,
            brought=partial(meter.brought, number),
        )

    wanted = {far: [entry for lim, entry in incoming.missing if lim == far.server.lim] for far in lims}
    busy = {far: entries for far, entries in wanted.items() if entries}
    limit_kib_s = _share(limit_kib_s, len(busy))
    await _at_once([partial(one, far, entries) for far, entries in busy.items()])


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
