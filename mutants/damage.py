"""A mutant: one damage done on purpose to one file, and who is asked whether it is noticed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]


class Stale(Exception):
    """A damage that no longer fits the sources: what it would replace is not there, or more than once."""


class Group(StrEnum):
    """What kind of thing is damaged."""

    ROW = "row"
    VERDICT = "verdict"
    DEADLINE = "deadline"
    FOLD = "fold"
    GOAL = "goal"
    GUARD = "guard"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One damage: what stands between `start` and `end` of a file is replaced by something else."""

    name: str  # what is damaged, in plain words
    group: Group
    path: str  # of the file, from the top of the tree
    start: int
    end: int
    new: str

    def applied(self, text: str) -> str:
        """The file's text with the damage done; Stale where it changes nothing."""
        damaged = text[: self.start] + self.new + text[self.end :]
        if damaged == text or not 0 <= self.start <= self.end <= len(text):
            raise Stale(f"{self.name}: changes nothing in {self.path}")
        return damaged


@cache
def read(path: str) -> str:
    """A file of this tree."""
    return (TOP / path).read_text()


def of_text(name: str, group: Group, path: str, old: str, new: str) -> Mutant:
    """The mutant that replaces `old`, which must stand in the file exactly once."""
    text = read(path)
    if (count := text.count(old)) != 1:
        raise Stale(f"{name}: {old!r} stands {count} times in {path}, not once")
    start = text.index(old)
    return Mutant(name, group, path, start, start + len(old), new)


def told_apart(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """The same mutants; where two have one name, the later ones are counted."""
    counts: dict[str, int] = {}
    for mutant in mutants:
        count = counts[mutant.name] = counts.get(mutant.name, 0) + 1
        yield mutant if count == 1 else replace(mutant, name=f"{mutant.name} (no. {count})")
