"""Connecting to a LIM: keys that do not fit, hosts that are silent, hosts that come back."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from redundancyd.adapters.ssh import SshChannel
from redundancyd.core.events import ChannelLost, Connected
from redundancyd.core.systems import Server, System
from redundancyd.errors import OutOfReach
from tests.adapters.neighbours import Lim, lim, make_keys, pin, running, soon


async def told(channel: SshChannel, words: str) -> None:
    """Return once the channel says these words of why it is not connected."""
    async with asyncio.timeout(5):
        while words not in channel.why:
            await asyncio.sleep(0.01)


async def test_a_changed_host_key_is_refused_with_its_remedy(tmp_path: Path):
    """
    The pinned key is another one: never connected, and `why` tells what to compare and what to run.
    """
    async with lim(tmp_path) as here:
        pin(tmp_path, here.port, asyncssh.generate_private_key("ssh-ed25519"))
        channel = here.channel()
        async with running(channel) as events:
            await told(channel, "host key is not the one pinned")
            assert events.empty()
            assert "lim install" in channel.why
            assert here.sessions == 0


def is_strange(channel: SshChannel) -> bool:
    """Whether the last key that it showed was not the pinned one."""
    return channel.strange_key


async def test_a_strange_host_key_is_known_as_such_until_the_right_one_is_shown(tmp_path: Path):
    """
    A refused key of our own is another thing; `configure` tells the two apart.
    """
    async with lim(tmp_path) as here:
        right = (tmp_path / "known_hosts").read_text()
        pin(tmp_path, here.port, asyncssh.generate_private_key("ssh-ed25519"))
        channel = here.channel()
        channel.refused_retry_ms = 50
        assert not is_strange(channel)
        async with running(channel) as events:
            await told(channel, "host key")
            assert is_strange(channel)
            (tmp_path / "known_hosts").write_text(right)
            assert isinstance(await soon(events), Connected)
            assert not is_strange(channel)
    async with lim(tmp_path, accepts=False) as here:
        channel = here.channel()
        async with running(channel):
            await told(channel, "does not accept our key")
            assert not is_strange(channel)


async def test_a_key_pinned_anew_is_used_without_a_restart(tmp_path: Path):
    """
    The administrator pins the right key while the daemon runs: the next attempt connects.
    """
    async with lim(tmp_path) as here:
        right = (tmp_path / "known_hosts").read_text()
        pin(tmp_path, here.port, asyncssh.generate_private_key("ssh-ed25519"))
        channel = here.channel()
        channel.refused_retry_ms = 50
        async with running(channel) as events:
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
            await told(channel, "does not accept our key")
            await asyncio.sleep(0.3)
            assert events.empty()
            assert len(here.connections) == 1  # and it is not tried again at once: the LIM may lock us out


async def test_a_missing_key_file_is_named(tmp_path: Path):
    """
    `why` names the file, not an exception.
    """
    async with lim(tmp_path) as here:
        (tmp_path / "key").unlink()
        channel = here.channel()
        async with running(channel):
            await told(channel, str(tmp_path / "key"))


@contextlib.asynccontextmanager
async def silent_server(banner: bytes) -> AsyncIterator[int]:
    """Takes connections at the port, says the banner, then nothing."""
    open_now: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.append(writer)
        writer.write(banner)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        await asyncio.sleep(0.01)  # what is being accepted
        server.close()
        for writer in open_now:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # the loop closes their sockets


@pytest.mark.parametrize("banner", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"], ids=["nothing", "banner then nothing"])
async def test_a_host_that_falls_silent_costs_one_deadline(tmp_path: Path, banner: bytes):
    """
    The kernel of a frozen host still takes connections: each attempt ends at its deadline, nothing hangs.
    """
    make_keys(tmp_path)
    pin(tmp_path, 1, asyncssh.generate_private_key("ssh-ed25519"))
    async with silent_server(banner) as port:
        channel = Lim(tmp_path, port).channel(connect_timeout_ms=200)
        async with running(channel) as events:
            began = time.monotonic()
            while "within 200 ms" not in channel.why:
                assert time.monotonic() - began < 2
                await asyncio.sleep(0.02)
            assert events.empty()
            with pytest.raises(OutOfReach, match="no SSH session"):
                await channel.ask("status", 1000)


async def test_a_host_that_takes_no_connection_is_tried_afresh_every_second(tmp_path: Path):
    """
    Its packets vanish: an attempt ends after a second, whatever the deadline of the whole, and the next one follows.
    It is told from a host that takes the connection and then says nothing.
    """
    make_keys(tmp_path)
    with socket.socket() as full, contextlib.ExitStack() as fillers:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # from here on the kernel drops what would open a connection
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        channel = Lim(tmp_path, full.getsockname()[1]).channel(connect_timeout_ms=20_000)
        async with running(channel):
            began = time.monotonic()
            while "no answer within 1000 ms" not in channel.why:
                assert time.monotonic() - began < 2
                await asyncio.sleep(0.02)


async def test_hosts_that_never_say_a_word_do_not_keep_others_from_connecting(tmp_path: Path):
    """
    Ten frozen hosts and one sound one share a single place for handshakes: the sound one connects at once.
    """
    async with lim(tmp_path) as here, silent_server(b"") as port:
        handshakes = asyncio.Semaphore(1)
        frozen = Lim(tmp_path, port)
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


async def test_a_lim_with_an_ipv6_address_is_pinned_and_reached_alike(tmp_path: Path):
    """
    The pin stands behind [::1]:port.
    """
    lim_2 = Server(System.PRIMARY, 2, "::1")
    async with lim(tmp_path, address="::1") as here, running(here.channel(lim_2)) as events:
        assert isinstance(await soon(events), Connected)


async def test_a_channel_that_was_never_connected_says_so(tmp_path: Path):
    """
    An order before the first connection fails at once, not at its deadline.
    """
    channel = Lim(tmp_path, 1).channel()
    began = time.monotonic()
    with pytest.raises(OutOfReach, match="not tried yet"):
        await channel.ask("status", 5000)
    assert time.monotonic() - began < 0.1
