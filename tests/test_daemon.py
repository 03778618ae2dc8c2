"""The corridor: the real daemon, core, disk and socket, over LIMs and beats of the test."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import pytest

from redundancyd import config
from redundancyd.actions import find
from redundancyd.adapters import probes
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import StateFolder
from redundancyd.adapters.notify import Notify
from redundancyd.core.events import Beat, Connected, Event, Reply
from redundancyd.core.systems import Goal, Kind, Server, System
from redundancyd.daemon import Daemon, Ending, Outside
from redundancyd.records import Records
from redundancyd.requests import Done, ManualTakeover
from tests.test_program import SETTINGS

ANSWER_S = 0.1


class Lim:
    """A LIM that obeys, and takes its time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connected = False
        self.traffic, self.number, self.word, self.supervisor = "blocked", 0, "none", ""
        self.asked: list[str] = []

    async def run(self, post: Callable[[Event], None]) -> None:
        """Open at once, and stay so."""
        self.connected = True
        post(Connected(self.server, Clock().now()))
        await asyncio.Event().wait()

    async def ask_apart(self, line: str, deadline_ms: int) -> str:
        """The same, beside the orders."""
        return await self.ask(line, deadline_ms)

    async def ask(self, line: str, deadline_ms: int, *, question: bool = False) -> str:
        """What redundancy-lim would answer."""
        assert deadline_ms > 0
        if question:
            return json.dumps({"ok": True, "exchange": "running", "lims": [1], "heard": True})
        word, *rest = line.split()
        self.asked.append(word)
        if word in ("block", "allow"):
            await asyncio.sleep(ANSWER_S)
            self.traffic, self.number, self.word = f"{word}ed", int(rest[0]), word
            self.supervisor = rest[1]
        origin = "order" if self.number else "none"
        said = {"traffic": self.traffic, "number": self.number, "word": self.word, "supervisor": self.supervisor}
        return json.dumps({"ok": True, "origin": origin, "remembered": True, **said})


class Beats(probes.Beats):
    """Everybody answers, every time."""

    def __init__(self, settings: config.Config, clock: Clock) -> None:
        super().__init__(settings, clock)
        self._interval_s, self._clock = settings.heartbeat.interval_ms / 1000, clock

    async def run(self, post: probes.Post) -> None:
        """A beat each interval."""
        while True:
            now = self._clock.now()
            post(Beat(Reply.ANSWERED, Reply.ANSWERED, now, now))
            await asyncio.sleep(self._interval_s)


@pytest.fixture
def lims() -> dict[Server, Lim]:
    """The LIMs that the daemon finds."""
    return {}


def outside(lims: dict[Server, Lim], clock: Clock) -> Outside:
    """These LIMs, and beats that are always answered."""

    def channels(settings: config.Config, _clock: Clock) -> Mapping[Server, Channel]:
        lims.update({server: Lim(server) for server in settings.servers()})
        return cast("Mapping[Server, Channel]", lims)

    return Outside(clock, Notify(""), Records(), channels, Beats)


async def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for it, for a few seconds."""
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)


def goal_of(life: Daemon) -> Goal:
    """The goal it has."""
    goal = life.state().goal
    assert goal is not None
    return goal


def is_done(life: Daemon) -> bool:
    """Whether its goal was reached."""
    return goal_of(life).done


@pytest.mark.S5
@pytest.mark.L2
@pytest.mark.parametrize("ending", list(Ending))
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15])
async def test_a_stop_finishes_the_takeover_under_way(
    tmp_path: Path, lims: dict[Server, Lim], ending: Ending, after_s: float
):
    """
    Stopped while saving, blocking or allowing: the order was acknowledged, and exactly the alternate is allowed.
    """
    settings = config.parse(SETTINGS.replace("FOLDER", str(tmp_path)).encode())
    (tmp_path / "state").mkdir()
    clock = Clock()
    folder = StateFolder(tmp_path / "state", clock)
    goal = Goal(System.PRIMARY, 1, Kind.FORCED, by_operator=False, reason="first", decided_at=clock.now())
    await folder.load()
    await folder.save(goal)
    life = Daemon(settings, await folder.load(), folder, outside(lims, clock))
    running = asyncio.create_task(life.run())
    await wait_until(lambda: is_done(life) and life.status()["systems"]["alternate"]["ready"])
    action = find("manual-takeover")
    assert action is not None
    order = asyncio.create_task(life.act(action, ManualTakeover(System.ALTERNATE), "tester"))
    await wait_until(lambda: goal_of(life).active is System.ALTERNATE)
    await asyncio.sleep(after_s)
    life.end(ending)
    async with asyncio.timeout(10):
        assert await running is ending
    assert isinstance(await order, Done)
    assert {lim.server.system: lim.traffic for lim in lims.values()} == {
        System.PRIMARY: "blocked",
        System.ALTERNATE: "allowed",
    }
    folder.close()
