"""What the adapters meet in these tests: an SSH server that behaves as told, a clock, a fleet of one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.ssh import Credentials, SshChannel
from redundancyd.core.systems import Server, System

LIM = Server(System.PRIMARY, 2, "127.0.0.1")
SAID = {
    "ok": True,
    "lim": 2,
    "system": "primary",
    "traffic": "blocked",
    "number": 7,
    "word": "block",
    "supervisor": "id.run",
    "origin": "order",
    "remembered": True,
    "since": "2026-03-09T02:15:01Z",
    "boot_id": "b",
    "policy": "p",
    "ipv6": True,
}
Serving = Callable[[Any], object]


def reply(**changed: object) -> str:
    """What a LIM says to `status`, with some of it changed."""
    return json.dumps({**SAID, **changed})


class SetClock(Clock):
    """A clock that a test sets; it sleeps for real."""

    def __init__(self, now: int = 1000, wall_ms: int = 1_700_000_000_000, boot_id: str = "this boot") -> None:
        self.time, self.wall, self.boot = now, wall_ms, boot_id

    def now(self) -> int:
        """What the test set."""
        return self.time

    def wall_ms(self) -> int:
        """What the test set."""
        return self.wall

    def boot_id(self) -> str:
        """What the test set."""
        return self.boot


async def serve_well(process: "asyncssh.SSHServerProcess[str]") -> None:
    """A LIM as it should be: each line answered at once, `facts` after a while."""
    async for line in process.stdin:
        if line.startswith("facts"):
            await asyncio.sleep(0.3)
        process.stdout.write(reply(asked=line.strip()) + "\n")


class _Login(asyncssh.SSHServer):
    def __init__(self, accepts: bool, connections: "set[asyncssh.SSHServerConnection]") -> None:
        self._accepts = accepts
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.add(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._accepts


@dataclass
class Lim:
    """A LIM's sshd on a free port, and how to reach it."""

    folder: Path
    port: int = 0
    commands: list[str | None] = field(default_factory=list)
    sessions: int = 0
    host_key: asyncssh.SSHKey | None = None
    connections: "set[asyncssh.SSHServerConnection]" = field(default_factory=set)

    def credentials(self) -> Credentials:
        """Our key, and the pins."""
        return Credentials("redundancyd", str(self.folder / "key"), str(self.folder / "known_hosts"))

    def channel(self, server: Server = LIM, *, connect_timeout_ms: int = 2000, retry_ms: int = 50) -> SshChannel:
        """A channel to it, not yet connected."""
        return SshChannel(
            server,
            Clock(),
            self.credentials(),
            asyncio.Semaphore(8),
            port=self.port,
            retry_ms=retry_ms,
            connect_timeout_ms=connect_timeout_ms,
        )


def make_keys(folder: Path) -> asyncssh.SSHKey:
    """Our key in the folder; the host's key is returned."""
    ours = asyncssh.generate_private_key("ssh-ed25519")
    ours.write_private_key(folder / "key")
    return asyncssh.generate_private_key("ssh-ed25519")


def pin(folder: Path, port: int, key: asyncssh.SSHKey, address: str = "127.0.0.1") -> None:
    """Pin this host key for the port."""
    public = key.export_public_key().decode().strip()
    (folder / "known_hosts").write_text(f"[{address}]:{port} {public}\n")


@asynccontextmanager
async def lim(
    folder: Path,
    serving: Serving = serve_well,
    *,
    accepts: bool = True,
    encoding: str | None = "utf-8",
    again: Lim | None = None,
    address: str = "127.0.0.1",
) -> AsyncIterator[Lim]:
    """A LIM that runs while the block does; `again`: with the port and the host key of an earlier one."""
    here = Lim(folder)
    host_key = (again and again.host_key) or make_keys(folder)
    here.host_key = host_key

    async def process(process: "asyncssh.SSHServerProcess[str]") -> None:
        here.sessions += 1
        here.commands.append(process.command)
        with suppress(asyncssh.BreakReceived, asyncssh.ConnectionLost, BrokenPipeError):
            outcome = serving(process)
            if asyncio.iscoroutine(outcome):
                await outcome
            process.exit(0)

    server = await asyncssh.listen(
        address,
        again.port if again else 0,
        server_factory=lambda: _Login(accepts, here.connections),
        server_host_keys=[host_key],
        process_factory=process,
        encoding=encoding,
    )
    here.port = server.get_port()
    pin(folder, here.port, host_key, address)
    try:
        yield here
    finally:
        await asyncio.sleep(0.01)  # what is being accepted
        server.close()
        await server.wait_closed()
        for connection in here.connections:
            connection.abort()
        async with asyncio.timeout(5):
            await asyncio.gather(*(connection.wait_closed() for connection in here.connections))
        await asyncio.sleep(0.01)  # the loop closes their sockets


@asynccontextmanager
async def running(channel: Channel) -> AsyncIterator["asyncio.Queue[object]"]:
    """Its loop, and the events it posts."""
    events: asyncio.Queue[object] = asyncio.Queue()
    task = asyncio.create_task(channel.run(events.put_nowait))
    try:
        yield events
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def soon(events: "asyncio.Queue[object]", within_s: float = 5) -> object:
    """The next event."""
    async with asyncio.timeout(within_s):
        return await events.get()
