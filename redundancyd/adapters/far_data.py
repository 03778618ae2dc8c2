"""The exchange data of one LIM from afar: its backups, a manifest, contents; by the words of redundancy-lim.

OpenSSH's client and rsync do the work, each in a process of its own: what comes in never passes the loop that decides.
While it is `connected` all words go over one connection: a handshake costs more than most of them.
The key opens redundancy-lim alone, host keys are pinned, and rsync talks to a daemon that the LIM shuts into the folder
of the backup.  Where rsync is missing on either side a tar stream brings whole files.  A process that is not wanted any
more is ended with everything that it started.
"""

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from redundancyd.adapters.far_process import Brought, complaints, feed, follow, process_of, why_of
from redundancyd.adapters.login import Login
from redundancyd.adapters.tar_stream import TarStream
from redundancyd.core import backups
from redundancyd.core.backups import BackupList, BackupsNotUnderstood
from redundancyd.core.manifest import LINE_MAX_BYTES, Entry, LimManifest, ManifestNotUnderstood, Reader
from redundancyd.core.systems import Server
from redundancyd.errors import FarDataRefused, OutOfReach
from redundancyd.own_thread import own_thread

WORDS_DEADLINE_MS = 20_000
MANIFEST_DEADLINE_MS = 900_000
SILENCE_S = 30
"""how long rsync waits for a LIM that says nothing any more"""
TAR_SILENCE_MS = 150_000
"""how long a tar stream is waited for that brings nothing more; the LIM may need two minutes to list what it has"""
PRINTOUT_MAX_BYTES = 262_144
MORE_BYTES = 64 * 2**20
"""that may come beyond what was announced, before the source is taken for a hostile one"""
_WORD_MAX, _DETAIL_MAX = 40, 300
_NO_RSYNC = '"error":"no_rsync"'
_LOST = frozenset({10, 12, 30, 35, 255})
"""statuses of rsync and ssh that mean: the line, not the data"""
_NO_GREETING = "did not see server greeting"
"""what rsync says of a line that broke before the LIM had said a word"""


