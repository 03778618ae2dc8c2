"""One job of exchange data: its walk through the table of core/data_job.py, each step in a task of its own.

It asks the decision before it loads, and answers it when a load has ended, whatever happened.  That a load is under way
is on disk before it begins, so the next start tells the decision first of all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from redundancyd import data_loads
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.data_files import DataFiles, LoadBegun
from redundancyd.adapters.journal import Level, record
from redundancyd.adapters.progress import Progress
from redundancyd.core import data_job
from redundancyd.core.address_list import Seen
from redundancyd.core.data_job import Ended, Past, Result, Step
from redundancyd.core.events import Event
from redundancyd.core.mirrors import Mirror, newest
from redundancyd.core.state import State
from redundancyd.core.systems import System
from redundancyd.data_loads import MOVING, Outcome
from redundancyd.data_steps import Steps, Translation
from redundancyd.errors import FarDataRefused, NotSaved, OutOfReach, RedundancyError
from redundancyd.load_permit import LoadPermit
from redundancyd.requests import DataCopy, DataLoad


class DataJob:
    """One job at a time; what earlier ones left behind is `past`."""

    def __init__(
        self,
        steps: Steps,
        files: DataFiles,
        clock: Clock,
        post: Callable[[Event], None],
        tell: Callable[[Seen], Awaitable[None]],
    ) -> None:
        self.past = Past()
        self.step = Step.RESTING
        self.request: DataCopy | DataLoad | None = None
        """what was asked for last in this run"""
        self.stamp = ""
        self.progress: Progress | None = None
        self.exchange = ""
        """what the exchange is at while it loads"""
        self.permit = LoadPermit(clock, post)
        self._steps, self._files, self._clock, self._tell = steps, files, clock, tell
        self._state: State | None = None
        self._task: asyncio.Task[Outcome] | None = None
        self._off = ""
        self._mirror: Mirror | None = None
        self._made: Translation | None = None
        self._begun: LoadBegun | None = None
        self._behind: tuple[str, ...] = ()  # servers that have not received what is to be loaded

    # --- what the decision says ---

    def see(self, state: State) -> None:
        """Each new state of the decision: what can be broken off is, as soon as a takeover is due."""
        self._state = state
        breakable = self._task is not None and self.step not in {Step.LOADING, Step.ROLLING_BACK}
        if breakable and not self._off and (why := data_job.hindrance(state)):
            self._off = why
            assert self._task is not None
            self._task.cancel()

    def hindrance(self) -> str:
        """Why no job may begin now; empty when it may."""
        return "nothing is known of the traffic yet" if self._state is None else data_job.hindrance(self._state)

    # --- the walk ---

    async def run(self, request: DataCopy | DataLoad) -> None:
        """A whole job."""
        self.request, self._mirror, self._made, self.stamp = request, None, None, ""
        self.past = self.past.begun(self._clock.wall_ms())
        await self._files.save_past(self.past)
        if why := self.hindrance():
            goal = self._state.goal if self._state is not None else None
            active = goal is not None and goal.active is System.ALTERNATE
            await self._finish("D00", Result.SKIPPED if active else Result.TRIED_AGAIN, why)
            return
        is_copied = isinstance(request, DataCopy) or request.copy
        await self._walk(Step.RESTING, Ended.BEGUN if is_copied else Ended.LOAD_ASKED, "")

    def found(self, begun: LoadBegun) -> None:
        """A load that an earlier run began: the first thing that the decision hears of."""
        self.permit.found(begun.until)

    async def resume(self, begun: LoadBegun) -> None:
        """Watch such a load to its end, or hear how it has ended; what failed meanwhile is rolled back."""
        self.stamp, self.step = begun.stamp, Step.LOADING
        self._behind = self.past.behind  # nobody knows better any more
        record("load_found", level="warning", stamp=begun.stamp)
        ended, why = await self._do(Step.LOADING, lambda: self._followed(begun, data_loads.hear))
        await self._walk(Step.LOADING, ended, why)

    async def _walk(self, step: Step, ended: Ended, why: str) -> None:
        stopped = False
        try:
            while (row := data_job.row(step, ended)).result is None:
                record("data_step", row=row.number, step=row.step, stamp=self.stamp or None, why=row.why, came=why)
                step = self.step = row.step
                ended, why = await self._begin(step)
            detail = f"{row.why}: {why}" if why else row.why
            await self._finish(row.number, row.result, detail)
        except asyncio.CancelledError:
            stopped = True  # a load that has begun goes on without us, and the next start hears of it
            raise
        finally:
            self.step, self.progress, self.exchange, self._off = Step.RESTING, None, "", ""
            if not stopped:
                await self._end_load()

    async def _end_load(self) -> None:
        """The decision hears that no load is under way any more, and so will the next start."""
        if self.permit.ended():
            await self._note_load(None)

    async def _note_load(self, begun: LoadBegun | None) -> None:
        """What the next start is to hear of; a disk that does not take it is told, and the older one is heard of."""
        try:
            await self._files.save_load(begun)
        except NotSaved as error:
            record("data_state_unsaved", level="error", why=str(error))

    async def _finish(self, number: str, result: Result, why: str) -> None:
        self.past = self.past.finished(result, why, self._clock.wall_ms())
        good = result in data_job.SUCCESS or result in data_job.AGAIN
        counts = self._made.counts if self._made is not None else None
        level: Level = "notice" if good else "error"
        told = {"result": result, "stamp": self.stamp or None, "why": why, "found": counts}
        record("data_job_ended", level=level, row=number, **told)
        await self._files.save_past(self.past)

    async def _begin(self, step: Step) -> Outcome:
        works: dict[Step, Callable[[], Awaitable[Outcome]]] = {
            Step.PULLING: self._pull,
            Step.KEEPING: self._keep,
            Step.TRANSLATING: self._translate,
            Step.SENDING: self._send,
            Step.ASKING: self._ask,
            Step.LOADING: self._load,
            Step.ROLLING_BACK: self._roll_back,
        }
        if self._off and step is not Step.ROLLING_BACK:
            return Ended.CALLED_OFF, self._off
        return await self._do(step, works[step])

    async def _do(self, step: Step, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """One step in a task of its own; its end as the table knows it."""
        task = self._task = asyncio.ensure_future(work())
        try:
            await asyncio.wait({task})
        finally:
            self._task = None
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return self._outcome(step, task)

    def _outcome(self, step: Step, task: "asyncio.Task[Outcome]") -> Outcome:
        if task.cancelled():
            return Ended.CALLED_OFF, self._off
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, OutOfReach) and (step, Ended.OUT_OF_REACH) in data_job.TABLE:
            return Ended.OUT_OF_REACH, str(error)
        if isinstance(error, FarDataRefused) and error.word in MOVING and (step, Ended.MOVED) in data_job.TABLE:
            return Ended.MOVED, str(error)
        if not isinstance(error, RedundancyError):
            record("data_step_failed", level="error", step=step, exc_info=error)
        is_enough = step is Step.KEEPING and isinstance(self.request, DataCopy)  # the copy itself is there
        return (Ended.ENOUGH if is_enough else Ended.FAILED), str(error) or repr(error)

    async def _pull(self) -> Outcome:
        def tell(progress: Progress) -> None:
            self.progress = progress

        await self._look_for_strange_data()
        had = {mirror.stamp for mirror in await self._steps.store.look() if mirror.is_whole}
        self._mirror = await self._steps.pull(tell)
        self.stamp, self.progress = self._mirror.stamp, None
        if isinstance(self.request, DataCopy):
            return (Ended.HAD if self.stamp in had else Ended.DONE), self.stamp
        is_loaded = self.past.runs(self.stamp, await self._steps.table_checksum())
        return (Ended.SAME if is_loaded else Ended.DONE), self.stamp

    async def _look_for_strange_data(self) -> None:
        """Whether somebody changed the alternate's data by hand since we loaded it; what a load broke, we did."""
        if not self.past.loaded or self.past.spoilt is Result.BROKEN:
            return
        with suppress(RedundancyError):
            found = await self._steps.own_backups()
            newer = found.current if found.current != self.past.loaded else ""
            self.past = replace(self.past, foreign=newer or "")

    async def _keep(self) -> Outcome:
        await self._steps.keep()
        return (Ended.ENOUGH if isinstance(self.request, DataCopy) else Ended.DONE), ""

    async def _translate(self) -> Outcome:
        if self._mirror is None:
            wanted = self.request.stamp if isinstance(self.request, DataLoad) else None
            mirrors = [mirror for mirror in await self._steps.store.look() if wanted in {None, mirror.stamp}]
            self._mirror = newest(mirrors)
            if self._mirror is None:
                return Ended.FAILED, "no whole mirror is there"
        self.stamp = self._mirror.stamp
        made = self._made = await self._steps.translate(self._mirror)
        self.past = replace(self.past, counts=made.counts, missing=made.missing)
        if made.seen is not None:
            await self._tell(made.seen)
        if made.missing:
            return Ended.OWN_MISSING, "; ".join(made.missing[:3])
        return (Ended.UNCONFIRMED, "; ".join(made.unconfirmed[:3])) if made.unconfirmed else (Ended.DONE, "")

    async def _send(self) -> Outcome:
        assert self._made is not None
        await self._steps.check_versions(self._made.version)
        if found := await self._steps.layouts.ask():
            return Ended.NOT_ALIKE, "; ".join(found[:3])
        self.stamp, self._behind = await self._steps.send(self._made)
        return Ended.DONE, ""

    async def _ask(self) -> Outcome:
        why = await self.permit.ask()
        return (Ended.NOT_GRANTED, why) if why else (Ended.DONE, "")

    async def _load(self) -> Outcome:
        assert self._made is not None
        begun = LoadBegun(self.stamp, self._made.mirror.stamp, self._made.table, self.permit.until)
        try:
            await self._files.save_load(begun)
        except NotSaved as error:
            return Ended.NOT_BEGUN, str(error)
        return await self._followed(begun, data_loads.watch)

    def _note_loaded(self, begun: LoadBegun) -> None:
        past = replace(self.past, loaded=begun.stamp, mirror=begun.mirror, table=begun.table)
        self.past = replace(past, foreign="", missing=(), behind=self._behind)

    async def _followed(self, begun: LoadBegun, follow: data_loads.Follow) -> Outcome:
        """How a load ends that may have begun."""
        self._begun = begun
        outcome = await follow(self._steps, self._clock, begun, self._running)
        if outcome[0] is Ended.DONE:
            self._note_loaded(begun)
        return outcome

    async def _roll_back(self) -> Outcome:
        """Load what ran before, in the time that a takeover waits for; a load that never began needs no way back."""
        if waits := "" if self._state is None else data_job.takeover_waits(self._state):
            left_ms = self.permit.until - self._clock.now()
            if waits == data_job.ACTIVE or left_ms < data_job.ROLLBACK_LEAST_MS:
                return Ended.CALLED_OFF, waits
        else:
            await self._go_on_until(self._clock.now() + self._steps.reload_deadline_ms)
        if await self._steps.has_begun(self.stamp, self._running):
            await self._steps.rollback(self._running)
        return Ended.DONE, ""

    async def _go_on_until(self, until: int) -> None:
        """A takeover that becomes due waits for this reload, too; so it does after a restart."""
        assert self._begun is not None
        self.permit.go_on_until(until)
        await self._note_load(replace(self._begun, until=until))

    def _running(self, what: str, seconds: int) -> None:
        self.exchange = f"{what}, {seconds} s"
