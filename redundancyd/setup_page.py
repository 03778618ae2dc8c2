"""What the socket shows of a daemon that is not configured, and of what `configure` finds.  Pure."""

from collections.abc import Iterable
from typing import Any

from redundancyd.core.prerequisites import Finding
from redundancyd.core.preview import Preview

Page = dict[str, Any]
NOT_CONFIGURED = (
    "nothing is configured: the primary is not supervised, and no takeover happens; make a pair with "
    "'redundancyctl configure'"
)


def finding_pages(found: Iterable[Finding]) -> list[Page]:
    """The list of prerequisites."""
    return [
        {
            "name": each.name,
            "outcome": str(each.outcome),
            "found": list(each.found),
            "expected": each.expected,
            "remedy": each.remedy,
        }
        for each in found
    ]


def preview_page(told: Preview, found: Iterable[Finding] | None = None) -> Page:
    """Now, will do, afterwards; with the prerequisites where there are any."""
    page: Page = {
        "now": list(told.now),
        "will_do": list(told.will_do),
        "afterwards": list(told.afterwards),
        "refused": told.refused,
    }
    return page if found is None else {**page, "prerequisites": finding_pages(found)}
