"""The file `setup` in the state folder, and the files that `configure` writes and `remove` puts aside."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from redundancyd.adapters.data_files import CONFIRMED, TABLE
from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.slots import SlotFile
from redundancyd.core.site import Setup
from redundancyd.errors import NotSaved, StateUnreadable

ASIDE = "removed"
"""The folder in which the state of the last supervision lies that was removed"""
_STATE = {
    "goal": ("goal", 32_768),
    "methods": ("methods", 8192),
    "pause": ("pause", 8192),
    "data-job": ("data-job", 32_768),
    "data-load": ("data-load", 8192),
    "data-auto": ("data-auto", 8192),
}
_WRITTEN = (TABLE, CONFIRMED)
_BEFORE, _NONE = ".before", ".none-before"
_SLOT = 32_768
_DEADLINE_MS = 2000
_SETUP = TypeAdapter(Setup)


class SetupFile:
    """What was configured, on disk; one writer at a time."""

    def __init__(self, folder: Path, *, files: Files | None = None) -> None:
        files = files or Files()
        self._folder, self._files = folder, files
        self._slots = SlotFile(folder / "setup", "setup", _SLOT, files=files)
        self._disk = Disk("setup", files.begin)

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

    async def write_table(self, table: str | None, confirmed: Iterable[str]) -> None:
        """Write them, the old ones kept beside once; None leaves the table as it is.  NotSaved if not."""
        texts = {CONFIRMED: "".join(f"{address}\n" for address in sorted(confirmed))}
        if table is not None:
            texts[TABLE] = table
        await self._disk.run(lambda: self._write_table(texts), _DEADLINE_MS)

    def _write_table(self, texts: dict[str, str]) -> None:
        with _explained("writing the translation table"):
            for name, text in texts.items():
                path = self._folder / name
                kept, none = self._folder / f"{name}{_BEFORE}", self._folder / f"{name}{_NONE}"
                if not (kept.exists() or none.exists()):
                    if path.exists():
                        self._files.replace(kept, path.read_bytes())
                    else:
                        self._files.replace(none, b"")
                self._files.replace(path, text.encode())

    async def restore_table(self) -> None:
        """They are as they were before."""
        await self._disk.run(self._restore_table, _DEADLINE_MS)

    def _restore_table(self) -> None:
        with _explained("restoring the translation table"):
            for name in _WRITTEN:
                path = self._folder / name
                kept, none = self._folder / f"{name}{_BEFORE}", self._folder / f"{name}{_NONE}"
                if kept.exists():
                    kept.replace(path)
                elif none.exists():
                    path.unlink(missing_ok=True)
                    none.unlink()

    async def keep_table(self) -> None:
        """The old ones are not needed any more; that they stay would harm only the next `configure`."""
        await self._disk.run(self._keep_table, _DEADLINE_MS)

    def _keep_table(self) -> None:
        with _explained("forgetting the old translation table"):
            for name in _WRITTEN:
                for end in (_BEFORE, _NONE):
                    (self._folder / f"{name}{end}").unlink(missing_ok=True)

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
