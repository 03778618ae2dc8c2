"""Exchange data into one LIM of the alternate: `receive`, `load` and `rollback` of redundancy-lim.

The bytes go from tar to the LIM without passing us; a reload that runs on the LIM goes on whatever happens here.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from redundancyd.adapters.far_data import worked
from redundancyd.adapters.lim_wire import AskLim, Wire, expect, read_line
from redundancyd.adapters.tar_stream import spelled
from redundancyd.core.manifest import LimManifest, folder_of
from redundancyd.core.paths import name_of

RECEIVE_DEADLINE_MS = 3_600_000
GRACE_MS = 60_000
"""beyond the reload deadline: the LIM's own word comes first"""
Running = Callable[[str, int], None]
"""told of what the exchange is at, and for how many seconds"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load or a rollback ended with."""

    stamp: str
    before: str
    seconds: int


class IntoLim(AskLim):
    """One LIM of the alternate, as far as data goes in; `local` is the socket of the LIM that we are."""

    async def receive(self, manifest: LimManifest, folder: Path) -> None:
        """Put these files there as a backup that is not valid yet; FarDataRefused with what the LIM said."""
        given = given_manifest(manifest)

        def work(wire: Wire, tried: str) -> None:
            expect(tried, wire, {"go": "manifest"})
            wire.send(given)
            said = read_line(tried, wire)
            if said.get("go") == "tar":
                names = b"".join(os.fsencode(name_of(entry.path)) + b"\0" for entry in manifest.files)
                words = ["tar", "--create", "--file=-", f"--directory={folder}", "--null", "--no-recursion"]
                wire.pour([*words, "--verbatim-files-from", "--files-from=-"], names)
                said = read_line(tried, wire)
            worked(tried, said)

        await self.in_thread(f"receive {manifest.stamp} {len(given)}", work, RECEIVE_DEADLINE_MS)

    async def load(self, stamp: str, deadline_ms: int, running: Running) -> Loaded:
        """Load what was received; FarDataRefused when it failed, OutOfReach when nobody knows."""
        return await self._reload(f"load {stamp}", deadline_ms, running)

    async def last_load(self, deadline_ms: int, running: Running) -> Loaded:
        """How the load or the rollback that was begun last has ended; waits for one that runs, and begins nothing."""
        return await self._reload("load", deadline_ms, running)

    async def rollback(self, deadline_ms: int, running: Running) -> Loaded:
        """Load what ran before the last load."""
        return await self._reload("rollback", deadline_ms, running)

    async def measure(self) -> str:
        """What the exchange there is at just now; empty when it rests."""
        return str((await self.ask("facts")).get("measure") or "")

    async def backups(self) -> str:
        """The printout of the exchange's own backups."""
        return str((await self.ask("backups")).get("printout", ""))

    async def _reload(self, words: str, deadline_ms: int, running: Running) -> Loaded:
        loop = asyncio.get_running_loop()

        def work(wire: Wire, tried: str) -> Loaded:
            while "running" in (said := read_line(tried, wire)):
                loop.call_soon_threadsafe(running, str(said["running"]), int(said.get("seconds", 0)))
            said = worked(tried, said)
            return Loaded(str(said.get("stamp", "")), str(said.get("before", "")), int(said.get("seconds", 0)))

        return await self.in_thread(words, work, deadline_ms + GRACE_MS)


def given_manifest(manifest: LimManifest) -> bytes:
    """A manifest, spelled exactly as `manifest` of redundancy-lim prints one."""
    lim, stamp = manifest.lim, manifest.stamp
    lines = [f'{{"ok":true,"stamp":"{stamp}","lim":{lim},"folder":"{folder_of(lim, stamp)}"}}']
    lines += [
        f'{{"path":"{spelled(entry.path)}","size_bytes":{entry.size_bytes},"sha256":"{entry.sha256}"}}'
        for entry in manifest.files
    ]
    lines.append(f'{{"end":true,"files":{len(manifest.files)},"size_bytes":{manifest.size_bytes}}}')
    return "".join(f"{line}\n" for line in lines).encode("ascii")