class FarLim:
    """One LIM of the primary, as far as its exchange data goes."""

    def __init__(self, server: Server, login: Login) -> None:
        self.server = server
        self._login = login
        self._kept: list[str] = []  # words of ssh that lead to the connection that stands

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """One connection for all words meanwhile; OutOfReach when there is none.  If it breaks, each makes its own."""
        with tempfile.TemporaryDirectory(prefix="redundancyd-") as folder:
            kept = ["-S", f"{folder}/{self.server.lim}"]
            words = [*kept, "-M", "-N", "-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo connected"]
            async with process_of([*self._login.ssh(), *words, f"{self._login.user}@{self.server.address}"]) as process:
                assert process.stdout
                tried = f"connecting to {self.server.name}"
                try:
                    async with asyncio.timeout(WORDS_DEADLINE_MS / 1000):
                        said = await process.stdout.readline()
                except TimeoutError:  # ssh bounds the time until it is asked who we are, and no longer
                    raise OutOfReach(tried, f"no answer within {WORDS_DEADLINE_MS} ms") from None
                if not said:
                    raise OutOfReach(tried, await why_of(process))
                self._kept = kept
                try:
                    yield
                finally:
                    self._kept = []

    def _ssh(self) -> list[str]:
        return [*self._login.ssh(), *self._kept]

    async def backups(self) -> BackupList:
        """What the exchange there calls its valid backups."""
        tried = f"`backups` on {self.server.name}"
        async with contextlib.aclosing(self._say("backups", PRINTOUT_MAX_BYTES, WORDS_DEADLINE_MS)) as said:
            lines = [line async for line in said]
        reply = _reply(tried, lines[-1] if lines else "")
        try:
            return backups.parse(str(reply.get("printout", "")))
        except BackupsNotUnderstood as error:
            raise FarDataRefused(tried, str(error), "See what data_info prints there.") from error

    async def manifest(self, stamp: str) -> LimManifest:
        """What the LIM says is in a backup; FarDataRefused when it has none of that stamp, or it is being written."""
        tried = f"`manifest {stamp}` on {self.server.name}"
        reader = Reader(self.server.lim, stamp)
        try:
            # Closed at once: the process of one that is refused ends here and not some time later.
            words = f"manifest {stamp}"
            async with contextlib.aclosing(self._say(words, LINE_MAX_BYTES, MANIFEST_DEADLINE_MS)) as said:
                async for line in said:
                    if not reader.begun:
                        _reply(tried, line)
                    reader.take(line)
            return reader.whole()
        except ManifestNotUnderstood as error:
            raise FarDataRefused(tried, str(error)) from error

    async def _say(self, words: str, limit: int, deadline_ms: int) -> AsyncGenerator[str, None]:
        """Each line that the LIM answers to these words."""
        tried = f"`{words}` on {self.server.name}"
        command = [*self._ssh(), f"{self._login.user}@{self.server.address}", words]
        try:
            async with (
                asyncio.timeout(deadline_ms / 1000),
                process_of(command, limit=limit) as process,
                complaints(process) as why,
            ):
                assert process.stdout
                said = False
                async for line in process.stdout:
                    said = True
                    yield line.decode("ascii", "backslashreplace").rstrip("\n")
                if not said:
                    raise OutOfReach(tried, await why or f"ended with status {await process.wait()} and said nothing")
        except TimeoutError:
            raise OutOfReach(tried, f"no end within {deadline_ms} ms") from None
        except ValueError as error:
            raise FarDataRefused(tried, f"a line of more than {limit} bytes") from error

    async def fetch_ahead(
        self,
        stamp: str,
        into: Path,
        basis: tuple[Path, Sequence[str]] | None,
        *,
        limit_kib_s: int = 0,
        brought: Brought = lambda _: None,
    ) -> None:
        """Bring what it has of a backup before it is counted; `basis` is an older one, and the names in it.

        Without that everything comes; with it only what has one of these names and other contents.
        """
        tried = f"the files of backup {stamp} from {self.server.name}"
        if basis is None:
            words, names = ["--recursive", "--times"], None
        else:
            words, names = ["--checksum", f"--compare-dest={basis[0]}"], basis[1]
        status, why = await self._run_rsync(stamp, words, names, into, limit_kib_s, brought)
        if status:
            raise _broken(tried, status, why)

    async def fetch(
        self,
        stamp: str,
        entries: Sequence[Entry],
        into: Path,
        basis: Path | None = None,
        *,
        limit_kib_s: int = 0,
        brought: Brought = lambda _: None,
    ) -> None:
        """Bring these files of a backup below `into`; what a broken try has brought of one is gone on from.

        Only what changed of a file crosses the line, where `basis` has an older one of its name.  Nothing that is there
        is written into: each file is made beside and renamed.  OutOfReach when the line broke.
        """
        words = ["--times", "--ignore-times"]  # those that differ by their contents, whatever time stamps say
        if basis is not None:
            words.append(f"--copy-dest={basis}")
        names = [entry.name for entry in entries]
        brought = self._bounded(stamp, entries, brought)
        status, why = await self._run_rsync(stamp, words, names, into, limit_kib_s, brought)
        tried = f"the files of backup {stamp} from {self.server.name}"
        if _NO_RSYNC in why:
            await self._fetch_tar(stamp, entries, into, brought)
        elif status:
            raise _broken(tried, status, why)

    def _bounded(self, stamp: str, entries: Sequence[Entry], brought: Brought) -> Brought:
        """Told of what comes; FarDataRefused when it is far more than these files are, each sent twice."""
        most = 2 * sum(entry.size_bytes for entry in entries) + MORE_BYTES

        def told(done: int) -> None:
            if done > most:
                what = f"the files of backup {stamp} from {self.server.name}"
                raise FarDataRefused(what, f"{done} bytes and no end: more than its manifest allows")
            brought(done)

        return told

    async def _run_rsync(
        self,
        stamp: str,
        words: Sequence[str],
        names: Sequence[str] | None,
        into: Path,
        limit_kib_s: int,
        brought: Brought,
    ) -> tuple[int, str]:
        """How rsync ended that brings these files, or all, and what it complained of."""
        if await asyncio.to_thread(shutil.which, "rsync") is None:
            return 1, _NO_RSYNC
        host = f"[{self.server.address}]" if ":" in self.server.address else self.server.address
        whole = ["rsync", *words, "--partial", "--chmod=D700,F600", f"--timeout={SILENCE_S}"]
        whole += ["--info=progress2", "--no-human-readable", "--outbuf=L"]
        whole += [f"--rsync-path=send {stamp}", "--rsh", " ".join(self._ssh())]
        if names is not None:
            whole += ["--from0", "--files-from=-"]
        if limit_kib_s:
            whole.append(f"--bwlimit={limit_kib_s}")
        words = [*whole, f"{self._login.user}@{host}::backup/", f"{into}/"]
        async with process_of(words) as process, complaints(process) as why:
            await feed(process, b"".join(os.fsencode(name) + b"\0" for name in names or ()))
            await follow(process, brought)
            return await process.wait(), await why

    async def _fetch_tar(self, stamp: str, entries: Sequence[Entry], into: Path, brought: Brought) -> None:
        """Whole files, without rsync."""
        tried = f"the files of backup {stamp} from {self.server.name}"
        command = [*self._ssh(), f"{self._login.user}@{self.server.address}", f"send {stamp} tar"]
        stream = TarStream(command, tried)
        loop = asyncio.get_running_loop()

        def tell(done: int) -> None:
            loop.call_soon_threadsafe(brought, done)

        reading = asyncio.create_task(
            own_thread(lambda: stream.run(entries, into, lambda line: _reply(tried, line), tell))
        )
        try:
            while not reading.done():
                heard = stream.heard
                await asyncio.wait({reading}, timeout=TAR_SILENCE_MS / 1000)
                if not reading.done() and stream.heard == heard:
                    raise OutOfReach(tried, f"nothing more came for {TAR_SILENCE_MS} ms")
            await reading
        finally:
            stream.stop()
            await asyncio.wait({reading})
            reading.exception()  # it was ended by us, or raised above


def _broken(tried: str, status: int, why: str) -> OutOfReach | FarDataRefused:
    """What it was that ended rsync: the line, or the data."""
    is_lost = status in _LOST or _NO_GREETING in why
    return (OutOfReach if is_lost else FarDataRefused)(tried, why or f"rsync ended with status {status}")


def understood(tried: str, line: str | bytes) -> dict[str, Any]:
    """The JSON object of a line; FarDataRefused where it is none."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise FarDataRefused(tried, f"the answer is no JSON object: {line[:80]!a}")
    return said


def worked(tried: str, said: dict[str, Any]) -> dict[str, Any]:
    """What a LIM said, if it says that it worked; FarDataRefused with what it said otherwise."""
    if said.get("ok") is not True:
        word = str(said.get("error", "refused"))[:_WORD_MAX]
        raise FarDataRefused(tried, f"{word}: {str(said.get('detail', ''))[:_DETAIL_MAX]}", word=word)
    return said


def _reply(tried: str, line: str) -> dict[str, Any]:
    return worked(tried, understood(tried, line))
