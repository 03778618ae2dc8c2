"""Following the events as they come."""

import asyncio
import itertools

import pytest

from redundancyd.api import Api
from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached
from tests.api.real_desk import RealDesk


async def read(client: Client, count: int, since: int | None = None):
    """So many lines of the stream."""
    return await asyncio.to_thread(lambda: list(itertools.islice(client.stream(since), count)))


async def follower_is_there(desk: RealDesk):
    """Wait until somebody follows."""
    async with asyncio.timeout(2):
        while not desk.records_kept._followers:
            await asyncio.sleep(0.005)


async def test_a_stream_brings_what_comes_from_now_on(client: Client, desk: RealDesk):
    """
    What was before is not told unless it is asked for.
    """
    desk.records_kept.put("before", 1)
    reading = asyncio.create_task(read(client, 2))
    await follower_is_there(desk)
    desk.records_kept.put("one", 2)
    desk.records_kept.put("two", 3, {"why": "because"})
    lines = await reading
    assert [line["event"] for line in lines] == ["one", "two"]
    assert lines[1]["why"] == "because"


async def test_a_stream_since_a_number_has_neither_gap_nor_repetition(client: Client, desk: RealDesk):
    """
    First what is kept after that number, then what comes.
    """
    for count in range(5):
        desk.records_kept.put("kept", count)
    first = desk.records_kept.since(0)[-5]["seq"]
    reading = asyncio.create_task(read(client, 6, first))
    await follower_is_there(desk)
    for count in range(5):
        desk.records_kept.put("came", count)
    assert [line["seq"] for line in await reading] == list(range(first + 1, first + 7))


async def test_a_takeover_can_be_followed_row_by_row(client: Client, desk: RealDesk):
    """
    The rows that the core took come in their order.
    """
    reading = asyncio.create_task(read(client, 4))
    await follower_is_there(desk)
    await asyncio.to_thread(client.act, "manual-takeover", {"active": "alternate"})
    assert [line["row"] for line in await reading] == ["T02", "T04", "T07", "T12"]


async def test_a_quiet_stream_says_that_it_stands(client: Client, desk: RealDesk, monkeypatch: pytest.MonkeyPatch):
    """
    A client that hears nothing for long knows that the daemon is gone, because a living one says so regularly.
    """
    monkeypatch.setattr("redundancyd.records.ALIVE_S", 0.02)
    monkeypatch.setattr("redundancyd.client.SILENCE_S", 0.5)
    reading = asyncio.create_task(read(client, 1))
    await follower_is_there(desk)
    await asyncio.sleep(0.7)
    desk.records_kept.put("at last", 1)
    assert [line["event"] for line in await reading] == ["at last"]


async def test_a_silent_daemon_is_noticed_by_its_follower(
    client: Client, desk: RealDesk, monkeypatch: pytest.MonkeyPatch
):
    """
    Nothing within the time, not even that it stands: not reached.
    """
    monkeypatch.setattr("redundancyd.client.SILENCE_S", 0.1)
    with pytest.raises(DaemonNotReached, match="no answer in time"):
        await read(client, 1)


async def test_a_daemon_that_stops_tells_its_followers_and_waits_for_none(client: Client, desk: RealDesk, api: Api):
    """
    The stream ends with a word, well before the deadline of a shutdown.
    """
    reading = asyncio.create_task(read(client, 1))
    await follower_is_there(desk)
    async with asyncio.timeout(1):
        await api.stop()
    with pytest.raises(DaemonNotReached, match="the daemon stops"):
        await reading


async def test_a_number_that_is_none_is_a_wrong_argument(client: Client):
    """
    `since` has to be a number.
    """
    for since in ("soon", "-1", "9" * 50):
        with pytest.raises(Exception, match="since: is no number"):
            await asyncio.to_thread(client.get, "/v1/events", {"since": since})


async def test_records_for_debugging_are_streamed_and_not_kept(client: Client, desk: RealDesk):
    """
    Thousands of missed beats do not drive out the takeover before them.
    """
    reading = asyncio.create_task(read(client, 2))
    await follower_is_there(desk)
    desk.records_kept.put("beat_missed", 1, {"level": "debug"})
    desk.records_kept.put("takeover_done", 2, {"level": "warning"})
    assert [line["event"] for line in await reading] == ["beat_missed", "takeover_done"]
    assert [line["event"] for line in desk.records_kept.since(0)][-1:] == ["takeover_done"]
    assert "beat_missed" not in {line["event"] for line in desk.records_kept.since(0)}
