"""`configure` from its first step to its last, broken off at each of them, over LIMs and data of the test."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from redundancyd import config, setup_beside, setup_runner, setup_steps
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.data_files import DataFiles
from redundancyd.adapters.data_in import Loaded
from redundancyd.adapters.goal_file import StateFolder
from redundancyd.adapters.progress import Progress
from redundancyd.adapters.slots import SlotFile
from redundancyd.adapters.table_file import SavedTable, TableFile
from redundancyd.core.address_list import Seen
from redundancyd.core.backups import BackupList
from redundancyd.core.findings import Findings, Kind
from redundancyd.core.mirrors import Condition, Mirror
from redundancyd.core.setup_plan import STEPS, Step, Undo
from redundancyd.core.site import NOTHING_SET_UP, Setup
from redundancyd.core.systems import Fallback, Method, Methods, Server, System
from redundancyd.data_steps import Steps, Translation, told_of
from redundancyd.errors import FarDataRefused, NotSaved, OutOfReach
from redundancyd.requests import Configure, ConfirmAddresses, Done, ImportTable, Problem, SetEntry
from redundancyd.setup_runner import UNDER_WAY, Means, SetupRunner
from tests.core.test_prerequisites import ALL, STANDBY, facts, survey
from tests.test_program import SETTINGS

MIRROR = Mirror("20260309031502", Condition.WHOLE, "", 1000)
BEFORE = "20260307040000"
ASKED = Configure("192.0.2.10", ("203.0.113.1",), "192.0.2.10 198.51.100.10\n", ("foreign",))


class Lim:
    """A LIM that obeys."""

    def __init__(self, server: Server, world: "World") -> None:
        self.server, self.world, self.connected = server, world, True
        self.why = ""
        self.lost = False
        self.listens: tuple[str, ...] = ()
        self.traffic, self.number, self.word, self.supervisor = "allowed", 0, "none", ""
        self.is_held = False

    async def ask(self, line: str, deadline_ms: int, *, question: bool = False) -> str:
        """What redundancy-lim would answer."""
        assert deadline_ms > 0
        assert not question
        if self.lost:
            raise OutOfReach(f"`{line}` on {self.server.name}", "no answer")
        word, *rest = line.split()
        if word == "block":
            await self.world.at("block")
        if self.supervisor.startswith("other") and word != "status":
            error = "stale_number" if word in ("block", "allow") else "other_supervisor"
            return json.dumps({"ok": False, "error": error, "detail": "40 of other", **self.said()})
        if word in ("block", "allow"):
            assert int(rest[0]) >= self.number
            self.traffic, self.number, self.word, self.supervisor = f"{word}ed", int(rest[0]), word, rest[1]
            self.is_held = False
        if word == "block":
            await self.world.at("blocked")
        if word == "listen":
            self.listens = tuple(rest[1:])
            if self.listens:
                await self.world.at("listen")
        if word == "remove":
            self.number, self.word, self.supervisor = 0, "none", ""
        return json.dumps({"ok": True, **self.said()})

    def said(self) -> dict[str, object]:
        """What it is at."""
        said = {"traffic": self.traffic, "number": self.number, "word": self.word, "supervisor": self.supervisor}
        origin = "hold" if self.is_held else "order" if self.number else "none"
        return {**said, "origin": origin}


class World:
    """LIMs and data that outlive a daemon; something happens at one point of the way."""

    def __init__(self, folder: Path) -> None:
        (folder / "state").mkdir()
        self.settings = config.parse(SETTINGS.replace("FOLDER", str(folder)).encode())
        self.state = folder / "state"
        self.lims = {server: Lim(server, self) for server in self.settings.servers()}
        self.runs = BEFORE
        self.fails = ""
        self.busy = 0
        self.stands = ""
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.survey = survey()
        self.new: dict[str, tuple[str, int]] = {}
        self.missing: tuple[str, ...] = ()

    async def at(self, point: str) -> None:
        """What happens at this point."""
        if point == self.fails:
            raise FarDataRefused(point, "it failed")
        if point == self.stands:
            self.reached.set()
            await self.go_on.wait()

    def as_it_is(self) -> tuple[object, ...]:
        """What must be as before when a configuration was undone."""
        lims = {
            server.name: (lim.traffic, lim.number, lim.supervisor, lim.listens) for server, lim in self.lims.items()
        }
        tables = {path.name: path.read_bytes() for path in self.state.iterdir() if path.name.startswith("translation")}
        return lims, self.runs, tables


class FakeSteps:
    """The data of the world."""

    def __init__(self, world: World) -> None:
        self.world, self.loader = world, self

    async def measure(self) -> str:
        """Nothing is going on."""
        return ""

    async def pull(self, tell: Callable[[Progress], None]) -> Mirror:
        """A mirror."""
        tell(Progress(1, 2, 3, 4, 5))
        await self.world.at("copying")
        return MIRROR

    async def translate(self, mirror: Mirror) -> Translation:
        """Translated."""
        await self.world.at("translating")
        found = Findings()
        for address, (file, line) in self.world.new.items():
            found.add(Kind.NEW, address, file, line)
        unconfirmed = told_of(Kind.NEW, {1: found})
        seen = Seen(mirror.stamp, "sum", {1: found})
        return Translation(mirror, "17.8", "sum", {}, {"new": 2}, self.world.missing, unconfirmed, seen)

    async def check_versions(self, version: str) -> None:
        """Both are of this one."""
        assert version == "17.8"

    async def send(self, made: Translation) -> tuple[str, tuple[str, ...]]:
        """Sent, but for a standby server."""
        await self.world.at("sending")
        return made.mirror.stamp, ("alternate-1-standby: out of reach",)

    async def own_backups(self) -> BackupList:
        """What runs."""
        return BackupList(self.world.runs, ())

    async def last_load(self, running: Callable[[str, int], None]) -> Loaded:
        """One that nobody waits for any more goes on, and ends a while later."""
        running("Data Reload", 1)
        if self.world.busy:
            self.world.busy -= 1
            self.world.runs = MIRROR.stamp
            raise FarDataRefused("load", "data is being received or loaded", word="busy")
        raise FarDataRefused("load", "nothing was ever loaded here", word="nothing_loaded")

    async def load(self, stamp: str, running: Callable[[str, int], None]) -> Loaded:
        """Loaded, a moment after it was begun."""
        await self.world.at("loading")
        self.world.runs = stamp
        running("Data Reload", 1)
        await self.world.at("loaded")
        return Loaded(stamp, BEFORE, 1)

    async def rollback(self, running: Callable[[str, int], None]) -> Loaded:
        """What ran before."""
        running("Data Reload", 1)
        self.world.runs = BEFORE
        return Loaded(BEFORE, BEFORE, 1)


class Life:
    """One run of the daemon, as far as `configure` goes."""

    def __init__(self, world: World, runner: SetupRunner, folder: StateFolder) -> None:
        self.world, self.runner, self.folder = world, runner, folder
        self.configured = asyncio.Event()

    async def ended(self) -> None:
        """When nothing is going on any more."""
        async with asyncio.timeout(5):
            while self.runner.step != "resting" or self.runner.page()["undoing"] or self.runner.is_busy:
                await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def life(world: World) -> AsyncIterator[Life]:
    """A life; at its end its tasks are gone, as after a kill: nothing more is done by them."""
    clock = Clock()
    folder = StateFolder(world.state, clock)
    saved = await folder.load()
    found = asyncio.Event()

    async def surveyed(_asked: object) -> object:
        await asyncio.sleep(0)
        return world.survey

    runner = SetupRunner(
        world.settings,
        clock,
        saved,
        folder,
        cast("Mapping[Server, Channel]", world.lims),
        found.set,
        Means(lambda _config, _clock: cast("Steps", FakeSteps(world)), surveyed),  # type: ignore[arg-type]
    )
    one = Life(world, runner, folder)
    one.configured = found
    task = asyncio.create_task(runner.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.wait({task})
        folder.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two systems, and nothing configured; what can't be undone is tried again after milliseconds."""
    monkeypatch.setattr(setup_runner, "AGAIN_MS", 10)
    return World(tmp_path)


