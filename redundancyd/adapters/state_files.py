"""What else must outlive the daemon: methods, pause, who we are to the LIMs; one small file each, like the goal's."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.journal import record
from redundancyd.adapters.saved_at import SavedAt
from redundancyd.adapters.slots import SlotFile
from redundancyd.core.systems import Fallback, Methods, Pause, Supervisor
from redundancyd.errors import AlreadyRunning, NotSaved, StateUnreadable

RUNS_KEPT = 1000
_SUPERVISOR_SLOT = 65_536
_DEADLINE_MS = 2000
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class _SavedPause:
    pause: Pause | None
    saved: SavedAt


@dataclass(frozen=True, slots=True)
class _SavedFallback:
    fallback: Fallback


_FALLBACK = TypeAdapter(_SavedFallback)
_METHODS, _PAUSE, _SUPERVISOR = TypeAdapter(Methods), TypeAdapter(_SavedPause), TypeAdapter(Supervisor)


class StateFiles:
    """The small files of the state folder.  `load_…` and `begin_run` wait for the disk and belong into a thread."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        deadline_ms: int = _DEADLINE_MS,
        files: Files | None = None,
        token: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._files = files or Files()
        self._methods = SlotFile(folder / "methods", "methods", files=self._files)
        self._pause = SlotFile(folder / "pause", "pause", files=self._files)
        self._supervisor = SlotFile(folder / "supervisor", "supervisor", _SUPERVISOR_SLOT, files=self._files)
        self._fallback = SlotFile(folder / "cluster-fallback", "cluster-fallback", files=self._files)
        self._disk = Disk("settings", self._files.begin)
        self._deadline_ms = deadline_ms
        self._token = token

    def lock(self) -> int:
        """Hold the folder as long as this process lives; AlreadyRunning if another one does."""
        path = self._folder / "lock"
        try:
            return self._files.lock(path)
        except BlockingIOError as error:
            remedy = "One supervision is enough; systemctl status redundancyd shows it."
            raise AlreadyRunning(f"taking {path}", "another redundancyd holds it", remedy) from error
        except OSError as error:
            remedy = "The folder belongs to redundancyd, mode 0700, on a disk that can be written."
            raise StateUnreadable(f"opening {path}", error.strerror or str(error), remedy) from error

    def unlock(self, lock: int) -> None:
        """Let another process have the folder."""
        self._files.unlock(lock)

    def load_methods(self) -> Methods | None:
        """The methods that the operator set with the utility; None if those of the settings file hold."""
        value = self._methods.read()
        return None if value is None else _decode(_METHODS, self._methods, value)

    async def save_methods(self, methods: Methods) -> None:
        """They are on disk when this returns; NotSaved if not."""
        value = _METHODS.dump_python(methods, mode="json")
        await self._disk.run(lambda: self._methods.write(value), self._deadline_ms, self._methods.forget_newest)

    def load_pause(self) -> Pause | None:
        """The pause, on this boot's clock; one that is over is none."""
        value = self._pause.read()
        found = None if value is None else _decode(_PAUSE, self._pause, value)
        if found is None or found.pause is None:
            return None
        until = found.pause.until + found.saved.shift_ms(self._clock)
        return Pause(until, found.pause.reason) if until > self._clock.now() else None

    async def save_pause(self, pause: Pause | None) -> None:
        """It, or that there is none, is on disk when this returns; NotSaved if not."""
        value = _PAUSE.dump_python(_SavedPause(pause, SavedAt.now(self._clock)), mode="json")
        await self._disk.run(lambda: self._pause.write(value), self._deadline_ms, self._pause.forget_newest)

    def load_fallback(self) -> Fallback | None:
        """The fallback type of the primary's clusters, as the operator said; None where nobody has."""
        try:
            value = self._fallback.read()
            return None if value is None else _decode(_FALLBACK, self._fallback, value).fallback
        except StateUnreadable as error:  # it can be said again
            record("fallback_unread", level="error", why=str(error))
            return None

    async def save_fallback(self, fallback: Fallback) -> None:
        """It is on disk when this returns; NotSaved if not."""
        value = _FALLBACK.dump_python(_SavedFallback(fallback), mode="json")
        await self._disk.run(lambda: self._fallback.write(value), self._deadline_ms, self._fallback.forget_newest)

    def load_supervisor(self) -> Supervisor | None:
        """Who we were until now; None before the first run."""
        value = self._supervisor.read()
        return None if value is None else _decode(_SUPERVISOR, self._supervisor, value)

    def begin_run(self) -> Supervisor:
        """Who we are from now on: the same id, and a new run that is on disk before any LIM hears of it."""
        before = self.load_supervisor()
        run = self._token(6)
        if before is None:
            now = Supervisor(self._token(8), (run,))
        else:
            now = Supervisor(before.id, (*before.runs[-(RUNS_KEPT - 1) :], run))
        try:
            self._supervisor.write(_SUPERVISOR.dump_python(now, mode="json"))
        except (NotSaved, OSError) as error:
            if before is None:
                raise
            # A disk that became read-only must not keep us from supervising: the last run goes on.
            record("run_not_saved", level="critical", why=str(error))
            return before
        return now


def _decode(kind: TypeAdapter[_Kind], file: SlotFile, value: Any) -> _Kind:  # noqa: ANN401 - any JSON
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        remedy = "Keep a copy of it, remove it, and say again what it held."
        raise StateUnreadable(f"reading {file.path}", what, remedy) from error
