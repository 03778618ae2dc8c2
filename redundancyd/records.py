"""What happened lately, kept in memory for whoever asks: a bounded ring, and bounded queues for those who follow.

A follower who is too slow loses his place and is told so; nobody waits for him.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, Literal, Self

ALIVE_S = 15.0  # a stream says at least this often that it stands

Line = dict[str, Any]
"""One record as the socket tells it: `seq` (rising by one), `at_ms`, `event`, and the record's own fields."""


class Behind(Exception):
    """The follower was too slow; some records have passed him by."""


class Records:
    """The latest records of this run."""

    def __init__(self, kept: int = 2000, queued: int = 500) -> None:
        self._kept: deque[Line] = deque(maxlen=kept)
        self._queued = queued
        self._seq = 0
        self._followers: set[Subscription] = set()

    def put(self, event: str, at_ms: int, fields: dict[str, Any] | None = None) -> Line:
        """Take in one record and hand it to every follower; never waits.  Those for debugging are not kept."""
        self._seq += 1
        line = {**(fields or {}), "seq": self._seq, "at_ms": at_ms, "event": event}
        if line.get("level") != "debug":  # a long loss would drive out what led to it
            self._kept.append(line)
        for follower in tuple(self._followers):
            follower.offer(line)
        return line

    def since(self, seq: int) -> list[Line]:
        """The kept records after this number, oldest first."""
        return [line for line in self._kept if line["seq"] > seq]

    def subscribe(self) -> "Subscription":
        """Every record from now on; to be used with `with`."""
        return Subscription(self._followers, self._queued)


class Subscription:
    """The records of one follower, from the moment it is entered."""

    def __init__(self, followers: set["Subscription"], queued: int) -> None:
        self._followers = followers
        self._queue: asyncio.Queue[Line] = asyncio.Queue(queued)
        self._behind = False

    def __enter__(self) -> Self:
        self._followers.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._followers.discard(self)

    def offer(self, line: Line) -> None:
        """Take one more, or note that the follower is behind."""
        try:
            self._queue.put_nowait(line)
        except asyncio.QueueFull:
            self._behind = True
            self._followers.discard(self)

    async def next(self) -> Line:
        """The next record; Behind once all that was queued before the gap was handed out."""
        if self._behind and self._queue.empty():
            raise Behind
        return await self._queue.get()


async def follow(
    kept: list[Line], coming: Subscription, stopping: asyncio.Event, now: Callable[[], int]
) -> AsyncGenerator[Line, None]:
    """What is kept, then what comes; ends when the daemon stops or the follower is behind, and says so."""
    yield {"event": "stream_opened", "at_ms": now()}
    last = 0
    for line in kept:
        last = line["seq"]
        yield line
    stopped = asyncio.create_task(stopping.wait())
    try:
        while not stopping.is_set():
            found = await _first(coming, stopped)
            if found is None:
                yield {"event": "stream_alive", "at_ms": now()}
            elif found["seq"] > last:
                yield found
        yield {"event": "stream_closed", "at_ms": now()}
    except Behind:
        yield {"event": "stream_behind", "at_ms": now()}
    finally:
        stopped.cancel()


async def _first(coming: Subscription, stopped: asyncio.Task[Literal[True]]) -> Line | None:
    """The next record; None when there was none for a while, or the daemon stops."""
    following = asyncio.create_task(coming.next())
    try:
        await asyncio.wait({following, stopped}, timeout=ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
        return following.result() if following.done() else None
    finally:
        following.cancel()
