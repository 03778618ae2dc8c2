"""The daily job: a backup of the primary is pulled, kept, translated, sent to the alternate and loaded there.

What may be known: how each step ended, and what earlier jobs left behind.  What may not: a clock; instants are wall
clock milliseconds that are handed in, since a job is for people and for days.

How it thinks.  One small table: from each step, by how it ended, to the next one or to an end; its sentence is what
the operator reads.  Nothing is tried twice within a job: a job that may go better later is begun anew, `retry_ms` after
its end.  Only a load can't be broken off; whether and when it may begin is the decision's own matter
(exchange_data.py), and a job that it refuses has applied nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from redundancyd.core.due import called_for, held
from redundancyd.core.state import State
from redundancyd.core.systems import System

HOUR_MS = 3_600_000
RETRY_FIRST_MS = 60_000
RETRY_MOST_MS = HOUR_MS
OVERDUE_MS = 48 * HOUR_MS
"""A job that did not succeed for so long is an alarm"""


ROLLBACK_LEAST_MS = 10_000
"""Where a takeover waits and less time than this is left, what ran before is not loaded again"""
ACTIVE = "the alternate is active: its data is not touched"


class Step(StrEnum):
    """What a job is at."""

    RESTING = "resting"
    PULLING = "pulling"
    KEEPING = "keeping"
    TRANSLATING = "translating"
    SENDING = "sending"
    ASKING = "asking"  # the decision, whether the load may begin
    LOADING = "loading"
    ROLLING_BACK = "rolling back"


class Ended(StrEnum):
    """How a step ended."""

    BEGUN = "begun"  # a job was asked for
    LOAD_ASKED = "load asked"  # of a mirror that is there
    DONE = "done"
    SAME = "same"  # nothing to do: it is what was loaded last
    HAD = "had"  # nothing to do: a copy was asked for, and we have it
    ENOUGH = "enough"  # a copy was all that was asked for
    OWN_MISSING = "own missing"  # addresses of the primary that the table does not know
    UNCONFIRMED = "unconfirmed"  # addresses of others that nobody has confirmed
    NOT_ALIKE = "not alike"  # the systems are not what they were when they were configured
    OUT_OF_REACH = "out of reach"
    MOVED = "moved"  # what was to be copied was written to, or deleted, at its source
    FAILED = "failed"
    NOT_GRANTED = "not granted"
    NOT_BEGUN = "not begun"  # the LIM refused the load before anything was reloaded
    CALLED_OFF = "called off"  # a takeover is due, or the daemon stops


class Result(StrEnum):
    """How a job ended."""

    LOADED = "loaded"
    COPIED = "copied"
    NOTHING_TO_DO = "nothing to do"
    SKIPPED = "skipped"
    TRIED_AGAIN = "tried again later"
    NOT_APPLIED = "not applied"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    BROKEN = "not rolled back"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it leads, how the job ends if it ends there, and why."""

    number: str
    step: Step
    why: str
    result: Result | None = None


def _end(number: str, result: Result, why: str) -> Row:
    return Row(number, Step.RESTING, why, result)


