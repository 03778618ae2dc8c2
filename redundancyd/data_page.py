"""What the status page shows of exchange data.  Pure; instants are wall clock milliseconds, for people and for days."""

from collections.abc import Mapping, Sequence
from typing import Any

from redundancyd.adapters.daily import Daily
from redundancyd.adapters.progress import Progress
from redundancyd.core.data_alarms import Held
from redundancyd.core.data_job import Past
from redundancyd.core.mirrors import Mirror

Page = dict[str, Any]
HELD_SHOWN = 20


def page(
    doing: Mapping[str, str | None],
    progress: Progress | None,
    past: Past,
    daily: Daily | None,
    again_at: int | None,
    now: int,
) -> Page:
    """The part `exchange_data` of the status page, but for the mirrors."""
    return {
        **doing,
        "progress": None if progress is None else progress_page(progress),
        "auto": None if daily is None else str(daily),
        "next_in_ms": None if daily is None else daily.next_after(now) - now,
        "again_in_ms": None if again_at is None else max(0, again_at - now),
        "last": {
            "result": past.result and str(past.result),
            "why": past.why,
            "attempt_at": past.attempt_at,
            "ended_at": past.ended_at,
            "ended_ago_ms": None if past.ended_at is None else now - past.ended_at,
            "success_at": past.success_at,
            "success_ago_ms": None if past.success_at is None else now - past.success_at,
            "tries": past.tries,
        },
        "loaded": past.loaded or None,
        "loaded_from": past.mirror or None,
        "behind": list(past.behind),
        "findings": dict(past.counts) if past.counts is not None else None,
    }


def held_page(held: Held) -> Page:
    """What holds back the next load."""
    return {
        "missing": list(held.missing[:HELD_SHOWN]),
        "unconfirmed": list(held.unconfirmed[:HELD_SHOWN]),
        "differences": list(held.differences[:HELD_SHOWN]),
    }


def progress_page(progress: Progress) -> Page:
    """How far a copy is."""
    return {
        "done_bytes": progress.done_bytes,
        "all_bytes": progress.all_bytes,
        "files": progress.files,
        "bytes_per_second": progress.rate,
        "left_s": progress.left_s,
    }


def mirror_pages(mirrors: Sequence[Mirror]) -> list[Page]:
    """The mirrors, newest first."""
    return [
        {
            "stamp": mirror.stamp,
            "condition": str(mirror.condition),
            "detail": mirror.detail,
            "size_bytes": mirror.size_bytes,
        }
        for mirror in sorted(mirrors, key=lambda mirror: mirror.stamp, reverse=True)
    ]
