"""Alone imports icmplib: asks the master IP address, the network control addresses and every server, beat by beat.

What is easily got wrong here, and how it is not:

- A packet that our own host does not send says nothing of the other side: `Reply.UNSENT`, never silence.
- Every raw socket hears every reply.  Each address has a socket of its own, connected to it, and a random identifier.
- icmplib measures with the wall clock and loses replies when the loop is late, so the loop keeps the deadline, and what
  already lies in a socket then still counts.
- All packets of one beat carry the same sequence number: a reply to any of them answers it, one to an older beat not.
"""

import asyncio
import errno
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from icmplib import ICMPRequest, ICMPv4Socket, ICMPv6Socket
from icmplib.exceptions import ICMPLibError, ICMPSocketError, SocketBroadcastError, SocketPermissionError

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.journal import record
from redundancyd.config import Config
from redundancyd.core.events import Beat, Reply, ServersHeard
from redundancyd.core.systems import Server
from redundancyd.errors import ProbeImpossible

Post = Callable[[Beat | ServersHeard], None]
_PACKET_MAX = 2048
_REMOTE_ERRORS = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.EACCES, errno.EPROTO})
"""What a pending error on a connected socket is when a router or the host itself answered with an ICMP error."""


class Probe(Protocol):
    """One address that is asked, beat by beat."""

    address: str
    answered: bool

    def begin(self) -> None:
        """A new beat."""

    def send(self) -> None:
        """Ask once more."""

    def drain(self) -> None:
        """Take what has arrived."""

    def reply(self) -> Reply:
        """How the beat ended for this address."""

    def close(self) -> None:
        """Nothing more is asked."""


class Target:
    """One address, its socket, and what the present beat knows of it."""

    def __init__(self, address: str, heard: Callable[[], None]) -> None:
        self.address = address
        self.answered = False
        self.why_unsent = ""
        self._heard = heard
        self._ident = secrets.randbelow(0x10000)
        self._sequence = secrets.randbelow(0x10000)
        self._icmp: Any = None
        self._said = ""

    def begin(self) -> None:
        """A new beat.  A socket that heard nothing in the last one is made anew: its source address may be stale."""
        if not self.answered:
            self.close()
        self._sequence = (self._sequence + 1) % 0x10000
        self.answered = False
        self.why_unsent = ""

    def send(self) -> None:
        """Send one packet, or note why our own host would not."""
        try:
            if self._icmp is None:
                self._open()
            self._icmp.sock.getsockopt(
                socket.SOL_SOCKET, socket.SO_ERROR
            )  # an ICMP error of before is not of this packet
            self._icmp.send(ICMPRequest(self.address, self._ident, self._sequence))
        except SocketBroadcastError:  # icmplib's name for EPERM
            self._unsent("our own firewall does not let ICMP out")
        except (ICMPSocketError, OSError) as error:
            cause = error if isinstance(error, OSError) else error.__context__
            if not (isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED):
                self._unsent(str(error))
        else:
            if not self.why_unsent:
                self._said = ""

    def _open(self) -> None:
        icmp = (ICMPv6Socket if ":" in self.address else ICMPv4Socket)(None, privileged=True)
        try:
            icmp.sock.setblocking(False)
            icmp.sock.connect((self.address, 0))
            asyncio.get_running_loop().add_reader(icmp.sock, self.drain)
        except BaseException:
            icmp.close()
            raise
        self._icmp = icmp

    def _unsent(self, why: str) -> None:
        self.why_unsent = why
        if why != self._said:
            record("probe_unsent", level="warning", address=self.address, why=why)
        self._said = why
        self.close()

    def drain(self) -> None:
        """Take every reply that lies in the socket."""
        while self._icmp is not None:
            try:
                packet = self._icmp.sock.recv(_PACKET_MAX)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in _REMOTE_ERRORS:
                    self.close()
                return
            # icmplib's public receive waits, and by the wall clock; its parser does neither.
            reply = self._icmp._parse_reply(packet, self.address, 0.0)  # noqa: SLF001
            if reply and (reply.id, reply.sequence) == (self._ident, self._sequence) and not self.answered:
                with suppress(ICMPLibError):
                    reply.raise_for_status()
                    self.answered = True
                    self._heard()

    def reply(self) -> Reply:
        """How the beat ended for this address."""
        if self.answered:
            return Reply.ANSWERED
        return Reply.UNSENT if self.why_unsent else Reply.SILENT

    def close(self) -> None:
        """Give the socket up; the next packet makes a new one."""
        if self._icmp is not None:
            asyncio.get_running_loop().remove_reader(self._icmp.sock)
            self._icmp.close()
            self._icmp = None