_LATER = "no answer from a LIM; the mirrors are as they were"
_OFF = "broken off: a takeover is due, or the daemon stops; what was brought is gone on from"
TABLE: Mapping[tuple[Step, Ended], Row] = {
    (Step.RESTING, Ended.BEGUN): Row("D01", Step.PULLING, "the primary's current backup becomes a mirror"),
    (Step.RESTING, Ended.LOAD_ASKED): Row("D02", Step.TRANSLATING, "a mirror that is there is loaded"),
    (Step.PULLING, Ended.DONE): Row("D03", Step.KEEPING, "the new mirror is whole"),
    (Step.PULLING, Ended.SAME): _end("D04", Result.NOTHING_TO_DO, "the current backup is there and loaded already"),
    (Step.PULLING, Ended.HAD): _end("D34", Result.NOTHING_TO_DO, "the current backup is there already"),
    (Step.PULLING, Ended.OUT_OF_REACH): _end("D05", Result.TRIED_AGAIN, _LATER),
    (Step.PULLING, Ended.FAILED): _end("D06", Result.FAILED, "no mirror was made; those that are there stay"),
    (Step.PULLING, Ended.CALLED_OFF): _end("D07", Result.TRIED_AGAIN, _OFF),
    (Step.PULLING, Ended.MOVED): _end("D33", Result.TRIED_AGAIN, "the primary saves or deletes backups just now"),
    (Step.KEEPING, Ended.DONE): Row("D08", Step.TRANSLATING, "the addresses of the alternate are put in"),
    (Step.KEEPING, Ended.ENOUGH): _end("D09", Result.COPIED, "a copy was all that was asked for"),
    (Step.KEEPING, Ended.FAILED): Row("D10", Step.TRANSLATING, "an old mirror stays for now; the new one is whole"),
    (Step.KEEPING, Ended.CALLED_OFF): _end("D11", Result.TRIED_AGAIN, _OFF),
    (Step.TRANSLATING, Ended.DONE): Row("D12", Step.SENDING, "every own address is translated"),
    (Step.TRANSLATING, Ended.OWN_MISSING): _end("D13", Result.NOT_APPLIED, "own addresses are not in the table"),
    (Step.TRANSLATING, Ended.UNCONFIRMED): _end("D31", Result.NOT_APPLIED, "new addresses wait to be confirmed"),
    (Step.TRANSLATING, Ended.FAILED): _end("D14", Result.FAILED, "nothing was applied; the mirror is as it was"),
    (Step.TRANSLATING, Ended.CALLED_OFF): _end("D15", Result.TRIED_AGAIN, _OFF),
    (Step.SENDING, Ended.DONE): Row("D16", Step.ASKING, "every LIM of the alternate has its part"),
    (Step.SENDING, Ended.NOT_ALIKE): _end("D32", Result.NOT_APPLIED, "the systems are not as they were configured"),
    (Step.SENDING, Ended.OUT_OF_REACH): _end("D17", Result.TRIED_AGAIN, "a LIM of the alternate gave no answer"),
    (Step.SENDING, Ended.FAILED): _end("D18", Result.FAILED, "the alternate did not take its data; it runs on"),
    (Step.SENDING, Ended.CALLED_OFF): _end("D19", Result.TRIED_AGAIN, _OFF),
    (Step.ASKING, Ended.DONE): Row("D20", Step.LOADING, "the alternate is passive and the primary answers"),
    (Step.ASKING, Ended.NOT_GRANTED): _end("D21", Result.TRIED_AGAIN, "a load would not be safe now"),
    (Step.ASKING, Ended.CALLED_OFF): _end("D22", Result.TRIED_AGAIN, _OFF),
    (Step.LOADING, Ended.DONE): _end("D23", Result.LOADED, "the alternate runs the new data"),
    (Step.LOADING, Ended.NOT_BEGUN): _end("D24", Result.FAILED, "nothing was reloaded; the alternate runs on"),
    (Step.LOADING, Ended.FAILED): Row("D25", Step.ROLLING_BACK, "what ran before is loaded again"),
    (Step.LOADING, Ended.OUT_OF_REACH): Row("D26", Step.ROLLING_BACK, "nobody knows how it ended; to what ran before"),
    (Step.LOADING, Ended.CALLED_OFF): _end("D27", Result.TRIED_AGAIN, "no load is under way; it is done anew"),
    (Step.ROLLING_BACK, Ended.DONE): _end("D28", Result.ROLLED_BACK, "the alternate runs what it ran before"),
    (Step.ROLLING_BACK, Ended.FAILED): _end("D29", Result.BROKEN, "the alternate may run nothing; look at it"),
    (Step.ROLLING_BACK, Ended.OUT_OF_REACH): _end("D30", Result.BROKEN, "the alternate may run nothing; look at it"),
    (Step.ROLLING_BACK, Ended.CALLED_OFF): _end("D35", Result.BROKEN, "the alternate is wanted as it is; look at it"),
}
"""Everything else can't be: a step ends in no other way."""

