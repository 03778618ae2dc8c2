"""Work on the disk with a deadline: a disk that hangs makes an error, not a daemon that hangs.

A thread that waits for a dead disk cannot be ended.  So each piece of work has a thread of its own that nobody joins,
and while one hangs no second one is begun.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from redundancyd.errors import NotSaved, RedundancyError

LOOK_MS = 10
_Result = TypeVar("_Result")


class Disk:
    """One piece of work at a time."""

    def __init__(self, name: str, begin: Callable[[Callable[[], None]], None], *, patience_ms: int = 0) -> None:
        """`patience_ms` is how long a piece of work that nobody wants any more may need to notice that."""
        self._name = name
        self._patience_ms = patience_ms
        self._begin = begin
        self._turn = asyncio.Lock()
        self._idle = threading.Event()
        self._idle.set()

    async def run(
        self, work: Callable[[], _Result], deadline_ms: int, undo: Callable[[], None] | None = None
    ) -> _Result:
        """What the work gives; NotSaved when it takes too long, and if it ends after all, `undo` follows it."""
        job: _Job[_Result] | None = None
        try:
            async with asyncio.timeout(deadline_ms / 1000), self._turn:
                await self._wait_idle(deadline_ms)
                self._idle.clear()
                job = _Job(work, undo, self._idle)
                self._begin(job.body)
                await job.ended.wait()
        except TimeoutError:
            if job is None or not job.is_in_time():
                raise self._hangs(deadline_ms) from None
        assert job is not None
        return job.result()

    async def _wait_idle(self, deadline_ms: int) -> None:
        left_ms = self._patience_ms
        while not self._idle.is_set():
            if left_ms <= 0:
                raise self._hangs(deadline_ms)
            await asyncio.sleep(LOOK_MS / 1000)
            left_ms -= LOOK_MS

    def _hangs(self, deadline_ms: int) -> NotSaved:
        why = f"the disk has not answered within {deadline_ms} ms"
        return NotSaved(f"using the {self._name} on disk", why, "Look at the disk: dmesg, and the storage behind it.")


class _Job(Generic[_Result]):
    def __init__(self, work: Callable[[], _Result], undo: Callable[[], None] | None, idle: threading.Event) -> None:
        self.ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._work = work
        self._undo = undo
        self._idle = idle
        self._settling = threading.Lock()  # who comes first: the end of the work, or its deadline
        self._outcome: tuple[_Result] | Exception | None = None
        self._abandoned = False

    def body(self) -> None:
        """The work, and after it came too late, what undoes it."""
        outcome: tuple[_Result] | Exception
        try:
            outcome = (self._work(),)
        except Exception as error:  # noqa: BLE001 - it is raised where the work is waited for
            outcome = error
        with self._settling:
            self._outcome = outcome
            late = self._abandoned
        if late and self._undo and not isinstance(outcome, Exception):
            with contextlib.suppress(RedundancyError, OSError):  # that it was not saved has been said
                self._undo()
        self._idle.set()
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
            self._loop.call_soon_threadsafe(self.ended.set)

    def is_in_time(self) -> bool:
        """Whether it has ended; if not, it is abandoned."""
        with self._settling:
            self._abandoned = self._outcome is None
            return not self._abandoned

    def result(self) -> _Result:
        assert self._outcome is not None
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome[0]
