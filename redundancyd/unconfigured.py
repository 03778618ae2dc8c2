"""A life of the daemon that supervises nobody: it serves the socket, looks at the LIMs, and waits for `configure`.

It orders nothing by itself, but for what undoes a configuration that was broken off, or ends a supervision.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from redundancyd import __version__, config
from redundancyd.actions import Action
from redundancyd.adapters import journal, traffic
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.goal_file import Saved, StateFolder
from redundancyd.api import Api
from redundancyd.core import seen
from redundancyd.core.events import ChannelLost, Connected
from redundancyd.core.preview import Preview, traffic_lines
from redundancyd.core.setup_plan import configure_preview
from redundancyd.core.state import State, first_state
from redundancyd.core.systems import Server, Status
from redundancyd.daemon import FEED_EVERY_MS, Ending, Outside
from redundancyd.errors import OutOfReach
from redundancyd.records import Line, Subscription
from redundancyd.requests import Configure, Done, Problem, Remove, Request, SetFallback
from redundancyd.setup_page import NOT_CONFIGURED, preview_page
from redundancyd.setup_runner import UNDER_WAY, SetupRunner
from redundancyd.status import About
from redundancyd.status import status as status_page

LOOK_MS = 3000
LATE_MS = 3000
REFUSED = Problem(
    "not_configured",
    "nothing is configured, so there is no supervision to act on",
    "Make a pair first: redundancyctl configure.",
)
UNDOABLE = f"{REFUSED.detail}.  {REFUSED.remedy}"
UNDONE = ("stop the configuration that is under way, and undo it",)


class _Ended(Exception):
    """Ends the task group of this life, and all its tasks with it."""


class Unconfigured:
    """One life without a pair."""

    def __init__(self, settings: config.Config, saved: Saved, folder: StateFolder, outside: Outside) -> None:
        self._config, self._clock, self._notify, self._records = (
            settings,
            outside.clock,
            outside.notify,
            outside.records,
        )
        self._outside = outside
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._started_at = self._fed_at = self._clock.now()
        methods = saved.methods or settings.methods()
        self._state = first_state(settings.core_settings(), saved.supervisor, methods, None, None, self._started_at)
        self._channels: Mapping[Server, Channel] = outside.channels(settings, outside.clock)
        self._runner = SetupRunner(settings, outside.clock, saved, folder, self._channels, self._configured)

    async def run(self) -> Ending:
        """Serve the socket until a signal says otherwise, or a pair is configured."""
        place = self._config.socket
        async with Api(self, place.path, place.group, version=__version__, listen=self._outside.listen):
            try:
                async with asyncio.TaskGroup() as tasks:
                    for channel in self._channels.values():
                        tasks.create_task(channel.run(self._post), name=f"channel {channel.server.name}")
                        tasks.create_task(self._look_on(channel), name=f"looks at {channel.server.name}")
                    tasks.create_task(self._runner.run(), name="setup")
                    tasks.create_task(self._feed(), name="watchdog")
                    journal.record("daemon_unconfigured", level="notice", version=__version__, why=NOT_CONFIGURED)
                    self._notify.ready("not configured")
                    await self._until_ended()
            except* _Ended:
                pass
        return self._ending.result()

    async def _until_ended(self) -> NoReturn:
        ending = await self._ending
        journal.record("daemon_stopping", level="notice", why=ending.name.lower())
        raise _Ended

    def end(self, ending: Ending) -> None:
        """Stop; a configuration under way is undone by the next run."""
        if not self._ending.done():
            self._ending.set_result(ending)

    def _configured(self) -> None:
        self.end(Ending.SETUP)

    # --- looking ---

    def _post(self, event: Connected | ChannelLost) -> None:
        match event:
            case Connected(server=server, at=at):
                self._see(server, connected=True, fresh=False, unreached="", contact_at=at, heard_at=at)
                self._runner.connected()
            case ChannelLost(server=server, why=why):
                self._see(server, connected=False, fresh=False, unreached=why)

    async def _look_on(self, channel: Channel) -> None:
        """Look at one LIM every few seconds; what it says is shown, and nothing follows from it."""
        while True:
            if channel.connected:
                try:
                    said = await traffic.look(channel, LOOK_MS)
                except OutOfReach as error:
                    self._see(channel.server, deaf=True, unreached=error.came_back)
                else:
                    now = self._clock.now()
                    if isinstance(said, Status):
                        self._see(
                            channel.server, status=said, fresh=True, deaf=False, unread="", contact_at=now, heard_at=now
                        )
                    else:
                        self._see(channel.server, unread=f"{said.error}: {said.detail}", contact_at=now, heard_at=now)
            else:
                self._see(channel.server, connected=False, unreached=channel.why)
            pause_ms = self._config.takeover.look_interval_ms if channel.connected else FEED_EVERY_MS
            await self._clock.sleep_until(self._clock.now() + pause_ms)

    def _see(self, server: Server, **changes: Any) -> None:  # noqa: ANN401 - fields of a view
        views = seen.update(self._state.views, server, lambda view: replace(view, **changes))
        self._state = replace(self._state, views=views, now=self._clock.now())

    async def _feed(self) -> NoReturn:
        while True:
            self._fed_at = self._clock.now()
            self._state = replace(self._state, now=self._fed_at)
            self._notify.watchdog()
            await self._clock.sleep_until(self._fed_at + FEED_EVERY_MS)

    # --- what the socket asks of us ---

    def state(self) -> State:
        """What is known of the LIMs; no decision was ever made of it."""
        return self._state

    def status(self) -> dict[str, Any]:
        """The status page, with what to do."""
        now = self._clock.now()
        page = status_page(self._state, About(__version__, self._started_at), now)
        told = {"configured": False, "setup": self._runner.page(), "alarms": [], "would_go_wrong": [NOT_CONFIGURED]}
        return {**page, **told, "awaits_operator": False}

    def configuration(self) -> dict[str, Any]:
        """The settings in force."""
        return self._config.model_dump(mode="json")

    def mirrors(self) -> list[dict[str, Any]]:
        """Nobody looks after mirrors before a pair is configured."""
        return []

    def translation(self) -> dict[str, Any]:
        """The translation table that is saved."""
        return self._runner.translation()

    async def preview(self, request: Request) -> dict[str, Any]:
        """What `configure` would do, with every prerequisite found out now."""
        now = traffic_lines(self._state)
        if not isinstance(request, Configure):
            refused = "" if isinstance(request, Remove) and self._is_undoable() else UNDOABLE
            return preview_page(Preview(now, UNDONE if not refused else (), now, refused))
        if self._runner.is_busy():  # what is found now would be what the one under way does
            return preview_page(Preview(now, (), now, f"{UNDER_WAY.detail}.  {UNDER_WAY.remedy}"))
        found = await self._runner.check(request)
        return preview_page(configure_preview(self._state, found), found)

    def _is_undoable(self) -> bool:
        return self._runner.is_busy() or self._runner.setup.begun is not None

    async def act(self, action: Action, request: Request, who: str) -> Done | Problem:
        """Do what an operator asks, or say why not."""
        match request:
            case Configure():
                answer = await self._runner.configure(request)
            case Remove():
                answer = self._runner.stop()
            case SetFallback(fallback):
                answer = await self._runner.set_fallback(fallback)
            case _:
                answer = REFUSED
        told = {"action": action.name, "who": who, "answer": answer.detail, "done": isinstance(answer, Done)}
        journal.record("operator_asked", level="notice", **told)
        return answer

    def records(self, since: int) -> list[Line]:
        """The latest lines of the journal after this one."""
        return self._records.since(since)

    def subscribe(self) -> Subscription:
        """What is written to the journal from now on."""
        return self._records.subscribe()

    def health(self) -> list[str]:
        """Why the loop is not well; nothing when it is."""
        late_ms = self._clock.now() - self._fed_at
        return [f"the loop is {late_ms} ms late"] if late_ms > LATE_MS else []