class Beats:
    """Asks everything at once, on a fixed grid, for ever.

    Another kind of probe joins here as one more list of targets with `begin`, `send`, `drain`, `reply` and `close`.
    """

    def __init__(
        self, config: Config, clock: Clock, target: Callable[[str, Callable[[], None]], Probe] = Target
    ) -> None:
        self._clock = clock
        self._interval_ms = config.heartbeat.interval_ms
        self._timeout_ms = config.heartbeat.timeout_ms
        self._packets = config.heartbeat.packets
        self._primary = target(config.master_ip(), self._progress)
        self._control = [target(address, self._progress) for address in config.network_control.addresses]
        self._servers = {server: target(server.address, self._progress) for server in config.servers()}
        self._all_heard = asyncio.Event()
        self._started_at = 0
        self._told: frozenset[Server] = frozenset()
        self._post: Post | None = None

    def _targets(self) -> Iterator[Probe]:
        yield self._primary
        yield from self._control
        yield from self._servers.values()

    async def run(self, post: Post) -> None:
        """Post a Beat each interval; ends only by cancellation."""
        at = self._clock.now()
        try:
            while True:
                await self._beat(post)
                at = next_on_grid(at, self._interval_ms, self._clock.now())
                await self._clock.sleep_until(at)
        finally:
            for target in self._targets():
                target.close()

    async def _beat(self, post: Post) -> None:
        self._post, self._started_at = post, self._clock.now()
        self._all_heard.clear()
        self._told = frozenset()
        for target in self._targets():
            target.begin()
        for packet in range(1, self._packets + 1):
            for target in self._targets():
                if not target.answered:
                    target.send()
            await self._wait_heard(self._started_at + self._timeout_ms * packet // self._packets)
            self._tell_servers(post)
            if self._all_heard.is_set():
                break
        for target in self._targets():  # a loop that was late must not make silence out of what has arrived
            target.drain()
        self._tell()
        self._tell_servers(post)

    async def _wait_heard(self, until: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0, until - self._clock.now()) / 1000):
                await self._all_heard.wait()

    def _progress(self) -> None:
        """An address answered."""
        if self._primary.answered and self._control_reply() is Reply.ANSWERED:
            self._tell()
        if all(target.answered for target in self._targets()):
            self._all_heard.set()

    def _tell(self) -> None:
        """Post this beat, once."""
        post, self._post = self._post, None
        if post:
            post(Beat(self._primary.reply(), self._control_reply(), self._started_at, self._clock.now()))

    def _tell_servers(self, post: Post) -> None:
        """Post which servers answered, as soon as it is news: a start waits for those that are alive."""
        heard = frozenset(server for server, target in self._servers.items() if target.answered)
        if heard - self._told:
            post(ServersHeard(heard, self._started_at, self._clock.now()))
        self._told = heard

    def _control_reply(self) -> Reply:
        """Any address that answers shows that we are connected; silence of one outweighs what could not be sent."""
        replies = {target.reply() for target in self._control}
        return next(reply for reply in (Reply.ANSWERED, Reply.SILENT, Reply.UNSENT) if reply in replies)


async def answering(addresses: Iterable[str], clock: Clock, timeout_ms: int, packets: int = 3) -> frozenset[str]:
    """Which of these addresses answer within the deadline; asked once, outside of any beat."""
    heard = asyncio.Event()
    targets = {address: Target(address, heard.set) for address in addresses}
    started_at = clock.now()
    try:
        for target in targets.values():
            target.begin()
        for packet in range(1, packets + 1):
            for target in targets.values():
                if not target.answered:
                    target.send()
            until = started_at + timeout_ms * packet // packets
            while not all(target.answered for target in targets.values()) and (left := until - clock.now()) > 0:
                heard.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(left / 1000):
                        await heard.wait()
        return frozenset(address for address, target in targets.items() if target.answered)
    finally:
        for target in targets.values():
            target.close()


def next_on_grid(last: int, interval_ms: int, now: int) -> int:
    """When the next beat begins: on the grid of the last one; after a stall what was missed is skipped, not made up."""
    following = last + interval_ms
    late_ms = now - following
    return following if late_ms <= interval_ms // 2 else following + (late_ms // interval_ms + 1) * interval_ms


def check() -> None:
    """ProbeImpossible if this process may not send ICMP."""
    try:
        ICMPv4Socket(None, privileged=True).close()
    except SocketPermissionError as error:
        remedy = "It needs CAP_NET_RAW: the unit has AmbientCapabilities=CAP_NET_RAW."
        raise ProbeImpossible("opening a raw ICMP socket", "not permitted", remedy) from error
