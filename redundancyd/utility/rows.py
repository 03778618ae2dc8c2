"""The takeover table as text and as JSON; asks no daemon.  Pure."""

from typing import Any

from redundancyd.core.takeover import TABLE, Row
from redundancyd.utility.text import wrapped

Page = dict[str, Any]


def pages() -> list[Page]:
    """Every row, in the order of the table."""
    return [
        _page(row) | {"phase": str(phase), "trigger": str(trigger), "next_phase": str(row.phase)}
        for (phase, trigger), row in TABLE.items()
    ]


def find(number: str) -> Page | None:
    """The row with this number."""
    return next((page for page in pages() if page["row"] == number), None)


def table() -> str:
    """The table, a row a paragraph."""
    return "\n".join(row(page) for page in pages())


def row(page: Page) -> str:
    """One row: number, where it applies, what leads to it, what is asked for, and why."""
    head = f"{page['row']}  {page['phase']} + {page['trigger']} -> {page['next_phase']}: {page['ask']}"
    return "\n".join([*wrapped(head, "", "     "), *wrapped(page["why"], "     ")])


def _page(found: Row) -> Page:
    return {"row": found.number, "ask": str(found.ask), "why": found.why}
