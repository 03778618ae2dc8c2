"""Exchange data into one LIM of the alternate: `receive`, `load` and `rollback` of redundancy-lim, in a thread each.

The bytes go from tar to ssh, or to the socket of the LIM that we are, without passing us.  Whoever is not wanted any
more is ended, with the process behind him; a reload that runs on the LIM goes on whatever happens here.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from redundancyd.adapters.far_data import WORDS_DEADLINE_MS, Login
from redundancyd.adapters.tar_stream import spelled
from redundancyd.core.manifest import LimManifest
from redundancyd.core.paths import name_of
from redundancyd.core.systems import Server
from redundancyd.errors import FarDataRefused, OutOfReach

LINE_MAX = 16_384
RECEIVE_DEADLINE_MS = 3_600_000
GRACE_MS = 60_000
"""beyond the reload deadline: the LIM's own word comes first"""
_Result = TypeVar("_Result")
Running = Callable[[str, int], None]
"""told of what the exchange is at, and for how many seconds"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load or a rollback ended with."""

    stamp: str
    before: str
    seconds: int


class _Wire(Protocol):
    """One request under way: lines come out, bytes go in."""

    lines: IO[bytes]

    def send(self, data: bytes) -> None: ...

    def pour(self, words: list[str], names: bytes) -> int:
        """Let a program write into it, and nothing after that; its exit status."""

    def stop(self) -> None:
        """End it, from whichever thread."""


class IntoLim:
    """One LIM of the alternate, as far as data goes in; `local` is the socket of the LIM that we are."""

    def __init__(self, server: Server, login: Login, local: str | None = None) -> None:
        self.server = server
        self._login = login
        self._local = local

    async def receive(self, manifest: LimManifest, folder: Path) -> None:
        """Put these files there as a backup that is not valid yet; FarDataRefused with what the LIM said."""
        given = given_manifest(manifest)

        def work(wire: _Wire, tried: str) -> None:
            _reply(tried, wire, {"go": "manifest"})
            wire.send(given)
            said = _read(tried, wire)
            if said.get("go") == "tar":
                names = b"".join(os.fsencode(name_of(entry.path)) + b"\0" for entry in manifest.files)
                words = ["tar", "--create", "--file=-", f"--directory={folder}", "--null", "--no-recursion"]
                wire.pour([*words, "--verbatim-files-from", "--files-from=-"], names)
                said = _read(tried, wire)
            _worked(tried, said)

        await self._in_thread(f"receive {manifest.stamp} {len(given)}", work, RECEIVE_DEADLINE_MS)

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

        def work(wire: _Wire, tried: str) -> str:
            return str(_worked(tried, _read(tried, wire)).get("measure") or "")

        return await self._in_thread("facts", work, WORDS_DEADLINE_MS)

    async def backups(self) -> str:
        """The printout of the exchange's own backups."""

        def work(wire: _Wire, tried: str) -> str:
            return str(_worked(tried, _read(tried, wire)).get("printout", ""))

        return await self._in_thread("backups", work, WORDS_DEADLINE_MS)

    async def _reload(self, words: str, deadline_ms: int, running: Running) -> Loaded:
        loop = asyncio.get_running_loop()

        def work(wire: _Wire, tried: str) -> Loaded:
            while "running" in (said := _read(tried, wire)):
                loop.call_soon_threadsafe(running, str(said["running"]), int(said.get("seconds", 0)))
            said = _worked(tried, said)
            return Loaded(str(said.get("stamp", "")), str(said.get("before", "")), int(said.get("seconds", 0)))

        return await self._in_thread(words, work, deadline_ms + GRACE_MS)

    async def _in_thread(self, words: str, work: Callable[[_Wire, str], _Result], deadline_ms: int) -> _Result:
        """What the work gives; with the deadline or a cancellation the wire ends, and the thread with it."""
        tried = f"`{words}` on {self.server.name}"
        ends = _Ends()

        def body() -> _Result:
            try:
                with self._wire(words) as wire:
                    ends.of(wire)
                    return work(wire, tried)
            except (OSError, ValueError) as error:
                raise OutOfReach(tried, str(error)) from error

        thread = asyncio.ensure_future(_own_thread(body))
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                return await asyncio.shield(thread)
        except TimeoutError:
            raise OutOfReach(tried, f"no end within {deadline_ms} ms") from None
        finally:
            ends.now()
            await asyncio.wait({thread}, timeout=5)
            if thread.done() and not thread.cancelled():
                thread.exception()  # it was ended by us, or raised above

    @contextlib.contextmanager
    def _wire(self, words: str) -> Iterator[_Wire]:
        if self._local is not None:
            with _socket_wire(self._local, words) as wire:
                yield wire
        else:
            with _ssh_wire([*self._login.ssh(), f"{self._login.user}@{self.server.address}", words]) as wire:
                yield wire


