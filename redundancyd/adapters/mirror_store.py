"""The mirrors of a site, for the loop: each piece of work in a thread, with a deadline, and ended when nobody wants it.

What is done in the threads is in mirror_folder.py.
"""

import asyncio
import contextlib
import errno
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from redundancyd.adapters import mirror_files as files
from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.incoming import Incoming, Place
from redundancyd.adapters.mirror_folder import MirrorFolder
from redundancyd.core.manifest import LimManifest
from redundancyd.core.mirror_manifest import Manifest
from redundancyd.core.mirrors import KEEP, Kept, Mirror
from redundancyd.errors import NotSaved

LOOK_DEADLINE_MS = 60_000
STOP_WITHIN_MS = 5000
"""what was called off ends at its next block"""
WORK_DEADLINE_MS = 7_200_000
"""for what reads or writes every byte of a mirror"""

_Result = TypeVar("_Result")


class _Stopped(Exception):
    pass


class MirrorStore:
    """The mirrors' folder; one piece of work at a time, and looking beside it; none of it on the loop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._disk = Disk("mirrors", Files().begin, patience_ms=STOP_WITHIN_MS)
        self._looks = Disk("list of mirrors", Files().begin, patience_ms=STOP_WITHIN_MS)
        self._mirrors = MirrorFolder(folder)

    @property
    def found_damage(self) -> bool:
        """A mirror that was whole once is known to be damaged: nothing is linked from it, nothing made of it."""
        return bool(self._mirrors.damaged)

    async def look(self) -> tuple[Mirror, ...]:
        """All mirrors by stamp, with manifest and sizes looked at but no contents read."""
        return await self._run(self._mirrors.look, LOOK_DEADLINE_MS, self._looks)

    async def verify(self, stamp: str, deadline_ms: int = WORK_DEADLINE_MS) -> Mirror:
        """One mirror, every byte of it read."""
        return await self._run(lambda check: self._mirrors.read(stamp, check), deadline_ms)

    async def manifest(self, stamp: str) -> Manifest:
        """The manifest of a mirror; MirrorUnsound if it has none that is sound."""
        return await self._run(lambda _: self._mirrors.manifest(stamp), LOOK_DEADLINE_MS, self._looks)

    async def place(self, stamp: str, before: Mirror | None) -> Place:
        """Room for a mirror of this stamp, and what the newest one has; other unfinished mirrors are removed for it."""
        return await self._run(lambda _: self._mirrors.place(stamp, before), WORK_DEADLINE_MS)

    async def begin(self, manifest: Manifest, place: Place | None = None) -> Incoming:
        """Room for a new mirror, with what the newest one has of it; what an earlier try has brought stays.

        NotSaved when the rest would not fit; then nothing was removed for it but other unfinished mirrors.
        """
        return await self._run(lambda check: self._mirrors.begin(manifest, place, check), WORK_DEADLINE_MS)

    async def finish(
        self, manifest: Manifest, deadline_ms: int = WORK_DEADLINE_MS, beside: Awaitable[None] | None = None
    ) -> Mirror:
        """The mirror is whole, on disk and listed when this returns.

        MirrorUnsound names the file that is missing or differs; one that cannot become right is removed, so that the
        next try sends it anew.  `beside` is waited for meanwhile; if it raises, the mirror does not get its name.
        """
        verifying = asyncio.create_task(self._run(lambda check: self._mirrors.make_sound(manifest, check), deadline_ms))
        works: list[asyncio.Future[None]] = [verifying, *([asyncio.ensure_future(beside)] if beside else [])]
        try:
            await asyncio.gather(*works)
        finally:
            for work in works:
                work.cancel()
            await asyncio.wait(works)
        return await self._run(lambda _: self._mirrors.finish(manifest), deadline_ms)

    async def keep(self, count: int = KEEP, *, today: str) -> tuple[Kept, ...]:
        """Remove what goes; returns what became of each mirror and why.  To be called when the new one is whole."""
        return await self._run(lambda check: self._mirrors.keep(count, today, check), WORK_DEADLINE_MS)

    async def fresh(self, stamp: str) -> Path:
        """An empty folder for what is made of a mirror; what was made before, of whichever one, is gone."""
        return await self._run(lambda _: self._mirrors.emptied(stamp), WORK_DEADLINE_MS)

    async def measure(self, folder: Path, lim: int, stamp: str) -> LimManifest:
        """The manifest of files that are there, as the one of a LIM."""
        return await self._run(lambda check: self._mirrors.measure(folder, lim, stamp, check), WORK_DEADLINE_MS)

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