async def test_all_steps_end_in_a_pair_that_the_disk_knows(world: World):
    """
    Blocked, loaded, the goal of the same number, the site; nothing is left to undo.
    """
    world.new = {"203.0.113.9": ("cql/a.csv", 2)}
    layout = SlotFile(world.state / "layout", "layout", 262_144)
    await asyncio.to_thread(layout.write, {"settings": "of an earlier pair"})
    async with life(world) as one:
        assert isinstance(await one.runner.configure(ASKED), Done)
        async with asyncio.timeout(5):
            await one.configured.wait()
        saved = await one.folder.load()
    assert saved.setup.site is not None
    assert saved.setup.site.accepted == ("foreign",)
    assert saved.setup.begun is None
    assert saved.goal is not None
    assert (saved.goal.active, saved.goal.number) == (System.PRIMARY, 1)
    blocked = {server.system: lim.traffic for server, lim in world.lims.items()}
    assert blocked == {System.PRIMARY: "allowed", System.ALTERNATE: "blocked"}
    assert world.runs == MIRROR.stamp
    table = await TableFile(world.state).read()
    assert table == SavedTable("192.0.2.10 198.51.100.10\n", frozenset({"203.0.113.9"}))
    assert not (world.state / "layout").exists()
    kept = await DataFiles(world.state, Clock()).read()
    assert kept.past.counts is not None
    assert (kept.past.loaded, kept.past.counts["new"], kept.past.counts["foreign"]) == (MIRROR.stamp, 0, 2)
    assert kept.past.behind == ("alternate-1-standby: out of reach",)