AGAIN = frozenset({Result.TRIED_AGAIN})
SUCCESS = frozenset({Result.LOADED, Result.COPIED, Result.NOTHING_TO_DO})
SPOILT = frozenset({Result.ROLLED_BACK, Result.BROKEN})
WHY_MAX = 1000
"""characters of a reason that are kept: on the disk there is room for so much"""


def row(step: Step, ended: Ended) -> Row:
    """Where a job goes from here; KeyError for what can't be."""
    return TABLE[step, ended]


def hindrance(state: State) -> str:
    """Why a job may not begin, and one that has not begun to load must end; empty when it may."""
    goal = state.goal
    if goal is None:
        return "no goal is known"
    if goal.active is System.ALTERNATE:
        return ACTIVE
    if called_for(state) is not None:
        return "a takeover to the alternate is due"
    return ""


def takeover_waits(state: State) -> str:
    """Why the alternate is wanted as it is, as soon as its load has ended; empty when nobody waits for that."""
    if state.goal is not None and state.goal.active is System.ALTERNATE:
        return ACTIVE
    called = called_for(state)
    waits = called is not None and called.active is System.ALTERNATE and not held(state, called.active)
    return "a takeover to the alternate waits" if waits else ""


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier jobs left behind; instants are wall clock, in UTC."""

    attempt_at: int | None = None
    ended_at: int | None = None
    success_at: int | None = None
    result: Result | None = None
    why: str = ""
    spoilt: Result | None = None
    """how the last load went wrong: rolled back, or not; None once one ended well, whatever other jobs did since"""
    spoilt_why: str = ""
    tries: int = 0
    """in a row that are to be tried again"""
    watched_since: int | None = None
    """since when a job could have succeeded"""
    loaded: str = ""
    """the stamp that the alternate was given last"""
    mirror: str = ""
    """the stamp of the mirror that it was made of"""
    table: str = ""
    """a checksum of the translation table that made it"""
    counts: Mapping[str, int] | None = None
    """findings by kind, of the last translation"""
    missing: tuple[str, ...] = ()
    """the first own addresses that no entry translates, with file and line"""
    behind: tuple[str, ...] = ()
    """servers of the alternate that have not what was loaded last, each with the reason"""
    foreign: str = ""
    """the stamp that the alternate says is its newest, if that is not what we loaded"""

    def begun(self, at: int) -> "Past":
        """A job begins; what lies ahead was told by a clock that has been set back since."""
        success_at = None if self.success_at is None else min(self.success_at, at)
        return replace(self, attempt_at=at, success_at=success_at, watched_since=min(self.watched_since or at, at))

    def finished(self, result: Result, why: str, at: int) -> "Past":
        """A job has ended."""
        tries = self.tries + 1 if result in AGAIN else 0
        success_at = at if result in SUCCESS else self.success_at
        why = why[:WHY_MAX]
        found = replace(self, ended_at=at, result=result, why=why, tries=tries, success_at=success_at)
        if result in SPOILT:
            return replace(found, spoilt=result, spoilt_why=why)
        return replace(found, spoilt=None, spoilt_why="") if result is Result.LOADED else found

    def retry_at(self, now: int) -> int | None:
        """When a job that may go better later is begun anew; None when it is not."""
        if self.result not in AGAIN or self.ended_at is None:
            return None
        is_ahead = self.ended_at > now  # the clock has been set back
        return now if is_ahead else self.ended_at + retry_ms(self.tries)

    def runs(self, mirror: str, table: str) -> bool:
        """Whether the alternate runs this mirror, translated by the table of this checksum, as far as we know."""
        return (self.mirror, self.table) == (mirror, table) and self.spoilt is not Result.BROKEN


def retry_ms(tries: int) -> int:
    """How long to wait after so many tries in a row: a minute, doubled each time, an hour at most."""
    doubled = RETRY_FIRST_MS << min(max(tries - 1, 0), 10)
    return min(doubled, RETRY_MOST_MS)
