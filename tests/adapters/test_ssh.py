"""The channel to a LIM, against an SSH server that behaves well, badly, and not at all."""

import asyncio
import contextlib
import time
from pathlib import Path

import asyncssh
import pytest

from redundancyd.core.events import ChannelLost, Connected
from redundancyd.errors import OutOfReach
from tests.adapters.neighbours import LIM, Lim, lim, make_keys, pin, reply, running, soon


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


async def test_a_changed_host_key_is_refused_with_its_remedy(tmp_path: Path):
    """
    The pinned key is another one: never connected, and `why` tells what to compare and what to run.
    """
    async with lim(tmp_path) as here:
        pin(tmp_path, here.port, asyncssh.generate_private_key("ssh-ed25519"))
        channel = here.channel()
        async with running(channel) as events:
            await asyncio.sleep(0.3)
            assert events.empty()
            assert "host key is not the one pinned" in channel.why
            assert "lim install" in channel.why
            assert here.sessions == 0


async def test_a_key_pinned_anew_is_used_without_a_restart(tmp_path: Path):
    """
    The administrator pins the right key while the daemon runs: the next attempt connects.
    """
    async with lim(tmp_path) as here:
        right = (tmp_path / "known_hosts").read_text()
        pin(tmp_path, here.port, asyncssh.generate_private_key("ssh-ed25519"))
        async with running(here.channel()) as events:
            await asyncio.sleep(0.1)
            (tmp_path / "known_hosts").write_text(right)
            assert isinstance(await soon(events), Connected)


async def test_a_refused_key_is_told_with_its_remedy(tmp_path: Path):
    """
    The LIM does not know our key: never connected, and `why` says what to do.
    """
    async with lim(tmp_path, accepts=False) as here:
        channel = here.channel()
        async with running(channel) as events:
            await asyncio.sleep(0.3)
            assert events.empty()
            assert "does not accept our key" in channel.why


async def test_a_missing_key_file_is_named(tmp_path: Path):
    """
    `why` names the file, not an exception.
    """
    async with lim(tmp_path) as here:
        (tmp_path / "key").unlink()
        channel = here.channel()
        async with running(channel):
            await asyncio.sleep(0.2)
            assert str(tmp_path / "key") in channel.why


async def silent_server(banner: bytes) -> asyncio.Server:
    """Takes connections and says the banner, then nothing."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(banner)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    return await asyncio.start_server(take, "127.0.0.1", 0)


@pytest.mark.parametrize("banner", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"], ids=["nothing", "banner then nothing"])
async def test_a_host_that_falls_silent_costs_one_deadline(tmp_path: Path, banner: bytes):
    """
    The kernel of a frozen host still takes connections: each attempt ends at its deadline, nothing hangs.
    """
    make_keys(tmp_path)
    pin(tmp_path, 1, asyncssh.generate_private_key("ssh-ed25519"))
    async with await silent_server(banner) as server:
        channel = Lim(tmp_path, server.sockets[0].getsockname()[1]).channel(connect_timeout_ms=200)
        async with running(channel) as events:
            began = time.monotonic()
            while "within 200 ms" not in channel.why:
                assert time.monotonic() - began < 2
                await asyncio.sleep(0.02)
            assert events.empty()
            with pytest.raises(OutOfReach, match="no SSH session"):
                await channel.ask("status", 1000)


async def test_hosts_that_never_say_a_word_do_not_keep_others_from_connecting(tmp_path: Path):
    """
    Ten frozen hosts and one sound one share a single place for handshakes: the sound one connects at once.
    """
    async with lim(tmp_path) as here, await silent_server(b"") as server:
        handshakes = asyncio.Semaphore(1)
        frozen = Lim(tmp_path, server.sockets[0].getsockname()[1])
        channels = [frozen.channel(connect_timeout_ms=5000) for _ in range(10)]
        good = here.channel()
        for channel in [*channels, good]:
            channel._handshakes = handshakes
        async with contextlib.AsyncExitStack() as stack:
            for channel in channels:
                await stack.enter_async_context(running(channel))
            await asyncio.sleep(0.05)
            events = await stack.enter_async_context(running(good))
            assert isinstance(await soon(events, 1.5), Connected)


async def test_a_lim_that_goes_and_comes_is_lost_once_and_connected_once(tmp_path: Path):
    """
    sshd is restarted: one ChannelLost, one Connected, however many attempts failed between.
    """
    async with contextlib.AsyncExitStack() as stack:
        async with lim(tmp_path) as here:
            events = await stack.enter_async_context(running(here.channel(retry_ms=30)))
            assert isinstance(await soon(events), Connected)
        assert isinstance(await soon(events), ChannelLost)
        await asyncio.sleep(0.2)
        assert events.empty()
        await stack.enter_async_context(lim(tmp_path, again=here))
        assert isinstance(await soon(events), Connected)
        assert events.empty()


async def test_a_channel_that_was_never_connected_says_so(tmp_path: Path):
    """
    An order before the first connection fails at once, not at its deadline.
    """
    channel = Lim(tmp_path, 1).channel()
    began = time.monotonic()
    with pytest.raises(OutOfReach, match="not tried yet"):
        await channel.ask("status", 5000)
    assert time.monotonic() - began < 0.1
