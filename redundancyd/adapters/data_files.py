"""What must outlive the daemon of exchange data: past jobs, a load under way, the time of day that was set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.journal import record
from redundancyd.adapters.saved_at import SavedAt
from redundancyd.adapters.slots import SlotFile
from redundancyd.core.data_job import Past
from redundancyd.errors import NotSaved, StateUnreadable

_PAST_SLOT = 32_768
_DEADLINE_MS = 2000


@dataclass(frozen=True, slots=True)
class LoadBegun:
    """A load that may be going on."""

    stamp: str
    mirror: str
    table: str
    until: int
    """boot-time milliseconds of the boot in which it was read"""


@dataclass(frozen=True, slots=True)
class Auto:
    """The time of day that the operator set, which goes before the settings file's; None is off."""

    at: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Kept:
    """All that was found at a start."""

    past: Past
    load: LoadBegun | None
    auto: Auto | None


@dataclass(frozen=True, slots=True)
class _Load:
    load: LoadBegun | None
    saved: SavedAt


@dataclass(frozen=True, slots=True)
class _Auto:
    auto: Auto | None


_PAST, _LOAD, _AUTO = TypeAdapter(Past), TypeAdapter(_Load), TypeAdapter(_Auto)


class DataFiles:
    """The small files of exchange data in the state folder."""

    def __init__(self, folder: Path, clock: Clock, files: Files | None = None) -> None:
        files = files or Files()
        self._clock = clock
        self._past = SlotFile(folder / "data-job", "data-job", _PAST_SLOT, files=files)
        self._load = SlotFile(folder / "data-load", "data-load", files=files)
        self._auto = SlotFile(folder / "data-auto", "data-auto", files=files)
        self._disk = Disk("state of exchange data", files.begin)

    async def read(self) -> Kept:
        """What an earlier run left behind; NotSaved while the disk hangs.

        What can't be made out is told in the journal and counts as nothing.
        """
        return await self._disk.run(self._read, 3 * _DEADLINE_MS)

    def _read(self) -> Kept:
        past = _value(self._past, _PAST)
        load = _value(self._load, _LOAD)
        auto = _value(self._auto, _AUTO)
        begun = load.load if load is not None else None
        if load is not None and begun is not None:
            until = begun.until + load.saved.shift_ms(self._clock)
            begun = LoadBegun(begun.stamp, begun.mirror, begun.table, until)
        return Kept(past or Past(), begun, auto.auto if auto is not None else None)

    async def save_past(self, past: Past) -> None:
        """On disk when it returns; a disk that does not take it is told in the journal, and the job goes on."""
        try:
            await self._write(self._past, _PAST, past)
        except NotSaved as error:
            record("data_state_unsaved", level="error", why=str(error))

    async def save_load(self, load: LoadBegun | None) -> None:
        """On disk when it returns; NotSaved if not, and then no load may begin."""
        await self._write(self._load, _LOAD, _Load(load, SavedAt.now(self._clock)))

    async def save_auto(self, auto: Auto) -> None:
        """On disk when it returns; NotSaved if not."""
        await self._write(self._auto, _AUTO, _Auto(auto))

    async def _write(self, file: SlotFile, kind: "TypeAdapter[Any]", value: object) -> None:
        shown = kind.dump_python(value, mode="json")
        await self._disk.run(lambda: file.write(shown), _DEADLINE_MS, file.forget_newest)


def _value(file: SlotFile, kind: "TypeAdapter[Any]") -> Any:  # noqa: ANN401 - of that kind
    try:
        found = file.read()
        return None if found is None else kind.validate_python(found)
    except (StateUnreadable, ValidationError, OSError) as error:
        record("data_state_unread", level="error", why=str(error)[:400])
        return None
