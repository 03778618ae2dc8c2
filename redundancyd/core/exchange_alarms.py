"""The exchange's own alarms: the printout of `alarm -p` becomes rows, and each is expected or not.

What other machines print is bounded and never trusted: a line that is no row is left out, and counted.  Expected are
the alarms that the manual's chapter 8 names: in the passive system, because its traffic is blocked; in the alternate,
because exchange data was loaded.  They are known by their number (domain/code), or, where that is not public, by words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from redundancyd.core.systems import System

ROWS_MAX = 50
CLEARED = 0
_TEXT_MAX = 100
_COLUMNS = ("S", "N", "Handle", "Dom.", "Code", "LIM", "Where")
_NUMBER = re.compile(r"[0-9]{1,10}")


class Because(StrEnum):
    """Why an alarm is expected."""

    PASSIVE = "passive"  # the system's traffic is blocked
    LOADED = "loaded"  # exchange data was loaded into it


@dataclass(frozen=True, slots=True)
class Row:
    """One alarm that stands in an exchange."""

    severity: int
    handle: str
    domain: int
    code: int
    lim: str
    text: str


@dataclass(frozen=True, slots=True)
class Printout:
    """What `alarm -p` said."""

    rows: tuple[Row, ...]
    left_out: int = 0  # lines that are no row, and rows beyond the most


class AlarmsNotUnderstood(ValueError):
    """The printout has no heading that we know."""


def parse(lines: Sequence[str], *, more: bool = False) -> Printout:
    """The rows below the heading; AlarmsNotUnderstood without one: no heading is not the same as no alarm."""
    rows: list[Row] = []
    left_out, begun = int(more), False
    for line in lines:
        words = line.split()
        if tuple(words[: len(_COLUMNS)]) == _COLUMNS:
            begun = True
        elif not words or words == ["END"] or not begun or not line.strip(" -="):
            continue
        elif (row := _row(line)) is None or len(rows) >= ROWS_MAX:
            left_out += 1
        else:
            rows.append(row)
    if not begun:
        raise AlarmsNotUnderstood(f"no line begins with {' '.join(_COLUMNS)}")
    return Printout(tuple(row for row in rows if row.severity != CLEARED), left_out)


def _row(line: str) -> Row | None:
    """`S N Handle Dom. Code LIM Where Explanation`: six words, then what and where, which may have blanks."""
    parts = line.split(None, 6)
    if len(parts) < len(_COLUMNS) or not all(_NUMBER.fullmatch(parts[index]) for index in (0, 2, 3, 4)):
        return None
    severity, _, handle, domain, code, lim, text = parts
    if int(severity) > 4 or not re.fullmatch(r"[0-9]{1,4}|-", lim):  # noqa: PLR2004 - MX-ONE's own
        return None
    return Row(int(severity), handle, int(domain), int(code), lim, " ".join(text.split())[:_TEXT_MAX])


_PASSIVE_CODES = frozenset({(0, 345), (0, 350)})  # information computer, CSTA: faulty communication channel
_PASSIVE_WORDS = (("sip", "trunk", "heart"), ("information computer", "channel"), ("csta", "channel"))
_LOADED_CODES = frozenset({(0, 40), (0, 45), (1, 23)})  # data reloaded, LIM restarted, rollback of database data
_LOADED_WORDS = (("exchange data reloaded",), ("rollback of database data",), ("lim reloaded",))


def because(row: Row, system: System, *, passive: bool, loaded: bool) -> Because | None:
    """Why this alarm is expected in this system now; None when it is not."""
    if passive and _is_one(row, _PASSIVE_CODES, _PASSIVE_WORDS):
        return Because.PASSIVE
    if loaded and system is System.ALTERNATE and _is_one(row, _LOADED_CODES, _LOADED_WORDS):
        return Because.LOADED
    return None


def _is_one(row: Row, codes: Iterable[tuple[int, int]], words: Iterable[tuple[str, ...]]) -> bool:
    text = row.text.lower()
    return (row.domain, row.code) in codes or any(all(word in text for word in group) for group in words)
