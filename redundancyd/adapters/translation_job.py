"""Translates the files of a mirror, in a process of its own: `python -m redundancyd.adapters.translation_job`.

The job comes as a JSON object on standard input, the findings go as one to standard output.  What goes wrong is a line
on standard error and exit status 1.  Every file is written anew: a mirror's files share their inodes with the mirrors
before it, so nothing is ever opened for writing that was there already.
"""

import contextlib
import gc
import json
import mmap
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from redundancyd.adapters.fast_translation import PIECE_BYTES, FastTranslation, Piece, Source
from redundancyd.core import translation
from redundancyd.core.addresses import Address, Network
from redundancyd.core.findings import Findings
from redundancyd.core.paths import PathRefused, checked_path, name_of
from redundancyd.core.translation import HEAD_BYTES, Rules, has_text_name, is_text_head, is_wide
from redundancyd.core.translation_table import parse_address, parse_table

JOB_MAX_BYTES = 64 * 2**20
MEMORY_BYTES = 2**30
"""of its own; files that are read are mapped and do not count"""
NICE = 10
OOM_SCORE = 500

Mapped = bytes | mmap.mmap


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be translated, and how."""

    source: Path
    target: Path | None
    """None: nothing is written, it is only looked through"""
    files: tuple[str, ...]
    """paths below both folders, in wire spelling"""
    rules: Rules
    deadline_s: int

    def as_json(self) -> dict[str, Any]:
        """For the process that does it."""
        rules = self.rules
        return {
            "source": str(self.source),
            "target": None if self.target is None else str(self.target),
            "files": list(self.files),
            "table": rules.table.lines(),
            "own": [str(own) for own in (*rules.own_hosts, *rules.own_networks)],
            "known": sorted(rules.known),
            "deadline_s": self.deadline_s,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """What `as_json` gave; KeyError, TypeError or ValueError for anything else."""
        own = [parse_address(each) for each in value["own"]]
        rules = Rules(
            parse_table("\n".join(value["table"])),
            frozenset(each for each in own if isinstance(each, Address)),
            tuple(each for each in own if isinstance(each, Network)),
            frozenset(value["known"]),
        )
        files = tuple(checked_path(file) for file in value["files"])
        target = None if value["target"] is None else Path(value["target"])
        return cls(Path(value["source"]), target, files, rules, int(value["deadline_s"]))


def run(job: Job) -> dict[str, Any]:
    """Translate, or look through, every file of the job; OSError names the one that could not be."""
    findings = Findings()
    engine = FastTranslation(job.rules, findings)
    written = 0
    for file in sorted(job.files):
        written += _translate(job, file, engine)
    return {"findings": findings.as_json(), "files": len(job.files), "size_bytes": written}


def _translate(job: Job, file: str, engine: FastTranslation) -> int:
    name = name_of(file)
    with contextlib.ExitStack() as stack:
        old = _mapped(_opened(stack, job.source / name, os.O_RDONLY))
        new = None if job.target is None else _made(stack, job.target / name)
        head = old[:HEAD_BYTES]
        text = has_text_name(file) and is_text_head(head) and _is_text_to_the_end(old)
        source = Source(file, text, is_wide(head))
        whole = memoryview(old)
        written = 0
        for start, end in pieces(old):
            piece = engine.piece(whole[start:end], source)
            written += 0 if new is None else _write(new, piece)
        engine.end(source, lambda start, end: _line_ends(old, start, end))
        return written


def _opened(stack: contextlib.ExitStack, path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, descriptor)
    return descriptor


def _made(stack: contextlib.ExitStack, target: Path) -> int:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _opened(stack, target, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def _mapped(descriptor: int) -> Mapped:
    """A file's contents, read as they are needed; nothing can be mapped of a file that is empty."""
    if os.fstat(descriptor).st_size == 0:
        return b""
    mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    mapped.madvise(mmap.MADV_SEQUENTIAL)
    return mapped


def _is_text_to_the_end(data: Mapped) -> bool:
    """Whether there is no zero byte and no line that is too long."""
    if data.find(b"\0") >= 0:
        return False
    start = 0
    while start + translation.LINE_MAX_BYTES <= len(data):
        newline = data.rfind(b"\n", start, start + translation.LINE_MAX_BYTES)
        if newline < 0:
            return False
        start = newline + 1
    return True


def pieces(data: Mapped) -> Iterator[tuple[int, int]]:
    """Where to cut: behind a line; a line that is too long, where core/translation.py cuts it."""
    start = 0
    while start < len(data):
        newline = data.rfind(b"\n", start, start + PIECE_BYTES)
        longest = min(start + translation.LINE_MAX_BYTES, len(data))
        if newline < 0:
            newline = data.find(b"\n", start + PIECE_BYTES, longest)
        end = newline + 1 if newline >= 0 else longest
        yield start, end
        start = end


def _write(descriptor: int, data: Piece) -> int:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    return len(data)


def _line_ends(data: Mapped, start: int, end: int) -> int:
    return sum(data[at : min(at + PIECE_BYTES, end)].count(b"\n") for at in range(start, end, PIECE_BYTES))


def _step_back() -> None:
    """The daemon comes first: its processor, its memory; whatever of this the system does not let us do is left."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    with contextlib.suppress(OSError):  # where memory is short, it is taken from this process
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _complain(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 1


def main() -> int:
    """The program; returns its exit status."""
    try:
        job = Job.from_json(json.loads(sys.stdin.buffer.read(JOB_MAX_BYTES)))
    except (KeyError, TypeError, ValueError, PathRefused, RecursionError) as error:
        return _complain(f"the job is not understood: {error!r}")
    gc.disable()  # nothing here goes in circles, and looking for it takes a tenth of the time
    signal.alarm(job.deadline_s)  # ends this process even if nobody is left who would
    _step_back()
    try:
        result = run(job)
    except OSError as error:
        return _complain(f"{error.filename or job.target or job.source}: {error.strerror}")
    except MemoryError:
        return _complain(f"more than {MEMORY_BYTES} bytes of memory would be needed")
    json.dump(result, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
