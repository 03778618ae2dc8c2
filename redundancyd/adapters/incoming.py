"""A mirror that is on its way: where it comes in, what the newest one has of it, and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redundancyd.adapters.mirror_checks import lim_folder
from redundancyd.core.manifest import Entry


@dataclass(frozen=True, slots=True)
class Incoming:
    """A mirror that is on its way."""

    folder: Path
    """what is sent goes below it, to `lim-<n>/<name of the entry>`"""
    missing: tuple[tuple[int, Entry], ...]
    """LIM and file of everything that is not there in full size yet"""
    linked_bytes: int
    """had by the newest mirror already"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mirror comes in, before its manifest is known."""

    folder: Path
    room_bytes: int
    """that it may have there"""
    before: Path | None
    """the newest mirror"""
    large: Mapping[int, Sequence[str]]
    """names of the large files that the newest mirror has of each LIM"""
    had: Mapping[tuple[str, int], Path]
    """the files of the newest mirror by what is in them"""

    def basis(self, lim: int) -> tuple[Path, Sequence[str]] | None:
        """The folder of a LIM in the newest mirror, and the large files in it."""
        return (self.before / lim_folder(lim), self.large[lim]) if self.before and lim in self.large else None
