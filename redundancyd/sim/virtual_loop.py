"""An asyncio event loop on virtual time: it never waits, never looks at a socket, and repeats exactly.

Whoever drives it hands it the instants: `run_ready` runs what is ready now, `next_at` says when a timer is due.  Work
for threads is done on the spot.  Servers and connections are made in memory: `listeners` are who would be called,
`dial` is how to call others.
"""

import asyncio
import contextvars
import functools
import heapq
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

from redundancyd.sim.timeline import SECOND, Timeline

_Args = TypeVarTuple("_Args")
_Result = TypeVar("_Result")
_MANY = 64  # cancelled timers that may lie about
_ROUNDS = 20_000  # more than any ending needs

Factory = Callable[[], asyncio.BaseProtocol]


class VirtualLoop(asyncio.BaseEventLoop):
    """One process's loop."""

    def __init__(self, timeline: Timeline) -> None:
        self._buried = True
        super().__init__()
        self._timeline = timeline
        self._soon: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._turn = 0
        self._cancelled = 0
        self._buried = False
        self._ahead_us = 0  # a process that was killed is brought to its end at once
        self.signals: dict[int, Callable[[], None]] = {}
        self.listeners: list[Factory] = []
        self.dial: Callable[[Factory, str], tuple[asyncio.BaseTransport, asyncio.BaseProtocol]] | None = None

    # What drives it.

    @property
    def is_ready(self) -> bool:
        """Whether something can be run at this instant."""
        return bool(self._soon)

    def run_ready(self) -> None:
        """Run what is ready now; what that makes ready waits for the next round."""
        if asyncio._get_running_loop() is not self:  # noqa: SLF001 - a loop is who sets itself
            asyncio._set_running_loop(self)  # noqa: SLF001
        soon = self._soon
        for _ in range(len(soon)):
            handle = soon.popleft()
            if not handle._cancelled:  # noqa: SLF001 - this is run a million times
                handle._run()  # noqa: SLF001 - a loop is who runs handles

    @staticmethod
    def rest() -> None:
        """No loop runs until somebody runs one."""
        asyncio._set_running_loop(None)  # noqa: SLF001

    def next_at(self) -> int | None:
        """When the next timer is due, in microseconds."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
            self._cancelled -= 1
        return self._timers[0][0] if self._timers else None

    def run_due(self) -> None:
        """Make ready what is due."""
        now_us = self._timeline.now_us + self._ahead_us
        while self._timers and self._timers[0][0] <= now_us:
            handle = heapq.heappop(self._timers)[2]
            if not handle.cancelled():
                self._soon.append(handle)
            else:
                self._cancelled -= 1

    def bury(self) -> None:
        """Cancel every task and run to the end, in no time; what it still does is nobody's business."""
        asked: set[asyncio.Task[Any]] = set()
        for _ in range(_ROUNDS):
            pending = {task for task in asyncio.all_tasks(self) if not task.done()}
            if not pending:
                break
            for task in pending - asked:
                task.cancel()
            asked |= pending
            if not self._soon and (due := self.next_at()) is not None:
                self._ahead_us = max(self._ahead_us, due - self._timeline.now_us)
                self.run_due()
            self.run_ready()
        self.rest()
        self._buried = True

    # What asyncio asks of a loop.

    def time(self) -> float:
        """Virtual seconds."""
        return (self._timeline.now_us + self._ahead_us) / SECOND

    def call_soon(
        self,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """At this instant, after what is ready already."""
        handle = asyncio.Handle(callback, args, self, context)
        self._soon.append(handle)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """The same: there are no threads."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """After so many seconds."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Args], object],
        *args: *_Args,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """At this instant of `time`."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._turn += 1
        heapq.heappush(self._timers, (math.ceil(when * SECOND - 0.01), self._turn, handle))
        return handle

    def _timer_handle_cancelled(self, _handle: asyncio.TimerHandle) -> None:
        self._cancelled += 1
        if self._cancelled > _MANY and 2 * self._cancelled > len(self._timers):
            self._timers = [timer for timer in self._timers if not timer[2].cancelled()]
            heapq.heapify(self._timers)
            self._cancelled = 0

    def create_future(self) -> asyncio.Future[Any]:
        """One of this loop's."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Any,  # noqa: ANN401 - as wide as asyncio has it
        *,
        name: object = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[Any]:
        """One of this loop's."""
        return asyncio.Task(coro, loop=self, name=None if name is None else str(name), context=context)

    def run_in_executor(
        self, _executor: object, func: Callable[[*_Args], _Result], *args: *_Args
    ) -> asyncio.Future[_Result]:
        """Work for a thread, done on the spot."""
        future: asyncio.Future[_Result] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            future.set_exception(error)
        return future

    def add_signal_handler(self, sig: int, callback: Callable[[*_Args], object], *args: *_Args) -> None:
        """Kept for who sends signals."""
        self.signals[sig] = functools.partial(_call, callback, args)

    def remove_signal_handler(self, sig: int) -> bool:
        """Forgotten."""
        return self.signals.pop(sig, None) is not None

    async def create_server(self, protocol_factory: Factory, *_: object, **__: object) -> "VirtualServer":  # type: ignore[override]
        """Listen; callers come by `listeners`."""
        self.listeners.append(protocol_factory)
        return VirtualServer(self, protocol_factory)

    async def create_unix_connection(  # type: ignore[override]
        self, protocol_factory: Factory, path: str | None = None, **_: object
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        """Call somebody on this host."""
        if self.dial is None or path is None:
            raise ConnectionRefusedError(path)
        return self.dial(protocol_factory, path)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What nobody caught goes where every loop sends it."""
        logging.getLogger("asyncio").error("%s", context.get("message"), exc_info=context.get("exception"))

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """As far as anybody asks."""
        return not self._buried

    def is_closed(self) -> bool:
        """Once it was buried."""
        return self._buried


class VirtualServer:
    """Listens in memory."""

    def __init__(self, loop: VirtualLoop, factory: Factory) -> None:
        self._loop = loop
        self._factory = factory

    def close(self) -> None:
        """Nobody is let in any more."""
        if self._factory in self._loop.listeners:
            self._loop.listeners.remove(self._factory)

    async def wait_closed(self) -> None:
        """It never takes long."""


def _call(callback: Callable[..., object], args: tuple[object, ...]) -> None:
    callback(*args)
