"""Killed before each effect of a load, and killed again after the start: the alternate runs old data or new, whole.

The files of the state folder are real; the LIM is a model that goes on by itself, as a real one does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from redundancyd.adapters.data_files import DataFiles
from redundancyd.adapters.data_in import Loaded
from redundancyd.core import data_job
from redundancyd.core.data_job import Result
from redundancyd.core.events import LoadEnded, LoadUnderWay
from redundancyd.data_steps import Translation
from redundancyd.errors import FarDataRefused
from redundancyd.requests import DataLoad
from tests.test_data_runner import STAMP, Running, Site

OLD = "20260307040000"
MIXTURE = "a mixture"
MOST = 100


class Alternate(Site):
    """LIM 1 of the alternate, and whoever kills the daemon before its next effect."""

    def __init__(self, *, fails: bool) -> None:
        super().__init__()
        self.fails, self.runs, self.phase, self.wanted = fails, OLD, "none", OLD
        self.left = 0
        self.killed = asyncio.Event()

    async def effect(self) -> None:
        """Something is about to be done; the daemon may not live to do it."""
        self.left -= 1
        if self.left == 0:
            self.killed.set()
            await asyncio.Event().wait()

    async def send(self, made: Translation) -> tuple[str, tuple[str, ...]]:
        """All of it."""
        await self.effect()
        return await super().send(made)

    async def load(self, stamp: str, _running: object) -> Loaded:
        """The reload goes on whoever is killed."""
        return await self._reload(stamp)

    async def rollback(self, _running: object) -> Loaded:
        """To what ran before; nothing to do where that runs."""
        if self.phase == "done" and self.wanted == OLD:
            return Loaded(OLD, OLD, 0)
        return await self._reload(OLD)

    async def last_load(self, _running: object) -> Loaded:
        """As redundancy-lim tells it."""
        await self.effect()
        self.finish()
        return self._told()

    async def has_begun(self, stamp: str, _running: object) -> bool:
        """As far as it tells."""
        return self.phase != "done" or self.wanted == stamp

    async def _reload(self, stamp: str) -> Loaded:
        await self.effect()
        self.phase, self.wanted, self.runs = "loading", stamp, MIXTURE
        await self.effect()
        self.finish()
        await self.effect()
        return self._told()

    def finish(self) -> None:
        """The reload ends."""
        if self.phase == "loading":
            has_failed = self.fails and self.wanted == STAMP
            self.phase = "failed" if has_failed else "done"
            self.runs = MIXTURE if has_failed else self.wanted

    def _told(self) -> Loaded:
        if self.phase != "done":
            word = "nothing_loaded" if self.phase == "none" else "reload_failed"
            raise FarDataRefused("`load`", "why", word=word)
        return Loaded(self.wanted, OLD, 1)


@pytest.fixture
def lim(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Alternate]:
    """Makes LIMs; what the daemon saves is an effect, too."""
    made: list[Alternate] = []

    def counted(real: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def save(*words: Any) -> None:
            await made[-1].effect()
            await real(*words)

        return save

    def make() -> Alternate:
        made.append(Alternate(fails=request.param))
        return made[-1]

    monkeypatch.setattr(data_job, "hindrance", lambda _: "")
    monkeypatch.setattr(data_job, "takeover_waits", lambda _: "")
    for name in ("save_past", "save_load"):
        monkeypatch.setattr(DataFiles, name, counted(getattr(DataFiles, name)))
    return make


async def life(folder: Path, site: Alternate, effects: int, *, asks: bool) -> bool:
    """A run of the daemon that is killed before so many effects; whether it was.  The reload ends in any case."""
    running = Running(folder, site)
    site.left, site.killed = effects, asyncio.Event()
    task = asyncio.create_task(_work(running, asks=asks))
    killed = asyncio.create_task(site.killed.wait())
    await asyncio.wait({task, killed}, return_when=asyncio.FIRST_COMPLETED, timeout=5)
    was_killed = site.killed.is_set()
    for each in (task, killed):
        each.cancel()
        with suppress(asyncio.CancelledError):
            await each
    site.left = 0
    site.finish()
    if not was_killed:
        begun = {event.reload.request for event in running.posted if isinstance(event, LoadUnderWay)}
        assert begun <= {event.request for event in running.posted if isinstance(event, LoadEnded)}
        assert (await running.files.read()).load is None
    return was_killed


async def _work(running: Running, *, asks: bool) -> None:
    if asks:
        await running.job(DataLoad(None, copy=False))
        return
    await running.runner.begin()
    task = asyncio.create_task(running.runner.run())
    try:
        async with asyncio.timeout(4):
            while (await running.files.read()).load is not None or running.runner.page()["step"] != "resting":
                await asyncio.sleep(0.002)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.D3
@pytest.mark.L2
@pytest.mark.parametrize("lim", [False, True], ids=["it loads", "it fails"], indirect=True)
async def test_killed_before_any_effect_and_again_after_the_start(lim: Callable[[], Alternate], tmp_path: Path):
    """
    Before the first effect, the second, until there is no such effect; then a run that is not killed settles it.
    """
    first = second = 0
    site = lim()
    for first in range(1, MOST):
        was_killed = True
        for second in range(1, MOST):
            folder = tmp_path / f"{first}-{second}"
            folder.mkdir()
            site = lim()
            was_killed = await life(folder, site, first, asks=True)
            again = was_killed and await life(folder, site, second, asks=False)
            await life(folder, site, 0, asks=False)
            assert site.runs in ({OLD} if site.fails else {OLD, STAMP}), (first, second, site.runs)
            if not again:
                break
        if not was_killed:
            break
    assert 5 < first < MOST
    found = await Running(tmp_path / f"{first}-{second}").files.read()
    assert found.past.result is (Result.ROLLED_BACK if site.fails else Result.LOADED)
