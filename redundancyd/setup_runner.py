"""`configure`, and what `remove` has left to do: a task of its own beside the socket of a daemon without a pair."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.data_files import DataFiles
from redundancyd.adapters.goal_file import Saved, StateFolder
from redundancyd.adapters.journal import Level, record
from redundancyd.adapters.pull import Progress
from redundancyd.adapters.table_file import entries
from redundancyd.config import Config
from redundancyd.core.data_alarms import Held
from redundancyd.core.prerequisite_kinds import Asked, Known
from redundancyd.core.prerequisites import Finding, accepted, findings, hindering
from redundancyd.core.setup_plan import STEPS, Step
from redundancyd.core.site import Setup, Site
from redundancyd.core.survey import Survey
from redundancyd.core.systems import Fallback, Server
from redundancyd.core.table_text import checked, without_hints
from redundancyd.core.translation_table import TableNotUnderstood
from redundancyd.data_page import held_page, progress_page
from redundancyd.data_steps import Steps
from redundancyd.errors import NotSaved, RedundancyError
from redundancyd.requests import Configure, Done, Problem
from redundancyd.setup_page import finding_pages
from redundancyd.setup_steps import FOREIGN, SetupSteps
from redundancyd.setup_survey import Surveyor
from redundancyd.translation_desk import TranslationDesk, own_addresses

AGAIN_MS = 3000
"""After this what could not be undone, or disarmed, is tried again"""
STOPPED = "stopped by the operator"
_NUMBERS = {row.step: row for row in STEPS}
UNDER_WAY = Problem(
    "under_way",
    "a configuration is under way",
    "Watch it with 'redundancyctl status'; 'redundancyctl remove' stops it.",
)


@dataclass(frozen=True, slots=True)
class Means:
    """By what it asks and works; tests put their own in this place."""

    make_steps: Callable[[Config, Clock], Steps]
    survey: Callable[[Asked], Awaitable[Survey]]


def real_steps(config: Config, clock: Clock) -> Steps:
    """The steps over the real LIMs, by the table that is on the disk now."""
    return Steps(config, clock, TranslationDesk(config))


_Asked = tuple[Configure, tuple[str, ...]]


class SetupRunner:
    """One `configure` at a time."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        saved: Saved,
        folder: StateFolder,
        channels: Mapping[Server, Channel],
        configured: Callable[[], None],
        means: Means | None = None,
    ) -> None:
        self.step = Step.RESTING
        self.detail = ""
        """what the step is at, for people"""
        self.progress: Progress | None = None
        self.last: dict[str, Any] | None = None
        """how the last one ended"""
        self.findings: tuple[Finding, ...] = ()
        self._config, self._clock, self._saved = config, clock, saved
        self._configured = configured
        self._methods = saved.methods or config.methods()
        self._folder, self._fallback = folder, saved.fallback
        files = DataFiles(Path(config.daemon.state_folder), clock)
        self._steps = SetupSteps(channels, folder, files, clock, saved.supervisor, saved.setup)
        self._desk = TranslationDesk(config)
        self._means = means or Means(real_steps, Surveyor(config, clock, channels).survey)
        self._inbox: asyncio.Queue[_Asked | None] = asyncio.Queue()
        """what is asked for, and None when there may be something to do"""
        self._is_asked = self._is_called_off = False
        self._job: asyncio.Task[None] | None = None
        self._checking = asyncio.Lock()

    @property
    def setup(self) -> Setup:
        """What the disk has."""
        return self._steps.setup

    async def run(self) -> None:
        """First what an earlier run left to undo or to do, then what is asked for; until it is cancelled."""
        while True:
            await self._settle()
            await self._look_at_table()
            wait_ms = AGAIN_MS if self._unsettled() else None
            request = None
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                    request = await self._inbox.get()
            if request is not None:
                await self._undo_all()
                if self._is_called_off:
                    self._ended("stopped", STOPPED)
                else:
                    await self._in_job(*request)
                self._is_asked = self._is_called_off = False

    def connected(self) -> None:
        """A LIM can be reached: perhaps it is one that something was left to do on."""
        if self._unsettled():
            self._inbox.put_nowait(None)

    def _unsettled(self) -> bool:
        setup = self.setup
        return bool(setup.begun or setup.disarm or setup.aside)

    async def _settle(self) -> None:
        if self.setup.begun is not None:
            await self._undo_all()
        if self.setup.disarm or self.setup.aside:
            self.step = Step.DISARMING
            try:
                await self._steps.finish_removal()
            except RedundancyError as error:
                record("setup_unsettled", level="error", why=str(error))
            finally:
                self.step = Step.RESTING

    async def _look_at_table(self) -> None:
        """The table that is on the disk now, to be shown; `configure` and its undoing write it behind this desk."""
        desk = TranslationDesk(self._config)
        await desk.refresh()
        self._desk = desk

    # --- what an operator asks ---

    async def check(self, request: Configure) -> tuple[Finding, ...]:
        """Every prerequisite, found out now."""
        asked = Asked(request.master_ip, request.network_control_address, request.accept)
        async with self._checking:
            found = await self._means.survey(asked)
        known = Known(self._saved.supervisor, self._methods, self._config.exchange_data.keep, self._fallback)
        self.findings = findings(found, asked, known)
        return self.findings

    async def configure(self, request: Configure) -> Done | Problem:
        """Begun, or what hinders it; how it ends is on the status page."""
        if self.is_busy():
            return UNDER_WAY
        if why := self._table_mistakes(request):
            return Problem("translation_not_understood", why, "Mend these lines of the file of --translation.")
        if request.translation is None and (why := await self._lacks_table()):
            return Problem("no_translation", why, "Name the table: --translation FILE.")
        found = await self.check(request)
        if lacking := hindering(found):
            told = "; ".join(f"{each.name}: {'; '.join(each.found)} (expected: {each.expected})" for each in lacking)
            return Problem("prerequisites", told, "  ".join(dict.fromkeys(each.remedy for each in lacking)))
        if self.is_busy():
            return UNDER_WAY
        self._is_asked = True
        self._inbox.put_nowait((request, accepted(found)))
        return Done("begun; 'redundancyctl status' shows how it goes")

    def stop(self) -> Done | Problem:
        """Stop a configuration under way, and have it undone."""
        if self._job is not None:
            self._job.cancel()
            return Done("the configuration is being stopped, and undone")
        self._is_called_off = self._is_asked
        if self._is_asked:
            return Done("the configuration is not begun")
        if self.setup.begun is not None:
            return Done("the configuration is being undone")
        return Problem("not_configured", "nothing is configured, so nothing is removed", "See 'redundancyctl status'.")

    def is_busy(self) -> bool:
        """Whether a configuration is under way, or about to be."""
        return self._job is not None or self._is_asked

    def _table_mistakes(self, request: Configure) -> str:
        site = Site(request.master_ip, request.network_control_address)
        try:
            own = own_addresses(self._config.of_site(site))
            checked(without_hints(request.translation or ""), own)
        except TableNotUnderstood as error:
            return str(error)[:800]
        return ""

    async def _lacks_table(self) -> str:
        """Why the saved table is none to translate by; empty when it is one."""
        try:
            saved = await self._folder.setup.read_table()
            entries(saved.text)
        except RedundancyError as error:
            return error.came_back
        return "" if saved.text.strip() else "there is no translation table"

    async def set_fallback(self, fallback: Fallback) -> Done | Problem:
        """Remember what the operator says of the primary's clusters."""
        try:
            await self._folder.save_fallback(fallback)
        except NotSaved as error:
            return Problem("not_saved", str(error), "Free or repair the disk of the state folder, then ask again.")
        self._fallback = fallback
        return Done(f"the fallback type of the primary's clusters is {fallback}")

    # --- the walk ---

    async def _in_job(self, request: Configure, names: tuple[str, ...]) -> None:
        """All the steps in a task of its own, which a stop ends."""
        job = self._job = asyncio.create_task(self._walk(request, names), name="configure")
        try:
            await asyncio.wait({job})
        finally:
            self._job = None
            if not job.done():  # the daemon ends: the next run undoes it
                job.cancel()
                await asyncio.wait({job})
        why = STOPPED if job.cancelled() else self._why(job)
        if not why:
            self._ended("configured", "the primary is active, and supervised")
            self._configured()
            return
        failed_at = self.step
        await self._undo_all()
        self._ended("stopped" if job.cancelled() else "failed", f"{failed_at}: {why}")

    @staticmethod
    def _why(job: "asyncio.Task[None]") -> str:
        error = job.exception()
        if error is not None and not isinstance(error, RedundancyError):
            record("setup_step_failed", level="error", exc_info=error)
        return "" if error is None else str(error) or repr(error)

    def _ended(self, result: str, why: str) -> None:
        self.last = {"result": result, "why": why, "ended_at": self._clock.wall_ms()}
        level: Level = "notice" if result == "configured" else "error"
        record("setup_ended", level=level, result=result, why=why)
        self.step, self.detail, self.progress = Step.RESTING, "", None

    async def _walk(self, request: Configure, names: tuple[str, ...]) -> None:
        site = Site(request.master_ip, request.network_control_address, names)
        steps = self._means.make_steps(self._config.of_site(site), self._clock)
        self._at(Step.COPYING)
        mirror = await self._steps.copy(steps, self._tell)
        self._at(Step.TRANSLATING)
        made, foreign = await self._steps.translate(steps, mirror, request)
        self._at(Step.BLOCKING)
        await self._steps.block()
        self._at(Step.LOADING)
        await self._steps.load(steps, made, self._running)
        self._at(Step.STARTING)
        remembered = (*names, FOREIGN) if foreign else names
        await self._steps.start(Site(site.master_ip, site.control, remembered))

    def _at(self, step: Step) -> None:
        self.step, self.detail, self.progress = step, "", None
        record("setup_step", level="notice", row=_NUMBERS[step].number, step=step, what=_NUMBERS[step].told)

    def _tell(self, progress: Progress) -> None:
        self.progress = progress

    def _running(self, what: str, seconds: int) -> None:
        self.detail = f"{what}, {seconds} s"

    async def _undo_all(self) -> None:
        """Everything is as before when this returns, however long a LIM stays away."""
        steps = self._means.make_steps(self._config, self._clock)
        while self.setup.begun is not None:
            self.step = Step.UNDOING
            try:
                await self._steps.undo(steps, self._running)
            except RedundancyError as error:
                if str(error) != self.detail:
                    record("setup_not_undone_yet", level="error", why=str(error))
                self.detail = str(error)
                await self._clock.sleep_until(self._clock.now() + AGAIN_MS)
            else:
                record("setup_undone", level="notice")
                self.detail = ""
        self.step = Step.RESTING

    # --- what is shown ---

    def translation(self) -> dict[str, Any]:
        """The saved translation table; no mirror is looked through before there is a pair."""
        return {**self._desk.page(), **held_page(Held())}

    def page(self) -> dict[str, Any]:
        """The part `setup` of the status page."""
        return {
            "step": str(self.step),
            "detail": self.detail,
            "progress": None if self.progress is None else progress_page(self.progress),
            "last": self.last,
            "undoing": self.setup.begun is not None,
            "removed": self.setup.removed,
            "to_disarm": sorted(self.setup.disarm),
            "prerequisites": finding_pages(self.findings),
        }
