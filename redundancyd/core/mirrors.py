"""Which mirrors count, and which of them stay.

What may be known: what a look at the folder found of each mirror, and what day it is.  What may not: that a stamp is
true, since it comes from the primary's own clock.  So a mirror with a stamp from the days to come never pushes out
others: it stays beside them, and the reason says to look at that clock.

How it thinks.  Only whole mirrors count.  The newest whole one never goes, and nothing goes before the new one is
whole: `keep` is asked when it is.  What is damaged goes once something whole is there; alone, it stays for people.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from redundancyd.core.manifest import Entry
from redundancyd.core.stamps import day_of

KEEP = 3


class Condition(StrEnum):
    """What a look at a mirror found."""

    WHOLE = "whole"
    INCOMING = "incoming"
    MANIFEST_MISSING = "manifest missing"
    FILE_MISSING = "file missing"
    FILE_DIFFERS = "file differs"


@dataclass(frozen=True, slots=True)
class Mirror:
    """Our copy of one backup."""

    stamp: str
    condition: Condition
    detail: str = ""
    """the file, or what is wrong with the manifest; empty for a whole one"""
    size_bytes: int = 0
    """of all files in its manifest"""

    @property
    def is_whole(self) -> bool:
        """It may be listed, kept and applied."""
        return self.condition is Condition.WHOLE

    def __str__(self) -> str:
        return f"{self.stamp}: {self.condition}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Kept:
    """What becomes of a mirror, and why."""

    mirror: Mirror
    stays: bool
    reason: str


def examine(entries: Iterable[Entry], found: Mapping[str, tuple[int, str | None]]) -> tuple[Condition, str]:
    """What files with these sizes and, where they were read, SHA-256 are to a manifest: the condition and the file.

    A file that no manifest names makes it differ too: nobody knows what an exchange would do with it.
    """
    wanted = {entry.path: entry for entry in entries}
    for path, entry in wanted.items():
        if path not in found:
            return Condition.FILE_MISSING, path
        size, sha256 = found[path]
        if size != entry.size_bytes:
            return Condition.FILE_DIFFERS, f"{path}: {size} bytes, not {entry.size_bytes}"
        if sha256 is not None and sha256 != entry.sha256:
            return Condition.FILE_DIFFERS, f"{path}: other contents of the same size"
    unnamed = min((path for path in found if path not in wanted), default=None)
    return (Condition.WHOLE, "") if unnamed is None else (Condition.FILE_DIFFERS, f"{unnamed}: not in the manifest")


def newest(mirrors: Iterable[Mirror]) -> Mirror | None:
    """The whole mirror with the highest stamp."""
    return max((mirror for mirror in mirrors if mirror.is_whole), key=lambda mirror: mirror.stamp, default=None)


def keep(mirrors: Sequence[Mirror], count: int = KEEP, *, today: str) -> tuple[Kept, ...]:
    """What stays and what goes, newest first; `today` is a date such as 2026-03-09, of the exchange or near it."""
    assert count >= 1
    ordered = sorted(mirrors, key=lambda mirror: mirror.stamp, reverse=True)
    whole = [mirror for mirror in ordered if mirror.is_whole]
    tomorrow = day_of(today) + 1  # the exchange may be in another time zone
    early = [mirror for mirror in whole if day_of(mirror.stamp) > tomorrow]
    reasons = _ranked(early, count, lambda place: f"its stamp lies ahead; look at the primary's clock ({place})")
    in_time = [mirror for mirror in whole if mirror not in early]
    reasons |= _ranked(in_time, count, lambda place: place)
    return tuple(reasons.get(mirror.stamp) or _not_whole(mirror, bool(whole)) for mirror in ordered)


def _ranked(whole: Sequence[Mirror], count: int, reason: Callable[[str], str]) -> dict[str, Kept]:
    """Newest first: so many stay, the others go."""
    found = {}
    for rank, mirror in enumerate(whole, 1):
        place = "the newest whole one" if rank == 1 else f"number {rank} of the {count} newest whole ones"
        if rank > count:
            place = f"{rank - 1} whole ones are newer, {count} are kept"
        found[mirror.stamp] = Kept(mirror, rank <= count, reason(place))
    return found


def _not_whole(mirror: Mirror, others: bool) -> Kept:  # noqa: FBT001 - private, called once
    if mirror.condition is Condition.INCOMING:
        return Kept(mirror, stays=True, reason="it is being copied")
    why = f"{mirror.condition}: {mirror.detail}" if mirror.detail else str(mirror.condition)
    if others:
        return Kept(mirror, stays=False, reason=f"{why}; a whole one is there")
    return Kept(mirror, stays=True, reason=f"{why}; kept for a person to look at, since no whole one is there")
