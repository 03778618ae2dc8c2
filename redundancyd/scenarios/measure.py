"""From answered packets to figures: when was which system active, how long were both, how long was none.

A system is active at each answer and between two answers no more than 100 ms apart; a single answer counts as 20 ms.
Nothing else is looked at: neither the rules, nor what the daemon says of itself.  All instants and spans here are
nanoseconds of the boot-time clock, so that nothing is lost by rounding before the end.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MS = 1_000_000
JOIN = 100 * MS
SINGLE = 20 * MS


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From one instant to another."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How long it lasts."""
        return self.end - self.start

    def within(self, window: "Interval") -> "Interval | None":
        """What of it lies in a window; None when nothing does."""
        start, end = max(self.start, window.start), min(self.end, window.end)
        return Interval(start, end) if start < end else None


def activity(answers: Iterable[int]) -> list[Interval]:
    """When a system was active, from the instants of its answers in any order."""
    found: list[Interval] = []
    start = last = None
    for at in sorted(answers):
        if start is None or last is None:
            start = at
        elif at - last > JOIN:
            found.append(_interval(start, last))
            start = at
        last = at
    if start is not None and last is not None:
        found.append(_interval(start, last))
    return found


def _interval(first: int, last: int) -> Interval:
    return Interval(first, last if last > first else first + SINGLE)


def overlap(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """When both were active; each list is in order and free of overlaps, as `activity` gives it."""
    found = []
    left = right = 0
    while left < len(one) and right < len(other):
        if shared := one[left].within(other[right]):
            found.append(shared)
        if one[left].end <= other[right].end:
            left += 1
        else:
            right += 1
    return found


def gaps(window: Interval, *systems: Sequence[Interval]) -> list[Interval]:
    """When, in a window, none was active."""
    found = []
    covered = window.start
    for active in sorted(interval for system in systems for interval in system):
        if active.start >= window.end:
            break
        if active.start > covered:
            found.append(Interval(covered, active.start))
        covered = max(covered, active.end)
    if covered < window.end:
        found.append(Interval(covered, window.end))
    return found


def clipped(intervals: Iterable[Interval], window: Interval) -> list[Interval]:
    """What of some intervals lies in a window."""
    return [part for interval in intervals if (part := interval.within(window)) is not None]


def total_ms(intervals: Iterable[Interval]) -> int:
    """How long they last together, in whole milliseconds; anything above nothing counts as at least one."""
    total = sum(interval.length for interval in intervals)
    return max(1, round(total / MS)) if total else 0


def longest_ms(intervals: Iterable[Interval]) -> int:
    """How long the longest lasts, in whole milliseconds."""
    return round(max((interval.length for interval in intervals), default=0) / MS)
