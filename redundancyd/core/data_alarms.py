"""What earlier jobs left behind, and what day it is -> the alarms of exchange data that stand now."""

from collections.abc import Iterator

from redundancyd.core.alarms import Alarm, gravest_first
from redundancyd.core.data_job import HOUR_MS, OVERDUE_MS, Past, Result

_SHOWN = 3


def data_alarms(past: Past, now: int, backup_age_ms: int | None, max_age_ms: int) -> tuple[Alarm, ...]:
    """All that stand, gravest first; `now` is the wall clock, the age that of the primary's newest backup we know."""
    return gravest_first(*_alarms(past, now, backup_age_ms, max_age_ms))


def _alarms(past: Past, now: int, backup_age_ms: int | None, max_age_ms: int) -> Iterator[Alarm]:
    if past.result is Result.BROKEN:
        yield _alarm("data_not_rolled_back", 4, f"the alternate could not go back to what it ran: {past.why}")
    if past.result is Result.ROLLED_BACK:
        yield _alarm("data_rolled_back", 3, f"a load failed and the alternate went back: {past.why}")
    if past.missing:
        places = "; ".join(past.missing[:_SHOWN])
        yield _alarm(
            "data_untranslated", 3, f"own addresses are not in the translation table, nothing applied: {places}"
        )
    since = past.success_at or past.watched_since
    if since and now - since > OVERDUE_MS:
        why = past.why or "no job was run"
        yield _alarm("data_overdue", 3, f"no copy of exchange data succeeded for {(now - since) // HOUR_MS} h: {why}")
    if backup_age_ms is not None and backup_age_ms > max_age_ms:
        text = f"the primary's current backup is {backup_age_ms // HOUR_MS} h old: nobody saves backups there"
        yield _alarm("backup_too_old", 2, text)
    if past.foreign:
        text = f"the alternate's newest backup is {past.foreign}, and {past.loaded} was loaded: changed by hand"
        yield _alarm("data_changed_by_hand", 2, text)


def _alarm(name: str, severity: int, text: str) -> Alarm:
    return Alarm(f"{name}:exchange_data", name, severity, "exchange_data", text)
