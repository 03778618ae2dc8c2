"""Virtual time: whole microseconds, and what the world does at which instant.

What is planned for the same instant happens in the order in which it was planned, so a run repeats exactly.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

MS, SECOND = 1000, 1_000_000
"""Microseconds."""


@dataclass(slots=True, order=True)
class Planned:
    """Something that will happen, unless it is called off."""

    at_us: int
    turn: int
    happen: Callable[[], None] | None = field(compare=False)

    def call_off(self) -> None:
        """It does not happen after all."""
        self.happen = None


class Timeline:
    """The one clock of a world."""

    def __init__(self, now_us: int = 0) -> None:
        self.now_us = now_us
        self._turn = 0
        self._planned: list[Planned] = []

    def plan(self, after_us: int, happen: Callable[[], None]) -> Planned:
        """Let something happen after so long."""
        self._turn += 1
        planned = Planned(self.now_us + max(0, after_us), self._turn, happen)
        heapq.heappush(self._planned, planned)
        return planned

    def next_at(self) -> int | None:
        """When something happens next."""
        while self._planned and self._planned[0].happen is None:
            heapq.heappop(self._planned)
        return self._planned[0].at_us if self._planned else None

    def happen(self) -> None:
        """Let the next thing happen."""
        planned = heapq.heappop(self._planned)
        if planned.happen is not None:
            planned.happen()

    def step(self) -> None:
        """On to the next thing, and let it happen."""
        at_us = self.next_at()
        assert at_us is not None
        self.now_us = max(self.now_us, at_us)
        self.happen()
