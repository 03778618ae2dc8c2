"""Samples, their medians, and goals; pure."""

import itertools
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """What several runs of the same thing gave, in one unit."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        return f"{shown(self.median)} ({shown(min(self.values))}-{shown(max(self.values))})"

    def as_json(self) -> dict[str, object]:
        """For a program."""
        return {"median": round(self.median, 3), "values": [round(value, 3) for value in self.values]}


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that may be at most so much."""

    what: str
    figure: float
    at_most: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """It is not above."""
        return self.figure <= self.at_most

    def __str__(self) -> str:
        word = "met" if self.met else "MISSED"
        return f"{word}: {self.what} {self.figure:.2f}{self.unit}, at most {self.at_most:g}{self.unit}"

    def as_json(self) -> dict[str, object]:
        """For a program."""
        return {"what": self.what, "figure": round(self.figure, 3), "at_most": self.at_most, "met": self.met}


def shown(value: float) -> str:
    """A figure with as many digits as it deserves."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def phases(runs: int, chance: random.Random) -> list[float]:
    """Random shares of one interval, one from each n-th part of it, in random order.

    Uniform as single draws are, but few of them are enough: a median of seven single draws would wander by a fifth of
    the interval, which is more than what is to be told apart.
    """
    found = [(part + chance.random()) / runs for part in range(runs)]
    chance.shuffle(found)
    return found


def next_at(last: int, interval: int, phase: float, not_before: int) -> int:
    """The first instant not before another that lies `phase` of an interval behind a beat of the grid of `last`."""
    first = last + round(phase * interval)
    return first + max(0, -((first - not_before) // interval)) * interval


def lateness_ms(instants: Sequence[float], interval_ms: float) -> tuple[float, ...]:
    """How much later than one interval behind the one before each instant came; beats keep to a grid, so early is 0."""
    return tuple(max(0.0, late - early - interval_ms) for early, late in itertools.pairwise(instants))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A markdown table that can be read on a terminal."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in lines
    ]


def median_of(rows: Sequence[dict[str, float]], name: str) -> float:
    """The middle value of one column."""
    return statistics.median(row[name] for row in rows)