WAYS = {
    "copying": Step.COPYING,
    "translating": Step.TRANSLATING,
    "block": Step.BLOCKING,
    "blocked": Step.BLOCKING,
    "sending": Step.LOADING,
    "loading": Step.LOADING,
    "loaded": Step.LOADING,
    "listen": Step.STARTING,
}
"""points of the way, with the step that they belong to"""


@pytest.mark.parametrize("point", WAYS)
@pytest.mark.parametrize("how", ["fails", "stopped", "killed"])
async def test_broken_off_at_a_step_it_is_as_before_and_the_same_words_once_more_configure(
    world: World, point: str, how: str
):
    """
    Whether a step fails, the operator stops it, or the daemon is killed there: rules, data and tables as before.
    """
    (world.state / "translation").write_text("old\n")
    before = world.as_it_is()
    if how == "fails":
        world.fails = point
    else:
        world.stands = point
    async with life(world) as one:
        assert isinstance(await one.runner.configure(ASKED), Done)
        if how != "fails":
            async with asyncio.timeout(5):
                await world.reached.wait()
            assert one.runner.step == WAYS[point]
        if how == "stopped":
            assert isinstance(one.runner.stop(), Done)
        if how != "killed":
            await one.ended()
            assert one.runner.last is not None
            assert one.runner.last["result"] == ("failed" if how == "fails" else "stopped")
            assert world.as_it_is() == before
    world.fails = world.stands = ""
    async with life(world) as again:
        await again.ended()
        assert world.as_it_is() == before
        assert again.runner.setup.begun is None
        assert isinstance(await again.runner.configure(ASKED), Done)
        async with asyncio.timeout(5):
            await again.configured.wait()


async def test_one_that_has_not_taken_its_first_step_is_stopped_too(world: World):
    """
    It waits until what an earlier one left is undone: removed meanwhile, it is not begun at all.
    """
    world.stands = "blocked"
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
    world.stands = ""
    before = world.as_it_is()
    async with life(world) as again:
        assert isinstance(await again.runner.configure(ASKED), Done)
        assert isinstance(again.runner.stop(), Done)
        await again.ended()
        assert again.runner.last is not None
        assert again.runner.last["result"] == "stopped"
        assert not again.configured.is_set()
        assert again.runner.setup.begun is None
    assert world.as_it_is() != before  # undone


