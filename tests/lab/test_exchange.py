"""The stand-in exchange answers as a registrar and callee does, over UDP and TCP, on loopback."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from redundancyd.lab.exchange import Datagrams, Exchange, serve_stream
from redundancyd.lab.sip import Message, cut, parse


class Caller(asyncio.DatagramProtocol):
    """Somebody who asks over UDP and keeps what is answered."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Message] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Keep an answer."""
        self.heard.put_nowait(parse(data))

    async def next(self) -> Message:
        """The next answer, within a deadline."""
        async with asyncio.timeout(3):
            return await self.heard.get()


Line = tuple[asyncio.DatagramTransport, Caller]


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A caller with a line to an exchange on a free port."""
    loop = asyncio.get_running_loop()
    served, _ = await loop.create_datagram_endpoint(
        partial(Datagrams, Exchange("lim-1"), "127.0.0.1"), local_addr=("127.0.0.1", 0)
    )
    address = served.get_extra_info("sockname")
    transport, caller = await loop.create_datagram_endpoint(Caller, remote_addr=address)
    yield transport, caller
    transport.close()
    served.close()


def request(
    method: str, number: int, *, call: str = "call-1", to_tag: str = "", more: str = "", expires: str = ""
) -> bytes:
    """A request as a phone sends it."""
    tag = f";tag={to_tag}" if to_tag else ""
    lasts = f";expires={expires}" if expires else ""
    contact = f"Contact: <sip:1001@127.0.0.1:5070>{lasts}\r\n" if method in {"REGISTER", "INVITE"} else ""
    return (
        f"{method} sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-{method}-{number};rport\r\n"
        f"From: <sip:1001@127.0.0.1>;tag=a\r\nTo: <sip:1001@127.0.0.1>{tag}\r\nCall-ID: {call}\r\n"
        f"CSeq: {number} {method}\r\n{contact}{more}Content-Length: 0\r\n\r\n"
    ).encode()


async def test_options_are_answered_with_what_is_understood(line: Line):
    """
    200, the same Call-ID and CSeq, and the methods.
    """
    line[0].sendto(request("OPTIONS", 7))
    said = await line[1].next()
    assert (said.status, said.header("cseq"), said.header("call-id")) == (200, "7 OPTIONS", "call-1")
    assert "REGISTER" in said.header("allow")
    assert ";tag=" in said.header("to")


async def test_a_registration_is_kept_renewed_and_ended(line: Line):
    """
    The answer lists the binding with its time; an expiry of 0 removes it.
    """
    line[0].sendto(request("REGISTER", 1, expires="60"))
    assert (await line[1].next()).header("contact") == "<sip:1001@127.0.0.1:5070>;expires=60"
    line[0].sendto(request("REGISTER", 2, expires="30"))
    assert (await line[1].next()).all("contact") == ["<sip:1001@127.0.0.1:5070>;expires=30"]
    line[0].sendto(request("REGISTER", 3, expires="0"))
    assert (await line[1].next()).all("contact") == []


async def test_a_call_is_rung_answered_acknowledged_and_ended(line: Line):
    """
    100, 180 and 200 with media; after ACK and BYE the call is unknown.
    """
    transport, caller = line
    transport.sendto(request("INVITE", 1))
    answers = [await caller.next() for _ in range(3)]
    assert [answer.status for answer in answers] == [100, 180, 200]
    assert b"m=audio" in answers[2].body
    tag = answers[2].header("to").rpartition(";tag=")[2]
    assert tag == answers[1].header("to").rpartition(";tag=")[2]
    transport.sendto(request("ACK", 1, to_tag=tag))
    transport.sendto(request("BYE", 2, to_tag=tag))
    assert (await caller.next()).status == 200
    transport.sendto(request("BYE", 3, to_tag=tag))
    assert (await caller.next()).status == 481


async def test_an_answered_call_is_answered_again_until_it_is_acknowledged(line: Line):
    """
    Over UDP the 200 may be lost: it comes again after half a second, and no more after the ACK.
    """
    transport, caller = line
    transport.sendto(request("INVITE", 1))
    for _ in range(3):
        await caller.next()
    assert (await caller.next()).status == 200
    transport.sendto(request("ACK", 1, to_tag="x"))
    await asyncio.sleep(1.2)
    assert caller.heard.empty()


async def test_an_invite_sent_again_is_the_same_call(line: Line):
    """
    The same tag, no second call.
    """
    transport, caller = line
    transport.sendto(request("INVITE", 1))
    first = [await caller.next() for _ in range(3)][2]
    transport.sendto(request("INVITE", 1))
    assert (await caller.next()).header("to") == first.header("to")
    transport.sendto(request("ACK", 1))


@pytest.mark.parametrize("data", [b"", b"garbage", b"SIP/2.0 200 OK\r\n\r\n", b"\xff" * 2000])
async def test_garbage_is_dropped_and_the_next_request_is_answered(line: Line, data: bytes):
    """
    Nothing that comes from the network stops the exchange.
    """
    line[0].sendto(data)
    line[0].sendto(request("OPTIONS", 1))
    assert (await line[1].next()).status == 200


async def test_an_unknown_method_is_refused_with_those_that_are_known(line: Line):
    """
    405 and Allow.
    """
    line[0].sendto(request("PUBLISH", 1))
    said = await line[1].next()
    assert (said.status, "INVITE" in said.header("allow")) == (405, True)


async def test_requests_over_tcp_are_answered_on_their_connection_however_they_are_cut():
    """
    Two requests in three pieces: two answers in order.
    """
    server = await asyncio.start_server(partial(serve_stream, Exchange("lim-1"), "127.0.0.1"), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    both = request("OPTIONS", 1) + request("REGISTER", 2)
    for part in (both[:50], both[50:300], both[300:]):
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.01)
    buffer, said = bytearray(), list[Message]()
    async with asyncio.timeout(3):
        while len(said) < 2:
            buffer += await reader.read(4096)
            while (whole := cut(buffer)) is not None:
                said.append(parse(whole))
    assert [answer.header("cseq") for answer in said] == ["1 OPTIONS", "2 REGISTER"]
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)  # the exchange sees the end and closes its side
    server.close()
    await server.wait_closed()
