"""One phone: registers every second, prefers the primary, uses the alternate when the primary does not answer.

It is driven from outside: by the clock (`tick`), by answers and by errors of its sockets.  It learns at once from an
ICMP message or a TCP reset; from silence only when PATIENCE is over.
"""

import errno
import itertools
import re
import socket
import struct
import time
from array import array
from dataclasses import dataclass, field
from enum import IntEnum

from redundancyd.lab.sip import LARGEST, Malformed, cut

MS = 1_000_000
REGISTER_EVERY = 1000 * MS
OPTIONS_EVERY = 20 * MS
PATIENCE = 500 * MS
RECONNECT_AFTER = 4000 * MS  # a TCP connection that stays silent so long is given up
PORT = 5060
SYSTEMS = ("primary", "alternate")
SO_TIMESTAMPNS = 35
CSEQ = re.compile(rb"(?im)^cseq:\s*(\d+)\s+(\w+)")


def boot_now() -> int:
    """Nanoseconds of the boot-time clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def stamped(more: list[tuple[int, int, bytes]]) -> int:
    """When the kernel took a packet in, on the boot-time clock; now, where it did not say."""
    now = boot_now()
    for level, kind, data in more:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds: int
            nanoseconds: int
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            return now - (time.time_ns() - seconds * 1_000_000_000 - nanoseconds)
    return now


class Kind(IntEnum):
    """What was answered."""

    OPTIONS = 0
    REGISTER = 1


@dataclass(slots=True)
class Log:
    """Every answered packet of all phones, and every change of registration; kept in memory until it is asked for."""

    at: "array[int]" = field(default_factory=lambda: array("q"))
    system: "array[int]" = field(default_factory=lambda: array("b"))
    phone: "array[int]" = field(default_factory=lambda: array("b"))
    kind: "array[int]" = field(default_factory=lambda: array("b"))
    last: list[int] = field(default_factory=lambda: [0, 0])
    moves: list[tuple[int, int, str | None]] = field(default_factory=list)

    def answered(self, at: int, system: int, phone: int, kind: Kind) -> None:
        """Note one answered packet."""
        self.at.append(at)
        self.system.append(system)
        self.phone.append(phone)
        self.kind.append(kind)
        self.last[system] = max(self.last[system], at)


class Phone:
    """What all phones do, whatever they speak over."""

    def __init__(self, number: int, address: str, servers: dict[str, str], log: Log) -> None:
        self.number = number
        self.address = address
        self.servers = [servers[system] for system in SYSTEMS]
        self.log = log
        self.registered: str | None = None
        self.since = 0
        self.asking: int | None = None  # the system whose answer to a REGISTER is awaited
        self.asked_at = 0
        self.next_register = 0
        self._counter = itertools.count(1)

    def tick(self, now: int) -> None:
        """Do what is due."""
        if self.asking is not None and now - self.asked_at > PATIENCE:
            self.unanswered(self.asking, now)
        if now >= self.next_register:
            self.next_register = max(self.next_register + REGISTER_EVERY, now + REGISTER_EVERY // 2)
            self.ask(0, now)

    def ask(self, system: int, now: int) -> None:
        """Send a REGISTER to a system."""
        self.asking, self.asked_at = system, now
        if not self.send(system, self.request(system, "REGISTER"), now):
            self.unanswered(system, now)

    def unanswered(self, system: int, now: int) -> None:
        """A REGISTER was not answered, or refused by the network: the other system is next, then nobody serves us."""
        if self.asking != system:
            return
        self.asking = None
        if self.registered == SYSTEMS[system]:
            self.move(None, now)
        if system == 0:
            self.ask(1, now)

    def answered(self, system: int, data: bytes, at: int) -> None:
        """Take an answer: of a REGISTER the primary's always counts, the alternate's if it is the one we asked."""
        found = CSEQ.search(data)
        if not found or not data.startswith(b"SIP/2.0 200"):
            return
        kind = Kind.REGISTER if found[2] == b"REGISTER" else Kind.OPTIONS
        self.log.answered(at, system, self.number, kind)
        if kind is Kind.REGISTER and (system == 0 or self.asking == 1):
            self.asking = None
            self.move(SYSTEMS[system], at)

    def move(self, system: str | None, at: int) -> None:
        """Note who serves us now."""
        if system != self.registered:
            self.registered, self.since = system, at
            self.log.moves.append((at, self.number, system))

    def request(self, system: int, method: str) -> bytes:
        """A request of ours, with a branch and number of its own."""
        number = next(self._counter)
        user = f"10{self.number:02d}"
        server, transport = self.servers[system], self.transport
        contact = f"Contact: <sip:{user}@{self.address};transport={transport.lower()}>;expires=60\r\n"
        return (
            f"{method} sip:{server} SIP/2.0\r\n"
            f"Via: SIP/2.0/{transport} {self.address}:{PORT};branch=z9hG4bK{self.number}-{system}-{number};rport\r\n"
            "Max-Forwards: 70\r\n"
            f"From: <sip:{user}@{server}>;tag=p{self.number}\r\n"
            f"To: <sip:{user}@{server}>\r\n"
            f"Call-ID: {method.lower()}-{system}@{self.address}\r\n"
            f"CSeq: {number} {method}\r\n"
            f"{contact if method == 'REGISTER' else ''}"
            "Content-Length: 0\r\n\r\n"
        ).encode()

    transport = ""

    def send(self, system: int, data: bytes, now: int) -> bool:
        """Send to a system; False when the network said at once that it is in vain."""
        raise NotImplementedError

    def sockets(self) -> list[tuple[socket.socket, int]]:
        """The sockets to listen on, with the system behind each."""
        raise NotImplementedError

    def readable(self, system: int) -> None:
        """Read what came from a system."""
        raise NotImplementedError


class UdpPhone(Phone):
    """A phone over UDP; sends OPTIONS to both systems every 20 ms."""

    transport = "UDP"

    def __init__(self, number: int, address: str, servers: dict[str, str], log: Log) -> None:
        super().__init__(number, address, servers, log)
        self.next_options = 0
        self._sockets = [self._open(server) for server in self.servers]

    def _open(self, server: str) -> socket.socket:
        """A socket connected to one server, so that ICMP messages about it are told; stamped by the kernel."""
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        opened.bind((self.address, PORT))
        opened.connect((server, PORT))
        opened.setblocking(False)
        return opened

    def sockets(self) -> list[tuple[socket.socket, int]]:
        """One socket a system."""
        return [(opened, system) for system, opened in enumerate(self._sockets)]

    def tick(self, now: int) -> None:
        """Do what is due, the OPTIONS too; those that were slept through are not made up for."""
        super().tick(now)
        if now >= self.next_options:
            self.next_options = max(self.next_options + OPTIONS_EVERY, now + OPTIONS_EVERY // 2)
            for system in range(len(SYSTEMS)):
                self.send(system, self.request(system, "OPTIONS"), now)

    def send(self, system: int, data: bytes, now: int) -> bool:
        """Send; an error that waits on the socket belongs to an earlier packet: take it and send all the same."""
        for _ in range(2):
            try:
                self._sockets[system].send(data)
            except BlockingIOError:
                return True
            except OSError:
                self.unanswered(system, now)
                continue
            return True
        return False

    def readable(self, system: int) -> None:
        """Read all that waits, with the kernel's time stamps."""
        while True:
            try:
                data, more, _, _ = self._sockets[system].recvmsg(LARGEST, 64)
            except BlockingIOError:
                return
            except OSError:
                self.unanswered(system, boot_now())
                return
            self.answered(system, data, stamped(more))


