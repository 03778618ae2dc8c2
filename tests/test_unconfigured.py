"""A life without a pair: the real daemon and socket over LIMs of the test; it looks, answers, and orders nothing."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from redundancyd import config
from redundancyd.actions import ACTIONS, Action, find
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import StateFolder
from redundancyd.argument_check import check
from redundancyd.core.survey import Survey
from redundancyd.core.systems import Server
from redundancyd.daemon import Daemon, Ending
from redundancyd.data_steps import Steps
from redundancyd.lives import lives
from redundancyd.requests import Configure, Done, Problem, Remove
from redundancyd.setup_runner import Means, SetupRunner
from redundancyd.unconfigured import Unconfigured
from tests.test_daemon import Lim, outside, wait_until
from tests.test_program import SETTINGS
from tests.test_setup_runner import ASKED, FakeSteps, World

ARGUMENTS: dict[str, dict[str, Any]] = {
    "settings-takeover": {"direction": "alternate-from-primary", "method": "manual"},
    "pause": {"for": "1h", "reason": "because"},
    "manual-takeover": {"active": "alternate"},
    "alarms-acknowledge": {"handle": "latched:takeovers"},
    "data-auto-create": {"at": "02:30"},
}
OF_THE_PAIR = [
    action
    for action in ACTIONS
    if action.changes
    and action.words[0] in {"settings", "manual-takeover", "alarms", "data"}
    and action.name != "cluster-fallback"  # a prerequisite asks for it
    and not action.name.startswith("translation-")  # `configure` needs the table
]


def settings_without_addresses(folder: Path) -> config.Config:
    """A file that says nothing of the master address."""
    text = SETTINGS.replace("FOLDER", str(folder)).replace('master_ip = "192.0.2.10"\n', "")
    lines = text.split("\n")
    at = lines.index("[network_control]")
    return config.parse("\n".join([*lines[:at], *lines[at + 2 :]]).encode())


@pytest.fixture
def lims() -> dict[Server, Lim]:
    """The LIMs that the daemon finds."""
    return {}


async def test_it_looks_at_everybody_and_orders_nobody(tmp_path: Path, lims: dict[Server, Lim]):
    """
    The status page says that nothing is configured, with the traffic of each LIM.
    """
    (tmp_path / "state").mkdir()
    clock = Clock()
    folder = StateFolder(tmp_path / "state", clock)
    life = Unconfigured(settings_without_addresses(tmp_path), await folder.load(), folder, outside(lims, clock))
    running = asyncio.create_task(life.run())
    await wait_until(lambda: bool(lims) and all(lim.asked for lim in lims.values()))
    page = life.status()
    assert page["configured"] is False
    assert page["systems"]["primary"]["traffic"] == "blocked"
    assert "redundancyctl configure" in page["would_go_wrong"][0]
    assert page["alarms"] == []
    assert life.health() == []
    life.end(Ending.STOP)
    async with asyncio.timeout(5):
        assert await running is Ending.STOP
    assert {word for lim in lims.values() for word in lim.asked} == {"status"}
    folder.close()


async def test_a_copy_under_way_can_be_stopped_by_whoever_looks_first(tmp_path: Path, lims: dict[Server, Lim]):
    """
    The first step changes nothing that has to be undone, and takes longest: the preview of `remove` says that it stops.
    """
    world, clock = World(tmp_path), Clock()
    world.stands = "copying"
    folder = StateFolder(world.state, clock)
    life = Unconfigured(settings_without_addresses(tmp_path), await folder.load(), folder, outside(lims, clock))

    async def surveyed(_: object) -> Survey:
        return world.survey

    runner = life._runner
    runner._means = Means(lambda _config, _clock: cast("Steps", FakeSteps(world)), surveyed)
    runner.checks._survey = surveyed
    running = asyncio.create_task(life.run())
    configure, remove = find("configure"), find("remove")
    assert configure is not None
    assert remove is not None
    assert (await life.preview(Remove()))["refused"]
    assert isinstance(await life.act(configure, ASKED, "tester"), Done)
    async with asyncio.timeout(5):
        await world.reached.wait()
    page = await life.preview(Remove())
    assert not page["refused"]
    assert page["will_do"]
    assert isinstance(await life.act(remove, Remove(), "tester"), Done)
    await wait_until(lambda: life.status()["setup"]["last"] is not None)
    assert life.status()["setup"]["last"]["result"] == "stopped"
    life.end(Ending.STOP)
    async with asyncio.timeout(5):
        await running
    folder.close()


@pytest.mark.parametrize("action", OF_THE_PAIR, ids=lambda action: action.name)
async def test_words_of_a_supervision_are_refused_with_the_reason(
    tmp_path: Path, lims: dict[Server, Lim], action: Action
):
    """
    Whatever it is, the answer says what to do first.
    """
    (tmp_path / "state").mkdir()
    clock = Clock()
    folder = StateFolder(tmp_path / "state", clock)
    life = Unconfigured(settings_without_addresses(tmp_path), await folder.load(), folder, outside(lims, clock))
    request = check(action, ARGUMENTS.get(action.name, {}))
    assert not isinstance(request, tuple)
    answer = await life.act(action, request, "tester")
    assert isinstance(answer, Problem)
    assert answer.code == "not_configured"
    assert "redundancyctl configure" in answer.remedy
    folder.close()


async def test_a_second_configuration_is_told_of_the_first_before_anything_is_looked_at(
    tmp_path: Path, lims: dict[Server, Lim], monkeypatch: pytest.MonkeyPatch
):
    """
    What a check found now, such as an exchange that is busy, would be what the first one does.
    """
    (tmp_path / "state").mkdir()
    clock = Clock()
    folder = StateFolder(tmp_path / "state", clock)
    life = Unconfigured(settings_without_addresses(tmp_path), await folder.load(), folder, outside(lims, clock))
    monkeypatch.setattr(SetupRunner, "is_busy", lambda _: True)
    page = await life.preview(Configure("192.0.2.10", ("203.0.113.1",), None, ()))
    assert "a configuration is under way" in page["refused"]
    assert "'redundancyctl remove' stops it" in page["refused"]
    assert "prerequisites" not in page
    assert not any(lim.asked for lim in lims.values())
    folder.close()


async def test_a_configuration_that_has_changed_nothing_yet_may_be_stopped_like_any_other(
    tmp_path: Path, lims: dict[Server, Lim], monkeypatch: pytest.MonkeyPatch
):
    """
    While the primary's backup is copied nothing has to be undone: the preview of `remove` says what it stops.
    """
    (tmp_path / "state").mkdir()
    clock = Clock()
    folder = StateFolder(tmp_path / "state", clock)
    life = Unconfigured(settings_without_addresses(tmp_path), await folder.load(), folder, outside(lims, clock))
    assert "nothing is configured" in (await life.preview(Remove()))["refused"]
    monkeypatch.setattr(SetupRunner, "is_busy", lambda _: True)
    page = await life.preview(Remove())
    assert (page["refused"], page["will_do"]) == ("", ["stop the configuration that is under way, and undo it"])
    folder.close()


async def test_a_removal_ends_the_supervision_and_the_next_life_has_no_pair(tmp_path: Path, lims: dict[Server, Lim]):
    """
    Though the settings file says everything: removed is removed, at the next start too.
    """
    (tmp_path / "state").mkdir()
    settings = config.parse(SETTINGS.replace("FOLDER", str(tmp_path)).encode())
    clock = Clock()
    folder = StateFolder(tmp_path / "state", clock)
    begun: list[Daemon] = []
    running = asyncio.create_task(
        lives("settings", lambda _: folder, outside(lims, clock), load=lambda _: settings, begun=begun.append)
    )
    await wait_until(lambda: bool(lims) and all("status" in lim.asked for lim in lims.values()))
    action = find("remove")
    assert action is not None
    answer = await begun[0].act(action, Remove(), "tester")
    assert isinstance(answer, Done)
    assert begun[0].left().setup.removed  # a reread of the settings at that instant brings no pair back
    await wait_until(lambda: all("remove" in lim.asked for lim in lims.values()))  # by the next life
    running.cancel()
    await asyncio.wait({running})
    saved = await folder.load()
    assert saved.setup.removed
    assert saved.setup.site is None
    assert len(begun) == 1
    folder.close()
