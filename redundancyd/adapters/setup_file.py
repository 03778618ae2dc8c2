"""The file `setup` in the state folder, and the files that `configure` writes and `remove` puts aside."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.slots import SlotFile
from redundancyd.adapters.table_file import FILE as TABLE
from redundancyd.adapters.table_file import SavedTable, TableFile
from redundancyd.core.site import Setup
from redundancyd.errors import NotSaved, StateUnreadable

ASIDE = "removed"
"""The folder in which the state of the last supervision lies that was removed"""
LAYOUT = "layout"
"""What the systems were when they were configured: the next pair has to be what it is configured as"""
_STATE = {
    "goal": ("goal", 32_768),
    "methods": ("methods", 8192),
    "pause": ("pause", 8192),
    "data-job": ("data-job", 32_768),
    "data-load": ("data-load", 8192),
    "data-auto": ("data-auto", 8192),
    LAYOUT: ("layout", 262_144),
}
_BEFORE, _NONE = ".before", ".none-before"
_SLOT = 32_768
_DEADLINE_MS = 2000
_TABLE_DEADLINE_MS = 10_000
_SETUP = TypeAdapter(Setup)


class SetupFile:
    """What was configured, on disk; one writer at a time."""

    def __init__(self, folder: Path, *, files: Files | None = None) -> None:
        files = files or Files()
        self._folder, self._files = folder, files
        self._slots = SlotFile(folder / "setup", "setup", _SLOT, files=files)
        self._disk = Disk("setup", files.begin)
        self._table = folder / TABLE
        self._kept, self._none = folder / f"{TABLE}{_BEFORE}", folder / f"{TABLE}{_NONE}"

    def load(self) -> Setup:
        """What was saved; waits for the disk.  StateUnreadable: without it nobody knows whom to supervise."""
        value = self._slots.read()
        if value is None:
            return Setup()
        try:
            return _SETUP.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            remedy = "Keep a copy of it, remove it, and configure again."
            raise StateUnreadable(f"reading {self._slots.path}", what, remedy) from error

    async def save(self, setup: Setup) -> None:
        """On disk when it returns; NotSaved if not, and then it does not count."""
        value = _SETUP.dump_python(setup, mode="json")
        await self._disk.run(lambda: self._slots.write(value), _DEADLINE_MS, self._slots.forget_newest)

    # --- the translation table, and the confirmations ---

    async def read_table(self) -> SavedTable:
        """What is in force; TranslationFailed when it can't be read.  A pair has a desk that writes it, too."""
        return await TableFile(self._folder, self._files).read()

    async def write_table(self, table: SavedTable) -> None:
        """Write it, the old one kept beside once; NotSaved if not."""
        await self._disk.run(self._keep_before, _TABLE_DEADLINE_MS)
        await TableFile(self._folder, self._files).save(table)

    def _keep_before(self) -> None:
        with _explained("keeping the old translation table"):
            if self._kept.exists() or self._none.exists():
                return
            if self._table.exists():
                self._files.replace(self._kept, self._table.read_bytes())
            else:
                self._files.replace(self._none, b"")

    async def restore_table(self) -> None:
        """It is as it was before; where it was not there, the plain files count again."""
        await self._disk.run(self._restore_table, _TABLE_DEADLINE_MS)

    def _restore_table(self) -> None:
        with _explained("restoring the translation table"):
            if self._kept.exists():
                self._kept.replace(self._table)
            elif self._none.exists():
                self._table.unlink(missing_ok=True)
                self._none.unlink()

    async def keep_table(self) -> None:
        """The old one is not needed any more; that it stays would harm only the next `configure`."""
        await self._disk.run(self._keep_table, _DEADLINE_MS)

    def _keep_table(self) -> None:
        with _explained("forgetting the old translation table"):
            for path in (self._kept, self._none):
                path.unlink(missing_ok=True)

    # --- the state of a supervision that has ended ---

    async def put_aside(self, names: Iterable[str] = tuple(_STATE)) -> None:
        """Move these files into the folder of what was removed; what holds nothing is left alone."""
        chosen = tuple(names)
        await self._disk.run(lambda: self._put_aside(chosen), 2 * _DEADLINE_MS)

    def _put_aside(self, names: tuple[str, ...]) -> None:
        with _explained("putting the state of the supervision aside"):
            for name in names:
                path = self._folder / name
                if self._holds_something(name):
                    (self._folder / ASIDE).mkdir(mode=0o700, exist_ok=True)
                    path.replace(self._folder / ASIDE / name)
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _holds_something(self, name: str) -> bool:
        kind, size = _STATE[name]
        try:
            return SlotFile(self._folder / name, kind, size, files=self._files).read() is not None
        except StateUnreadable:
            return True


@contextlib.contextmanager
def _explained(tried: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        remedy = "Look at the disk: df, df -i, mount, dmesg; the folder belongs to redundancyd."
        raise NotSaved(tried, error.strerror or str(error), remedy) from error
