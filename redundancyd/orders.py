"""Requests of operators become events, and are answered once they are on disk or refused."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Protocol

from redundancyd.core.alarms import Alarm
from redundancyd.core.clusters import (
    FALLBACK_REMEDY,
    fallback_alarm,
    has_clusters,
    in_force,
    return_refusal,
)
from redundancyd.core.effects import Refuse, SaveGoal
from redundancyd.core.events import (
    Event,
    GoalNotSaved,
    GoalSaved,
    LatchAcknowledged,
    MethodSet,
    OperatorAdopted,
    OperatorAsked,
    OperatorConfirmed,
    PauseSet,
)
from redundancyd.core.systems import Direction, Fallback, Method, Methods, Pause, Server
from redundancyd.errors import NotSaved
from redundancyd.requests import (
    AcknowledgeAlarm,
    Adopt,
    ConfirmTakeover,
    Done,
    ManualTakeover,
    Problem,
    Resume,
    SetFallback,
    SetMethod,
    SetPause,
    TakeoverRequest,
)

ANSWER_WITHIN_S = 15
"""The disk has its own deadline, shorter than this; who waits longer waits for a mistake of ours."""

STOPPING = Problem("stopping", "the daemon is stopping", "ask again when it runs")
DISK_REMEDY = "free or repair the disk of the state folder, then ask again"
REMEDIES = {
    "not_ready": "mend what is missing, or accept it by name",
    "under_way": "watch it with 'redundancyctl events --follow' and ask again when it has ended",
    "foreign_supervisor": "stop the other supervisor, then 'redundancyctl settings adopt'",
}


class Shelf(Protocol):
    """Where the settings are kept that the utility changes."""

    async def save_methods(self, methods: Methods) -> None:
        """On disk when it returns; NotSaved otherwise."""

    async def save_fallback(self, fallback: Fallback) -> None:
        """On disk when it returns; NotSaved otherwise."""

    async def save_pause(self, pause: Pause | None) -> None:
        """On disk when it returns; NotSaved otherwise."""


class Orders:
    """Takes requests, and answers each exactly once."""

    def __init__(
        self,
        post: Callable[[Event], None],
        now: Callable[[], int],
        methods: Methods,
        shelf: Shelf,
        servers: tuple[Server, ...] = (),
        fallback: Fallback | None = None,
    ) -> None:
        self._post, self._now, self._methods, self._shelf = post, now, methods, shelf
        self.chosen: Methods | None = None
        """what the operator has set since, on disk; None while that is nothing"""
        self._servers, self.fallback = servers, fallback
        self._ids = itertools.count(1)
        self._open: dict[int, asyncio.Future[Done | Problem]] = {}
        self._saving: dict[int, SaveGoal] = {}
        self._changing = asyncio.Lock()
        self._closed = False

    async def act(self, request: TakeoverRequest, who: str) -> Done | Problem:
        """Done once the order is on disk, or why not."""
        if self._closed:
            return STOPPING
        match request:
            case SetMethod() | SetFallback() | SetPause() | Resume():
                async with self._changing:
                    return await self._set(request)
            case AcknowledgeAlarm(handle) if not handle.startswith("latched"):
                why = "this alarm stands as long as its cause and goes by itself"
                return Problem("nothing_to_acknowledge", why, "mend the cause that its text names")
            case _:
                return await self._order(request, who)

    def refused(self, refused: Refuse) -> None:
        """The core refused a request."""
        self._resolve(refused.request, Problem(refused.code, refused.why, REMEDIES.get(refused.code, "")))

    def saving(self, effect: SaveGoal) -> None:
        """A goal is on its way to the disk; whoever ordered it waits for that."""
        if effect.request is not None:
            self._saving[effect.op] = effect

    def saved(self, event: GoalSaved | GoalNotSaved) -> None:
        """The disk has answered."""
        effect = self._saving.pop(event.op, None)
        if effect is None or effect.request is None:
            return
        if isinstance(event, GoalSaved):
            goal = effect.goal
            done = Done(f"takeover {goal.number}: {goal.active} active, {goal.reason}", goal.number)
            self._resolve(effect.request, done)
        else:
            why = f"the order could not be saved ({event.why}), so it could be lost and is not accepted"
            self._resolve(effect.request, Problem("not_saved", why, DISK_REMEDY))

    def close(self) -> None:
        """The daemon stops: nothing new is taken in."""
        self._closed = True

    def give_up(self) -> None:
        """The daemon ends: nobody is left waiting."""
        for request in tuple(self._open):
            self._resolve(request, STOPPING)

    async def _order(
        self, request: ManualTakeover | ConfirmTakeover | Adopt | AcknowledgeAlarm, who: str
    ) -> Done | Problem:
        number, at = next(self._ids), self._now()
        waiting: asyncio.Future[Done | Problem] = asyncio.get_running_loop().create_future()
        self._open[number] = waiting
        match request:
            case ManualTakeover(active, revert_after_ms, accept):
                self._post(OperatorAsked(active, number, who, at, revert_after_ms, accept))
            case ConfirmTakeover():
                self._post(OperatorConfirmed(number, who, at))
            case Adopt():
                self._post(OperatorAdopted(number, who, at))
            case AcknowledgeAlarm():
                self._post(LatchAcknowledged(number, who, at))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await waiting
        except TimeoutError:
            why = f"no answer within {ANSWER_WITHIN_S} s; it may still be done"
            return Problem("no_answer", why, "look with 'redundancyctl status' before asking again")
        finally:
            self._open.pop(number, None)

    @property
    def methods(self) -> Methods:
        """The methods that count."""
        return in_force(self._methods, self._servers, self.fallback)

    def alarms(self) -> tuple[Alarm, ...]:
        """What was set and can't be so."""
        alarm = fallback_alarm(self._methods, self._servers, self.fallback)
        return () if alarm is None else (alarm,)

    async def _set(self, request: SetMethod | SetFallback | SetPause | Resume) -> Done | Problem:
        try:
            match request:
                case SetMethod(Direction.PRIMARY_FROM_ALTERNATE, Method.AUTOMATIC) if why := self._no_return():
                    return Problem("cluster_fallback", why, FALLBACK_REMEDY)
                case SetFallback(fallback):
                    return await self._set_fallback(fallback)
                case SetMethod(direction, method):
                    methods = self._methods.with_method(direction, method)
                    await self._shelf.save_methods(methods)
                    self._methods = self.chosen = methods
                    self._post(MethodSet(direction, method, self._now()))
                    return Done(f"{direction} is {method}")
                case SetPause(for_ms, reason):
                    pause = Pause(self._now() + for_ms, reason)
                    await self._shelf.save_pause(pause)
                    self._post(PauseSet(pause, self._now()))
                    return Done(f"no automatic takeover for {for_ms // 1000} s")
                case Resume():
                    await self._shelf.save_pause(None)
                    self._post(PauseSet(None, self._now()))
                    return Done("automatic takeovers are possible again")
        except NotSaved as error:
            return Problem("not_saved", str(error), DISK_REMEDY)

    def _no_return(self) -> str:
        return return_refusal(self._servers, self.fallback)

    async def _set_fallback(self, fallback: Fallback) -> Done | Problem:
        """Remembered; a return that only waited for it is automatic from now on."""
        back, before = Direction.PRIMARY_FROM_ALTERNATE, self.methods
        is_automatic = before.primary_from_alternate is Method.AUTOMATIC and has_clusters(self._servers)
        if fallback is Fallback.MANUAL and is_automatic:
            why = f"{back} is automatic, which wants clusters that fall back by themselves"
            return Problem("cluster_fallback", why, f"First: 'redundancyctl settings takeover {back} manual'.")
        await self._shelf.save_fallback(fallback)
        self.fallback = fallback
        method = self.methods.primary_from_alternate
        if method is not before.primary_from_alternate:
            self._post(MethodSet(back, method, self._now()))
        return Done(f"the fallback type of the primary's clusters is {fallback}; {back} is {method}")

    def _resolve(self, request: int, answer: Done | Problem) -> None:
        waiting = self._open.get(request)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
