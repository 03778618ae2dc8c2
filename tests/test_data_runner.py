"""The jobs over steps of the test: what the decision hears, what is on the disk before a load, how each job ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from redundancyd import config
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.data_files import DataFiles, LoadBegun
from redundancyd.adapters.data_in import Loaded
from redundancyd.adapters.table_file import checksum
from redundancyd.core import data_job
from redundancyd.core.address_list import Seen
from redundancyd.core.backups import Backup, BackupList
from redundancyd.core.data_job import Past, Result
from redundancyd.core.effects import Load, Refuse
from redundancyd.core.events import Event, LoadAsked, LoadEnded, LoadUnderWay
from redundancyd.core.findings import Findings, Kind
from redundancyd.core.mirrors import Condition, Mirror
from redundancyd.core.state import State
from redundancyd.core.translation_table import Table
from redundancyd.data_runner import DataRunner
from redundancyd.data_steps import Steps, Translation
from redundancyd.errors import FarDataRefused, NotSaved, OutOfReach
from redundancyd.requests import ConfirmAddresses, DataCopy, DataLoad, DataVerify, Done, Problem, SetAuto, SetEntry
from tests.test_program import SETTINGS

STAMP = "20260309031502"
NO_TABLE = checksum(Table({}, {}))
MIRROR = Mirror(STAMP, Condition.WHOLE, "", 1000)


class Layouts:
    """Both systems, alike unless the test says otherwise."""

    def __init__(self) -> None:
        self.found: tuple[str, ...] = ()

    def is_due(self) -> bool:
        """Nothing is asked by the day."""
        return False

    async def ask(self) -> tuple[str, ...]:
        """What the test says."""
        return self.found

    def page(self) -> dict[str, Any]:
        """Nothing."""
        return {}


class Site:
    """Steps that do nothing, unless the test says otherwise; `done` is what was done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.goes: dict[str, Callable[[], Any]] = {}
        self.missing: tuple[str, ...] = ()
        self.unconfirmed: tuple[str, ...] = ()
        self.found = Findings()
        self.behind: tuple[str, ...] = ()
        self.mirrors: tuple[Mirror, ...] = (MIRROR,)
        self.began = True
        self.reload_deadline_ms = 60_000
        self.ran = self.current = STAMP
        self.store = self.loader = self
        self.layouts = Layouts()

    async def _do(self, name: str) -> None:
        self.done.append(name)
        if name in self.goes:
            found = self.goes[name]()
            if asyncio.iscoroutine(found):
                await found

    async def look(self) -> tuple[Mirror, ...]:
        """One mirror, unless the test says otherwise."""
        if "look" in self.goes:
            self.goes["look"]()
        return self.mirrors

    async def verify(self, stamp: str) -> Mirror:
        """It is what it is listed as."""
        self.done.append(f"verify {stamp}")
        return next(mirror for mirror in self.mirrors if mirror.stamp == stamp)

    async def pull(self, _tell: object) -> Mirror:
        """That one again."""
        await self._do("pull")
        return MIRROR

    async def look_through(self, mirror: Mirror) -> Seen:
        """What the test says is in it."""
        return Seen(mirror.stamp, NO_TABLE, {1: self.found})

    async def keep(self) -> None:
        """All of them."""
        await self._do("keep")

    async def table_checksum(self) -> str:
        """Of a table."""
        return "table"

    async def translate(self, mirror: Mirror) -> Translation:
        """All of it, or with own addresses missing."""
        await self._do("translate")
        counts = {"missing": len(self.missing)}
        return Translation(mirror, "17.8.1.0.19", "table", {}, counts, self.missing, self.unconfirmed)

    async def check_versions(self, version: str) -> None:
        """The same."""

    async def send(self, _: Translation) -> tuple[str, tuple[str, ...]]:
        """Under its own stamp."""
        await self._do("send")
        return STAMP, self.behind

    async def load(self, stamp: str, _running: object) -> Loaded:
        """At once."""
        await self._do("load")
        return Loaded(stamp, "", 1)

    async def last_load(self, _running: object) -> Loaded:
        """That one, unless the test says otherwise."""
        await self._do("last_load")
        return Loaded(self.ran, "", 1)

    async def has_begun(self, _stamp: str, _running: object) -> bool:
        """As the test says."""
        return self.began

    async def rollback(self, _running: object) -> Loaded:
        """At once."""
        await self._do("rollback")
        return Loaded("", "", 1)

    async def own_backups(self) -> BackupList:
        """What was loaded."""
        return BackupList(self.current, (Backup(self.current, "17.8.1.0.19", "2026-03-09 03:15:02", "CET"),))


