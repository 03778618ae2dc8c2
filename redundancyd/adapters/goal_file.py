"""The goal on disk, and the state folder it lies in with the rest of what must outlive the daemon."""

import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.journal import record
from redundancyd.adapters.saved_at import SavedAt
from redundancyd.adapters.slots import SlotFile
from redundancyd.adapters.state_files import StateFiles
from redundancyd.core.systems import Fallback, Goal, Methods, Pause, Supervisor
from redundancyd.errors import GoalUnreadable, NotSaved, StateUnreadable

_SLOT = 32_768
_REASON_MAX = 1000
_DEADLINE_MS = 2000
_LOAD_DEADLINE_MS = 10_000


@dataclass(frozen=True, slots=True)
class _Saved:
    goal: Goal
    saved: SavedAt


_SAVED = TypeAdapter(_Saved)


def has_goal(folder: Path) -> bool:
    """Whether a pair is configured here, daemon or not: a goal is on disk, damaged or whole.  Nothing is touched."""
    try:
        return SlotFile(folder / "goal", "goal", _SLOT).read() is not None
    except StateUnreadable:
        return True


class GoalFile:
    """The file `goal` in the state folder."""

    def __init__(
        self, folder: Path, clock: Clock, *, deadline_ms: int = _DEADLINE_MS, files: Files | None = None
    ) -> None:
        files = files or Files()
        self._slots = SlotFile(folder / "goal", "goal", _SLOT, files=files)
        self._clock = clock
        self._disk = Disk("goal", files.begin)
        self._deadline_ms = deadline_ms

    def load(self) -> Goal | None:
        """The goal on this boot's clock, None if there never was one; GoalUnreadable if it is damaged.

        Makes the slots too, so that saving needs no space later; it waits for the disk and belongs into a thread.
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

    def _value(self, goal: Goal) -> dict[str, Any]:
        short = replace(goal, reason=goal.reason[:_REASON_MAX])
        value: dict[str, Any] = _SAVED.dump_python(_Saved(short, SavedAt.now(self._clock)), mode="json")
        return value


@dataclass(frozen=True, slots=True)
class Saved:
    """What an earlier run left behind, on this boot's clock, and who we are from now on."""

    supervisor: Supervisor
    goal: Goal | None
    methods: Methods | None
    pause: Pause | None
    fallback: Fallback | None = None
    goal_unsaved: str = ""
    """why the disk does not have this goal, where it was handed on from one life to the next"""


class StateFolder:
    """Everything that must outlive the daemon; one process at a time."""

    def __init__(
        self,
        folder: str | Path,
        clock: Clock,
        *,
        files: Files | None = None,
        token: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        files = files or Files()
        self._goal = GoalFile(Path(folder), clock, files=files)
        self._files = StateFiles(Path(folder), clock, files=files, token=token)
        self._disk = Disk("state folder", files.begin)
        self._lock: int | None = None
        self._supervisor: Supervisor | None = None

    async def load(self) -> Saved:
        """What was saved; the first time it also takes the folder and begins a new run of this supervisor."""
        return await self._disk.run(self._load, _LOAD_DEADLINE_MS)

    def _load(self) -> Saved:
        if self._lock is None:
            self._lock = self._files.lock()
        goal, methods, pause = self._goal_or_none(), self._files.load_methods(), self._files.load_pause()
        if self._supervisor is None:
            self._supervisor = self._files.begin_run()
        return Saved(self._supervisor, goal, methods, pause, fallback=self._files.load_fallback())

    def _goal_or_none(self) -> Goal | None:
        """A damaged goal counts as none: the LIMs are asked, and nobody is helped by not starting."""
        try:
            return self._goal.load()
        except GoalUnreadable as error:
            record("goal_unreadable", level="critical", why=str(error))
            return None

    def close(self) -> None:
        """Let another process have the folder."""
        if self._lock is not None:
            self._files.unlock(self._lock)
            self._lock = None

    async def save(self, goal: Goal) -> None:
        """The goal is on disk when this returns; NotSaved if not, and then it does not count."""
        await self._goal.save(goal)

    async def save_methods(self, methods: Methods) -> None:
        """They are on disk when this returns; NotSaved if not."""
        await self._files.save_methods(methods)

    async def save_fallback(self, fallback: Fallback) -> None:
        """It is on disk when this returns; NotSaved if not."""
        await self._files.save_fallback(fallback)

    async def save_pause(self, pause: Pause | None) -> None:
        """It, or that there is none, is on disk when this returns; NotSaved if not."""
        await self._files.save_pause(pause)
