"""When jobs of exchange data begin, and what is shown of them; in a task of its own: no takeover waits for it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.daily import Daily, age_ms, know
from redundancyd.adapters.data_files import Auto, DataFiles, LoadBegun
from redundancyd.adapters.journal import Level, record
from redundancyd.chronicle import alarm_changes
from redundancyd.config import Config
from redundancyd.core.alarms import Alarm
from redundancyd.core.data_alarms import Held, data_alarms
from redundancyd.core.data_job import Step
from redundancyd.core.effects import Load, Refuse
from redundancyd.core.events import Event
from redundancyd.core.findings import Kind
from redundancyd.core.mirrors import Condition, Mirror, newest
from redundancyd.core.state import State
from redundancyd.data_page import held_page, mirror_pages, page
from redundancyd.data_steps import Steps
from redundancyd.data_work import DataJob
from redundancyd.errors import NotSaved, RedundancyError
from redundancyd.requests import (
    DataCopy,
    DataLoad,
    DataRequest,
    DataVerify,
    Done,
    Problem,
    SetAuto,
    TranslationRequest,
)
from redundancyd.translation_desk import TranslationDesk

BEGIN_MS = 1000
"""How long a start waits for what an earlier run left behind: supervision must not wait for a disk that hangs"""
LOOK_AT_DISK = "Look at the disk of the state folder: dmesg, and the storage behind it; then ask again."
SLICE_MS = 15_000
"""No sleep is longer: the wall clock may be set at any time, and a loop's timer stands still in a suspended machine"""
TOLD_EVERY_MS = 2000
AUTOMATIC = DataLoad(None, copy=True)
"""What is done once a day"""


