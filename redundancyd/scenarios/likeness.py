"""What two plays of one page have in common when times are left aside: rows, verdicts of the beats, promises.

Three things are folded away, because they depend on when a packet comes, and not on what is decided:

- *repairs*: a look finds a LIM otherwise and puts it right (T03, T35, T36, T37 and what follows up to the rest).  How
  many looks it takes depends on which answer is first; what they lead to is on the LIMs, and the page expects that.
- *what follows a start*: T18 stays, the orders behind it are repairs like those.
- the verdict *unsure*: none yet.  A stall of a busy machine makes it appear and vanish between two equal verdicts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from redundancyd.core.takeover import TABLE, Ask, Row
from redundancyd.scenarios.evidence import Evidence
from redundancyd.scenarios.pages import PARTS, Page

REPAIRS = {"T03", "T35", "T36", "T37"}
START = "T18"
ROWS: dict[str, Row] = {row.number: row for row in TABLE.values()}


@dataclass(frozen=True, slots=True)
class Course:
    """How a play went; `promises` has the name of each that was exercised, with how it was kept."""

    rows: tuple[str, ...]
    verdicts: tuple[str, ...]
    promises: tuple[str, ...]

    def part(self, name: str) -> tuple[str, ...]:
        """One of the page's PARTS."""
        found: tuple[str, ...] = getattr(self, name)
        return found


def course(evidence: Evidence, since: int, promises: Iterable[str]) -> Course:
    """The course of a play from the instant `since` on."""
    taken = [str(line.fields.get("row")) for line in evidence.happened("row_taken", since)]
    said = [str(line.fields.get("verdict")) for line in evidence.happened("verdict_changed", since)]
    return Course(tuple(_decided(taken)), tuple(_told(said)), tuple(promises))


def differing(page: Page, one: Course, other: Course) -> Iterator[str]:
    """What differs between two plays although the page does not say so; a sentence each."""
    for part in PARTS:
        if part not in dict(page.differs) and one.part(part) != other.part(part):
            yield f"{part}: {' '.join(one.part(part))} -- {' '.join(other.part(part))}"


def said_in_vain(page: Page, one: Course, others: Callable[[], Iterable[Course]]) -> Iterator[str]:
    """What the page says differs, although no other play, whatever its chance, goes otherwise than this one.

    `others` plays them one after the other, as far as they are looked at.
    """
    for part, why in page.differs:
        if all(one.part(part) == other.part(part) for other in others()):
            yield f"{part} agree, and the page says that they differ because {why}"


def _decided(rows: Iterable[str]) -> Iterator[str]:
    """The rows without repairs."""
    repairing = False
    for number in rows:
        row = ROWS.get(number)
        if row is None:
            yield number  # unknown to this table: certainly no repair
        elif number in REPAIRS:
            repairing = True
        elif number == START:
            yield number
            repairing = True
        elif row.ask in {Ask.BLOCK, Ask.ALLOW} and repairing:
            continue
        elif row.ask in {Ask.FINISH, Ask.LOOK} and repairing:
            repairing = False
        else:
            repairing = False
            yield number


def _told(verdicts: Iterable[str]) -> Iterator[str]:
    last = ""
    for verdict in verdicts:
        if verdict not in {"unsure", last}:
            yield verdict
            last = verdict
