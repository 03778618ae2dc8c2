"""The loop on virtual time: no second of it takes a second, and what is due comes in order."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from redundancyd.sim.timeline import SECOND, Timeline
from redundancyd.sim.virtual_loop import VirtualLoop


def run(work: Coroutine[Any, Any, Any], seconds: float = 10_000) -> tuple[Any, float]:
    """What a coroutine gives, and when, in virtual seconds."""
    timeline = Timeline()
    loop = VirtualLoop(timeline)
    task = loop.create_task(work)
    try:
        while not task.done():
            loop.run_due()
            if loop.is_ready:
                loop.run_ready()
                continue
            due = loop.next_at()
            assert due is not None
            assert due <= seconds * SECOND
            timeline.now_us = due
    finally:
        loop.bury()
    return task.result(), timeline.now_us / SECOND


def test_a_sleep_takes_virtual_time_only():
    """
    An hour is over at once, and it is an hour.
    """

    async def sleep() -> str:
        await asyncio.sleep(3600)
        return "rested"

    assert run(sleep()) == ("rested", 3600)


def test_timers_come_in_order_and_equal_ones_as_they_were_set():
    """
    Three sleepers wake by their instants; two with the same one in the order in which they fell asleep.
    """
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(name)

    async def all_three() -> None:
        await asyncio.gather(sleeper("late", 2), sleeper("first", 1), sleeper("second", 1))

    run(all_three())
    assert woken == ["first", "second", "late"]


def test_a_timeout_ends_what_takes_too_long():
    """
    At its instant, not later.
    """

    async def wait() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await asyncio.Event().wait()

    assert run(wait()) == (None, 1.5)


def test_work_for_a_thread_is_done_on_the_spot():
    """
    Its result and its failure come where they are waited for.
    """

    def fail() -> None:
        raise OSError("no")

    async def work() -> int:
        with pytest.raises(OSError, match="no"):
            await asyncio.to_thread(fail)
        return await asyncio.to_thread(lambda: 42)

    assert run(work()) == (42, 0)


def test_who_is_buried_gets_to_its_end_without_time_going_by():
    """
    A task that would clean up for an hour has done so, and the clock of the world stands.
    """
    timeline = Timeline()
    loop = VirtualLoop(timeline)
    done: list[str] = []

    async def clean_up_for_long() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(3600)
            done.append("clean")

    task = loop.create_task(clean_up_for_long())
    loop.run_ready()
    loop.bury()
    assert (done, timeline.now_us, task.done()) == (["clean"], 0, True)
