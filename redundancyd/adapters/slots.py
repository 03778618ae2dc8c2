"""A small value in two preallocated slots of one file: a full disk does not stop it, a torn write loses only itself.

A slot is a line `redundancyd KIND VERSION SEQUENCE LENGTH SHA256`, the value as JSON, and blanks up to its size.  The
sound slot with the highest sequence counts; a write goes to the other one and is on disk when it returns.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redundancyd.adapters.files import Files
from redundancyd.errors import NotSaved, StateUnreadable

VERSION = 1
_MAGIC = "redundancyd"
_HEAD_MAX = 200


@dataclass(frozen=True, slots=True)
class Slot:
    """What one sound slot holds."""

    index: int
    sequence: int
    version: int
    value: Mapping[str, Any] | None


def encode(kind: str, sequence: int, value: Mapping[str, Any] | None, size: int) -> bytes:
    """One slot's bytes; NotSaved if the value does not fit."""
    body = json.dumps(value, sort_keys=True).encode()
    checksum = _checksum(kind, VERSION, sequence, body)
    slot = f"{_MAGIC} {kind} {VERSION} {sequence} {len(body)} {checksum}\n".encode() + body + b"\n"
    if len(slot) > size:
        raise NotSaved(f"saving the {kind}", f"{len(slot)} bytes do not fit into a slot of {size}")
    return slot.ljust(size - 1, b" ") + b"\n"


def decode(kind: str, index: int, slot: bytes) -> Slot | None:
    """What a slot holds; None when it is blank, torn, or something else."""
    head, _, rest = slot.partition(b"\n")
    words = head[:_HEAD_MAX].decode("ascii", "replace").split(" ")
    if len(words) != 6 or words[:2] != [_MAGIC, kind] or not all(_is_number(word) for word in words[2:5]):  # noqa: PLR2004
        return None
    version, sequence, length = (int(word) for word in words[2:5])
    body = rest[:length]
    if len(body) != length or words[5] != _checksum(kind, version, sequence, body):
        return None
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return Slot(index, sequence, version, value) if value is None or isinstance(value, dict) else None


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= 18  # noqa: PLR2004 - never more digits of our own


def _checksum(kind: str, version: int, sequence: int, body: bytes) -> str:
    return hashlib.sha256(f"{kind} {version} {sequence} {len(body)}\n".encode() + body).hexdigest()


class SlotFile:
    """One value of one kind; reads and writes block, so they belong into a thread."""

    def __init__(self, path: Path, kind: str, size: int = 8192, *, files: Files | None = None) -> None:
        self.path = path
        self.kind = kind
        self.size = size
        self._files = files or Files()

    def read(self) -> Mapping[str, Any] | None:
        """The value, None if there never was one; StateUnreadable when it is there and cannot be understood."""
        newest, is_blank = self._newest()
        if newest is None:
            if is_blank:
                return None
            raise StateUnreadable(
                f"reading {self.path}",
                "neither of its two slots is sound",
                f"Keep a copy of it, remove it, and start redundancyd: it asks the LIMs for the {self.kind}, or says "
                "what it needs.",
            )
        if newest.version != VERSION:
            raise StateUnreadable(
                f"reading {self.path}",
                f"it is of version {newest.version}, this program knows version {VERSION}",
                "Install the release of redundancyd that wrote it, or a newer one.",
            )
        return newest.value

    def _newest(self) -> tuple[Slot | None, bool]:
        """The sound slot with the highest sequence, and whether nothing was ever written."""
        try:
            data = self._files.read(self.path, 2 * self.size)
        except FileNotFoundError:
            return None, True
        except OSError as error:
            why = error.strerror or str(error)
            raise StateUnreadable(f"reading {self.path}", why, "It belongs to redundancyd, mode 0600.") from error
        slots = [decode(self.kind, index, data[index * self.size : (index + 1) * self.size]) for index in (0, 1)]
        sound = [slot for slot in slots if slot]
        return max(sound, key=lambda slot: slot.sequence, default=None), not data.strip(b" \n\0")

    def prepare(self) -> None:
        """Make the file, both slots full size and on disk, so that later writes need no space."""
        size = self._files.size(self.path)
        if size == 2 * self.size:
            return
        with self._explained():
            old = self._files.read(self.path, 2 * self.size) if size else b""
            if not old:
                old = encode(self.kind, 0, None, self.size)
            self._files.replace(self.path, old.ljust(2 * self.size, b" "))

    def write(self, value: Mapping[str, Any]) -> None:
        """Put the value on disk; NotSaved says why not, and then the older one still counts."""
        newest, _ = self._newest()
        sequence, index = (newest.sequence + 1, 1 - newest.index) if newest else (1, 0)
        slot = encode(self.kind, sequence, value, self.size)
        self.prepare()
        with self._explained():
            try:
                self._put(index, slot)
            except OSError:
                with contextlib.suppress(OSError):  # perhaps it arrived after all: it must not count
                    self._put(index, b" " * self.size)
                raise

    def forget_newest(self) -> None:
        """Make the last write not have been: the older value counts again."""
        newest, _ = self._newest()
        if newest:
            with self._explained():
                self._put(newest.index, b" " * self.size)

    def _put(self, index: int, slot: bytes) -> None:
        self._files.put(self.path, index * self.size, slot)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            why = error.strerror or str(error)
            remedy = "Look at the disk: df, df -i, mount, dmesg; the folder belongs to redundancyd."
            raise NotSaved(f"saving the {self.kind} in {self.path}", why, remedy) from error
