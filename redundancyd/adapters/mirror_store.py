"""Mirrors on disk: `mirrors/<stamp>/{manifest.json, lim-<n>/...}`, and `.incoming/<stamp>/` for one that is on its way.

A mirror is written beside, verified, synced, and then renamed: a folder named by a stamp is whole or was damaged later.
It is written once.  Files are hard links to those of the mirror before wherever they are the same, so nothing in here
is ever opened for writing: what is to be changed is written anew (`fresh`), what is sent must replace, not overwrite.
"""

import asyncio
import contextlib
import errno
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from redundancyd.adapters import mirror_files as files
from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.incoming import Incoming, Place
from redundancyd.adapters.mirror_checks import MANIFEST, condition_of, lim_folder, seal, tidy, verify
from redundancyd.core import mirror_manifest
from redundancyd.core.manifest import Entry, LimManifest, ManifestNotUnderstood
from redundancyd.core.mirror_manifest import Manifest
from redundancyd.core.mirrors import KEEP, Condition, Kept, Mirror, keep, newest
from redundancyd.core.stamps import is_stamp
from redundancyd.errors import MirrorUnsound, NotSaved

MANIFEST_MAX_BYTES = 64 * 2**20
SPARE_BYTES = 64 * 2**20
"""left free for everybody else on the disk"""
LARGE_BYTES = 8 * 2**20
"""from this size on the sending of a file is begun before it is counted"""
LOOK_DEADLINE_MS = 60_000
STOP_WITHIN_MS = 5000
"""what was called off ends at its next block"""
LOOKS = 5
"""until something is gone that was there a moment ago, five times in a row"""
WORK_DEADLINE_MS = 7_200_000
"""for what reads or writes every byte of a mirror"""

_INCOMING, _LEAVING, _FRESH = ".incoming", ".leaving", ".fresh"
_Result = TypeVar("_Result")


class _Stopped(Exception):
    pass


