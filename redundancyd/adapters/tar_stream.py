"""Whole files of a backup in a tar stream, for LIMs without rsync; runs in a thread, and a stop ends it at once."""

import contextlib
import os
import signal
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Self, cast

from redundancyd.core.manifest import LINE_MAX_BYTES, Entry
from redundancyd.core.paths import PATH_MAX_BYTES, name_of
from redundancyd.errors import OutOfReach

_BLOCK = 262_144
_NAME_MAX = 2 * PATH_MAX_BYTES
_AROUND = 8 * tarfile.BLOCKSIZE + _NAME_MAX
_SLACK = 1_000_000
_ENDS_MAX = 50
_SHOWN = 80


class TarStream:
    """One `send STAMP tar`."""

    def __init__(self, command: Sequence[str], tried: str) -> None:
        self._command = command
        self._tried = tried
        self._process: subprocess.Popen[bytes] | None = None
        self._unwanted = False
        self.heard = 0
        """bytes that came so far"""

    def run(
        self, entries: Sequence[Entry], into: Path, check_reply: Callable[[str], object], brought: Callable[[int], None]
    ) -> None:
        """Bring these files and nothing else; OutOfReach when the stream ends before it has them."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            self._process = process
            try:
                if not self._unwanted:
                    self._unpack(process, entries, into, check_reply, brought)
            finally:
                self.stop()

    def read(self, count: int) -> bytes:
        """The next bytes of the stream."""
        assert self._process is not None
        assert self._process.stdout is not None
        block = self._process.stdout.read(count)
        self.heard += len(block)
        return block

    def stop(self) -> None:
        """End the process and what it started."""
        self._unwanted = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _unpack(
        self,
        process: "subprocess.Popen[bytes]",
        entries: Sequence[Entry],
        into: Path,
        check_reply: Callable[[str], object],
        brought: Callable[[int], None],
    ) -> None:
        assert process.stdin
        assert process.stdout
        with contextlib.suppress(BrokenPipeError), process.stdin as asked:
            asked.write("".join(f"{spelled(entry.path)}\n" for entry in entries).encode("ascii"))
        line = process.stdout.readline(LINE_MAX_BYTES).decode("ascii", "backslashreplace")
        if not line:
            raise OutOfReach(self._tried, "it said nothing")
        self.heard += len(line)
        check_reply(line)
        unpack(cast("IO[bytes]", self), entries, into, self._tried, brought)


def unpack(source: IO[bytes], entries: Sequence[Entry], into: Path, tried: str, brought: Callable[[int], None]) -> None:
    """Write these files of a tar stream, and nothing else; OutOfReach when it ends before it has them.

    Whoever sends may be anybody: what it may make us read and keep in memory is bounded by what was announced.
    """
    wanted = {name_of(entry.path): entry for entry in entries}
    done = 0
    try:
        bounded = cast("IO[bytes]", _Bounded(source, _longest(entries)))  # tarfile only reads
        with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_Header) as stream:
            for member in stream:
                entry = wanted.pop(member.name.removeprefix("./"), None)
                taken = stream.extractfile(member) if entry is not None else None
                if entry is not None and taken is not None:
                    _write(into / name_of(entry.path), taken, entry.size_bytes)
                    done += entry.size_bytes
                    brought(done)
    except (tarfile.TarError, EOFError) as error:
        raise OutOfReach(tried, f"the stream broke: {error}") from error
    if wanted:
        raise OutOfReach(tried, f"the stream ended before {min(wanted)!r}")


def _longest(entries: Sequence[Entry]) -> int:
    """How long a stream of these files may be: with headers, long names, and the zeros at the end."""
    return sum(entry.size_bytes + _AROUND for entry in entries) + _SLACK


class _Header(tarfile.TarInfo):
    """One header: of a plain file, or of the long name of one; GNU tar's own format has no other for them."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The header in this block; tarfile.ReadError for what no backup has."""
        found = super().frombuf(buf, encoding, errors)
        is_long_name = found.type == tarfile.GNUTYPE_LONGNAME and found.size <= _NAME_MAX
        if not is_long_name and found.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
            raise tarfile.ReadError(f"{found.name[:_SHOWN]!r} is no plain file")
        return found


class _Bounded:
    """So much of a stream, and not a byte more; and tarfile may not look for ever behind its end."""

    def __init__(self, source: IO[bytes], left: int) -> None:
        self._source, self._left = source, left
        self._ends = 0

    def read(self, count: int) -> bytes:
        """As many bytes, or fewer where it ends."""
        block = self._source.read(min(count, self._left + 1))
        self._left -= len(block)
        if self._left < 0:
            raise tarfile.ReadError("it is longer than its manifest allows")
        self._ends += not block
        if self._ends > _ENDS_MAX:
            raise tarfile.ReadError("it ends too early")
        return block


def _write(path: Path, taken: IO[bytes], size_bytes: int) -> None:
    """A file, beside and renamed; hardly more of it than was announced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(".incoming-file")
    left = size_bytes + 1
    with beside.open("wb") as made:
        while left > 0 and (block := taken.read(min(_BLOCK, left))):
            made.write(block)
            left -= len(block)
    beside.replace(path)


def spelled(path: str) -> str:
    """A path as redundancy-lim spells it."""
    return path.replace('"', "%22").replace("\\", "%5C")
