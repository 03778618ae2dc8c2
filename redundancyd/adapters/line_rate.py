"""How fast the line to the primary is: a few files of its backup are sent, and thrown away."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.login import Login
from redundancyd.adapters.tar_stream import spelled
from redundancyd.core.manifest import Entry
from redundancyd.core.systems import Server

FOR_MS = 3000
BYTES_MAX = 8_000_000
LEAST_MS = 20
_BLOCK = 65_536


def chosen(entries: Sequence[Entry]) -> list[Entry]:
    """The largest files, as many as are worth sending: small ones would measure something else."""
    taken: list[Entry] = []
    size = 0
    for entry in sorted(entries, key=lambda entry: entry.size_bytes, reverse=True):
        if size >= BYTES_MAX:
            break
        taken.append(entry)
        size += entry.size_bytes
    return taken


async def line_rate(server: Server, login: Login, stamp: str, entries: Sequence[Entry], clock: Clock) -> int | None:
    """Bytes a second, from what comes within a few seconds; None when nothing comes."""
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    command = [*login.ssh(), f"{login.user}@{server.address}", f"send {stamp} tar"]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=null, start_new_session=True
    )
    assert process.stdin
    assert process.stdout
    came, began_at, ended_at = 0, 0, 0
    try:
        async with asyncio.timeout((FOR_MS + login.connect_timeout_ms) / 1000):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                process.stdin.write("".join(f"{spelled(entry.path)}\n" for entry in chosen(entries)).encode("ascii"))
                await process.stdin.drain()
            process.stdin.close()
            with contextlib.suppress(ValueError):  # longer than anything that it says: measured all the same
                await process.stdout.readline()  # what it says before it begins
            began_at = ended_at = clock.now()
            while came < BYTES_MAX and ended_at - began_at < FOR_MS and (block := await process.stdout.read(_BLOCK)):
                came += len(block)
                ended_at = clock.now()
    except TimeoutError:
        ended_at = clock.now()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return came * 1000 // max(LEAST_MS, ended_at - began_at) if came else None
