"""The goal on disk.  It carries when it was saved on which clock, so that its instants survive a reboot."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.disk import Disk
from redundancyd.adapters.slots import SlotFile
from redundancyd.core.systems import Goal
from redundancyd.errors import GoalUnreadable, NotSaved, StateUnreadable

_SLOT = 32_768
_REASON_MAX = 1000
_DEADLINE_MS = 2000


@dataclass(frozen=True, slots=True)
class SavedAt:
    """One instant on both clocks, and which boot it was."""

    boot_id: str
    boot_ms: int
    wall_ms: int

    @classmethod
    def now(cls, clock: Clock) -> "SavedAt":
        """This instant."""
        return cls(clock.boot_id(), clock.now(), clock.wall_ms())

    def shift_ms(self, clock: Clock) -> int:
        """What has to be added to instants of that time; 0 in the same boot.

        A wall clock that was set back meanwhile counts as no time passed.
        """
        if self.boot_id == clock.boot_id():
            return 0
        passed = max(0, clock.wall_ms() - self.wall_ms)
        return clock.now() - passed - self.boot_ms


@dataclass(frozen=True, slots=True)
class _Saved:
    goal: Goal
    saved: SavedAt


_SAVED = TypeAdapter(_Saved)


class GoalFile:
    """The file `goal` in the state folder."""

    def __init__(self, folder: Path, clock: Clock, *, deadline_ms: int = _DEADLINE_MS) -> None:
        self._slots = SlotFile(folder / "goal", "goal", _SLOT)
        self._clock = clock
        self._disk = Disk("goal")
        self._deadline_ms = deadline_ms

    def load(self) -> Goal | None:
        """The goal on this boot's clock, None if there never was one; GoalUnreadable if it is damaged.

        Makes the slots too, so that saving needs no space later; it waits for the disk and belongs before the loop.
        """
        try:
            value = self._slots.read()
        except StateUnreadable as error:
            raise GoalUnreadable(error.tried, error.came_back, error.remedy) from error
        with contextlib.suppress(NotSaved):  # saving a goal will say it, to somebody who waits for it
            self._slots.prepare()
        return None if value is None else self._goal(value)

    def _goal(self, value: Mapping[str, Any]) -> Goal:
        try:
            found = _SAVED.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            remedy = "Keep a copy of it, remove it, and start redundancyd: it asks the LIMs, or says what it needs."
            raise GoalUnreadable(f"reading {self._slots.path}", what, remedy) from error
        return found.goal.rebased(found.saved.shift_ms(self._clock))

    async def save(self, goal: Goal) -> None:
        """The goal is on disk when this returns; NotSaved within the deadline if not, and then it does not count."""
        value = self._value(goal)
        await self._disk.run(lambda: self._slots.write(value), self._deadline_ms, self._slots.forget_newest)

    def save_now(self, goal: Goal) -> None:
        """The same where nothing else waits: for the first goal, from the command line."""
        self._slots.write(self._value(goal))

    def _value(self, goal: Goal) -> dict[str, Any]:
        short = replace(goal, reason=goal.reason[:_REASON_MAX])
        value: dict[str, Any] = _SAVED.dump_python(_Saved(short, SavedAt.now(self._clock)), mode="json")
        return value