class DataRunner:
    """Begins jobs when they are due or asked for, one at a time."""

    def __init__(
        self, config: Config, clock: Clock, host: str, post: Callable[[Event], None], steps: Steps | None = None
    ) -> None:
        self._config, self._clock, self._host = config, clock, host
        self._files = DataFiles(Path(config.daemon.state_folder), clock)
        self._desk = TranslationDesk(config)
        self._steps = steps or Steps(config, clock, self._desk)
        self._job = DataJob(self._steps, self._files, clock, post, self._desk.take)
        self._auto: Auto | None = None
        self._resuming: LoadBegun | None = None
        self._has_read = False
        self._started_at = clock.wall_ms()
        self._start = clock.now()
        self._asked: asyncio.Queue[DataRequest] = asyncio.Queue(maxsize=1)
        self._mirrors: tuple[Mirror, ...] = ()
        self._verifying = False
        self._told: Mapping[str, Alarm] = {}
        self._told_at = self._start
        self._unseen = ""
        """the stamp of a mirror that could not be looked through"""

    async def begin(self) -> None:
        """Read what an earlier run left behind; a load that it began is the first thing the decision hears of.

        Where the disk does not give it soon, `run` goes on asking, and until then no job begins.
        """
        try:
            async with asyncio.timeout(BEGIN_MS / 1000):
                await self._read()
                await self._desk.refresh()
        except (NotSaved, TimeoutError) as error:
            if not self._has_read:
                record("data_state_unread", level="error", why=str(error) or f"no answer within {BEGIN_MS} ms")

    async def _read(self) -> None:
        await asyncio.to_thread(know, self._config.exchange_data.timezone)
        kept = await self._files.read()
        self._has_read, self._auto, self._resuming = True, kept.auto, kept.load
        watched_since = kept.past.watched_since or (self._started_at if self.daily() else None)
        self._job.past = replace(kept.past, watched_since=watched_since)
        if kept.load is not None:
            self._job.found(kept.load)

    async def _read_late(self) -> None:
        while not self._has_read:
            try:
                await self._read()
            except NotSaved:  # said at the beginning
                await asyncio.sleep(BEGIN_MS / 1000)
            else:
                record("data_state_read", level="notice")

    async def run(self) -> None:
        """Jobs when they are due or asked for, until it is cancelled; a mistake of ours in one ends that one alone."""
        await self._read_late()
        await self._look_at_mirrors()  # shown while we wait
        if self._resuming is not None:
            await self._guarded(self._job.resume(self._resuming))
        while True:
            await self._look_at_mirrors()
            await self._guarded(self._look_through_newest())
            if self._steps.layouts.is_due():
                await self._guarded(self._steps.layouts.look())
            request = self._due()
            if request is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SLICE_MS / 1000):
                        request = await self._asked.get()
            if isinstance(request, DataVerify):
                await self._guarded(self._verify(request))
            elif isinstance(request, DataCopy | DataLoad):
                await self._guarded(self._job.run(request))

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the decision must not end with a job
            record("data_job_failed", level="error", exc_info=error)

    # --- what the daemon tells us ---

    def see(self, state: State) -> None:
        """Each new state of the decision."""
        self._job.see(state)
        if self._clock.now() - self._told_at >= TOLD_EVERY_MS:
            self._tell_alarms()

    def _tell_alarms(self) -> None:
        """The journal hears of alarms that come and go; some do by the time of day alone."""
        stand = {alarm.handle: alarm for alarm in self.alarms()}
        for change in alarm_changes(self._told, stand):
            record(change.event, level=change.level, **change.fields)
        self._told, self._told_at = stand, self._clock.now()

    def granted(self, effect: Load) -> None:
        """The decision lets a load begin."""
        self._job.permit.granted(effect)

    def refused(self, refuse: Refuse) -> bool:
        """The decision refused something; whether it was a load of ours."""
        return self._job.permit.refused(refuse)

    async def act(self, request: DataRequest) -> Done | Problem:
        """Begin what an operator asks for, or say why not; how it ends is on the status page."""
        if isinstance(request, TranslationRequest):
            return await self._desk.act(request)
        if not self._has_read:
            return Problem("not_now", "the disk has not said yet what the last run left behind", LOOK_AT_DISK)
        if isinstance(request, SetAuto):
            return await self._set_auto(request)
        if self._is_busy():
            return Problem("under_way", f"exchange data: {self._doing()}", "Watch it with 'redundancyctl data list'.")
        if not isinstance(request, DataVerify) and (why := self._job.hindrance()):
            return Problem("not_now", why, "Ask again when the primary is active and answers.")
        if not isinstance(request, DataCopy) and (problem := await self._mirror_lacks(request)):
            return problem
        try:
            self._asked.put_nowait(request)
        except asyncio.QueueFull:
            return Problem("under_way", "another job was asked for", "Ask again when it has ended.")
        return Done("begun; 'redundancyctl data list' shows how it goes")

    async def _mirror_lacks(self, request: DataLoad | DataVerify) -> Problem | None:
        """Why there is no mirror to do that with; None when there is."""
        try:
            mirrors = await self._steps.store.look()
        except RedundancyError as error:
            return Problem("not_saved", f"{error.tried}: {error.came_back}", error.remedy)
        fitting = _complete(mirrors) if isinstance(request, DataVerify) else [each for each in mirrors if each.is_whole]
        what = "mirror" if isinstance(request, DataVerify) else "whole mirror"
        if request.stamp is not None and request.stamp not in {mirror.stamp for mirror in fitting}:
            return Problem("no_such_mirror", f"no {what} {request.stamp}", "See 'redundancyctl data list'.")
        if not fitting:
            return Problem("no_such_mirror", f"no {what} is there", "Make one: 'redundancyctl data copy'.")
        return None

    def _is_busy(self) -> bool:
        return self._verifying or self._job.step is not Step.RESTING or self._asked.full()

    def _doing(self) -> str:
        return "verifying" if self._verifying else str(self._job.step)

    async def _set_auto(self, request: SetAuto) -> Done | Problem:
        auto = Auto(request.at)
        try:
            await self._files.save_auto(auto)
        except NotSaved as error:
            return Problem("not_saved", str(error), "Free or repair the disk of the state folder, then ask again.")
        self._auto = auto
        daily = self.daily()
        return Done(f"exchange data is copied and loaded daily at {daily}" if daily else "no automatic copy any more")

    # --- what is shown ---

    def daily(self) -> Daily | None:
        """The time of day of the automatic job: the operator's, else that of the settings."""
        settings = self._config.exchange_data
        at = self._auto.at if self._auto is not None else settings.auto
        return None if at is None else Daily(*at, settings.timezone)

    def page(self) -> dict[str, Any]:
        """The part of the status page."""
        job = self._job
        doing = {"step": self._doing(), "stamp": job.stamp or None, "exchange": job.exchange or None}
        daily, now = self.daily(), self._clock.wall_ms()
        shown = page(doing, job.progress, job.past, daily, self._again_at(now), now)
        held = held_page(self._held())
        shown |= {"layout": self._steps.layouts.page()}
        return {**shown, **held, "mirrors": mirror_pages(self.mirrors()), "newest_age_ms": self._age_ms()}

    def translation(self) -> dict[str, Any]:
        """The translation table, and the addresses of the newest mirror."""
        return {**self._desk.page(), **held_page(self._held())}

    def mirrors(self) -> tuple[Mirror, ...]:
        """The mirrors as they were last looked at."""
        return self._mirrors

    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms of exchange data that stand."""
        limit = self._config.exchange_data.max_age
        return data_alarms(self._job.past, self._clock.wall_ms(), self._age_ms(), limit, self._held())

    def _held(self) -> Held:
        """What holds back the next load."""
        desk = self._desk
        missing = desk.told(Kind.MISSING) if desk.has_seen else self._job.past.missing  # what the last run knew
        return Held(missing, desk.told(Kind.NEW), self._steps.layouts.found, desk.unread)

    def _age_ms(self) -> int | None:
        found = newest(self._mirrors)
        zone = self._config.exchange_data.timezone
        return None if found is None else age_ms(found.stamp, self._clock.wall_ms(), zone)

    # --- when ---

    def _due(self) -> DataRequest | None:
        now, daily = self._clock.wall_ms(), self.daily()
        if not self._asked.empty():
            return self._asked.get_nowait()
        since_ms = self._clock.now() - self._start
        started_at = min(self._started_at, now - since_ms)  # a clock that was ahead then has been set back since
        if daily is not None and daily.is_due(now, self._job.past.attempt_at, started_at, self._host):
            return AUTOMATIC
        again_at = self._again_at(now)
        return (self._job.request or AUTOMATIC) if again_at is not None and now >= again_at else None

    def _again_at(self, now: int) -> int | None:
        """When what was asked for last, or by the day, is tried again; None when it is not."""
        is_known = self._job.request is not None or self.daily() is not None
        return self._job.past.retry_at(now) if is_known else None

    async def _look_at_mirrors(self) -> None:
        try:
            self._mirrors = await self._steps.store.look()
        except RedundancyError as error:
            record("mirrors_unread", level="warning", why=str(error))

    async def _look_through_newest(self) -> None:
        """The addresses of the newest mirror are listed, whoever copied it, and whether or not it is ever loaded."""
        await self._desk.refresh()
        found = newest(self._mirrors)
        if found is None or found.stamp == self._unseen or not await self._desk.is_to_be_seen(found.stamp):
            return
        try:
            await self._desk.take(await self._steps.look_through(found))
        except RedundancyError as error:
            self._unseen = found.stamp
            record("mirror_not_looked_through", level="warning", stamp=found.stamp, why=str(error))

    async def _verify(self, request: DataVerify) -> None:
        """Read every byte of the mirrors."""
        self._verifying = True
        try:
            await self._verify_each(request)
        finally:
            self._verifying = False

    async def _verify_each(self, request: DataVerify) -> None:
        stamps = [mirror.stamp for mirror in _complete(self._mirrors) if request.stamp in {None, mirror.stamp}]
        sound = 0
        for stamp in stamps:
            try:
                found = await self._steps.store.verify(stamp)
            except RedundancyError as error:
                record("mirror_unverified", level="error", stamp=stamp, why=str(error))
                continue
            sound += found.is_whole
            level: Level = "notice" if found.is_whole else "error"
            record("mirror_verified", level=level, stamp=stamp, condition=found.condition, why=found.detail or None)
        record("mirrors_verified", level="info" if sound == len(stamps) else "error", whole=sound, of=len(stamps))


def _complete(mirrors: Iterable[Mirror]) -> list[Mirror]:
    """Those that were whole once."""
    return [mirror for mirror in mirrors if mirror.condition is not Condition.INCOMING]
