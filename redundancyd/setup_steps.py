"""What each step of `configure` does, and how it is undone; it raises what went wrong, and decides nothing.

What a step is about to change is on the disk before it changes it, so that the next run of the daemon can undo it.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.data_files import DataFiles
from redundancyd.adapters.goal_file import StateFolder
from redundancyd.adapters.journal import Level, record
from redundancyd.adapters.progress import Progress
from redundancyd.adapters.setup_file import LAYOUT
from redundancyd.adapters.table_file import SavedTable
from redundancyd.core.address_list import Seen
from redundancyd.core.data_job import Past
from redundancyd.core.mirrors import Mirror
from redundancyd.core.prerequisites import looked_again
from redundancyd.core.setup_plan import (
    Undo,
    first_number,
    is_let_through,
    is_overtaken,
    needs,
    to_block,
    undo,
    undone,
)
from redundancyd.core.site import Begun, Setup, Site
from redundancyd.core.systems import Goal, Kind, Server, Status, Supervisor, System, Word
from redundancyd.core.table_text import without_hints
from redundancyd.data_steps import Steps, Translation
from redundancyd.errors import FarDataRefused, NotSaved, RedundancyError, RequestRefused, TranslationFailed
from redundancyd.requests import Configure
from redundancyd.setup_beside import beside_the_primary
from redundancyd.setup_foreign import FOREIGN, confirmed, new_in
from redundancyd.setup_lims import SetupLims

BUSY = "busy"
TOLD_MAX = 20
Running = Callable[[str, int], None]


class SetupSteps:
    """The steps over the real LIMs and files of a site; `setup` is what the disk has."""

    def __init__(
        self,
        channels: Mapping[Server, Channel],
        folder: StateFolder,
        files: DataFiles,
        clock: Clock,
        us: Supervisor,
        setup: Setup,
    ) -> None:
        self.setup = setup
        self._told: dict[str, dict[str, str]] = {}
        self._writing: asyncio.Task[None] | None = None
        """the pair on its way to the disk"""
        self.seen: Seen | None = None
        """what was found last in the primary's data"""
        self._channels, self._folder, self._files, self._clock, self._us = channels, folder, files, clock, us
        self._lims = SetupLims(channels, us, self._tell_of_another)

    async def save(self, setup: Setup) -> None:
        """On disk when it returns; NotSaved if not."""
        await self._folder.setup.save(setup)
        self.setup = setup

    async def _note(self, begun: Begun) -> None:
        await self.save(replace(self.setup, begun=begun))

    @property
    def begun(self) -> Begun:
        """What may have to be undone."""
        return self.setup.begun or Begun()

    @property
    def is_pair(self) -> bool:
        """Whether the disk knows the pair, or is about to: nothing is undone any more."""
        return self.setup.site is not None or (self._writing is not None and not self._writing.done())

    # --- forwards ---

    async def copy(self, steps: Steps, tell: Callable[[Progress], None]) -> Mirror:
        """The primary's current backup as a whole mirror."""
        return await steps.pull(tell)

    async def translate(self, steps: Steps, mirror: Mirror, asked: Configure) -> tuple[Translation, bool]:
        """The mirror translated by the table that was given, and whether foreign addresses had to be accepted."""
        if not self.begun.table:
            await self._folder.setup.keep_table()  # what an earlier one left beside is not what stands there now
            await self._note(replace(self.begun, table=True))
        table = await self._table(asked)
        await self._folder.setup.write_table(table)
        made = await steps.translate(mirror)
        self.seen = made.seen or self.seen
        if made.missing:
            why = f"own addresses that the table does not translate: {'; '.join(made.missing[:TOLD_MAX])}"
            remedy = (
                "Add a line for each of them, by 'redundancyctl settings translation edit' or in the file of "
                "--translation, and configure again."
            )
            raise RequestRefused("translating the primary's data", why, remedy)
        if made.unconfirmed and FOREIGN not in asked.accept:
            told = "; ".join(made.unconfirmed[:TOLD_MAX])
            remedy = (
                f"Those that the alternate may use as they are: --accept {FOREIGN} confirms them; for the others add "
                "a line to the file of --translation."
            )
            raise RequestRefused("translating the primary's data", f"foreign addresses: {told}", remedy)
        if not made.unconfirmed:
            return made, False
        await self._folder.setup.write_table(replace(table, confirmed=table.confirmed | new_in(made)))
        return confirmed(made), True

    async def _table(self, asked: Configure) -> SavedTable:
        """What was given, or what was saved last; the confirmations stay."""
        try:
            saved = await self._folder.setup.read_table()
        except TranslationFailed:
            if asked.translation is None:
                raise
            saved = SavedTable()  # what can't be read any more is what a new one mends
        return saved if asked.translation is None else replace(saved, text=without_hints(asked.translation))

    async def _look_again(self, tried: str) -> dict[Server, Status]:
        """What each LIM says: the primary carries the traffic still, and nobody else orders; it is a while ago."""
        status = await self._lims.look()
        if lacking := looked_again(status, self._us):
            first = lacking[0]
            raise RequestRefused(tried, f"{first.name}: {'; '.join(first.found)}", first.remedy)
        return status

    async def block(self) -> None:
        """Every LIM of the alternate is blocked when this returns; those that were so already are not touched."""
        status = await self._look_again("blocking the alternate")
        number = first_number(status.values())
        targets = to_block(self._channels, status)
        await self._note(replace(self.begun, number=number, blocked=tuple(server.name for server in targets)))
        await self._lims.each(targets, partial(self._lims.order, Word.BLOCK, number))

    async def load(self, steps: Steps, made: Translation, running: Running) -> None:
        """The alternate runs the mirror when this returns."""
        await steps.check_versions(made.version)
        stamp, behind = await beside_the_primary(self._channels, self._clock, steps.send(made))
        await self._look_again("loading the alternate")
        before = (await steps.own_backups()).current or ""
        await self._note(replace(self.begun, loading=True, before=before))
        await steps.load(stamp, running)
        past = Past(loaded=stamp, mirror=made.mirror.stamp, table=made.table, counts=made.counts, behind=behind)
        await self._files.save_past(past)

    async def start(self, site: Site) -> None:
        """The pair is configured when this returns."""
        await self._note(replace(self.begun, goal=True))
        await self._lims.listen(site.control)
        now = self._clock.now()
        goal = Goal(
            System.PRIMARY, self.begun.number, Kind.FORCED, by_operator=False, reason="configured", decided_at=now
        )
        await self._folder.setup.put_aside([LAYOUT])
        await self._folder.save(goal)
        self._writing = asyncio.create_task(self.save(self.setup.configured(site)))
        try:
            await asyncio.shield(self._writing)
        finally:  # who ends us waits: nobody may undo what is half on its way to the disk
            await asyncio.wait({self._writing})
        try:
            await self._folder.setup.keep_table()
        except NotSaved as error:  # the next `configure` forgets it before it begins
            record("old_table_stays", level="warning", why=str(error))

    # --- backwards ---

    async def undo(self, steps: Steps, running: Running) -> None:
        """Everything is as before when this returns; it raises what is not so yet, and may be called again.

        One that fails holds back none that does not need it: neither a lost primary nor our own disk may keep the
        alternate blocked.
        """
        failed: dict[Undo, RedundancyError] = {}
        errors: list[RedundancyError] = []
        for what in undo(self.begun):
            if needs(what) in failed:
                continue
            self._tell("setup_undoing", "notice", str(what), what=what)
            try:
                await self._undo(what, steps, running)
                await self._note(undone(self.begun, what))
            except NotSaved as error:
                errors.append(error)
            except RedundancyError as error:
                failed[what] = error
                errors.append(error)
        if errors:
            raise errors[0]
        await self.save(replace(self.setup, begun=None))
        self._told.clear()

    def _tell(self, event: str, level: Level, key: str, **fields: str) -> None:
        """Write it when it is news: what does not work is tried again every few seconds."""
        if self._told.get(key) != fields:
            self._told[key] = fields
            record(event, level=level, **fields)

    def _tell_of_another(self, server: Server, why: str) -> None:
        self._tell("order_of_another", "warning", server.name, server=server.name, why=why)

    async def _undo(self, what: Undo, steps: Steps, running: Running) -> None:
        match what:
            case Undo.GOAL:
                await self._folder.setup.put_aside(["goal"])
                await self._lims.listen(())
            case Undo.DATA:
                await self._until_loaded(steps, running)
                if measure := await steps.loader.measure():
                    raise FarDataRefused("rolling the alternate back", f"its exchange is at: {measure}", word=BUSY)
                if ((await steps.own_backups()).current or "") != self.begun.before:
                    await steps.rollback(running)
                await self._folder.setup.put_aside(["data-job"])
            case Undo.TRAFFIC:
                names = self.begun.blocked
                servers = tuple(server for server in self._channels if server.name in names)
                await self._lims.each(servers, partial(self._lims.release, self.begun.number + 1))
            case Undo.TABLE:
                await self._folder.setup.restore_table()

    async def _until_loaded(self, steps: Steps, running: Running) -> None:
        """A load goes on when nobody waits for it any more, and its backup may become valid after we have looked."""
        try:
            await steps.last_load(running)
        except FarDataRefused as error:
            if error.word == BUSY:
                raise

    # --- what `remove` has left to do ---

    async def finish_removal(self) -> None:
        """The state goes aside, and each LIM in reach forgets the last order; those out of reach are tried again."""
        if self.setup.aside:
            await self._folder.setup.put_aside()
            await self.save(replace(self.setup, aside=False))
        left = [server for server, channel in self._channels.items() if self._is_left(server) and channel.connected]
        answered = await self._lims.answered() if left else {}
        for server in left:
            try:
                await self._complete(server, answered)
                await self._lims.forget(server)
            except RedundancyError as error:
                self._tell("lim_not_disarmed", "warning", server.name, server=server.name, why=str(error))
                continue
            record("lim_disarmed", level="notice", server=server.name)
            await self.save(replace(self.setup, disarm=tuple(set(self.setup.disarm) - {server.name})))

    async def _complete(self, server: Server, answered: dict[Server, Status]) -> None:
        """The last takeover, on a server that was out of reach until now; the rules of all others stay."""
        number = self.setup.number
        if server not in answered or not self._us.is_own(answered[server].supervisor):
            return
        if is_let_through(server, number, self._channels, answered):
            word = Word.ALLOW
        elif is_overtaken(server, number, answered):
            word = Word.BLOCK
        else:
            return
        record("takeover_completed", level="notice", server=server.name, takeover=number, word=str(word))
        await self._lims.order(word, number, server)

    def _is_left(self, server: Server) -> bool:
        return server.name in self.setup.disarm
