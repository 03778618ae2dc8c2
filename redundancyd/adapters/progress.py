"""How far a copy is: what several LIMs bring at the same time, added up."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from redundancyd.adapters.clock import Clock
from redundancyd.core.manifest import Entry


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is."""

    done_bytes: int
    """of what the newest mirror does not have; before the LIMs have counted, what has come so far"""
    all_bytes: int
    """0 while the LIMs still count"""
    files: int
    """that the newest mirror does not have; 0 while the LIMs still count"""
    rate: int
    """bytes a second since the copying began"""
    left_s: int | None
    """as far as the rate tells; None while there is none"""


Tell = Callable[[Progress], None]


@dataclass(slots=True)
class Meter:
    """Adds up what the LIMs bring."""

    clock: Clock
    tell: Tell
    started_at: int
    all_bytes: int = 0
    files: int = 0
    there: int = 0
    """of all bytes, before those of `done`"""
    moved: int = 0
    """since the start, before those of `done`"""
    done: dict[int, int] = field(default_factory=dict)

    def know(self, entries: Collection[Entry]) -> None:
        """The LIMs have counted: this is what must come."""
        self.all_bytes, self.files = sum(entry.size_bytes for entry in entries), len(entries)

    def go_on(self, left: int) -> None:
        """So many bytes are missing still."""
        self.moved += sum(self.done.values())
        self.there, self.done = max(0, self.all_bytes - left), {}
        if self.all_bytes:
            self._tell()

    def brought(self, lim: int, size_bytes: int) -> None:
        """What a LIM has brought since the start, or since it was gone on."""
        self.done[lim] = max(size_bytes, self.done.get(lim, 0))
        self._tell()

    def _tell(self) -> None:
        brought = sum(self.done.values())
        done = self.there + brought
        if self.all_bytes:
            done = min(done, self.all_bytes)
        rate = (self.moved + brought) * 1000 // max(1, self.clock.now() - self.started_at)
        left = (self.all_bytes - done) // rate if rate and self.all_bytes else None
        self.tell(Progress(done, self.all_bytes, self.files, rate, left))