async def test_killed_between_the_goal_and_the_site_no_goal_is_left(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    The instant of the site is the instant of the pair; a goal without it is put aside.
    """
    reached = asyncio.Event()
    async with life(world) as one:
        save = one.folder.save

        async def save_and_die(goal: object) -> None:
            await save(goal)  # type: ignore[arg-type]
            reached.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(one.folder, "save", save_and_die)
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await reached.wait()
    async with life(world) as again:
        await again.ended()
        saved = await again.folder.load()
        assert saved.goal is None
        assert saved.setup.site is None
        assert world.runs == BEFORE
        assert {lim.traffic for lim in world.lims.values()} == {"allowed"}


async def test_own_addresses_without_a_translation_and_foreign_ones_that_nobody_confirmed_end_it(world: World):
    """
    Each is named with its place and the words that help; nothing was blocked.
    """
    world.missing = ("192.0.2.11 in LIM 1, cql/a.csv:2",)
    async with life(world) as one:
        await one.runner.configure(ASKED)
        await one.ended()
        assert one.runner.last is not None
        assert "192.0.2.11 in LIM 1" in one.runner.last["why"]
        assert "--translation" in one.runner.last["why"]
        world.missing, world.new = (), {"203.0.113.9": ("cql/b.csv", 3)}
        await one.runner.configure(replace(ASKED, accept=()))
        await one.ended()
        assert "203.0.113.9 in LIM 1, cql/b.csv:3" in one.runner.last["why"]
        assert "--accept foreign" in one.runner.last["why"]
    assert not (world.state / "translation-table").exists()


async def test_without_a_table_the_saved_one_holds_and_none_at_all_is_told(world: World):
    """
    The plain files count where no table was ever saved; their confirmations stay.
    """
    async with life(world) as one:
        answer = await one.runner.configure(replace(ASKED, translation=None))
        assert isinstance(answer, Problem)
        assert answer.code == "no_translation"
        (world.state / "translation").write_text("192.0.2.10 198.51.100.10\n")
        (world.state / "translation-confirmed").write_text("203.0.113.7\n")
        assert isinstance(await one.runner.configure(replace(ASKED, translation=None)), Done)
        async with asyncio.timeout(5):
            await one.configured.wait()
    table = await TableFile(world.state).read()
    assert table == SavedTable("192.0.2.10 198.51.100.10\n", frozenset({"203.0.113.7"}))


async def test_the_table_can_be_written_before_there_is_a_pair(world: World):
    """
    Entry by entry, or as a whole; a mistake in it is told, and `configure` without a file takes it.
    """
    async with life(world) as one:
        refused = await one.runner.change_table(ConfirmAddresses(("203.0.113.7",)))
        assert isinstance(refused, Problem)
        assert "'configure'" in refused.remedy
        assert isinstance(await one.runner.change_table(ImportTable("192.0.2.10")), Problem)
        assert isinstance(await one.runner.change_table(ImportTable("192.0.2.10 198.51.100.10\n")), Done)
        assert isinstance(await one.runner.change_table(SetEntry("192.0.2.11", "198.51.100.11")), Done)
        table = one.runner.translation()["table"]
        assert table == "192.0.2.10 198.51.100.10\n192.0.2.11 -> 198.51.100.11\n"
        assert isinstance(await one.runner.configure(replace(ASKED, translation=None)), Done)
        async with asyncio.timeout(5):
            await one.configured.wait()
    assert (await TableFile(world.state).read()).text == table


async def test_what_a_try_has_found_is_listed_and_can_be_confirmed_for_the_next_one(world: World):
    """
    With its places, as if a mirror had been looked through; not while one is under way.
    """
    world.new = {"203.0.113.9": ("cql/b.csv", 3)}
    async with life(world) as one:
        await one.runner.configure(replace(ASKED, accept=()))
        await one.ended()
        async with asyncio.timeout(5):
            while not one.runner.translation()["counts"]["new"]:
                await asyncio.sleep(0)
        (found,) = one.runner.translation()["addresses"]
        assert (found["address"], found["kind"]) == ("203.0.113.9", "new")
        assert isinstance(await one.runner.change_table(ConfirmAddresses(("203.0.113.9",))), Done)
        assert (await TableFile(world.state).read()).confirmed == {"203.0.113.9"}
        world.stands = "copying"
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
        assert await one.runner.change_table(ImportTable("")) == UNDER_WAY


async def test_what_the_operator_said_of_the_clusters_is_remembered(world: World):
    """
    The next prerequisites know it, and so does the next life.
    """
    async with life(world) as one:
        assert isinstance(await one.runner.checks.set_fallback(Fallback.AUTOMATIC), Done)
        assert (await one.folder.load()).fallback is Fallback.AUTOMATIC


async def test_a_prerequisite_that_is_not_met_begins_nothing(world: World):
    """
    The answer has what was found and what to do.
    """
    world.survey = survey({next(iter(world.survey.facts)): facts(version="7.9")})
    before = world.as_it_is()
    async with life(world) as one:
        answer = await one.runner.configure(ASKED)
        assert isinstance(answer, Problem)
        assert answer.code == "prerequisites"
        assert "version: LIM 1: primary 7.9" in answer.detail
        assert "same version" in answer.remedy
        assert world.as_it_is() == before
        assert isinstance(one.runner.stop(), Problem)


async def test_a_table_with_a_mistake_is_refused_with_its_line(world: World):
    """
    Before anything is asked of anybody.
    """
    async with life(world) as one:
        answer = await one.runner.configure(replace(ASKED, translation="192.0.2.10 198.51.100.10\nnonsense"))
        assert isinstance(answer, Problem)
        assert "line 2" in answer.detail
        own = replace(ASKED, translation="192.0.2.11 192.0.2.10")
        answer = await one.runner.configure(own)
        assert isinstance(answer, Problem)
        assert "the primary's master IP address" in answer.detail


async def test_only_one_configuration_at_a_time(world: World):
    """
    The second is refused while the first goes on.
    """
    world.stands = "copying"
    async with life(world) as one:
        await one.runner.configure(ASKED)
        answer = await one.runner.configure(ASKED)
        assert isinstance(answer, Problem)
        assert answer.code == "under_way"


async def test_who_was_blocked_before_is_blocked_still_when_it_was_undone(world: World):
    """
    By hand, say: that LIM was not ordered, and is not allowed.
    """
    lim = next(lim for server, lim in world.lims.items() if server.system is System.ALTERNATE)
    lim.traffic = "blocked"
    world.fails = "loading"
    before = world.as_it_is()
    async with life(world) as one:
        await one.runner.configure(ASKED)
        await one.ended()
    assert world.as_it_is() == before


async def test_what_a_removal_left_is_done_on_each_lim_as_soon_as_it_answers(world: World):
    """
    One that is out of reach is named, and hears of it later.
    """
    lims = list(world.lims.values())
    for lim in lims:
        lim.number, lim.supervisor = 7, "ours.run"
    lims[0].connected = False
    async with life(world) as one:
        names = tuple(server.name for server in world.lims)
        await one.folder.setup.save((await one.folder.load()).setup.ended(names))
    async with life(world) as again:
        async with asyncio.timeout(5):
            while again.runner.page()["to_disarm"] != [lims[0].server.name]:
                await asyncio.sleep(0.01)
        assert again.runner.page()["removed"]
        lims[0].connected = True
        again.runner.connected()
        async with asyncio.timeout(5):
            while again.runner.page()["to_disarm"]:
                await asyncio.sleep(0.01)
    assert {lim.number for lim in lims} == {0}


async def test_a_primary_that_is_lost_does_not_keep_the_alternate_blocked(world: World):
    """
    What its LIMs were told to listen for is taken back when they answer; the alternate is let go at once.
    """
    world.stands = "listen"
    before = world.as_it_is()
    primary = [lim for server, lim in world.lims.items() if server.system is System.PRIMARY]
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
        world.stands = ""
        for lim in primary:
            lim.lost = True
        one.runner.stop()
        async with asyncio.timeout(5):
            while "`listen" not in one.runner.page()["detail"]:
                await asyncio.sleep(0.001)
        others = [lim for lim in world.lims.values() if lim not in primary]
        assert {(lim.traffic, lim.number) for lim in others} == {("allowed", 0)}
        assert world.runs == BEFORE
        assert one.runner.page()["undoing"]
        for lim in primary:
            lim.lost = False
        await one.ended()
    assert world.as_it_is() == before


async def test_a_disk_that_fails_does_not_keep_the_alternate_blocked(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    That it was undone is noted as soon as the disk takes it; until then it is told, once.
    """
    world.stands = "loaded"
    before, told = world.as_it_is(), []
    for module in (setup_steps, setup_runner):
        monkeypatch.setattr(module, "record", lambda event, **_: told.append(event))
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
        save, full = one.folder.setup.save, True

        async def save_if_possible(setup: Setup) -> None:
            if full:
                raise NotSaved("saving the setup", "No space left on device")
            await save(setup)

        monkeypatch.setattr(one.folder.setup, "save", save_if_possible)
        one.runner.stop()
        async with asyncio.timeout(5):
            while world.as_it_is()[:2] != before[:2]:
                await asyncio.sleep(0.001)
        async with asyncio.timeout(5):
            while "No space left" not in one.runner.page()["detail"]:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.1)
        assert told.count("setup_undoing") == len({Undo.DATA, Undo.TRAFFIC, Undo.TABLE})
        assert told.count("setup_not_undone_yet") == 1
        full = False
        await one.ended()
    assert world.as_it_is() == before


