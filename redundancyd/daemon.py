"""The corridor between the core and the world: take an event, step, write the rows, perform, set one timer.

No decision is made here.  A failure of any task reaches the top and ends the daemon; systemd starts it again, and a
start is the ordinary way to begin.  Stopping happens between two effects and leaves traffic as it is.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, NoReturn

from redundancyd import __version__, config
from redundancyd.actions import Action
from redundancyd.adapters import journal, ssh
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.goal_file import Saved, StateFolder
from redundancyd.adapters.notify import Notify
from redundancyd.adapters.perform import Perform
from redundancyd.adapters.probes import Beats
from redundancyd.api import Api
from redundancyd.chronicle import Chronicle
from redundancyd.core import decision
from redundancyd.core.effects import Load, Refuse, SaveGoal
from redundancyd.core.events import Beat, Event, GoalNotSaved, GoalSaved, LoadEnded, Woke
from redundancyd.core.preview import Preview, traffic_lines
from redundancyd.core.setup_plan import remove_preview, remove_refusal
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Server
from redundancyd.data_page import mirror_pages
from redundancyd.data_runner import DataRunner
from redundancyd.errors import NotSaved
from redundancyd.exchange_alarms import ExchangeAlarms
from redundancyd.health import why_unwell
from redundancyd.listening import Listening
from redundancyd.orders import Orders
from redundancyd.records import Line, Records, Subscription
from redundancyd.requests import Configure, DataRequest, Done, Problem, Remove, Request
from redundancyd.setup_page import preview_page
from redundancyd.socket_file import Listen, SocketFile
from redundancyd.status import About
from redundancyd.status import status as status_page

FEED_EVERY_MS = 1000
"""How often the loop comes round at least, and the watchdog is fed at most."""

GRACE_S = 3
"""How long the disk may take when the daemon stops."""

CONFIGURED = Problem("configured", "a pair is configured already", "End it first: redundancyctl remove.")
NO_DATA = Problem("no_data", "this daemon has nothing to do with exchange data")
UNDER_WAY = {Phase.SAVING, Phase.BLOCKING, Phase.ALLOWING}


class Ending(Enum):
    """Why the daemon came to its end."""

    STOP = auto()
    RELOAD = auto()
    SETUP = auto()  # a pair was configured, or removed


@dataclass(frozen=True, slots=True)
class Outside:
    """What is the same in every life of the process."""

    clock: Clock
    notify: Notify
    records: Records
    channels: Callable[[config.Config, Clock], Mapping[Server, Channel]] = ssh.make_channels
    beats: Callable[[config.Config, Clock], Beats] = Beats
    listen: Listen = SocketFile.take
    data: Callable[[config.Config, Clock, str, Callable[[Event], None]], DataRunner] | None = DataRunner
    exchange_alarms: Callable[[config.Config, Mapping[Server, Channel], Clock], ExchangeAlarms] | None = ExchangeAlarms


class _Ended(Exception):
    """Ends the task group of a life, and all its tasks with it."""


class Daemon:
    """One life of the daemon, from a settings file to a signal."""

    def __init__(self, settings: config.Config, saved: Saved, folder: StateFolder, outside: Outside) -> None:
        self._config, self._folder, self._us, self._saved = settings, folder, saved.supervisor, saved
        self._clock, self._notify, self._records = outside.clock, outside.notify, outside.records
        self._outside = outside
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._rested = asyncio.Event()
        self._chronicle = Chronicle()
        self._late_ms = self._fed_at = 0
        self._started_at = self._beat_at = self._clock.now()
        self._beats: deque[Beat] = deque(maxlen=settings.heartbeat.missed)
        wanted = saved.methods or settings.methods()
        self._orders = Orders(self.post, self._clock.now, wanted, folder, settings.servers(), saved.fallback)
        self._first = decision.start(
            settings.core_settings(), saved.supervisor, self._orders.methods, saved.goal, saved.pause, self._started_at
        )
        self._state: State = replace(self._first.state, goal_unsaved=saved.goal_unsaved)
        make = outside.data
        self._exchange_alarms: ExchangeAlarms | None = None
        self._data = None if make is None else make(settings, self._clock, saved.supervisor.id, self.post)

    async def run(self) -> Ending:
        """Supervise until a signal says otherwise."""
        channels = self._outside.channels(self._config, self._clock)
        beats = self._outside.beats(self._config, self._clock)
        place = self._config.socket
        if self._data is not None:
            await self._data.begin()
        async with Api(self, place.path, place.group, version=__version__, listen=self._outside.listen):
            try:
                async with asyncio.TaskGroup() as tasks:
                    self._perform = Perform(channels, self._folder, self._clock, self.post, self._config, tasks)
                    for channel in channels.values():
                        tasks.create_task(channel.run(self.post), name=f"channel {channel.server.name}")
                    tasks.create_task(beats.run(self.post), name="beats")
                    if self._data is not None:
                        tasks.create_task(self._data.run(), name="exchange data")
                    if self._outside.exchange_alarms is not None:
                        self._exchange_alarms = self._outside.exchange_alarms(self._config, channels, self._clock)
                        tasks.create_task(self._exchange_alarms.run(self._rested.is_set), name="exchange alarms")
                    if (site := self._saved.setup.site) is not None:
                        listening = Listening(site.control, self._us, channels, self._clock)
                        tasks.create_task(listening.run(self._rested.is_set), name="listening")
                    self._effects(self._first)
                    tasks.create_task(self._corridor(), name="corridor")
                    name = self._us.name
                    journal.record("daemon_started", level="notice", version=__version__, supervisor=name)
                    self._notify.ready("supervising")
                    await self._until_ended()
            except* _Ended:
                pass
        return self._ending.result()

    async def _until_ended(self) -> NoReturn:
        """Wait for the end, let what touches the disk finish, then end every task."""
        ending = await self._ending
        journal.record("daemon_stopping", level="notice", why=ending.name.lower())
        self._orders.close()  # no new ones; those whose goal is on its way to the disk are answered still
        takeover = self._config.takeover
        with contextlib.suppress(TimeoutError):  # a takeover under way is finished: stopped half way, both are blocked
            async with asyncio.timeout((takeover.block_deadline_ms + takeover.allow_deadline_ms) / 1000 + GRACE_S):
                await self._rested.wait()
        await self._perform.finish(GRACE_S)
        self._orders.give_up()
        raise _Ended

    def post(self, event: Event) -> None:
        """Put an event into the inbox."""
        self._inbox.put_nowait(event)

    def end(self, ending: Ending) -> None:
        """Stop between two effects."""
        if not self._ending.done():
            self._ending.set_result(ending)

    async def _corridor(self) -> None:
        """Take an event, step, write the rows, perform, set one timer; until it is cancelled."""
        while True:
            event = await self._next()
            now = self._clock.now()
            self._late_ms = now - event.at
            if isinstance(event, Beat):
                event = replace(event, at=now)  # one that lay in the inbox while we stood still is worth nothing
                self._beat_at = event.at
                self._beats.append(event)
            before, taken = self._state, decision.step(self._state, event)
            self._state = taken.state
            for record in self._chronicle.tell(before, event, taken):
                journal.record(record.event, level=record.level, **record.fields)
            if isinstance(event, GoalSaved | GoalNotSaved):
                self._orders.saved(event)
            self._effects(taken)
            if self._data is not None:
                self._data.see(self._state)
            self._note_rest()
            self._feed_watchdog()

    def left(self) -> Saved:
        """What the next life begins with: what counts now, whether the disk answers or not."""
        state = self._state
        goal = state.previous if state.phase is Phase.SAVING else state.before_change or state.goal
        methods = self._orders.chosen or self._saved.methods
        unsaved, setup = state.goal_unsaved, self._saved.setup
        return Saved(self._us, goal, methods, state.pause, self._orders.fallback, unsaved, setup)

    def _note_rest(self) -> None:
        """Whether this would be a good moment to stop."""
        if self._state.phase in UNDER_WAY:
            self._rested.clear()
        else:
            self._rested.set()

    async def _next(self) -> Event:
        """The next event, or Woke at the instant the core asked for."""
        if not self._inbox.empty():
            return self._inbox.get_nowait()
        left_ms = decision.wake_at(self._state) - self._clock.now()
        try:
            async with asyncio.timeout(min(max(left_ms, 0), FEED_EVERY_MS) / 1000):
                return await self._inbox.get()
        except TimeoutError:
            return Woke(self._clock.now())

    def _effects(self, taken: decision.Step) -> None:
        for effect in taken.effects:
            if isinstance(effect, Refuse):
                if self._data is None or not self._data.refused(effect):
                    self._orders.refused(effect)
                continue
            if isinstance(effect, Load):
                self._load(effect)
                continue
            if isinstance(effect, SaveGoal):
                self._orders.saving(effect)
            self._perform.start(effect, self._us)

    def _load(self, effect: Load) -> None:
        if self._data is not None:
            self._data.granted(effect)
        else:
            self.post(LoadEnded(effect.request, self._clock.now()))

    def _feed_watchdog(self) -> None:
        """Only the loop that decides feeds it, and only while beats come."""
        now = self._clock.now()
        if now - self._fed_at >= FEED_EVERY_MS and not self.health():
            self._fed_at = now
            self._notify.watchdog()

    # What the socket asks of us.

    def state(self) -> State:
        """The state as it is now."""
        return self._state

    def status(self) -> dict[str, Any]:
        """What the status page shows."""
        site = self._saved.setup.site
        page = status_page(self._state, self.about(), self._clock.now())
        said = {"cluster_fallback": self._orders.fallback, "accepted": [] if site is None else list(site.accepted)}
        return {**page, "configured": True, **said}

    def about(self) -> About:
        """What the state does not know of us."""
        orphan_hold_ms = self._config.takeover.orphan_hold
        data, alarms = (None, ()) if self._data is None else (self._data.page(), self._data.alarms())
        held = self._orders.alarms()
        theirs = None if self._exchange_alarms is None else self._alarms_of_exchanges(self._exchange_alarms, data)
        return About(__version__, self._started_at, tuple(self._beats), orphan_hold_ms, data, alarms, held, theirs)

    def _alarms_of_exchanges(self, read: ExchangeAlarms, data: dict[str, Any] | None) -> dict[str, Any] | None:
        active = None if self._state.goal is None else self._state.goal.active
        return read.page(active, self._clock.now(), loaded=data is not None and bool(data["loaded"]))

    def mirrors(self) -> list[dict[str, Any]]:
        """The copies of exchange data as they were last looked at."""
        return [] if self._data is None else mirror_pages(self._data.mirrors())

    def translation(self) -> dict[str, Any]:
        """The translation table, and the addresses of the newest mirror."""
        return {} if self._data is None else self._data.translation()

    def configuration(self) -> dict[str, Any]:
        """The settings in force."""
        return self._config.model_dump(mode="json")

    async def act(self, action: Action, request: Request, who: str) -> Done | Problem:
        """Do what an operator asks, or say why not."""
        answer: Done | Problem
        if isinstance(request, Configure):
            answer = CONFIGURED
        elif isinstance(request, Remove):
            answer = await self._remove()
        elif isinstance(request, DataRequest):
            answer = NO_DATA if self._data is None else await self._data.act(request)
        else:
            answer = await self._orders.act(request, who)
        told = {"action": action.name, "who": who, "answer": answer.detail, "done": isinstance(answer, Done)}
        journal.record("operator_asked", level="notice", **told)
        return answer

    async def _remove(self) -> Done | Problem:
        """End the supervision: from the instant it is on the disk nobody orders anything any more."""
        if why := remove_refusal(self._state):
            return Problem("under_way", why, "Watch it with 'redundancyctl events --follow'.")
        names, goal = tuple(server.name for server in self._state.settings.servers), self._state.goal
        setup = self._saved.setup.ended(names, 0 if goal is None else goal.number)
        try:
            await self._folder.setup.save(setup)
        except NotSaved as error:
            return Problem("not_saved", str(error), "Free or repair the disk of the state folder, then ask again.")
        self._saved = replace(self._saved, setup=setup)
        self.end(Ending.SETUP)
        return Done("the supervision has ended; traffic stays as it is")

    async def preview(self, request: Request) -> dict[str, Any]:
        """What would be done; manual takeovers are previewed by the core."""
        if isinstance(request, Remove):
            return preview_page(remove_preview(self._state))
        now = traffic_lines(self._state)
        return preview_page(Preview(now, (), now, f"{CONFIGURED.detail}.  {CONFIGURED.remedy}"))

    def records(self, since: int) -> list[Line]:
        """The latest lines of the journal after this one."""
        return self._records.since(since)

    def subscribe(self) -> Subscription:
        """What is written to the journal from now on."""
        return self._records.subscribe()

    def health(self) -> list[str]:
        """Why the loop is not well; nothing when it is."""
        return why_unwell(self._config.heartbeat, self._clock.now() - self._beat_at, self._late_ms)
