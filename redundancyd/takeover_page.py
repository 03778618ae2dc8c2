"""The takeover table as a page of documentation: `python -m redundancyd.takeover_page > docs/takeover.md`."""

import sys
from collections.abc import Iterator

from redundancyd.core.state import Phase
from redundancyd.core.takeover import IGNORED, TABLE, Trigger, impossible

INTRODUCTION = """# The takeover table

This page is printed from `redundancyd/core/takeover.py`; a test keeps the two equal.
`redundancyctl inspect table` shows the same table, `redundancyctl inspect row T07` one row of it.

A *phase* is where the machine stands, a *trigger* what facts and answers amount to.
Facts shrink before they meet the table: beats become one verdict, the answers of many LIMs become one trigger.
The goal is on disk before a server is touched, and the passive system is blocked before the active one is allowed.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_picture(), "", *_rows(), "", *_ignored(), "", *_impossible()]) + "\n"


def _picture() -> Iterator[str]:
    """The phases and the ways between them, as a diagram."""
    yield "## The picture"
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    ways: dict[tuple[Phase, Phase], list[str]] = {}
    for (phase, trigger), row in TABLE.items():
        ways.setdefault((phase, row.phase), []).append(f"{row.number} {trigger}")
    for (start, end), names in ways.items():
        yield f"    {start} --> {end}: {', '.join(names)}"
    yield "```"


def _rows() -> Iterator[str]:
    yield "## The rows"
    yield ""
    yield "| row | in phase | when | next phase | asks for | why |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for (phase, trigger), row in TABLE.items():
        yield f"| {row.number} | {phase} | {trigger} | {row.phase} | {row.ask} | {row.why} |"


def _ignored() -> Iterator[str]:
    yield "## Ignored, for a reason"
    yield ""
    yield "| in phase | when | because |"
    yield "| --- | --- | --- |"
    for (phase, trigger), why in IGNORED.items():
        yield f"| {phase} | {trigger} | {why} |"


def _impossible() -> Iterator[str]:
    yield "## Impossible"
    yield ""
    yield "| because | in phase: triggers |"
    yield "| --- | --- |"
    reasons: dict[str, dict[Phase, list[Trigger]]] = {}
    for phase in Phase:
        for trigger in Trigger:
            pair = (phase, trigger)
            if pair not in TABLE and pair not in IGNORED:
                reasons.setdefault(impossible(*pair), {}).setdefault(phase, []).append(trigger)
    for why, phases in reasons.items():
        told = "; ".join(f"{phase}: {', '.join(triggers)}" for phase, triggers in phases.items())
        yield f"| {why} | {told} |"


if __name__ == "__main__":
    sys.stdout.write(page())
