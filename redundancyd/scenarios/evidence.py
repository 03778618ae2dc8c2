"""What is gathered while a page is played, from four sides that do not know of one another.

The phones' answered packets; the daemon's journal and status; what each LIM has on its disk of the last order; each
LIM's sshd, which knows when a handshake was completed.  Every fact has its instant, in milliseconds of one clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redundancyd.core.systems import System


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a LIM had on its disk, from this instant on."""

    at: int
    lim: str
    system: System
    number: int
    word: str
    origin: str
    traffic: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the daemon's journal."""

    at: int
    event: str
    fields: Mapping[str, Any]

    def matches(self, event: str, pairs: Mapping[str, str]) -> bool:
        """It is this event, with these values."""
        return self.event == event and all(
            str(self.fields.get(key)).lower() == value.lower() for key, value in pairs.items()
        )

    def has(self, words: Mapping[str, str]) -> bool:
        """These fields have these words in them."""
        return all(word.lower() in str(self.fields.get(key)).lower() for key, word in words.items())


@dataclass(frozen=True, slots=True)
class Sample:
    """What the daemon's status said at one instant."""

    at: int
    phase: str
    goal: System | None
    number: int
    unfenced: frozenset[str]
    alarms: tuple[tuple[str, str], ...]  # name, text
    copied: float | None = None  # percent of a copy that goes on, where status says all that there is to say of it


@dataclass(frozen=True, slots=True)
class LetIn:
    """A LIM's sshd completed a handshake."""

    at: int
    lim: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A phone registered at a system, or nobody serves it any more."""

    at: int
    phone: int
    system: System | None


Seen = Remembered | Happened | LetIn | Moved


@dataclass(slots=True)
class Evidence:
    """All that was gathered so far."""

    remembered: list[Remembered] = field(default_factory=list)
    journal: list[Happened] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    let_in: list[LetIn] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)

    def happened(self, event: str, since: int, **pairs: str) -> list[Happened]:
        """The journal's lines of one event since an instant."""
        return [line for line in self.journal if line.at >= since and line.matches(event, pairs)]


def read_sample(at: int, said: Mapping[str, Any]) -> Sample:
    """What `GET /v1/status` says, as far as a page needs it."""
    goal = said.get("goal") or {}
    active = goal.get("active")
    alarms = [(str(alarm.get("name", "")), str(alarm.get("text", ""))) for alarm in said.get("alarms") or []]
    return Sample(
        at,
        str(said.get("phase", "")),
        System(active) if active in set(System) else None,
        int(goal.get("number") or 0),
        frozenset(_lim_name(entry) for entry in said.get("unfenced") or []),
        tuple(alarms),
        _copied(said),
    )


def _copied(said: Mapping[str, Any]) -> float | None:
    """How far a copy is; None where none goes on, or where bytes, files, rate or the time left are not told."""
    progress = (said.get("exchange_data") or {}).get("progress") or {}
    told = [progress.get(key) for key in ("done_bytes", "all_bytes", "files", "bytes_per_second", "left_s")]
    if not all(isinstance(each, int) for each in told) or not all(told[1:4]):
        return None
    return 100 * int(progress["done_bytes"]) / int(progress["all_bytes"])


def _lim_name(entry: object) -> str:
    """`primary-1`, whether status gives the name or a table about the LIM."""
    if isinstance(entry, Mapping):
        return str(entry.get("server") or f"{entry.get('system')}-{entry.get('lim')}")
    return str(entry)
