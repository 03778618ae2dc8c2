"""The channel to a LIM, against an SSH server that answers well, badly, late, and not at all."""

import asyncio
import time
from pathlib import Path

import asyncssh
import pytest

from redundancyd.core.events import ChannelLost, Connected
from redundancyd.errors import OutOfReach
from tests.adapters.neighbours import LIM, lim, reply, running, soon


async def test_a_sound_lim_is_connected_and_answers(tmp_path: Path):
    """
    Connected is posted, the command is `serve`, and a line is answered by a line.
    """
    async with lim(tmp_path) as here, running(channel := here.channel()) as events:
        connected = await soon(events)
        assert isinstance(connected, Connected)
        assert connected.server == LIM
        assert '"asked": "status"' in await channel.ask("status", 1000)
        assert here.commands == ["serve"]


async def test_requests_at_once_are_answered_each_with_its_own_reply(tmp_path: Path):
    """
    Twenty requests are asked at once; none gets the reply of another.
    """
    async with lim(tmp_path) as here, running(channel := here.channel()) as events:
        await soon(events)
        replies = await asyncio.gather(*(channel.ask(f"block {number} id.run", 2000) for number in range(1, 21)))
        assert all(f'"block {number} id.run"' in said for number, said in enumerate(replies, 1))


async def test_a_slow_question_does_not_stand_before_an_order(tmp_path: Path):
    """
    While `facts` takes 300 ms, an order is answered at once.
    """
    async with lim(tmp_path) as here, running(channel := here.channel()) as events:
        await soon(events)
        facts = asyncio.create_task(channel.ask("facts", 2000, question=True))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await channel.ask("block 8 id.run", 1000)
        assert time.monotonic() - began < 0.15
        assert not facts.done()
        await facts
        assert here.sessions == 2


async def test_a_question_that_runs_out_of_time_leaves_the_orders_open(tmp_path: Path):
    """
    `facts` gets 50 ms and fails; the connection stays, and the next question opens a new session.
    """
    async with lim(tmp_path) as here, running(channel := here.channel()) as events:
        await soon(events)
        with pytest.raises(OutOfReach, match="no answer within"):
            await channel.ask("facts", 100, question=True)
        assert "status" in await channel.ask("status", 1000)
        assert "facts" in await channel.ask("facts", 2000, question=True)
        assert events.empty()


async def test_an_order_that_runs_out_of_time_closes_the_connection_and_it_comes_back(tmp_path: Path):
    """
    After a missing reply nobody could tell which reply belongs to what: ChannelLost once, then Connected.
    """

    async def only_status(process: "asyncssh.SSHServerProcess[str]") -> None:
        async for line in process.stdin:
            if line.startswith("status"):
                process.stdout.write(reply() + "\n")

    async with lim(tmp_path, only_status) as here, running(channel := here.channel()) as events:
        await soon(events)
        with pytest.raises(OutOfReach, match="no answer within 100 ms"):
            await channel.ask("block 8 id.run", 100)
        lost = await soon(events)
        assert isinstance(lost, ChannelLost)
        assert "no answer within 100 ms" in lost.why
        assert isinstance(await soon(events), Connected)
        assert "blocked" in await channel.ask("status", 1000)


async def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_one(tmp_path: Path):
    """
    The reply to the first order arrives while the second waits: the second does not get it.
    """

    async def late(process: "asyncssh.SSHServerProcess[str]") -> None:
        async for line in process.stdin:
            await asyncio.sleep(0.2)
            process.stdout.write(reply(asked=line.strip()) + "\n")

    async with lim(tmp_path, late) as here, running(channel := here.channel()) as events:
        await soon(events)
        with pytest.raises(OutOfReach):
            await channel.ask("block 8 id.run", 100)
        with pytest.raises(OutOfReach):
            await channel.ask("allow 9 id.run", 150)
        assert isinstance(await soon(events), ChannelLost)


async def test_a_request_that_waits_behind_a_slow_one_does_not_close_the_connection_itself(tmp_path: Path):
    """
    The second request never went out; its failure says so, and the first one is still answered.
    """

    async def slow(process: "asyncssh.SSHServerProcess[str]") -> None:
        async for line in process.stdin:
            await asyncio.sleep(0.3)
            process.stdout.write(reply(asked=line.strip()) + "\n")

    async with lim(tmp_path, slow) as here, running(channel := here.channel()) as events:
        await soon(events)
        first = asyncio.create_task(channel.ask("status", 2000))
        await asyncio.sleep(0.01)
        with pytest.raises(OutOfReach, match="still busy"):
            await channel.ask("block 8 id.run", 50)
        assert "status" in await first
        assert events.empty()


async def test_a_reply_lost_after_the_deed_is_out_of_reach_not_success(tmp_path: Path):
    """
    The LIM obeys and its connection breaks before the reply: the outcome is unknown.
    """
    done: list[str] = []

    async def breaks(process: "asyncssh.SSHServerProcess[str]") -> None:
        done.append((await process.stdin.readline()).strip())
        process.channel.get_connection().abort()

    async with lim(tmp_path, breaks) as here, running(channel := here.channel()) as events:
        await soon(events)
        with pytest.raises(OutOfReach):
            await channel.ask("block 8 id.run", 1000)
        assert done == ["block 8 id.run"]
        assert isinstance(await soon(events), ChannelLost)


async def test_a_program_that_ends_is_a_lost_channel_with_what_it_said(tmp_path: Path):
    """
    sudo refuses: the reason stands in ChannelLost, and nothing waits for a reply.
    """

    def refuses(process: "asyncssh.SSHServerProcess[str]") -> None:
        process.stderr.write("sudo: a password is required\n")

    async with lim(tmp_path, refuses) as here, running(here.channel()) as events:
        await soon(events)
        lost = await soon(events)
        assert isinstance(lost, ChannelLost)
        assert "a password is required" in lost.why


async def test_words_nobody_asked_for_end_the_connection(tmp_path: Path):
    """
    A greeting would be taken for the first reply; it is refused instead.
    """

    async def greets(process: "asyncssh.SSHServerProcess[str]") -> None:
        process.stdout.write("Welcome to SUSE\n")
        await asyncio.sleep(1)

    async with lim(tmp_path, greets) as here, running(here.channel()) as events:
        await soon(events)
        lost = await soon(events)
        assert isinstance(lost, ChannelLost)
        assert "nobody had asked" in lost.why


async def test_a_line_without_end_is_cut_off(tmp_path: Path):
    """
    A LIM that sends and sends is hung up on; memory stays as it was.
    """

    async def floods(process: "asyncssh.SSHServerProcess[str]") -> None:
        async for _ in process.stdin:
            for _ in range(100):
                process.stdout.write("x" * 10_000)
                await process.stdout.drain()

    async with lim(tmp_path, floods) as here, running(channel := here.channel()) as events:
        await soon(events)
        with pytest.raises(OutOfReach, match="more than 16384 bytes"):
            await channel.ask("status", 2000)
        assert isinstance(await soon(events), ChannelLost)


async def test_bytes_that_are_no_text_are_an_answer_like_any_other(tmp_path: Path):
    """
    One bad byte must not end the connection.
    """

    async def latin(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        while await process.stdin.readline():
            process.stdout.write(b"caf\xe9 \xff\n")

    async with lim(tmp_path, latin, encoding=None) as here, running(channel := here.channel()) as events:
        await soon(events)
        assert await channel.ask("status", 1000) == "caf\\xe9 \\xff"
        assert channel.connected