async def _own_thread(body: Callable[[], _Result]) -> _Result:
    """A thread that nobody joins: the pool of the loop is for what is short."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Result] = loop.create_future()

    def put(result: _Result | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # None is what the body gave

    def run() -> None:
        result, error = None, None
        try:
            result = body()
        except BaseException as caught:  # noqa: BLE001 - it is raised where it is waited for
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(put, result, error)

    threading.Thread(target=run, name="data into a LIM", daemon=True).start()
    return await done


class _Ends:
    """Ends the wire, whether it is there already or comes later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wire: _Wire | None = None
        self._over = False

    def of(self, wire: _Wire) -> None:
        with self._lock:
            self._wire = wire
            over = self._over
        if over:
            wire.stop()

    def now(self) -> None:
        with self._lock:
            self._over = True
            wire = self._wire
        if wire is not None:
            wire.stop()


def _pour(words: list[str], names: bytes, into: int) -> int:
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=into, stderr=subprocess.DEVNULL) as process:
        assert process.stdin
        with contextlib.suppress(BrokenPipeError), process.stdin as asked:
            asked.write(names)
        return process.wait()


class _SshWire:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin
        assert process.stdout
        self._process, self._in, self.lines = process, process.stdin, process.stdout

    def send(self, data: bytes) -> None:
        self._in.write(data)
        self._in.flush()

    def pour(self, words: list[str], names: bytes) -> int:
        status = _pour(words, names, self._in.fileno())
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        return status

    def stop(self) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _ssh_wire(command: list[str]) -> Iterator[_Wire]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True)
    wire = _SshWire(process)
    try:
        yield wire
    finally:
        wire.stop()
        with contextlib.suppress(BrokenPipeError):
            wire._in.close()  # noqa: SLF001 - of this module
        wire.lines.close()
        process.wait()


class _SocketWire:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.lines: IO[bytes] = sock.makefile("rb")

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def pour(self, words: list[str], names: bytes) -> int:
        status = _pour(words, names, self._sock.fileno())
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
        return status

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _socket_wire(path: str, words: str) -> Iterator[_Wire]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(path)
        wire = _SocketWire(sock)
        with wire.lines:
            wire.send(f"{words}\n".encode("ascii"))
            yield wire


def given_manifest(manifest: LimManifest) -> bytes:
    """A manifest, spelled exactly as `manifest` of redundancy-lim prints one."""
    lim, stamp = manifest.lim, manifest.stamp
    lines = [f'{{"ok":true,"stamp":"{stamp}","lim":{lim},"folder":"xdata_{lim}_{stamp}"}}']
    lines += [
        f'{{"path":"{spelled(entry.path)}","size_bytes":{entry.size_bytes},"sha256":"{entry.sha256}"}}'
        for entry in manifest.files
    ]
    lines.append(f'{{"end":true,"files":{len(manifest.files)},"size_bytes":{manifest.size_bytes}}}')
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _read(tried: str, wire: _Wire) -> dict[str, Any]:
    """The next line."""
    line = wire.lines.readline(LINE_MAX)
    if not line.endswith(b"\n"):
        raise OutOfReach(tried, "the connection ended in the middle" if line else "it said nothing more")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise FarDataRefused(tried, f"the answer is no JSON: {line[:80]!a}")
    return said


def _reply(tried: str, wire: _Wire, wanted: dict[str, Any]) -> None:
    said = _read(tried, wire)
    if said != wanted:
        _worked(tried, said)
        raise FarDataRefused(tried, f"it said {str(said)[:80]!a}")


def _worked(tried: str, said: dict[str, Any]) -> dict[str, Any]:
    """What it said, if it worked."""
    if said.get("ok") is not True:
        word = str(said.get("error", "refused"))
        raise FarDataRefused(tried, f"{word}: {str(said.get('detail', ''))[:300]}", word=word)
    return said
