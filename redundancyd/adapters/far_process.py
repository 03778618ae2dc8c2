"""The processes of a pull: OpenSSH's client and rsync, each ended on every way out with everything that it started."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Sequence

GRACE_S = 1.0
"""rsync keeps what it has of a file when it is asked to end"""
_STDERR_KEPT = 800
_PROGRESS = re.compile(rb"^\s*([\d,]+)\s+\d+%")

Brought = Callable[[int], None]


@contextlib.asynccontextmanager
async def process_of(words: Sequence[str], limit: int = 65_536) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process and all it starts, ended on every way out."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=limit,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            for how in (signal.SIGTERM, signal.SIGKILL):  # one that waits for a dead disk ends with the disk
                _end(process.pid, how)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GRACE_S):
                        await process.wait()
        await _close(process)


async def _close(process: asyncio.subprocess.Process) -> None:
    """Give back the pipes of a process that has ended: those that nobody reads to their end stay open."""
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(TimeoutError, ValueError):
        async with asyncio.timeout(GRACE_S):
            for stream in (process.stdout, process.stderr):
                while stream is not None and await stream.read(65_536):
                    pass


def _end(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, how)


async def feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    """Everything that it is to read, and the end of it."""
    assert process.stdin
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def follow(process: asyncio.subprocess.Process, brought: Brought) -> None:
    """Tell of what rsync says that it has brought, until it says no more."""
    assert process.stdout
    rest = b""
    while block := await process.stdout.read(4096):
        *lines, rest = (rest + block).replace(b"\r", b"\n").split(b"\n")
        rest = rest[-200:]
        found = [progress for line in lines if (progress := _PROGRESS.match(line))]
        if found:
            brought(int(found[-1][1].replace(b",", b"")))


@contextlib.asynccontextmanager
async def complaints(process: asyncio.subprocess.Process) -> AsyncIterator["asyncio.Task[str]"]:
    """`why_of` while something else is read: a process whose complaints nobody reads stands still in the end."""
    why = asyncio.create_task(why_of(process))
    try:
        yield why
    finally:
        why.cancel()
        await asyncio.wait({why})


async def why_of(process: asyncio.subprocess.Process) -> str:
    """The end of what a process said on standard error, on one line."""
    assert process.stderr
    kept = b""
    while block := await process.stderr.read(4096):
        kept = (kept + block)[-_STDERR_KEPT:]
    return " ".join(kept.decode("utf-8", "backslashreplace").split())