class MirrorStore:
    """The mirrors' folder; one piece of work at a time, and looking beside it; none of it on the loop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._disk = Disk("mirrors", Files().begin, patience_ms=STOP_WITHIN_MS)
        self._looks = Disk("list of mirrors", Files().begin, patience_ms=STOP_WITHIN_MS)
        self._damaged: dict[str, Mirror] = {}  # by stamp: those of which the last reading of every byte found so

    @property
    def found_damage(self) -> bool:
        """A mirror that was whole once is known to be damaged: nothing is linked from it, nothing made of it."""
        return bool(self._damaged)

    async def look(self) -> tuple[Mirror, ...]:
        """All mirrors by stamp, with manifest and sizes looked at but no contents read."""
        return await self._run(self._look_beside_work, LOOK_DEADLINE_MS, self._looks)

    async def verify(self, stamp: str, deadline_ms: int = WORK_DEADLINE_MS) -> Mirror:
        """One mirror, every byte of it read."""
        return await self._run(lambda check: self._read(stamp, check), deadline_ms)

    async def manifest(self, stamp: str) -> Manifest:
        """The manifest of a mirror; MirrorUnsound if it has none that is sound."""
        return await self._run(lambda _: self._manifest(stamp), LOOK_DEADLINE_MS, self._looks)

    async def place(self, stamp: str, before: Mirror | None) -> Place:
        """Room for a mirror of this stamp, and what the newest one has; other unfinished mirrors are removed for it."""
        return await self._run(lambda _: self._place(stamp, before), WORK_DEADLINE_MS)

    async def begin(self, manifest: Manifest, place: Place | None = None) -> Incoming:
        """Room for a new mirror, with what the newest one has of it; what an earlier try has brought stays.

        NotSaved when the rest would not fit; then nothing was removed for it but other unfinished mirrors.
        """
        return await self._run(lambda check: self._begin(manifest, place, check), WORK_DEADLINE_MS)

    async def finish(
        self, manifest: Manifest, deadline_ms: int = WORK_DEADLINE_MS, beside: Awaitable[None] | None = None
    ) -> Mirror:
        """The mirror is whole, on disk and listed when this returns.

        MirrorUnsound names the file that is missing or differs; one that cannot become right is removed, so that the
        next try sends it anew.  `beside` is waited for meanwhile; if it raises, the mirror does not get its name.
        """
        verifying = asyncio.create_task(self._run(lambda check: self._make_sound(manifest, check), deadline_ms))
        works: list[asyncio.Future[None]] = [verifying, *([asyncio.ensure_future(beside)] if beside else [])]
        try:
            await asyncio.gather(*works)
        finally:
            for work in works:
                work.cancel()
            await asyncio.wait(works)
        return await self._run(lambda _: self._finish(manifest), deadline_ms)

    async def keep(self, count: int = KEEP, *, today: str) -> tuple[Kept, ...]:
        """Remove what goes; returns what became of each mirror and why.  To be called when the new one is whole."""
        return await self._run(lambda check: self._keep(count, today, check), WORK_DEADLINE_MS)

    async def fresh(self, stamp: str) -> Path:
        """An empty folder for what is made of a mirror; what was in it is gone."""
        return await self._run(lambda _: self._emptied(stamp), WORK_DEADLINE_MS)

    async def measure(self, folder: Path, lim: int, stamp: str) -> LimManifest:
        """The manifest of files that are there, as the one of a LIM."""
        return await self._run(lambda check: self._measure(folder, lim, stamp, check), WORK_DEADLINE_MS)

    # --- in a thread ---

    async def _run(self, work: Callable[[files.Check], _Result], deadline_ms: int, disk: Disk | None = None) -> _Result:
        unwanted = threading.Event()

        def check() -> None:
            if unwanted.is_set():
                raise _Stopped

        def body() -> _Result:
            with self._explained():
                if disk is not self._looks:  # who only looks leaves no trace
                    files.make_folder(self.folder)
                return work(check)

        try:
            return await (disk or self._disk).run(body, deadline_ms)
        finally:
            unwanted.set()  # cancelled or too late: the thread ends at its next block

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            remedy = "Make room or give it a larger disk" if full else "Look at the disk: df, mount, dmesg"
            where = error.filename or self.folder
            why = f"{where!s}: {error.strerror}"
            raise NotSaved("working on the mirrors", why, f"{remedy}; the mirrors that are whole stay.") from error

    def _look_beside_work(self, check: files.Check) -> tuple[Mirror, ...]:
        """What is there, though a mirror may be renamed under our eyes."""
        for _ in range(LOOKS - 1):
            with contextlib.suppress(FileNotFoundError):
                return self._look(check)
        return self._look(check)

    def _look(self, check: files.Check) -> tuple[Mirror, ...]:
        whole = [self._examined(path.name, check, deep=False) for path in _stamps(self.folder)]
        coming = [Mirror(path.name, Condition.INCOMING) for path in _stamps(self.folder / _INCOMING)]
        return tuple(sorted([*whole, *coming], key=lambda mirror: mirror.stamp))

    def _examined(self, stamp: str, check: files.Check, *, deep: bool) -> Mirror:
        try:
            manifest = self._manifest(stamp)
        except MirrorUnsound as error:
            return Mirror(stamp, Condition.MANIFEST_MISSING, error.came_back)
        folder = self.folder / stamp
        condition, detail = condition_of(folder, manifest, check, deep=deep)
        found = Mirror(stamp, condition, detail, manifest.size_bytes)
        return self._damaged.get(stamp, found) if found.is_whole and not deep else found

    def _read(self, stamp: str, check: files.Check) -> Mirror:
        """Every byte of a mirror; that it is damaged is remembered, since a look sees sizes alone."""
        found = self._examined(stamp, check, deep=True)
        self._damaged.pop(stamp, None)
        if not found.is_whole:
            self._damaged[stamp] = found
        return found

    def _manifest(self, stamp: str) -> Manifest:
        path = self.folder / stamp / MANIFEST
        tried = f"reading the mirror {stamp}"
        remedy = "Copy it again: redundancyctl data copy."
        if not is_stamp(stamp):
            raise MirrorUnsound(tried, "it is no stamp")
        try:
            data = files.read(path, MANIFEST_MAX_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            raise MirrorUnsound(tried, f"no {MANIFEST}", remedy) from None
        try:
            manifest = mirror_manifest.load(data)
        except ManifestNotUnderstood as error:
            raise MirrorUnsound(tried, f"{MANIFEST}: {error}", remedy) from error
        if manifest.stamp != stamp:
            raise MirrorUnsound(tried, f"{MANIFEST} is that of {manifest.stamp}", remedy)
        return manifest

    def _place(self, stamp: str, before: Mirror | None) -> Place:
        folder, room_bytes = self._alone(stamp), files.room_bytes(self.folder) - SPARE_BYTES
        if before is None:
            return Place(folder, room_bytes, None, {}, {})
        lims, old = self._manifest(before.stamp).lims, self.folder / before.stamp
        large = {lim.lim: [each.name for each in lim.files if each.size_bytes >= LARGE_BYTES] for lim in lims}
        had = {entry.contents: old / lim_folder(lim.lim) / entry.name for lim in lims for entry in lim.files}
        return Place(folder, room_bytes, old, large, had)

    def _alone(self, stamp: str) -> Path:
        """The folder for a new mirror; others that were not finished are gone."""
        assert is_stamp(stamp)
        folder = self.folder / _INCOMING / stamp
        if folder.parent.is_dir():
            for other in _stamps(folder.parent):
                if other != folder:
                    files.remove(other)
        files.make_folder(folder)
        return folder

    def _begin(self, manifest: Manifest, place: Place | None, check: files.Check) -> Incoming:
        place = place or self._place(manifest.stamp, newest(self._look(check)))
        folder = place.folder
        files.make_folder(folder)
        tidy(folder, manifest)
        missing: list[tuple[int, Entry]] = []
        linked = 0
        for lim in manifest.lims:
            into = folder / lim_folder(lim.lim)
            files.make_folder(into)
            there = files.walk(into)
            for entry in lim.files:
                check()
                if there.get(entry.path) == entry.size_bytes:
                    continue
                if there.get(entry.path, 0) > entry.size_bytes:
                    files.remove(into / entry.name)
                old = place.had.get(entry.contents)
                if entry.path not in there and old and files.link(old, into / entry.name):
                    linked += entry.size_bytes
                else:
                    missing.append((lim.lim, entry))
        self._check_room(sum(entry.size_bytes for _, entry in missing))
        return Incoming(folder, tuple(missing), linked)

    def _check_room(self, wanted: int) -> None:
        room = files.room_bytes(self.folder)
        if wanted + SPARE_BYTES > room:
            why = f"{wanted} bytes are to come, {SPARE_BYTES} stay free, and there is room for {room}"
            remedy = "Make room or give the folder a larger disk; the mirrors that are whole stay."
            raise NotSaved(f"making room in {self.folder}", why, remedy)

    def _make_sound(self, manifest: Manifest, check: files.Check) -> None:
        folder = self.folder / _INCOMING / manifest.stamp
        if not folder.is_dir():
            raise MirrorUnsound(f"finishing the mirror {manifest.stamp}", "nothing of it is there")
        tidy(folder, manifest)
        wrong, right = verify(folder, manifest, check)
        if wrong:
            remedy = "Copy again: what is right stays, the rest is sent anew."
            others = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            for path in _stamps(self.folder):
                self._read(path.name, check)  # what was linked may have been damaged in the mirror it came from
            raise MirrorUnsound(f"finishing the mirror {manifest.stamp}", wrong[0] + others, remedy)
        seal(folder, right, check)

    def _finish(self, manifest: Manifest) -> Mirror:
        folder = self.folder / _INCOMING / manifest.stamp
        files.write_new(folder / MANIFEST, mirror_manifest.dump(manifest))
        for each in files.folders(folder):
            files.sync_folder(each)
        self._put_away(self.folder / manifest.stamp)
        folder.rename(self.folder / manifest.stamp)
        self._damaged.pop(manifest.stamp, None)
        files.sync_folder(folder.parent)
        files.sync_folder(self.folder)
        files.remove(self.folder / _LEAVING)
        return Mirror(manifest.stamp, Condition.WHOLE, "", manifest.size_bytes)

    def _put_away(self, mirror: Path) -> None:
        """Out of the list in one step: what is half removed is no mirror."""
        self._damaged.pop(mirror.name, None)
        if mirror.is_symlink() or mirror.exists():
            files.remove(self.folder / _LEAVING / mirror.name)
            files.make_folder(self.folder / _LEAVING)
            mirror.rename(self.folder / _LEAVING / mirror.name)
            files.sync_folder(self.folder)

    def _keep(self, count: int, today: str, check: files.Check) -> tuple[Kept, ...]:
        kept = keep(self._look(check), count, today=today)
        for each in kept:
            if not each.stays:
                self._put_away(self.folder / each.mirror.stamp)
        files.remove(self.folder / _LEAVING)
        return kept

    def _emptied(self, stamp: str) -> Path:
        if not is_stamp(stamp):
            raise MirrorUnsound(f"making a folder for {stamp!r}", "it is no stamp")
        folder = self.folder / _FRESH / stamp
        files.remove(folder)
        files.make_folder(folder)
        return folder

    def _measure(self, folder: Path, lim: int, stamp: str, check: files.Check) -> LimManifest:
        sizes = files.walk(folder)
        named = [Entry(path, size, "") for path, size in sizes.items()]
        sums = files.share_out(lambda each: files.sha256(folder / each.name, check), named)
        entries = [replace(each, sha256=sha256) for each, sha256 in zip(named, sums, strict=True)]
        return LimManifest(lim, stamp, tuple(sorted(entries)))


def _stamps(folder: Path) -> list[Path]:
    """What is named by a stamp in a folder."""
    return sorted(path for path in folder.iterdir() if is_stamp(path.name)) if folder.is_dir() else []
