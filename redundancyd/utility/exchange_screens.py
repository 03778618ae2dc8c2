"""The exchanges' own alarms as lines of the status screen.  Pure."""

from collections.abc import Iterator
from typing import Any

from redundancyd.utility.text import Paint, ago, plain, wrapped

Page = dict[str, Any]
_BECAUSE = {"passive": "expected: this system is passive", "loaded": "expected: exchange data was loaded"}


def lines(page: Page, paint: Paint) -> Iterator[str]:
    """The alarms of both exchanges, expected or not; nothing where none stands."""
    found = [
        line for system, read in (page.get("exchange_alarms") or {}).items() for line in _system(system, read, paint)
    ]
    if found:
        yield " Alarms of the exchanges themselves:"
    yield from found


def _system(system: str, read: Page, paint: Paint) -> Iterator[str]:
    if read["why"]:
        yield from wrapped(
            f"{system}: could not be read: {read['why']} (asked: {ago(read['read_ago_ms'])})", "   ", "     "
        )
    for row in sorted(read["rows"], key=lambda row: (row["expected"], -row["severity"])):
        told = _BECAUSE.get(row["because"], "NOT expected")
        text = wrapped(f"{system} LIM {row['lim']}: {row['text']} ({row['code']}); {told}", f"   {row['severity']} ")
        yield from text if row["expected"] else (paint.warn(line) for line in text)
    if read["left_out"]:
        yield f"   {plain(system)}: {read['left_out']} more, or not understood: alarm -p there shows all"
