"""The translation table and what was confirmed beside it: one file of two slots in the state folder, like the goal's.

Before the table was ever changed by `settings translation` it is what stands in two plain files that somebody put
there: `translation`, and `translation-confirmed` with an address a line.  From the first change on they are not read.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.slots import SlotFile
from redundancyd.core.translation_table import Table, TableNotUnderstood, parse_table
from redundancyd.errors import StateUnreadable, TranslationFailed

FILE = "translation-table"
PLAIN, PLAIN_CONFIRMED = "translation", "translation-confirmed"
PLAIN_MAX_BYTES = 2**20
CONFIRMED_MAX = 10_000
_SLOT = 2**19
_DEADLINE_MS = 10_000


@dataclass(frozen=True, slots=True)
class SavedTable:
    """A table as it was written, and the foreign addresses that somebody has confirmed, in their usual spelling."""

    text: str = ""
    confirmed: frozenset[str] = frozenset()

    @property
    def mark(self) -> str:
        """A checksum of the text: whoever edits it for a while finds out whether somebody else did, too."""
        return hashlib.sha256(self.text.encode()).hexdigest()


_SAVED = TypeAdapter(SavedTable)


def checksum(table: Table) -> str:
    """Of the entries alone: remarks and order translate nothing."""
    return hashlib.sha256("\n".join(sorted(table.lines())).encode()).hexdigest()


class TableFile:
    """The table of this site."""

    def __init__(self, folder: Path, files: Files | None = None) -> None:
        files = files or Files()
        self._folder, self._files = folder, files
        self._slots = SlotFile(folder / FILE, "translation", _SLOT, files=files)
        self._disk = Disk("translation table", files.begin)
        self._kept: SavedTable | None = None

    async def read(self) -> SavedTable:
        """What is there; nothing at all is an empty table.  TranslationFailed when it can't be read."""
        if self._kept is not None:
            return self._kept
        saved, is_kept = await self._disk.run(self._read, _DEADLINE_MS)
        if is_kept:  # nobody but us writes the slots; the plain files are anybody's
            self._kept = saved
        return saved

    async def save(self, saved: SavedTable) -> None:
        """On disk when it returns; NotSaved otherwise, and then what was there before counts."""
        value = _SAVED.dump_python(saved, mode="json") | {"confirmed": sorted(saved.confirmed)}
        await self._disk.run(lambda: self._slots.write(value), _DEADLINE_MS, self._slots.forget_newest)
        self._kept = saved

    def _read(self) -> tuple[SavedTable, bool]:
        try:
            value = self._slots.read()
            if value is not None:
                return _SAVED.validate_python(value), True
        except (StateUnreadable, ValidationError) as error:
            remedy = "Keep a copy of it, remove it, and import the table again: 'settings translation import FILE'."
            raise TranslationFailed(f"reading {self._folder / FILE}", str(error)[:400], remedy) from error
        text, confirmed = self._plain(PLAIN), self._plain(PLAIN_CONFIRMED)
        addresses = (line.split("#")[0].strip() for line in confirmed.split("\n"))
        return SavedTable(text, frozenset(addresses) - {""}), False

    def _plain(self, name: str) -> str:
        path = self._folder / name
        try:
            data = self._files.read(path, PLAIN_MAX_BYTES + 1)
        except FileNotFoundError:
            return ""
        except OSError as error:
            remedy = "It belongs to redundancyd; 'settings translation import FILE' puts a table in its place."
            raise TranslationFailed(f"reading {path}", error.strerror or str(error), remedy) from error
        if len(data) > PLAIN_MAX_BYTES:
            raise TranslationFailed(f"reading {path}", f"more than {PLAIN_MAX_BYTES} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise TranslationFailed(f"reading {path}", "it is not UTF-8", "Write it in ASCII or UTF-8.") from error


def entries(text: str) -> Table:
    """The table of a text; TranslationFailed with every mistake in it."""
    try:
        return parse_table(text)
    except TableNotUnderstood as error:
        remedy = "Mend these lines: 'settings translation edit'."
        raise TranslationFailed("reading the translation table", str(error)[:800], remedy) from error
