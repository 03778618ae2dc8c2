"""Whole files of a backup in a tar stream, for LIMs without rsync; runs in a thread, and a stop ends it at once."""

import contextlib
import os
import signal
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from redundancyd.core.manifest import LINE_MAX_BYTES, Entry
from redundancyd.core.paths import name_of
from redundancyd.errors import OutOfReach

_BLOCK = 262_144


class TarStream:
    """One `send STAMP tar`."""

    def __init__(self, command: Sequence[str], tried: str) -> None:
        self._command = command
        self._tried = tried
        self._process: subprocess.Popen[bytes] | None = None
        self._unwanted = False

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
        check_reply(line)
        wanted = {name_of(entry.path): entry for entry in entries}
        done = 0
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as stream:
                for member in stream:
                    entry = wanted.pop(member.name.removeprefix("./"), None)
                    taken = stream.extractfile(member) if entry is not None and member.isreg() else None
                    if entry is not None and taken is not None:
                        _write(into / name_of(entry.path), taken, entry.size_bytes)
                        done += entry.size_bytes
                        brought(done)
        except (tarfile.TarError, EOFError) as error:
            raise OutOfReach(self._tried, f"the stream broke: {error}") from error
        if wanted:
            raise OutOfReach(self._tried, f"the stream ended before {min(wanted)!r}")


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