class TcpPhone(Phone):
    """A phone over TCP: one connection a system, made when there is something to say."""

    transport = "TCP"

    def __init__(self, number: int, address: str, servers: dict[str, str], log: Log) -> None:
        super().__init__(number, address, servers, log)
        self._sockets: list[socket.socket | None] = [None, None]
        self._waiting: list[bytes] = [b"", b""]
        self._buffers = [bytearray(), bytearray()]
        self._heard = [0, 0]

    def sockets(self) -> list[tuple[socket.socket, int]]:
        """The connections that stand or are being made."""
        return [(opened, system) for system, opened in enumerate(self._sockets) if opened is not None]

    def send(self, system: int, data: bytes, now: int) -> bool:
        """Send over the connection, or make it first."""
        if self._sockets[system] is not None and now - self._heard[system] > RECONNECT_AFTER:
            self._close(system)
        opened = self._sockets[system]
        if opened is None:
            return self._connect(system, data, now)
        try:
            if self._waiting[system]:
                self._waiting[system] = data  # still connecting: the newest request is the one that counts
            else:
                opened.send(data)
        except BlockingIOError:
            return True
        except OSError:
            self._close(system)
            return self._connect(system, data, now)
        return True

    def _connect(self, system: int, data: bytes, now: int) -> bool:
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.bind((self.address, 0))
        if opened.connect_ex((self.servers[system], PORT)) not in {0, errno.EINPROGRESS}:
            opened.close()
            return False
        self._sockets[system], self._waiting[system], self._heard[system] = opened, data, now
        return True

    def connected(self, system: int) -> None:
        """The connection can be written to: it stands, or it was refused."""
        opened, data = self._sockets[system], self._waiting[system]
        if opened is None or not data:
            return
        self._waiting[system] = b""
        try:
            opened.send(data)
        except OSError:
            self._close(system)
            self.unanswered(system, boot_now())

    def is_connecting(self, system: int) -> bool:
        """Something waits to be written."""
        return bool(self._waiting[system])

    def readable(self, system: int) -> None:
        """Read what came; the end of the connection, or a reset, is an answer too: no."""
        opened = self._sockets[system]
        if opened is None:
            return
        try:
            data = opened.recv(LARGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        now = boot_now()
        if not data:
            self._close(system)
            self.unanswered(system, now)
            return
        self._heard[system] = now
        self._buffers[system] += data
        try:
            while (whole := cut(self._buffers[system])) is not None:
                self.answered(system, whole, now)
        except Malformed:
            self._close(system)

    def _close(self, system: int) -> None:
        if opened := self._sockets[system]:
            opened.close()
        self._sockets[system], self._waiting[system] = None, b""
        self._buffers[system].clear()
