"""One move of the world, as laws look at it."""

from dataclasses import dataclass

from redundancyd.core.decision import Taken
from redundancyd.core.systems import Goal
from redundancyd.core.takeover import Ask
from redundancyd.sim.world import Asked, World

HOLDS = ""
"""What a law says that was put to the test and holds; a sentence says how it is broken."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One move of the world; `did` is what it performed."""

    before: World
    after: World
    did: Asked | None = None

    @property
    def decided(self) -> tuple[Taken, Goal] | None:
        """The goal that this move decided on, and the row that did."""
        goal = self.after.core.goal
        for row in reversed(self.after.rows):
            if row.row.ask is Ask.SAVE and goal is not None:
                return row, goal
        return None
