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
from redundancyd.adapters.progress import Progress
from redundancyd.config import Config
from redundancyd.core.data_alarms import Held
from redundancyd.core.prerequisite_kinds import Asked
from redundancyd.core.setup_plan import STEPS, Step
from redundancyd.core.site import Setup, Site
from redundancyd.core.survey import Survey
from redundancyd.core.systems import Server
from redundancyd.data_page import held_page, progress_page
from redundancyd.data_steps import Steps
from redundancyd.errors import RedundancyError
from redundancyd.requests import Configure, Done, Problem, TranslationRequest
from redundancyd.setup_checks import SetupChecks
from redundancyd.setup_foreign import FOREIGN
from redundancyd.setup_page import finding_pages
from redundancyd.setup_steps import SetupSteps
from redundancyd.setup_survey import Surveyor
from redundancyd.translation_desk import TranslationDesk

AGAIN_MS = 3000
"""After this what could not be undone, or disarmed, is tried again"""
STOPPED = "stopped by the operator"
_NUMBERS = {row.step: row for row in STEPS}
ALREADY_A_PAIR = Problem(
    "under_way",
    "the pair is being written to the disk at this instant",
    "Say it again in a moment: then it ends the supervision that begins.",
)
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
        self._config, self._clock = config, clock
        self._configured = configured
        files = DataFiles(Path(config.daemon.state_folder), clock)
        self._steps = SetupSteps(channels, folder, files, clock, saved.supervisor, saved.setup)
        self._asked_of = config
        """with the addresses that were said last, and perhaps in vain"""
        self._desk = TranslationDesk(config)
        self._means = means or Means(real_steps, Surveyor(config, clock, channels).survey)
        self.checks = SetupChecks(config, saved, folder, self._means.survey)
        self._asked: _Asked | None = None
        """what is to be done, from the answer until it has ended"""
        self._taken: _Asked | None = None
        """what was begun last; that one ends by itself, be it by being undone"""
        self._woken = asyncio.Event()
        """there may be something to do"""
        self._job: asyncio.Task[None] | None = None

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
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wait_ms is None else wait_ms / 1000):
                    await self._woken.wait()
            self._woken.clear()
            if (asked := self._asked) is not None:
                self._taken = asked
                await self._in_job(*asked)
                if self._asked is asked:
                    self._asked = None

    def connected(self) -> None:
        """A LIM can be reached: perhaps it is one that something was left to do on."""
        if self._unsettled():
            self._woken.set()

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
                if str(error) != self.detail:
                    record("setup_unsettled", level="error", why=str(error))
                self.detail = str(error)
            else:
                self.detail = ""
            finally:
                self.step = Step.RESTING

    async def _look_at_table(self) -> None:
        """The table that is on the disk now, to be shown; `configure` and its undoing write it behind this desk."""
        desk = TranslationDesk(self._asked_of)
        await desk.refresh()
        if self._steps.seen is not None:
            await desk.take(self._steps.seen)
        self._desk = desk

    # --- what an operator asks ---

    async def configure(self, request: Configure) -> Done | Problem:
        """Begun, or what hinders it; how it ends is on the status page."""
        was_busy = self.is_busy  # a name of its own: it may be otherwise after the wait
        if was_busy:
            return UNDER_WAY
        names = await self.checks.accepted(request)
        if isinstance(names, Problem):
            return names
        if self.is_busy:
            return UNDER_WAY
        self._asked = (request, names)
        self._woken.set()
        return Done("begun; 'redundancyctl status' shows how it goes")

    def stop(self) -> Done | Problem:
        """Stop a configuration under way, and have it undone."""
        if self._steps.is_pair:
            return ALREADY_A_PAIR
        if self._job is not None:
            self._job.cancel()
            return Done("the configuration is being stopped, and undone")
        waits = self._asked is not None and self._asked is not self._taken
        self._asked = None
        if waits:
            self._tell_end("stopped", STOPPED)
        if self.setup.begun is not None:
            return Done("the configuration is being undone")
        if waits:
            return Done("the configuration had not begun yet, and does not")
        return Problem("not_configured", "nothing is configured, so nothing is removed", "See 'redundancyctl status'.")

    @property
    def is_stoppable(self) -> bool:
        """Whether there is something that `stop` stops, or that is being undone."""
        return not self._steps.is_pair and (self.is_busy or self.setup.begun is not None)

    @property
    def is_busy(self) -> bool:
        """Whether a configuration is under way, or about to be."""
        return self._job is not None or self._asked is not None

    async def change_table(self, request: TranslationRequest) -> Done | Problem:
        """The table that `configure` takes where it is given none."""
        is_busy = self.is_busy or self.setup.begun is not None
        return UNDER_WAY if is_busy else await self._desk.act(request)

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
        if not why or self.setup.site is not None:
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
        self._tell_end(result, why)
        self.step, self.detail, self.progress = Step.RESTING, "", None

    def _tell_end(self, result: str, why: str) -> None:
        self.last = {"result": result, "why": why, "ended_at": self._clock.wall_ms()}
        level: Level = "notice" if result == "configured" else "error"
        record("setup_ended", level=level, result=result, why=why)

    async def _walk(self, request: Configure, names: tuple[str, ...]) -> None:
        site = Site(request.master_ip, request.network_control_address, names)
        self._asked_of = self._config.of_site(site)
        steps = self._means.make_steps(self._asked_of, self._clock)
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
        steps, told = self._means.make_steps(self._config, self._clock), ""
        while self.setup.begun is not None:
            self.step = Step.UNDOING
            try:
                await self._steps.undo(steps, self._running)
            except RedundancyError as error:
                if str(error) != told:
                    record("setup_not_undone_yet", level="error", why=str(error))
                self.detail = told = str(error)
                await self._clock.sleep_until(self._clock.now() + AGAIN_MS)
            else:
                record("setup_undone", level="notice")
                self.detail = ""
        self.step = Step.RESTING

    # --- what is shown ---

    def translation(self) -> dict[str, Any]:
        """The saved translation table, and what the last try has found in the primary's data."""
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
            "prerequisites": finding_pages(self.checks.findings),
        }
