"""What earlier jobs left behind, and what day it is -> the alarms of exchange data that stand now."""

from collections.abc import Iterator
from dataclasses import dataclass

from redundancyd.core.alarms import Alarm, gravest_first
from redundancyd.core.data_job import HOUR_MS, OVERDUE_MS, Past, Result

_SHOWN = 3
REMEDY = "remove the redundancy, change both systems, configure it again"


@dataclass(frozen=True, slots=True)
class Held:
    """What holds back the next load; each entry is a text for people, in the order in which it is to be dealt with."""

    missing: tuple[str, ...] = ()
    """own addresses that no entry translates"""
    unconfirmed: tuple[str, ...] = ()
    """addresses of others that are new"""
    differences: tuple[str, ...] = ()
    """of the systems, from each other or from what they were"""
    unread: str = ""
    """why the translation table can't be read"""


def data_alarms(
    past: Past, now: int, backup_age_ms: int | None, max_age_ms: int, held: Held | None = None
) -> tuple[Alarm, ...]:
    """All that stand, gravest first; `now` is the wall clock, the age that of the primary's newest backup we know."""
    found = [*_alarms(past, now, backup_age_ms, max_age_ms), *_holds(held or Held(past.missing))]
    return gravest_first(*found)


def _alarms(past: Past, now: int, backup_age_ms: int | None, max_age_ms: int) -> Iterator[Alarm]:
    if past.spoilt is Result.BROKEN:
        yield _alarm("data_not_rolled_back", 4, f"the alternate could not go back to what it ran: {past.spoilt_why}")
    if past.spoilt is Result.ROLLED_BACK:
        yield _alarm("data_rolled_back", 3, f"a load failed and the alternate went back: {past.spoilt_why}")
    since = past.success_at or past.watched_since
    if since and now - since > OVERDUE_MS:
        why = past.why or "no job was run"
        yield _alarm("data_overdue", 3, f"no copy of exchange data succeeded for {(now - since) // HOUR_MS} h: {why}")
    if backup_age_ms is not None and backup_age_ms > max_age_ms:
        text = f"the primary's current backup is {backup_age_ms // HOUR_MS} h old: nobody saves backups there"
        yield _alarm("backup_too_old", 2, text)
    if past.behind:
        text = f"servers of the alternate have not received what was loaded: {_first(past.behind)}"
        yield _alarm("data_not_everywhere", 2, text)
    if past.foreign:
        text = f"the alternate's newest backup is {past.foreign}, and {past.loaded} was loaded: changed by hand"
        yield _alarm("data_changed_by_hand", 2, text)


def _holds(held: Held) -> Iterator[Alarm]:
    if held.unread:
        yield _alarm("translation_unread", 3, f"the translation table cannot be read, nothing is loaded: {held.unread}")
    if held.missing:
        text = f"own addresses are not in the translation table, nothing is loaded: {_first(held.missing)}"
        yield _alarm("data_untranslated", 3, text)
    if held.unconfirmed:
        text = f"new addresses wait for 'settings translation confirm', nothing is loaded: {_first(held.unconfirmed)}"
        yield _alarm("data_unconfirmed", 3, text)
    if held.differences:
        text = f"the systems are not as they were configured, nothing is loaded: {_first(held.differences)}; {REMEDY}"
        yield _alarm("systems_differ", 3, text)


def _first(told: tuple[str, ...]) -> str:
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return "; ".join(told[:_SHOWN]) + more


def _alarm(name: str, severity: int, text: str) -> Alarm:
    return Alarm(f"{name}:exchange_data", name, severity, "exchange_data", text)
