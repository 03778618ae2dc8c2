"""One request to a LIM in a thread of its own: a line goes out, lines come back, and bytes may follow.

The bytes go from a program to ssh, or to the socket of the LIM that we are, without passing us.  Whoever is not wanted
any more is ended, with the process behind him.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol, TypeVar

from redundancyd.adapters.far_data import WORDS_DEADLINE_MS, understood, worked
from redundancyd.adapters.login import Login
from redundancyd.core.systems import Server
from redundancyd.errors import FarDataRefused, OutOfReach
from redundancyd.own_thread import own_thread

LINE_MAX = 16_384
_Result = TypeVar("_Result")


class Wire(Protocol):
    """One request under way: lines come out, bytes go in."""

    lines: IO[bytes]

    def send(self, data: bytes) -> None:
        """Let these bytes go out."""

    def pour(self, words: list[str], names: bytes) -> int:
        """Let a program write into it, and nothing after that; its exit status."""

    def stop(self) -> None:
        """End it, from whichever thread."""


class AskLim:
    """One LIM that is asked; `local` is the socket of the LIM that we are."""

    def __init__(self, server: Server, login: Login, local: str | None = None) -> None:
        self.server = server
        self._login = login
        self._local = local

    async def ask(self, words: str) -> dict[str, Any]:
        """The one line that it answers; FarDataRefused when it says that it did not do it, OutOfReach when nothing."""

        def work(wire: Wire, tried: str) -> dict[str, Any]:
            return worked(tried, read_line(tried, wire))

        return await self.in_thread(words, work, WORDS_DEADLINE_MS)

    async def in_thread(self, words: str, work: Callable[[Wire, str], _Result], deadline_ms: int) -> _Result:
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

        thread = asyncio.ensure_future(own_thread(body))
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
    def _wire(self, words: str) -> Iterator[Wire]:
        if self._local is not None:
            with _socket_wire(self._local, words) as wire:
                yield wire
        else:
            with _ssh_wire([*self._login.ssh(), f"{self._login.user}@{self.server.address}", words]) as wire:
                yield wire


class _Ends:
    """Ends the wire, whether it is there already or comes later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wire: Wire | None = None
        self._over = False

    def of(self, wire: Wire) -> None:
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
def _ssh_wire(command: list[str]) -> Iterator[Wire]:
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
def _socket_wire(path: str, words: str) -> Iterator[Wire]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(path)
        wire = _SocketWire(sock)
        with wire.lines:
            wire.send(f"{words}\n".encode("ascii"))
            yield wire


def read_line(tried: str, wire: Wire) -> dict[str, Any]:
    """The next line, as JSON."""
    line = wire.lines.readline(LINE_MAX)
    if not line.endswith(b"\n"):
        raise OutOfReach(tried, "the connection ended in the middle" if line else "it said nothing more")
    return understood(tried, line)


def expect(tried: str, wire: Wire, wanted: dict[str, Any]) -> None:
    """The next line says exactly this; FarDataRefused otherwise."""
    said = read_line(tried, wire)
    if said != wanted:
        worked(tried, said)
        raise FarDataRefused(tried, f"it said {str(said)[:80]!a}")
