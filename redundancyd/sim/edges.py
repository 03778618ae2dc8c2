"""What stands in the place of the world outside: clock, pings, connections, notifications, journal.

Everything behind these edges is the product's own: beats and their arithmetic, channels, words and their parsing,
the goal file's records, the socket's handlers.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from redundancyd.adapters.channel import Channel, Link, LocalChannel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.journal import Sink, as_json
from redundancyd.adapters.notify import Notify
from redundancyd.adapters.serve import Serve
from redundancyd.config import Config
from redundancyd.core.events import Reply
from redundancyd.core.systems import Server
from redundancyd.sim.timeline import MS, Timeline
from redundancyd.sim.wires import Wire

TCP_S = 1.0
HANDSHAKE_S = 0.05
SESSION_S = 0.005


class HostClock(Clock):
    """The clocks of the host that the daemon runs on."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.boots = 1
        self.booted_us = 0
        self.wall_offset_ms = 1_700_000_000_000

    def now(self) -> int:
        """Milliseconds since the host's boot."""
        return (self._timeline.now_us - self.booted_us) // MS + 1000

    def wall_ms(self) -> int:
        """What its wall clock shows."""
        return self._timeline.now_us // MS + self.wall_offset_ms

    def monotonic_us(self) -> int:
        """The same, for systemd."""
        return self.now() * MS

    def boot_id(self) -> str:
        """Another one after each boot."""
        return f"host-boot-{self.boots}"

    async def sleep_until(self, at: int) -> None:
        """Return at `at`, never before."""
        while (left := at - self.now()) > 0:  # noqa: ASYNC110 - as in the real one
            await asyncio.sleep(left / 1000)


class Air(Protocol):
    """Where echo requests go."""

    def echo(self, target: "Echo", sequence: int) -> str:
        """Send one; why our own host would not, or nothing."""


class Echo:
    """One address that is pinged, without a socket."""

    def __init__(self, address: str, heard: Callable[[], None], air: Air) -> None:
        self.address = address
        self.answered = False
        self._heard = heard
        self._air = air
        self._sequence = 0
        self._why_unsent = ""

    def begin(self) -> None:
        """A new beat."""
        self._sequence += 1
        self.answered = False
        self._why_unsent = ""

    def send(self) -> None:
        """Send one packet, or note why our own host would not."""
        self._why_unsent = self._air.echo(self, self._sequence) or self._why_unsent

    def take(self, sequence: int) -> None:
        """A reply came."""
        if sequence == self._sequence and not self.answered:
            self.answered = True
            self._heard()

    def drain(self) -> None:
        """Nothing lies in a socket: what has come was taken."""

    def reply(self) -> Reply:
        """How the beat ended for this address."""
        if self.answered:
            return Reply.ANSWERED
        return Reply.UNSENT if self._why_unsent else Reply.SILENT

    def close(self) -> None:
        """Nothing has to be given up."""


class Network(Protocol):
    """Who can be connected to."""

    def listens(self, server: Server) -> str:
        """yes, refuses, mute (the kernel alone answers), or gone."""

    def connect(self, server: Server, *, local: bool = False) -> Wire:
        """A connection, once the handshake is done."""


class VirtualChannel(Channel):
    """A LIM at the other end of an SSH connection that carries lines and needs no keys."""

    def __init__(self, server: Server, clock: Clock, network: Network, config: Config) -> None:
        super().__init__(
            server,
            clock,
            retry_ms=config.heartbeat.interval_ms,
            connect_timeout_ms=config.ssh.connect_timeout_ms,
        )
        self._network = network

    async def _open(self) -> Link:
        match self._network.listens(self.server):
            case "gone":
                await asyncio.sleep(TCP_S)
                raise TimeoutError
            case "refuses":
                raise ConnectionRefusedError(111, "Connection refused")
            case _:
                await asyncio.sleep(HANDSHAKE_S)
        if self._network.listens(self.server) != "yes":
            await asyncio.Event().wait()  # it said nothing, or no more: the connect timeout ends this
        return VirtualLink(self.server.name, self._network.connect(self.server))

    def _explain(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"{self.server.address}: no SSH session within {self._connect_timeout_ms} ms"
        return f"{self.server.address}: {error}"


class VirtualLink:
    """An open connection."""

    def __init__(self, name: str, wire: Wire) -> None:
        self._name = name
        self._wire = wire

    async def serve(self) -> Serve:
        """Open one more session."""
        await asyncio.sleep(SESSION_S)
        if not self._wire.caller_holds:
            raise ConnectionError("no session: the connection is closed")
        return self._wire.open(self._name)

    def close(self) -> None:
        """Close it and all on it."""
        self._wire.close()


def channels(config: Config, clock: Clock, network: Network) -> Mapping[Server, Channel]:
    """A channel for every server; the one to ourselves is the product's own, over a socket in memory."""
    own = config.own_server()
    made: dict[Server, Channel] = {
        own: LocalChannel(own, clock, config.ssh.local_socket, retry_ms=config.heartbeat.interval_ms)
    }
    made |= {server: VirtualChannel(server, clock, network, config) for server in config.servers() if server != own}
    return made


class LocalTransport(asyncio.Transport):
    """The socket of redundancy-lim on our own host."""

    def __init__(self, wire: Wire, protocol: asyncio.Protocol, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._protocol = protocol
        self._loop = loop
        self._lost = self._closing = False
        self._wire = wire
        self._session = wire.attach(self)

    def feed(self, data: bytes) -> None:
        """What the LIM says."""
        if not self._lost:
            self._protocol.data_received(data)

    def end(self, _why: str) -> None:
        """The LIM's process is gone."""
        self._lose()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take it."""
        self._wire.send(self._session, bytes(data))

    def close(self) -> None:
        """The daemon gives it up."""
        self._closing = True
        self._wire.close()
        self._loop.call_soon(self._lose)

    def abort(self) -> None:
        """The same at once."""
        self.close()

    def is_closing(self) -> bool:
        """It was given up, or is lost."""
        return self._closing or self._lost

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(None)


class Watchdog(Notify):
    """Systemd, as far as it listens."""

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__("")
        self._now = now
        self.fed_at = now()

    def watchdog(self) -> bool:
        """Fed."""
        self.fed_at = self._now()
        return True


class Book(Sink):
    """Keeps the journal's records of every process, rendered when somebody reads them."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def write(self, values: Any) -> bool:  # noqa: ANN401 - a record has any fields
        """Take it."""
        self.records.append(dict(values))
        return True

    def close(self) -> None:
        """It stays readable."""

    def lines(self) -> list[str]:
        """Each record as the product writes it."""
        return [as_json(None, "", dict(values)) for values in self.records]
