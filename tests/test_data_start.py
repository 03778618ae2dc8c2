"""What a start does when the disk does not give at once what the last run left behind."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from redundancyd import data_runner
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.data_files import LoadBegun
from redundancyd.adapters.files import Files
from redundancyd.core import data_job
from redundancyd.core.events import LoadUnderWay
from redundancyd.requests import DataLoad, Problem, SetAuto
from tests.test_data_runner import STAMP, Running

AT_MOST_S = 2
BEGIN = Files.begin


class HungDisk:
    """Takes work and does none of it before it wakes."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []
        self._hangs = True

    def begin(self, work: Callable[[], None]) -> None:
        """In the place of `Files.begin`."""
        if self._hangs:
            self._waiting.append(work)
        else:
            BEGIN(Files(), work)

    def wake(self) -> None:
        """All that waits is done."""
        self._hangs = False
        for work in self._waiting:
            work()


@pytest.fixture
async def left(tmp_path: Path) -> Path:
    """A state folder in which a run has left a load under way."""
    files = Running(tmp_path).files
    await files.save_load(LoadBegun(STAMP, f"mirror-{STAMP}", "", Clock().now() + 60_000))
    return tmp_path


@pytest.fixture
def disk(left: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HungDisk]:
    """The disk of that folder hangs until the test wakes it."""
    assert left.exists()
    monkeypatch.setattr(data_job, "hindrance", lambda _: "")
    monkeypatch.setattr(data_runner, "BEGIN_MS", 50)
    hung = HungDisk()
    monkeypatch.setattr(Files, "begin", lambda _, work: hung.begin(work))
    yield hung
    hung.wake()


@pytest.mark.usefixtures("disk")
async def test_a_disk_that_hangs_does_not_keep_supervision_from_its_start(left: Path):
    """
    The start goes on without it; no job begins, and who asks for one hears why.
    """
    running = Running(left)
    async with asyncio.timeout(AT_MOST_S):
        await running.runner.begin()
        for request in (DataLoad(None, copy=True), SetAuto((2, 30))):
            answer = await running.runner.act(request)
            assert isinstance(answer, Problem)
            assert answer.code == "not_now"
            assert "disk" in answer.detail + answer.remedy
    assert running.posted == []


@pytest.mark.D3
async def test_what_the_disk_gives_late_counts_before_any_job(left: Path, disk: HungDisk):
    """
    A load that is going on keeps a takeover waiting from the moment it is known, and is watched to its end.
    """
    running = Running(left)
    await running.runner.begin()
    task = asyncio.create_task(running.runner.run())
    try:
        await asyncio.sleep(0.1)
        assert running.posted == []
        disk.wake()
        async with asyncio.timeout(AT_MOST_S):
            while running.site.done != ["last_load"]:
                await asyncio.sleep(0.01)
        assert running.kinds()[0] is LoadUnderWay
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
