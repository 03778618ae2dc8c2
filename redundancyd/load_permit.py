"""What a job says to the decision about its load: it asks whether it may begin, and tells when it has ended.

A takeover waits for a load that was granted or found until it has ended, or its time is over.
"""

import asyncio
import itertools
from collections.abc import Callable

from redundancyd.adapters.clock import Clock
from redundancyd.core.effects import Load, Refuse
from redundancyd.core.events import Event, LoadAsked, LoadEnded, LoadUnderWay
from redundancyd.core.systems import Reload

GRANT_S = 20
ASK_FOR_MS = 30_000
ASK_AGAIN_MS = 2000


class LoadPermit:
    """One load at a time."""

    def __init__(self, clock: Clock, post: Callable[[Event], None]) -> None:
        self._clock, self._post = clock, post
        self._requests = itertools.count(-1, -1)  # those of operators count upwards
        self._answer: asyncio.Future[Load | Refuse] | None = None
        self._load: Load | None = None

    @property
    def until(self) -> int:
        """How long a takeover waits for the load that was granted."""
        assert self._load is not None
        return self._load.until

    def found(self, until: int) -> None:
        """A load is under way that nobody has asked for in this run."""
        self._load = Load(next(self._requests), until)
        self.go_on_until(until)

    def go_on_until(self, until: int) -> None:
        """It takes so long."""
        assert self._load is not None
        self._load = Load(self._load.request, until)
        self._post(LoadUnderWay(Reload(self._load.request, until), self._clock.now()))

    def granted(self, effect: Load) -> None:
        """The decision lets a load begin."""
        if self._answer is None or self._answer.done():
            self._post(LoadEnded(effect.request, self._clock.now()))  # nobody waits for it any more
        else:
            self._load = effect
            self._answer.set_result(effect)

    def refused(self, refuse: Refuse) -> bool:
        """The decision refused a load; whether this was ours."""
        if refuse.request >= 0:
            return False
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(refuse)
        return True

    async def ask(self) -> str:
        """Why no load may begin; empty when one may.

        Asked again for a while: what was ordered just now is seen at the next look only.
        """
        until = self._clock.now() + ASK_FOR_MS
        while (why := await self._ask_once()) and self._clock.now() < until:
            await self._clock.sleep_until(self._clock.now() + ASK_AGAIN_MS)
        return why

    async def _ask_once(self) -> str:
        """A grant that comes when we are gone is answered by `granted`."""
        self._answer = asyncio.get_running_loop().create_future()
        self._post(LoadAsked(next(self._requests), "the daily job", self._clock.now()))
        try:
            async with asyncio.timeout(GRANT_S):
                answer = await self._answer
        except TimeoutError:
            return f"no answer within {GRANT_S} s"
        finally:
            self._answer = None
        return answer.why if isinstance(answer, Refuse) else ""

    def ended(self) -> bool:
        """The decision hears that no load is under way any more; whether one was."""
        if self._load is None:
            return False
        self._post(LoadEnded(self._load.request, self._clock.now()))
        self._load = None
        return True