class Running:
    """A runner, and what it posts; the decision grants every load, unless the test says why not."""

    def __init__(self, folder: Path, site: Site | None = None, clocks: Clock | None = None) -> None:
        text = SETTINGS.replace("FOLDER", str(folder)) + '\n[exchange_data]\nauto = "off"\n'
        settings = config.parse(text.encode())
        Path(settings.daemon.state_folder).mkdir(exist_ok=True)
        self.files = DataFiles(Path(settings.daemon.state_folder), Clock())
        self.site = site or Site()
        self.posted: list[Event] = []
        self.refusal = ""
        self.lasts_ms = 60_000
        self.runner = DataRunner(settings, clocks or Clock(), "site", self._post, cast("Steps", self.site))
        self.runner.see(cast("State", object()))

    def _post(self, event: Event) -> None:
        self.posted.append(event)
        if isinstance(event, LoadAsked) and self.refusal:
            self.runner.refused(Refuse(event.request, "not_loaded", self.refusal))
        elif isinstance(event, LoadAsked):
            self.runner.granted(Load(event.request, event.at + self.lasts_ms))

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """The runner is running."""
        await self.runner.begin()
        task = asyncio.create_task(self.runner.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            while not self.runner._desk._file._disk._idle.is_set():  # what was broken off ends by itself
                await asyncio.sleep(0.001)

    async def ask(self, request: DataCopy | DataLoad) -> Past:
        """How a job ends that is asked for while it is."""
        before = self.runner._job.past.ended_at
        assert isinstance(await self.runner.act(request), Done)
        return await self.ended(before)

    async def job(self, request: DataCopy | DataLoad) -> Past:
        """A job from its beginning to its end."""
        async with self.up():
            return await self.ask(request)

    async def ended(self, before: int | None = None) -> Past:
        """How the job ended, once that is on the disk; not the one that ended at this instant."""
        async with asyncio.timeout(5):
            while True:
                kept = await self.files.read()
                is_over = kept.load is None and self.runner.page()["step"] == "resting"
                if kept.past.ended_at != before and is_over:
                    return kept.past
                await asyncio.sleep(0.01)

    def kinds(self) -> list[type[Event]]:
        """What was posted, by kind."""
        return [type(event) for event in self.posted]


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A runner whose decision has nothing against jobs."""
    monkeypatch.setattr(data_job, "hindrance", lambda _: "")
    monkeypatch.setattr(data_job, "takeover_waits", lambda _: "")
    return Running(tmp_path)


async def test_a_copy_goes_no_further_than_a_mirror(running: Running):
    """
    Nothing new: said aloud, and nothing is asked of the decision.
    """
    past = await running.job(DataCopy())
    assert past.result is Result.NOTHING_TO_DO
    assert running.site.done == ["pull"]
    assert running.posted == []


@pytest.mark.D3
@pytest.mark.parametrize("error", [NotSaved("keeping", "the disk is full"), ValueError("ours")])
async def test_a_copy_goes_no_further_where_too_many_mirrors_stay(running: Running, error: Exception):
    """
    The copy is there; nobody has asked for a load.
    """
    async with running.up():
        running.site.mirrors = ()
        running.site.goes["keep"] = raising(error)
        past = await running.ask(DataCopy())
        assert past.result is Result.COPIED
        assert str(error) in past.why
        assert running.site.done == ["pull", "keep"]
        running.site.mirrors = (MIRROR,)
        assert (await running.ask(DataLoad(None, copy=True))).result is Result.LOADED


@pytest.mark.D3
async def test_a_load_is_on_disk_before_it_begins_and_the_decision_hears_of_its_end(running: Running):
    """
    Whoever starts after a crash in the middle finds it; whoever starts afterwards does not.
    """
    found: list[LoadBegun | None] = []

    async def look() -> None:
        found.append((await running.files.read()).load)

    running.site.goes["load"] = look
    past = await running.job(DataLoad(None, copy=True))
    assert (past.result, past.loaded) == (Result.LOADED, STAMP)
    assert [begun.stamp for begun in found if begun] == [STAMP]
    assert running.kinds() == [LoadAsked, LoadEnded]
    assert (await running.files.read()).load is None


def raising(error: Exception) -> Callable[[], None]:
    """A step that goes wrong so."""

    def go() -> None:
        raise error

    return go


@pytest.mark.D3
@pytest.mark.parametrize(
    "error",
    [FarDataRefused("load", "it failed", word="reload_failed"), ValueError("ours")],
    ids=["failed", "a mistake of ours"],
)
async def test_whatever_goes_wrong_in_a_load_it_is_rolled_back_and_ended(running: Running, error: Exception):
    """
    The decision never waits for a load that nobody watches; for the way back it waits as for any reload.
    """
    running.site.goes["load"] = raising(error)
    past = await running.job(DataLoad())
    assert past.result is Result.ROLLED_BACK
    assert running.site.done[-1] == "rollback"
    assert running.kinds() == [LoadAsked, LoadUnderWay, LoadEnded]


@pytest.fixture
def impatient(running: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A decision that waits for a load for 200 ms, and a job that asks again every 20 ms."""
    monkeypatch.setattr("redundancyd.data_loads.WATCH_AGAIN_MS", 20)
    running.lasts_ms = 200
    running.site.goes["load"] = raising(OutOfReach("load", "the connection ended in the middle"))
    return running


@pytest.mark.D3
async def test_a_load_that_was_lost_sight_of_is_heard_of_until_it_has_ended(impatient: Running):
    """
    The LIM goes on by itself: what ended well stays; that it is busy still is no word of its end.
    """
    answers = [FarDataRefused("load", "being loaded", word="busy"), OutOfReach("load", "gone")]

    def answer() -> None:
        if answers:
            raise answers.pop()

    impatient.site.goes["last_load"] = answer
    past = await impatient.job(DataLoad())
    assert (past.result, past.loaded) == (Result.LOADED, STAMP)
    assert impatient.site.done[-3:] == ["last_load"] * 3
    assert impatient.kinds() == [LoadAsked, LoadEnded]


@pytest.mark.D3
@pytest.mark.parametrize(("began", "last"), [(True, "rollback"), (False, "last_load")])
async def test_a_load_that_nobody_knows_of_is_rolled_back_where_it_has_begun(
    impatient: Running, began: bool, last: str
):
    """
    Where it never came to the LIM, the way back would lead to what ran before the load before.
    """
    impatient.site.began = began
    impatient.site.goes["last_load"] = raising(OutOfReach("load", "gone"))
    assert (await impatient.job(DataLoad())).result is Result.ROLLED_BACK
    assert impatient.site.done[-1] == last


@pytest.mark.D3
async def test_a_takeover_that_waits_for_a_load_that_hung_does_not_wait_for_the_way_back(
    impatient: Running, monkeypatch: pytest.MonkeyPatch
):
    """
    Its time is over: the alternate is allowed as it is, and no reload begins in that very instant.
    """
    async with impatient.up():
        monkeypatch.setattr(data_job, "takeover_waits", lambda _: "a takeover to the alternate waits")
        impatient.site.goes["load"] = raising(FarDataRefused("load", "no end", word="reload_hangs"))
        past = await impatient.ask(DataLoad())
        assert past.result is Result.BROKEN
        assert "a takeover to the alternate waits" in past.why
        assert "rollback" not in impatient.site.done
        assert impatient.kinds() == [LoadAsked, LoadEnded]
        impatient.lasts_ms = 60_000
        assert (await impatient.ask(DataLoad())).result is Result.ROLLED_BACK
        assert impatient.kinds()[2:] == [LoadAsked, LoadEnded]
        monkeypatch.setattr(data_job, "takeover_waits", lambda _: data_job.ACTIVE)  # somebody has allowed it by hand
        assert (await impatient.ask(DataLoad())).result is Result.BROKEN


async def test_a_rollback_that_fails_is_told_as_what_it_is(running: Running):
    """
    The gravest end of a job, and an alarm of its own.
    """
    running.site.goes["load"] = raising(FarDataRefused("load", "it failed", word="reload_failed"))
    running.site.goes["rollback"] = raising(OutOfReach("rollback", "gone"))
    past = await running.job(DataLoad())
    assert past.result is Result.BROKEN
    assert next(alarm.name for alarm in running.runner.alarms()) == "data_not_rolled_back"
    assert running.kinds() == [LoadAsked, LoadUnderWay, LoadEnded]


@pytest.mark.D3
async def test_what_a_broken_load_left_is_neither_forgotten_nor_taken_for_what_was_loaded(running: Running):
    """
    A copy leaves the alarm as it is; nobody is said to have changed the data by hand; the same mirror is loaded anew.
    """
    async with running.up():
        assert (await running.ask(DataLoad())).loaded == STAMP
        running.site.goes["load"] = raising(FarDataRefused("load", "it failed", word="reload_failed"))
        running.site.goes["rollback"] = raising(OutOfReach("rollback", "gone"))
        assert (await running.ask(DataLoad())).result is Result.BROKEN
        running.site.current = "20260310031502"
        assert "the current backup is there already" in (await running.ask(DataCopy())).why
        old = "backup_too_old"  # the stamp of these tests is of long ago
        assert [alarm.name for alarm in running.runner.alarms()] == ["data_not_rolled_back", old]
        running.site.goes = {}
        assert (await running.ask(DataLoad(None, copy=True))).result is Result.LOADED
        assert [alarm.name for alarm in running.runner.alarms()] == [old]


class Clocks(Clock):
    """The clocks of a host, the wall clock of which may be set."""

    def __init__(self) -> None:
        super().__init__()
        self.set_ms = 0

    def wall_ms(self) -> int:
        """As it was set."""
        return super().wall_ms() + self.set_ms


async def test_a_clock_that_is_put_right_does_not_hold_back_the_job_of_the_next_night(tmp_path: Path):
    """
    It was a year ahead when the daemon started and the last job began; a year without a job would be the end of it.
    """
    clocks = Clocks()
    clocks.set_ms = 365 * 86_400_000
    running = Running(tmp_path, clocks=clocks)
    await running.runner.begin()
    local = time.localtime(time.time() - 60)
    assert isinstance(await running.runner.act(SetAuto((local.tm_hour, local.tm_min))), Done)
    running.runner._job.past = Past().begun(clocks.wall_ms())
    clocks.set_ms = 0
    running.runner._start -= 3 * 86_400_000  # it has been up for days
    assert running.runner._due() == DataLoad(None, copy=True)


async def test_a_night_that_the_clock_jumped_over_is_one_whose_job_is_due(tmp_path: Path):
    """
    The daemon has just started; the clock is set a day on, past the hour of the job.
    """
    clocks = Clocks()
    running = Running(tmp_path, clocks=clocks)
    await running.runner.begin()
    assert isinstance(await running.runner.act(SetAuto((2, 30))), Done)
    assert running.runner._due() is None
    clocks.set_ms = 2 * 86_400_000
    assert running.runner._due() == DataLoad(None, copy=True)


async def test_a_load_that_the_lim_refuses_has_nothing_to_roll_back(running: Running):
    """
    Its traffic was allowed in that very moment, say.
    """
    running.site.goes["load"] = raising(FarDataRefused("load", "no", word="not_passive"))
    past = await running.job(DataLoad())
    assert past.result is Result.FAILED
    assert "rollback" not in running.site.done


@pytest.mark.D3
async def test_own_addresses_that_are_missing_end_it_before_anything_is_sent(running: Running):
    """
    The first of them are told.
    """
    running.site.missing = ("192.0.2.9 in LIM 1, A.D:3",)
    past = await running.job(DataLoad())
    assert (past.result, past.missing) == (Result.NOT_APPLIED, running.site.missing)
    assert running.site.done == ["translate"]
    assert running.posted == []


@pytest.mark.D3
async def test_addresses_that_nobody_confirmed_end_it_before_anything_is_sent(running: Running):
    """
    They are somebody else's, perhaps; that is for a person to say.
    """
    running.site.unconfirmed = ("203.0.113.9 in LIM 1, A.D:3",)
    past = await running.job(DataLoad())
    assert past.result is Result.NOT_APPLIED
    assert "203.0.113.9 in LIM 1, A.D:3" in past.why
    assert running.site.done == ["translate"]


async def test_what_the_newest_mirror_has_is_told_without_any_load_and_ends_when_it_is_dealt_with(running: Running):
    """
    Own without an entry, new and unconfirmed: each an alarm of its own, until the operator has said what they are.
    """
    running.site.found.add(Kind.MISSING, "192.0.2.11", "A.D", 3)
    running.site.found.add(Kind.NEW, "203.0.113.9", "A.D", 4)
    await running.job(DataCopy())
    runner = running.runner
    held = {"data_untranslated", "data_unconfirmed"}
    assert held <= {alarm.name for alarm in runner.alarms()}
    assert runner.page()["unconfirmed"] == ["203.0.113.9 in LIM 1, A.D:4"]
    assert runner.translation()["missing"] == ["192.0.2.11 in LIM 1, A.D:3"]
    assert isinstance(await runner.act(ConfirmAddresses()), Done)
    assert isinstance(await runner.act(SetEntry("192.0.2.11", "198.51.100.11")), Done)
    assert not held & {alarm.name for alarm in runner.alarms()}
    assert [each["kind"] for each in runner.translation()["addresses"]] == ["foreign", "translated"]


async def test_a_standby_server_that_did_not_receive_what_was_loaded_is_an_alarm(running: Running):
    """
    Until it has: the load is done all the same, by the LIM's regular server.
    """
    running.site.behind = ("alternate-2-standby: no room",)
    past = await running.job(DataLoad())
    assert (past.result, past.behind) == (Result.LOADED, running.site.behind)
    assert "data_not_everywhere" in {alarm.name for alarm in running.runner.alarms()}


@pytest.mark.D3
async def test_systems_that_are_not_as_they_were_configured_hold_back_a_load(running: Running):
    """
    Nothing is sent; the alarm names the remedy; a copy is made all the same.
    """
    running.site.layouts.found = ("media gateway 2A is in the primary alone",)
    past = await running.job(DataLoad())
    assert past.result is Result.NOT_APPLIED
    assert "media gateway 2A is in the primary alone" in past.why
    assert running.site.done == ["translate"]
    (alarm,) = [alarm for alarm in running.runner.alarms() if alarm.name == "systems_differ"]
    assert "configure it again" in alarm.text
    assert running.runner.page()["differences"] == ["media gateway 2A is in the primary alone"]


@pytest.mark.D3
@pytest.mark.parametrize(
    ("word", "result"), [("moved", Result.TRIED_AGAIN), ("changing", Result.TRIED_AGAIN), ("too_large", Result.FAILED)]
)
async def test_a_backup_that_moved_while_it_was_copied_is_tried_again(running: Running, word: str, result: Result):
    """
    The primary saves its backups in the same night: the next try takes what is there then, and not the next night.
    """
    running.site.goes["pull"] = raising(FarDataRefused("pull", "it was deleted there", word=word))
    assert (await running.job(DataCopy())).result is result
    assert running.site.done == ["pull"]


async def test_a_takeover_that_becomes_due_ends_a_pull_at_once(running: Running, monkeypatch: pytest.MonkeyPatch):
    """
    It is tried again later, and the reason is the takeover.
    """

    async def takes_long() -> None:
        monkeypatch.setattr(data_job, "hindrance", lambda _: "a takeover is due")
        running.runner.see(cast("State", object()))
        await asyncio.sleep(60)

    running.site.goes["pull"] = takes_long
    past = await running.job(DataLoad(None, copy=True))
    assert past.result is Result.TRIED_AGAIN
    assert "a takeover is due" in past.why


async def test_a_takeover_that_is_due_keeps_jobs_from_beginning(running: Running, monkeypatch: pytest.MonkeyPatch):
    """
    The operator is told why.
    """
    monkeypatch.setattr(data_job, "hindrance", lambda _: "the alternate is active")
    await running.runner.begin()
    answer = await running.runner.act(DataCopy())
    assert isinstance(answer, Problem)
    assert answer.detail == "the alternate is active"


def refuses(word: str) -> Callable[[], None]:
    """A LIM that says so."""

    def say() -> None:
        raise FarDataRefused("`load`", "why", word=word)

    return say


@pytest.mark.L2
@pytest.mark.D3
@pytest.mark.parametrize(
    ("ran", "word", "result", "done"),
    [
        (STAMP, "", Result.LOADED, ["last_load"]),
        ("20260101000000", "", Result.TRIED_AGAIN, ["last_load"]),
        ("", "nothing_loaded", Result.TRIED_AGAIN, ["last_load"]),
        ("", "reload_failed", Result.ROLLED_BACK, ["last_load", "rollback"]),
        ("", "reload_hangs", Result.ROLLED_BACK, ["last_load", "rollback"]),
        ("", "reload_unknown", Result.ROLLED_BACK, ["last_load", "rollback"]),
    ],
)
async def test_a_start_that_finds_a_load_hears_how_it_ended(
    running: Running, ran: str, word: str, result: Result, done: list[str]
):
    """
    The decision hears of it first of all; what failed while nobody watched is rolled back, and nothing is begun.
    """
    running.site.ran = ran
    if word:
        running.site.goes["last_load"] = refuses(word)
    await running.files.save_load(LoadBegun(STAMP, STAMP, "table", Clock().now() + 60_000))
    await running.runner.begin()
    assert running.kinds() == [LoadUnderWay]
    task = asyncio.create_task(running.runner.run())
    past = await running.ended()
    task.cancel()
    assert past.result is result
    assert past.loaded == (STAMP if result is Result.LOADED else "")
    assert running.site.done == done
    back = [LoadUnderWay] if result is Result.ROLLED_BACK else []
    assert running.kinds() == [LoadUnderWay, *back, LoadEnded]
    assert (await running.files.read()).load is None


async def test_a_lim_that_is_still_at_a_load_is_waited_for(running: Running, monkeypatch: pytest.MonkeyPatch):
    """
    Asked again until it says how it ended, or the decision waits no longer; then it is rolled back.
    """
    monkeypatch.setattr("redundancyd.data_loads.WATCH_AGAIN_MS", 20)
    running.site.goes["last_load"] = refuses("busy")
    await running.files.save_load(LoadBegun(STAMP, STAMP, "table", Clock().now() + 1000))
    await running.runner.begin()
    task = asyncio.create_task(running.runner.run())
    past = await running.ended()
    task.cancel()
    assert past.result is Result.ROLLED_BACK
    assert running.site.done.count("last_load") > 2
    assert running.site.done[-1] == "rollback"


async def test_a_grant_that_nobody_waits_for_any_more_is_ended(running: Running):
    """
    The job was broken off while it asked.
    """
    running.runner.granted(Load(-7, 1))
    assert running.kinds() == [LoadEnded]


async def test_a_refusal_of_an_operator_s_order_is_not_ours(running: Running):
    """
    Numbers below zero are.
    """
    assert not running.runner.refused(Refuse(7, "not_ready", "why"))
    assert running.runner.refused(Refuse(-7, "not_loaded", "why"))


async def test_the_time_of_day_that_was_set_goes_before_the_settings(running: Running):
    """
    And so does that there is none.
    """
    await running.runner.begin()
    assert running.runner.page()["auto"] is None
    assert isinstance(await running.runner.act(SetAuto((2, 30))), Done)
    assert running.runner.page()["auto"] == "02:30 local"
    assert (await running.files.read()).auto is not None


async def test_a_mirror_that_is_not_there_is_not_verified(running: Running):
    """
    "0 of 0 are whole" would be said of a stamp that was misspelled.
    """
    await running.runner.begin()
    answer = await running.runner.act(DataVerify("20260101000000"))
    assert isinstance(answer, Problem)
    assert answer.code == "no_such_mirror"


async def test_a_copy_on_its_way_is_no_damaged_mirror(running: Running):
    """
    Who asks whether the mirrors are sound is not told of one that nobody has finished yet.
    """
    coming = Mirror("20260310031502", Condition.INCOMING)
    running.site.mirrors = (MIRROR, coming)
    await running.runner.begin()
    assert isinstance(await running.runner.act(DataVerify(coming.stamp)), Problem)
    await running.runner._look_at_mirrors()
    await running.runner._verify(DataVerify(None))
    assert running.site.done == [f"verify {STAMP}"]


@pytest.mark.parametrize("request_", [DataLoad(STAMP), DataVerify(STAMP)])
async def test_a_disk_that_does_not_answer_is_told_to_who_asks(running: Running, request_: DataLoad | DataVerify):
    """
    With what to do, as any other refusal.
    """
    running.site.goes["look"] = raising(NotSaved("using the mirrors", "no answer within 60 s", "Look at the disk."))
    await running.runner.begin()
    answer = await running.runner.act(request_)
    assert isinstance(answer, Problem)
    assert (answer.code, answer.remedy) == ("not_saved", "Look at the disk.")


async def test_what_is_tried_again_is_what_was_asked_for(running: Running, monkeypatch: pytest.MonkeyPatch):
    """
    Not a load in the middle of the day where somebody wanted a copy, and not the newest one where it was an older one.
    """
    async with running.up():
        monkeypatch.setattr("redundancyd.load_permit.ASK_FOR_MS", 0)
        running.site.goes["pull"] = raising(OutOfReach("pull", "gone"))
        assert (await running.ask(DataCopy())).result is Result.TRIED_AGAIN
        assert running.runner.page()["again_in_ms"] > 0
        assert running.runner._due() is None
        running.runner._job.past = replace(running.runner._job.past, ended_at=1)
        assert running.runner._due() == DataCopy()
        running.site.goes = {}
        running.refusal = "a beat was missed"
        running.site.mirrors = (Mirror("20260101000000", Condition.WHOLE), MIRROR)
        wanted = DataLoad("20260101000000")
        assert (await running.ask(wanted)).result is Result.TRIED_AGAIN
        running.runner._job.past = replace(running.runner._job.past, ended_at=1)
        assert running.runner._due() == wanted


async def test_an_alarm_that_comes_and_goes_is_told_as_any_other(running: Running, monkeypatch: pytest.MonkeyPatch):
    """
    Once when it is raised, once when it is over, whatever else the decision sees meanwhile.
    """
    told: list[tuple[str, object]] = []
    monkeypatch.setattr("redundancyd.data_runner.TOLD_EVERY_MS", 0)
    monkeypatch.setattr(
        "redundancyd.data_runner.record", lambda event, **more: told.append((event, more.get("handle")))
    )
    for past in (Past(loaded=STAMP), Past(loaded=STAMP, foreign="x"), Past(loaded=STAMP, foreign="y"), Past()):
        running.runner._job.past = past
        running.runner.see(cast("State", object()))
    handle = "data_changed_by_hand:exchange_data"
    assert told == [("alarm_raised", handle), ("alarm_cleared", handle)]