async def test_a_pair_that_the_disk_knows_is_a_pair_whatever_comes_after(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    The old table that can't be forgotten harms nobody: the next life supervises.
    """
    async with life(world) as one:
        keep, calls = one.folder.setup.keep_table, iter((True, False))

        async def keep_once() -> None:
            if not next(calls):
                raise NotSaved("forgetting the old translation table", "Input/output error")
            await keep()

        monkeypatch.setattr(one.folder.setup, "keep_table", keep_once)
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await one.configured.wait()
        assert one.runner.last is not None
        assert one.runner.last["result"] == "configured"


async def test_a_pair_that_is_being_written_is_not_stopped_any_more(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    Whoever says `remove` then is asked to say it again: it ends the supervision that begins.
    """
    writes, go_on = asyncio.Event(), asyncio.Event()
    async with life(world) as one:
        save = one.folder.setup.save

        async def save_slowly(setup: Setup) -> None:
            if setup.site is not None:
                writes.set()
                await go_on.wait()
            await save(setup)

        monkeypatch.setattr(one.folder.setup, "save", save_slowly)
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await writes.wait()
        answer = one.runner.stop()
        assert isinstance(answer, Problem)
        assert "again" in answer.remedy
        go_on.set()
        async with asyncio.timeout(5):
            await one.configured.wait()
        assert (await one.folder.load()).setup.site is not None


async def test_a_configuration_that_is_being_undone_ends_once(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    Stopped again meanwhile, it has not ended: that is told when everything is as before.
    """
    told: list[str] = []
    monkeypatch.setattr(setup_runner, "record", lambda event, **_: told.append(event))
    monkeypatch.setattr(setup_runner, "AGAIN_MS", 10)
    world.stands = "blocked"
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
        world.stands = ""
        own = [lim for server, lim in world.lims.items() if server.system is System.ALTERNATE]
        own[0].lost = True
        one.runner.stop()
        async with asyncio.timeout(5):
            while not one.runner.page()["detail"]:
                await asyncio.sleep(0.001)
        assert isinstance(one.runner.stop(), Done)
        assert "setup_ended" not in told
        own[0].lost = False
        await one.ended()
    assert told.count("setup_ended") == 1


async def test_a_configuration_that_has_not_begun_yet_is_stopped_like_one_that_has(world: World):
    """
    It waits until what was begun before is undone; then it does not begin.
    """
    world.stands = "blocked"
    before = world.as_it_is()
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
    world.stands = ""
    own = [lim for server, lim in world.lims.items() if server.system is System.ALTERNATE]
    own[0].lost = True
    async with life(world) as again:
        async with asyncio.timeout(5):
            while not again.runner.page()["detail"]:
                await asyncio.sleep(0.001)
        assert isinstance(await again.runner.configure(ASKED), Done)
        assert isinstance(again.runner.stop(), Done)
        own[0].lost = False
        await again.ended()
        assert again.runner.setup == NOTHING_SET_UP
        assert not again.configured.is_set()
    assert world.as_it_is() == before


@pytest.mark.parametrize("point", ["loaded", "listen"])
async def test_a_lim_that_another_supervision_orders_meanwhile_is_left_to_it(world: World, point: str):
    """
    Undoing comes to its end: what another one ordered is none of our business.
    """
    world.stands = point
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
    world.stands = ""
    for lim in world.lims.values():
        lim.traffic, lim.number, lim.word, lim.supervisor = "blocked", 40, "block", "other.run"
    async with life(world) as again:
        await again.ended()
        assert again.runner.setup == NOTHING_SET_UP
    assert {(lim.traffic, lim.number) for lim in world.lims.values()} == {("blocked", 40)}
    assert world.runs == BEFORE


@pytest.mark.parametrize("what", ["another supervision", "primary blocked"])
async def test_before_the_alternate_is_blocked_it_is_looked_again_at_what_may_have_changed(world: World, what: str):
    """
    A copy takes its time: who orders the LIMs, and whether the primary carries the traffic, is asked once more.
    """
    world.stands = "translating"
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
        first = next(lim for server, lim in world.lims.items() if server.system is System.PRIMARY)
        if what == "another supervision":
            first.number, first.word, first.supervisor = 40, "allow", "other.run"
        else:
            first.traffic = "blocked"
        before = world.as_it_is()[0]
        world.go_on.set()
        await one.ended()
        assert one.runner.last is not None
        assert one.runner.last["result"] == "failed"
        told = "takes orders of other" if what == "another supervision" else "Let the primary carry the traffic"
        assert told in one.runner.last["why"]
    assert world.as_it_is()[0] == before


async def test_a_primary_that_is_lost_while_the_data_is_sent_ends_it(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    Sending takes as long as the line takes, and the alternate is blocked: nobody would carry the traffic.
    """
    monkeypatch.setattr(setup_beside, "LOOK_S", 0.01)
    monkeypatch.setattr(setup_beside, "LOST_MS", 100)
    world.stands = "sending"
    before = world.as_it_is()
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
        await asyncio.sleep(0.2)
        assert one.runner.step == "loading"
        for server, lim in world.lims.items():
            lim.connected = server.system is not System.PRIMARY
        await one.ended()
        assert one.runner.last is not None
        assert "no LIM of the primary could be reached" in one.runner.last["why"]
    assert world.as_it_is() == before


async def test_a_load_that_goes_on_when_it_was_stopped_is_waited_for(world: World):
    """
    Its backup becomes valid a moment after the stop: what is looked at before then would be as before.
    """
    world.stands = "loading"
    before = world.as_it_is()
    async with life(world) as one:
        await one.runner.configure(ASKED)
        async with asyncio.timeout(5):
            await world.reached.wait()
        world.busy = 1
        world.stands = ""
        one.runner.stop()
        await one.ended()
    assert world.as_it_is() == before


@pytest.mark.parametrize("typed", ["192.0.2.10/24", "192.0.2", "::::"])
async def test_an_address_that_is_none_is_a_prerequisite_that_is_not_met(world: World, typed: str):
    """
    Whoever asks without looking first gets the same answer, not a mistake of ours.
    """
    async with life(world) as one:
        answer = await one.runner.configure(replace(ASKED, master_ip=typed))
        assert isinstance(answer, Problem)
        assert answer.code == "prerequisites"
        assert f"addresses: {typed}" in answer.detail


async def test_methods_of_a_pair_that_ended_are_not_those_of_the_next_one(world: World):
    """
    They go aside with it: what counts then, and what a prerequisite looks at, is the settings file.
    """
    async with life(world) as one:
        await one.folder.save_methods(Methods(Method.AUTOMATIC, Method.AUTOMATIC))
        await one.folder.setup.save((await one.folder.load()).setup.ended(()))
    world.survey = survey(servers=(*ALL, STANDBY))
    async with life(world) as again:
        await again.ended()
        found = await again.runner.checks.look(ASKED)
        assert next(each.outcome for each in found if each.name == "fallback") == "met"


@pytest.mark.parametrize(("number", "traffic"), [(7, "allowed"), (6, "blocked")])
async def test_a_lim_that_had_no_power_at_the_removal_comes_up_as_the_last_takeover_wanted_it(
    world: World, number: int, traffic: str
):
    """
    Held since its restart: let through where the last takeover had allowed it, left alone where an older one had.
    """
    for server, lim in world.lims.items():
        lim.traffic = "allowed" if server.system is System.PRIMARY else "blocked"
        lim.number, lim.word = 7, lim.traffic.removesuffix("ed")
    lim = next(iter(world.lims.values()))
    lim.traffic, lim.number, lim.word, lim.is_held = "blocked", number, "allow", True
    async with life(world) as one:
        names = tuple(server.name for server in world.lims)
        saved = await one.folder.load()
        await one.folder.setup.save(saved.setup.ended(names, 7))
    for each in world.lims.values():
        each.supervisor = saved.supervisor.name
    async with life(world) as again:
        async with asyncio.timeout(5):
            while again.runner.page()["to_disarm"]:
                await asyncio.sleep(0.01)
    assert (lim.traffic, lim.number) == (traffic, 0)
    assert {other.number for other in world.lims.values()} == {0}


@pytest.mark.parametrize(("ours", "traffic"), [(True, "blocked"), (False, "allowed")])
async def test_a_lim_that_was_cut_off_at_the_last_takeover_is_blocked_when_it_answers_after_the_removal(
    world: World, ours: bool, traffic: str
):
    """
    The takeover that the operator ordered is completed there; then that LIM forgets it, too.  Not what another ordered.
    """
    for server, lim in world.lims.items():
        lim.traffic = "blocked" if server.system is System.PRIMARY else "allowed"
        lim.number, lim.word = 7, lim.traffic.removesuffix("ed")
    cut_off = next(iter(world.lims.values()))
    cut_off.traffic, cut_off.number, cut_off.word = "allowed", 6, "allow"
    async with life(world) as one:
        names = tuple(server.name for server in world.lims)
        saved = await one.folder.load()
        await one.folder.setup.save(saved.setup.ended(names, 7))
    for each in world.lims.values():
        each.supervisor = saved.supervisor.name if ours else "other.run"
    async with life(world) as again:
        async with asyncio.timeout(5):
            while again.runner.page()["to_disarm"]:
                await asyncio.sleep(0.01)
    assert cut_off.traffic == traffic
    assert {lim.traffic for server, lim in world.lims.items() if server.system is System.ALTERNATE} == {"allowed"}
    assert {lim.number for lim in world.lims.values()} == ({0} if ours else {6, 7})  # another's order stays his


def test_every_step_has_a_row_of_its_own():
    """
    The numbers are what the journal names; and each is broken off above, one that is added later too.
    """
    assert len({row.number for row in STEPS}) == len(STEPS)
    assert set(WAYS.values()) == {row.step for row in STEPS}
