"""Alone imports asyncssh: the channel to a LIM over one kept SSH connection.

Host keys are pinned, always.  A connection that breaks in the middle of a command looks like a command that succeeded
and said nothing, so nothing here trusts an exit status: only a reply line is an answer.
"""

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress

import asyncssh

from redundancyd.adapters.channel import Channel, Link, LocalChannel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.serve import Serve
from redundancyd.config import Config
from redundancyd.core.systems import Server

HANDSHAKES_MAX = 8  # at a time: more of them make every beat late
_KEX = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256")
_CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com")
_KEEPALIVE_S, _KEEPALIVES = 1, 3
_TCP_S = 1.0  # then a fresh attempt: the kernel would wait longer and longer, and a host may be back any time
_WINDOW = 65_536  # bytes the far side may send before it is heard
_KEPT_STDERR = 300
_READ_S = 0.5  # for two small files; a disk that hangs must not keep us from the LIMs


class Credentials:
    """Our key and the pinned host keys, read anew for each attempt; the last ones serve while the disk hangs."""

    def __init__(self, user: str, key: str, known_hosts: str) -> None:
        self.user = user
        self.key = key
        self.known_hosts = known_hosts
        self._last: tuple[asyncssh.SSHKey, asyncssh.SSHKnownHosts] | None = None
        self._reading: asyncio.Task[tuple[asyncssh.SSHKey, asyncssh.SSHKnownHosts]] | None = None

    async def read(self) -> tuple[asyncssh.SSHKey, asyncssh.SSHKnownHosts]:
        """The key and the pins."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(self._read))
        reading = self._reading
        await asyncio.wait({reading}, timeout=_READ_S)
        if reading.done():
            self._reading = None
            self._last = reading.result()
        if self._last is None:
            raise TimeoutError
        return self._last

    def _read(self) -> tuple[asyncssh.SSHKey, asyncssh.SSHKnownHosts]:
        return asyncssh.read_private_key(self.key), asyncssh.read_known_hosts(self.known_hosts)


class _NoAnswerError(TimeoutError):
    """Nobody took the connection: no power, no line, or something on the way drops it."""


class SshChannel(Channel):
    """A LIM at the other end of an SSH connection; its key may run redundancy-lim and nothing else."""

    def __init__(
        self,
        server: Server,
        clock: Clock,
        credentials: Credentials,
        handshakes: asyncio.Semaphore,
        *,
        port: int = 22,
        retry_ms: int,
        connect_timeout_ms: int,
    ) -> None:
        super().__init__(server, clock, retry_ms=retry_ms, connect_timeout_ms=connect_timeout_ms)
        self._credentials = credentials
        self._handshakes = handshakes
        self._port = port

    async def _open(self) -> Link:
        """Only a host that has begun to talk gets one of the few places for a handshake."""
        sock = await self._connect_tcp()
        try:
            await _wait_readable(sock)
            async with self._handshakes:
                key, pins = await self._credentials.read()
                connection = await asyncssh.connect(
                    self.server.address,
                    self._port,
                    sock=sock,
                    config=None,
                    agent_path=None,
                    username=self._credentials.user,
                    client_keys=[key],
                    known_hosts=pins,
                    preferred_auth="publickey",
                    kex_algs=_KEX,
                    encryption_algs=_CIPHERS,
                    compression_algs=None,
                    keepalive_interval=_KEEPALIVE_S,
                    keepalive_count_max=_KEEPALIVES,
                    login_timeout=self._connect_timeout_ms / 1000,
                )
        except BaseException:
            sock.close()
            raise
        return _SshLink(self.server.name, connection)

    async def _connect_tcp(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.server.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(_TCP_S):
                await asyncio.get_running_loop().sock_connect(sock, (self.server.address, self._port))
        except TimeoutError as error:
            sock.close()
            raise _NoAnswerError from error
        except BaseException:
            sock.close()
            raise
        return sock

    def _is_refusal(self, error: Exception) -> bool:
        return isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.PermissionDenied)

    def _is_strange_key(self, error: Exception) -> bool:
        return isinstance(error, asyncssh.HostKeyNotVerifiable)

    def _explain(self, error: Exception) -> str:
        where = f"{self._credentials.user}@{self.server.address} port {self._port}"
        match error:
            case asyncssh.HostKeyNotVerifiable():
                return (
                    f"{where}: its host key is not the one pinned in {self._credentials.known_hosts}; if the LIM was "
                    "reinstalled, compare the key at its console and pin it anew: redundancyctl lim install"
                )
            case asyncssh.PermissionDenied():
                return f"{where}: it does not accept our key; put it there again: redundancyctl lim install"
            case _NoAnswerError():
                return f"{where}: no answer within {round(_TCP_S * 1000)} ms"
            case TimeoutError():
                return f"{where}: no SSH session within {self._connect_timeout_ms} ms"
            case asyncssh.KeyImportError():
                return f"our key {self._credentials.key} cannot be used: {error}"
            case FileNotFoundError() | PermissionError() if error.filename:
                return f"{error.filename} cannot be read: {error.strerror}; redundancyctl lim key makes it"
            case OSError():
                return f"{where}: {error.strerror or error}"
        return f"{where}: {type(error).__name__}: {error}"[:400]


async def _wait_readable(sock: socket.socket) -> None:
    """Until the far side said something, or hung up."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def came() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(sock, came)
    try:
        await readable
    finally:
        loop.remove_reader(sock)


class _SshLink:
    def __init__(self, name: str, connection: asyncssh.SSHClientConnection) -> None:
        self._name = name
        self._connection = connection

    async def serve(self) -> Serve:
        """Open a session of the forced command; words go in by its standard input."""
        try:
            _, session = await self._connection.create_session(
                lambda: _ServeSession(self._name), "serve", encoding=None, window=_WINDOW
            )
        except asyncssh.Error as error:
            raise ConnectionError(f"no session: {error}") from error
        assert isinstance(session, _ServeSession)
        assert session.serve
        return session.serve

    def close(self) -> None:
        with suppress(OSError, asyncssh.Error):
            self._connection.abort()


class _ServeSession(asyncssh.SSHClientSession[bytes]):
    def __init__(self, name: str) -> None:
        self._name = name
        self._stderr = b""
        self._status: int | None = None
        self.serve: Serve | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.serve = Serve(self._name, chan.write, chan.close)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self._stderr = (self._stderr + data)[-_KEPT_STDERR:]
        elif self.serve:
            self.serve.feed(data)

    def eof_received(self) -> bool:
        return False

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def connection_lost(self, exc: Exception | None) -> None:
        said = self._stderr.decode("utf-8", "backslashreplace").strip()
        ended = f"it ended with status {self._status}" if self._status is not None else "the connection broke"
        if self.serve:
            self.serve.end(ended + (f": {exc}" if exc else "") + (f"; it said: {said}" if said else ""))


def make_channels(config: Config, clock: Clock) -> Mapping[Server, Channel]:
    """A channel for every server of the settings, none of them connected yet."""
    own = config.own_server()
    credentials = Credentials(config.ssh.user, config.ssh.key, config.ssh.known_hosts)
    handshakes = asyncio.Semaphore(HANDSHAKES_MAX)
    retry_ms = config.heartbeat.interval_ms
    channels: dict[Server, Channel] = {own: LocalChannel(own, clock, config.ssh.local_socket, retry_ms=retry_ms)}
    for server in config.servers():
        if server != own:
            channels[server] = SshChannel(
                server,
                clock,
                credentials,
                handshakes,
                port=config.ssh.port,
                retry_ms=retry_ms,
                connect_timeout_ms=config.ssh.connect_timeout_ms,
            )
    return channels
