"""The stand-in exchange of a LIM: a registrar and callee over UDP and TCP, standard library only.

Each address is bound by itself: a server on 0.0.0.0 would answer a request to the master address from the LIM's own
address, and phones drop such an answer.  The sockets are bound with IP_FREEBIND, so the master address may come and go.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

from redundancyd.lab.backups import Store
from redundancyd.lab.exchange_control import PORT as CONTROL_PORT
from redundancyd.lab.exchange_control import RUN, Control, Measures
from redundancyd.lab.sip import ALLOWED, LARGEST, Malformed, Message, address_of, answer, cut, parameter, parse

PID_FILE = RUN / "exchange.pid"
DATA = Path("/var/opt/eri_sn")
IP_FREEBIND = 15
IPV6_FREEBIND = 78
LONGEST_S = 3600
T1_S = 0.5
GIVE_UP_S = 32.0
MOST_KEPT = 2000

Reply = Callable[[Message], None]


@dataclass(slots=True)
class Call:
    """One call: the answer that is repeated until the caller has acknowledged it."""

    accepted: Message
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)


class Exchange:
    """What the exchange knows: who is registered where, and the calls that stand."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bindings: dict[str, dict[str, float]] = {}
        self.calls: OrderedDict[str, Call] = OrderedDict()
        self.is_away = False
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, request: Message, source: tuple[str, int], local: str, reply: Reply, *, reliable: bool) -> None:
        """Deal with one request; `reply` sends to where it came from.  While data is reloaded nothing is answered."""
        if self.is_away:
            return
        tag = secrets.token_hex(4)
        match request.method:
            case "OPTIONS":
                reply(answer(request, 200, source, tag=tag, more=(("allow", ALLOWED),)))
            case "REGISTER":
                reply(answer(request, 200, source, tag=tag, more=self._register(request)))
            case "INVITE":
                self._invite(request, source, local, reply, reliable=reliable)
            case "ACK":
                if call := self.calls.get(request.header("call-id")):
                    call.acknowledged.set()
            case "BYE":
                known = self.calls.pop(request.header("call-id"), None)
                if known:
                    known.acknowledged.set()
                reply(answer(request, 200 if known else 481, source, tag=tag))
            case "CANCEL":  # we answer calls at once, so there is never one left to cancel
                reply(answer(request, 481, source, tag=tag))
            case _:
                reply(answer(request, 405, source, tag=tag, more=(("allow", ALLOWED),)))

    def go_away(self, away: bool) -> None:  # noqa: FBT001 - what a Control calls
        """Reload begins: phones are unregistered and calls are gone; or it has ended."""
        self.is_away = away
        if away:
            self.bindings.clear()
            self.calls.clear()

    def _register(self, request: Message) -> tuple[tuple[str, str], ...]:
        """Keep or drop the bindings a phone asks for; the answer lists those that stand."""
        now = asyncio.get_running_loop().time()
        record = self.bindings.setdefault(address_of(request.header("to")), {})
        default = request.header("expires") or str(LONGEST_S)
        for contact in request.all("contact"):
            span = parameter(contact, "expires") or default
            lasts_s = min(int(span), LONGEST_S) if span.isdecimal() else LONGEST_S
            if contact == "*":
                record.clear()
            elif lasts_s == 0:
                record.pop(address_of(contact), None)
            else:
                record[address_of(contact)] = now + lasts_s
        for gone in [uri for uri, until in record.items() if until <= now]:
            del record[gone]
        return tuple(("contact", f"<{uri}>;expires={round(until - now)}") for uri, until in record.items())

    def _invite(self, request: Message, source: tuple[str, int], local: str, reply: Reply, *, reliable: bool) -> None:
        """Ring and answer; an INVITE that was sent again gets the same answer again."""
        call_id = request.header("call-id")
        if call := self.calls.get(call_id):
            reply(call.accepted)
            return
        tag = secrets.token_hex(4)
        reply(answer(request, 100, source, tag=tag))
        reply(answer(request, 180, source, tag=tag))
        host = f"[{local}]" if ":" in local else local
        kind = "IP6" if ":" in local else "IP4"
        media = (
            f"v=0\r\no=- 1 1 IN {kind} {local}\r\ns=-\r\nc=IN {kind} {local}\r\nt=0 0\r\nm=audio 17000 RTP/AVP 8\r\n"
        )
        more = (("contact", f"<sip:{self.name}@{host}>"), ("allow", ALLOWED), ("content-type", "application/sdp"))
        call = Call(answer(request, 200, source, tag=tag, more=more, body=media.encode()))
        self.calls[call_id] = call
        if len(self.calls) > MOST_KEPT:
            self.calls.popitem(last=False)
        reply(call.accepted)
        if not reliable:
            task = asyncio.create_task(self._repeat(call, reply))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _repeat(self, call: Call, reply: Reply) -> None:
        """Send the acceptance again, ever more slowly, until it is acknowledged or nobody can want it any more."""
        wait_s, waited_s = T1_S, 0.0
        while waited_s < GIVE_UP_S:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await call.acknowledged.wait()
                return
            waited_s += wait_s
            wait_s = min(2 * wait_s, 4.0)
            reply(call.accepted)


