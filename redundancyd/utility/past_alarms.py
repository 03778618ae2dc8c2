"""Alarms that stand, and those that came and went since the daemon started.  Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from redundancyd.utility import screens
from redundancyd.utility.text import PLAIN, Paint, ago, plain, wrapped

Page = dict[str, Any]
_RAISED, _CLEARED = "alarm_raised", "alarm_cleared"
_INDENT = 14


def past(events: Sequence[Page], now: int) -> list[Page]:
    """What was raised and cleared again, latest first, from the daemon's records."""
    open_since: dict[str, Page] = {}
    gone: list[Page] = []
    for line in events:
        if line["event"] == _RAISED:
            open_since[line["handle"]] = line
        elif line["event"] == _CLEARED:
            gone.append(_gone(open_since.pop(line["handle"], None), line, now))
    return gone[::-1]


def screen(page: Page, paint: Paint = PLAIN) -> str:
    """What stands, and below it the past where it was asked for."""
    standing = screens.alarms(page, paint)
    if "past" not in page:
        return standing
    return "\n".join([standing, "", *_past(page["past"], paint)])


def _past(found: Sequence[Page], paint: Paint) -> Iterator[str]:
    yield paint.bold("Came and went since the daemon started; the journal knows the rest:")
    if not found:
        yield "  none"
    for alarm in found:
        raised = "?" if alarm["raised_ago_ms"] is None else ago(alarm["raised_ago_ms"])
        yield f"{plain(alarm['severity'] or '?'):<{_INDENT}}{plain(alarm['handle'])}"
        yield " " * _INDENT + f"raised {raised}, cleared {ago(alarm['cleared_ago_ms'])}"
        if alarm["text"]:
            yield from wrapped(alarm["text"], " " * _INDENT)


def _gone(raised: Page | None, cleared: Page, now: int) -> Page:
    known = raised or {}
    return {
        "handle": cleared["handle"],
        "severity": known.get("severity"),
        "text": known.get("text", ""),
        "raised_ago_ms": None if raised is None else now - raised["at_ms"],
        "cleared_ago_ms": now - cleared["at_ms"],
    }
