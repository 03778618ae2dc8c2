"""What must be there: the files of one backup, LIM by LIM, with sizes and SHA-256, as their source counted them.

What may be known: what a LIM says of its own files, a JSON line each.  What may not: that it says the truth, or that
names are harmless: so each line is held against bounds, and no path in a manifest leads out of its folder.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from redundancyd.core.paths import PathRefused, checked_path, name_of, shown

LINE_MAX_BYTES = 8192
FILES_MAX = 20_000
"""of one LIM"""
FILE_MAX_BYTES = 64 * 2**30
LIM_MAX_BYTES = 256 * 2**30

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ManifestNotUnderstood(ValueError):
    """A manifest that is torn, out of bounds, or names what it may not; the message says which line or path."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One file."""

    path: str
    """below the folder of its LIM, in wire spelling"""
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The path as the operating system has it."""
        return name_of(self.path)

    @property
    def contents(self) -> tuple[str, int]:
        """What is in it, wherever it stands."""
        return self.sha256, self.size_bytes


@dataclass(frozen=True, slots=True)
class LimManifest:
    """The files of one LIM, in the order of their paths."""

    lim: int
    stamp: str
    files: tuple[Entry, ...]

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(entry.size_bytes for entry in self.files)


@dataclass(slots=True)
class Reader:
    """Takes the lines of `manifest STAMP` as they come."""

    lim: int
    stamp: str
    begun: bool = False
    ended: bool = False
    size_bytes: int = 0
    _files: dict[str, Entry] = field(default_factory=dict)
    _folders: set[str] = field(default_factory=set)

    def take(self, line: str) -> None:
        """One line more; ManifestNotUnderstood as soon as the whole cannot become sound."""
        if self.ended:
            raise ManifestNotUnderstood("something follows the end")
        value = _object(line)
        if not self.begun:
            self._head(value)
        elif "end" in value:
            self._end(value)
        else:
            self.add(value)

    def whole(self) -> LimManifest:
        """What the lines said; ManifestNotUnderstood when they stopped before the end."""
        if not self.ended:
            raise ManifestNotUnderstood(f"it breaks off after {len(self._files)} files")
        return LimManifest(self.lim, self.stamp, tuple(sorted(self._files.values())))

    def _head(self, value: Mapping[str, Any]) -> None:
        if value.get("ok") is not True:
            raise ManifestNotUnderstood(f"the LIM refused: {shown(value.get('error', 'it did not say why'))}")
        wanted = {"stamp": self.stamp, "lim": self.lim, "folder": folder_of(self.lim, self.stamp)}
        for name, expected in wanted.items():
            found = value.get(name)
            if type(found) is not type(expected) or found != expected:
                raise ManifestNotUnderstood(f"it is of {name} {shown(found)}, not {expected}")
        self.begun = True

    def add(self, value: Mapping[str, Any]) -> None:
        """One file more."""
        entry = _entry(value)
        if entry.path in self._files:
            raise ManifestNotUnderstood(f"two files of the name {shown(entry.path)}")
        if len(self._files) >= FILES_MAX:
            raise ManifestNotUnderstood(f"more than {FILES_MAX} files")
        parents = _parents(entry.path)
        if entry.path in self._folders or any(parent in self._files for parent in parents):
            raise ManifestNotUnderstood(f"a file and a folder of one name, at {shown(entry.path)}")
        self.size_bytes += entry.size_bytes
        if self.size_bytes > LIM_MAX_BYTES:
            raise ManifestNotUnderstood(f"more than {LIM_MAX_BYTES} bytes")
        self._files[entry.path] = entry
        self._folders.update(parents)

    def _end(self, value: Mapping[str, Any]) -> None:
        counted = {"end": True, "files": len(self._files), "size_bytes": self.size_bytes}
        for name, expected in counted.items():
            found = value.get(name)
            if type(found) is not type(expected) or found != expected:
                raise ManifestNotUnderstood(f"it ends with {name} {shown(found)}, but has {expected}")
        self.ended = True


def folder_of(lim: int, stamp: str) -> str:
    """Name of the folder of a backup on a LIM."""
    return f"xdata_{lim}_{stamp}"


def parse(lines: Iterable[str], *, lim: int, stamp: str) -> LimManifest:
    """The manifest in these lines; ManifestNotUnderstood for anything less than a whole and sound one."""
    reader = Reader(lim, stamp)
    for line in lines:
        reader.take(line)
    return reader.whole()


def _object(line: str) -> Mapping[str, Any]:
    """A JSON object on a line, each name once."""
    if len(line) > LINE_MAX_BYTES or len(line.encode(errors="surrogatepass")) > LINE_MAX_BYTES:
        raise ManifestNotUnderstood(f"a line of more than {LINE_MAX_BYTES} bytes: {shown(line)}")
    return json_object(line, f"a line is no JSON object: {shown(line)}")


def json_object(text: str | bytes, otherwise: str) -> Mapping[str, Any]:
    """A JSON object with each name once; ManifestNotUnderstood with this message for anything else."""
    try:
        value = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise ManifestNotUnderstood(otherwise) from None
    if not isinstance(value, dict):
        raise ManifestNotUnderstood(otherwise)
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _entry(value: Mapping[str, Any]) -> Entry:
    try:
        path = checked_path(value.get("path"))
    except PathRefused as error:
        raise ManifestNotUnderstood(str(error)) from error
    size, sha256 = value.get("size_bytes"), value.get("sha256")
    if type(size) is not int or not 0 <= size <= FILE_MAX_BYTES:
        raise ManifestNotUnderstood(f"the size of {shown(path)} is {shown(size)}, not 0 to {FILE_MAX_BYTES}")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ManifestNotUnderstood(f"the SHA-256 of {shown(path)} is {shown(sha256)}: not 64 hexadecimal digits")
    return Entry(path, size, sha256)


def _parents(path: str) -> list[str]:
    """The folders a path lies in, the outermost first."""
    return [path[:place] for place, byte in enumerate(path) if byte == "/"]