class Datagrams(asyncio.DatagramProtocol):
    """The exchange on one UDP address; sends that our own rules refuse are lost, as they should be."""

    def __init__(self, exchange: Exchange, local: str) -> None:
        self.exchange = exchange
        self.local = local
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        """One request; what is none is dropped, as is an answer that nobody waits for."""
        source = (str(addr[0]), int(addr[1]))
        with contextlib.suppress(Malformed):
            message = parse(data)
            if message.is_request:
                self.exchange.take(message, source, self.local, lambda said: self._send(said, addr), reliable=False)

    def error_received(self, exc: Exception) -> None:
        """Our own rules, or an ICMP message, refused an answer: nothing to do."""

    def _send(self, said: Message, addr: tuple[str | int, ...]) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(said.pack(), addr)


async def serve_stream(
    exchange: Exchange, local: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One TCP connection, to its end."""
    source = writer.get_extra_info("peername")[:2]
    buffer = bytearray()
    with contextlib.suppress(Malformed, ConnectionError, TimeoutError):
        while data := await reader.read(LARGEST):
            buffer += data
            while (whole := cut(buffer)) is not None:
                message = parse(whole)
                if message.is_request:
                    exchange.take(message, source, local, lambda said: writer.write(said.pack()), reliable=True)
    writer.close()


def bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A socket on exactly this address, which need not be here yet."""
    is_v6 = ":" in address
    opened = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.setsockopt(*((socket.IPPROTO_IPV6, IPV6_FREEBIND, 1) if is_v6 else (socket.IPPROTO_IP, IP_FREEBIND, 1)))
    opened.bind((address, port))
    opened.setblocking(False)
    return opened


async def serve(addresses: list[str], port: int, name: str, lim: int, version: str) -> None:
    """Run the exchange on all its addresses until it is told to stop; the first is where its own system asks."""
    loop = asyncio.get_running_loop()
    exchange = Exchange(name)
    control = Control(Store(DATA, lim, version), Measures(RUN), exchange.go_away)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        for address in addresses:
            datagrams = partial(Datagrams, exchange, address)
            transport, _ = await loop.create_datagram_endpoint(datagrams, sock=bound(address, port, socket.SOCK_DGRAM))
            stack.callback(transport.close)
            streams = partial(serve_stream, exchange, address)
            server = await asyncio.start_server(streams, sock=bound(address, port, socket.SOCK_STREAM))
            stack.callback(server.close)
        inner = await asyncio.start_server(control.serve, sock=bound(addresses[0], CONTROL_PORT, socket.SOCK_STREAM))
        stack.callback(inner.close)
        announce(there=True)
        await stop.wait()
        announce(there=False)


def announce(*, there: bool) -> None:
    """Say in the file system that the exchange runs, or no longer does."""
    if there:
        PID_FILE.write_text(f"{os.getpid()}\n")
    else:
        PID_FILE.unlink(missing_ok=True)


if __name__ == "__main__":
    settings = json.loads(Path(sys.argv[1]).read_text())
    keys = ("addresses", "port", "name", "lim", "version")
    asyncio.run(serve(*(settings[key] for key in keys)))
