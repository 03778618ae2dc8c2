"""The channel to our own LIM: a unix socket, a program a connection."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from redundancyd.adapters.channel import LocalChannel
from redundancyd.adapters.clock import Clock
from redundancyd.core.events import ChannelLost, Connected
from redundancyd.core.systems import Server, System
from redundancyd.errors import OutOfReach
from tests.adapters.neighbours import reply, running, soon

OWN = Server(System.ALTERNATE, 1, "198.51.100.11")


@asynccontextmanager
async def local_lim(path: Path) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """What systemd and redundancy-lim are together: each connection served line by line."""
    open_now: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.append(writer)
        while line := await reader.readline():
            if line.startswith(b"facts"):
                await asyncio.sleep(0.3)
            writer.write(reply(lim=1, system="alternate", asked=line.decode().strip()).encode() + b"\n")
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield open_now
    finally:
        server.close()
        for writer in open_now:
            writer.close()
        await asyncio.sleep(0.01)


def channel_to(path: Path) -> LocalChannel:
    """A channel to our own LIM."""
    return LocalChannel(OWN, Clock(), str(path), retry_ms=30)


async def test_our_own_lim_answers_orders_while_a_question_is_under_way(tmp_path: Path):
    """
    Two connections: `facts` takes its time on one, an order is answered on the other.
    """
    async with local_lim(tmp_path / "s") as connections, running(channel := channel_to(tmp_path / "s")) as events:
        assert isinstance(await soon(events), Connected)
        facts = asyncio.create_task(channel.ask("facts", 2000, question=True))
        await asyncio.sleep(0.05)
        assert "block 8 id.run" in await channel.ask("block 8 id.run", 200)
        assert not facts.done()
        await facts
        assert len(connections) == 2


async def test_a_slow_question_apart_delays_neither_orders_nor_other_questions(tmp_path: Path):
    """
    It has a connection of its own, which is gone when it was answered or given up.
    """
    async with local_lim(tmp_path / "s") as connections, running(channel := channel_to(tmp_path / "s")) as events:
        assert isinstance(await soon(events), Connected)
        apart = asyncio.create_task(channel.ask_apart("facts apart", 2000))
        await asyncio.sleep(0.05)
        assert "block 8 id.run" in await channel.ask("block 8 id.run", 200)
        assert "status" in await channel.ask("status", 200, question=True)
        assert not apart.done()
        assert "facts apart" in await apart
        with pytest.raises(OutOfReach, match="no answer within 50 ms"):
            await channel.ask_apart("facts", 50)
        await asyncio.sleep(0.4)
        assert [writer.transport.is_closing() for writer in connections] == [False, True, False, True]
        assert "status" in await channel.ask("status", 200)


async def test_a_program_that_ends_is_lost_once_and_connected_again(tmp_path: Path):
    """
    redundancy-lim dies: ChannelLost, and with the next interval Connected.
    """
    async with local_lim(tmp_path / "s") as connections, running(channel := channel_to(tmp_path / "s")) as events:
        await soon(events)
        await channel.ask("status", 500)
        connections[0].transport.abort()
        assert isinstance(await soon(events), ChannelLost)
        assert isinstance(await soon(events), Connected)
        assert "blocked" in await channel.ask("status", 500)


async def test_nobody_at_the_socket_is_told_with_its_remedy(tmp_path: Path):
    """
    The unit is not started: never connected, and `why` names the command.
    """
    channel = channel_to(tmp_path / "none")
    async with running(channel) as events:
        await asyncio.sleep(0.1)
        assert events.empty()
        assert "systemctl enable --now redundancy-lim.socket" in channel.why
        with pytest.raises(OutOfReach):
            await channel.ask("status", 100)


@pytest.mark.lab
async def test_a_socket_that_is_not_for_us_is_told_as_such(tmp_path: Path):
    """
    The socket belongs to others: `why` says whose it has to be.
    """
    async with local_lim(tmp_path / "s"):
        (tmp_path / "s").chmod(0)
        tmp_path.chmod(0o755)
        channel = channel_to(tmp_path / "s")
        os.seteuid(65534)
        try:
            async with running(channel):
                await asyncio.sleep(0.1)
        finally:
            os.seteuid(0)
        assert "is not open to us" in channel.why
