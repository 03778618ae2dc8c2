"""Clients that are broken, hostile, slow, many, or gone."""

import asyncio
import json
import random
from contextlib import suppress
from pathlib import Path

import pytest

from redundancyd.api import CONNECTIONS, STREAMS, Api
from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached
from redundancyd.requests import ImportTable
from tests.api.real_desk import RealDesk
from tests.api.wire import exchange, parsed, send


async def still_answers(path: Path) -> bool:
    """Whether an ordinary client is served."""
    return (await exchange(path, "GET", "/healthz"))[0] == 200


@pytest.mark.parametrize("garbage", [b"\x00" * 100, b"hello\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01" + b"a" * 500])
async def test_garbage_gets_a_problem_and_no_traceback(
    api: object, folder: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
):
    """
    400 as problem+json; the journal is not filled by whoever sends garbage.
    """
    status, page = parsed(await send(folder / "s", garbage, b"\r\n\r\n"))
    assert (status, page["code"]) == (400, "bad_request")
    assert caplog.records == []
    assert await still_answers(folder / "s")


async def test_random_bytes_never_harm(api: object, folder: Path, desk: RealDesk):
    """
    A hundred requests with random damage: each is answered or closed, none reaches the desk as an order it was not.
    """
    dice = random.Random(7)
    good = b"POST /v1/actions/resume HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    for _ in range(100):
        damaged = bytearray(good)
        for _ in range(dice.randrange(1, 20)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        reader, writer = await asyncio.open_unix_connection(str(folder / "s"))
        writer.write(bytes(damaged))
        writer.write_eof()
        with suppress(ConnectionError):
            async with asyncio.timeout(5):
                await reader.read(100_000)
        writer.close()
    assert {asked[0] for asked in desk.asked} <= {"resume"}
    assert await still_answers(folder / "s")


async def test_a_whole_table_fits_into_a_body_and_more_does_not(api: object, folder: Path, desk: RealDesk):
    """
    The one action that takes a long text, and that only so far.
    """
    action, table = "/v1/actions/translation-import", "# remark\n" * 20_000
    status, _ = await exchange(folder / "s", "POST", action, json.dumps({"text": table}).encode())
    assert status == 200
    assert desk.asked[-1][1] == ImportTable(table)
    status, page = await exchange(folder / "s", "POST", action, json.dumps({"text": table * 2}).encode())
    assert (status, page["code"]) == (400, "wrong_arguments")
    head = f"POST {action} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1100000\r\n\r\n"
    status, page = parsed(await send(folder / "s", head.encode() + b"a" * 1000))
    assert (status, page["code"]) == (413, "too_large")
    assert len(desk.asked) == 1


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: object, folder: Path, desk: RealDesk):
    """
    413, by its length or, where none is given, once too much has come.
    """
    status, page = await exchange(folder / "s", "POST", "/v1/actions/resume", b"a" * 20_000)
    assert (status, page["code"]) == (413, "too_large")
    head = b"POST /v1/actions/resume HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await send(folder / "s", head, b"5000\r\n" + b"a" * 0x5000 + b"\r\n0\r\n\r\n")
    assert parsed(answer)[0] == 413
    assert desk.asked == []


async def test_a_head_that_is_too_large_is_refused(api: object, folder: Path):
    """
    One line too long, or too many of them.
    """
    for head in (b"X: " + b"a" * 20_000 + b"\r\n", b"X: a\r\n" * 1000):
        status, page = parsed(await send(folder / "s", b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n"))
        assert (status, page["code"]) == (400, "bad_request")


async def test_a_client_that_never_ends_its_head_is_closed(
    desk: RealDesk, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    Slow loris: a byte now and then keeps no connection open for ever.
    """
    monkeypatch.setattr("redundancyd.api.IDLE_S", 0.2)
    async with Api(desk, str(folder / "s"), "nogroup"):
        answer = await send(folder / "s", *[b"G"] * 10, pause_s=0.05)
        assert answer == b""
        assert await still_answers(folder / "s")


async def test_a_body_that_trickles_is_given_up(
    api: object, folder: Path, desk: RealDesk, monkeypatch: pytest.MonkeyPatch
):
    """
    408 after the deadline of a body.
    """
    monkeypatch.setattr("redundancyd.api.BODY_S", 0.1)
    head = b"POST /v1/actions/resume HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    status, page = parsed(await send(folder / "s", head, b"{", b" ", b" ", pause_s=0.05))
    assert (status, page["code"]) == (408, "too_slow")
    assert desk.asked == []


async def test_more_connections_than_allowed_are_told_so_and_the_daemon_goes_on(api: object, folder: Path):
    """
    503 for the one too many; as soon as the others are gone it is served.
    """
    held = [await asyncio.open_unix_connection(str(folder / "s")) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.05)
    status, page = await exchange(folder / "s", "GET", "/healthz")
    assert (status, page["code"]) == (503, "too_many_connections")
    for _, writer in held:
        writer.close()
    await asyncio.sleep(0.1)
    assert await still_answers(folder / "s")


async def open_stream(path: Path, query: str = "") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream whose head has been read."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(f"GET /v1/events/stream{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_streams_never_use_up_the_connections(api: object, folder: Path):
    """
    One stream too many is refused; looking goes on.
    """
    streams = [await open_stream(folder / "s") for _ in range(STREAMS)]
    status, page = await exchange(folder / "s", "GET", "/v1/events/stream")
    assert (status, page["code"]) == (503, "too_many_connections")
    assert await still_answers(folder / "s")
    for _, writer in streams:
        writer.close()


async def test_a_client_that_goes_away_in_a_stream_leaves_nothing_behind(
    api: Api, folder: Path, desk: RealDesk, monkeypatch: pytest.MonkeyPatch
):
    """
    The next line that cannot be written ends the stream and its place in the queue.
    """
    monkeypatch.setattr("redundancyd.records.ALIVE_S", 0.05)
    _, writer = await open_stream(folder / "s")
    assert len(desk.records_kept._followers) == 1
    writer.close()
    async with asyncio.timeout(2):
        while desk.records_kept._followers:
            await asyncio.sleep(0.01)
    assert api._streams == 0


async def test_a_reader_that_takes_nothing_is_cut_off(
    api: Api, folder: Path, desk: RealDesk, monkeypatch: pytest.MonkeyPatch
):
    """
    His queue is bounded, a write has its deadline: after it the stream is gone, and the daemon waited for nobody.
    """
    monkeypatch.setattr("redundancyd.api.WRITE_S", 0.1)
    _, writer = await open_stream(folder / "s")
    for count in range(400):
        desk.records_kept.put("padding", count, {"text": "x" * 5000})
    async with asyncio.timeout(2):
        while api._streams:
            await asyncio.sleep(0.01)
    writer.close()


async def test_a_follower_who_is_behind_is_told_so(client: Client, desk: RealDesk):
    """
    More records at once than his queue holds: he gets those that were queued, and then that he is behind.
    """
    seen: list[int] = []

    def read() -> str:
        try:
            seen.extend(line["seq"] for line in client.stream())
        except DaemonNotReached as error:
            return str(error)
        return ""

    reading = asyncio.create_task(asyncio.to_thread(read))
    while not desk.records_kept._followers:
        await asyncio.sleep(0.01)
    for count in range(700):
        desk.records_kept.put("flood", count)
    assert "too fast" in await reading
    assert len(seen) >= 500
    assert seen == list(range(seen[0], seen[0] + len(seen)))
