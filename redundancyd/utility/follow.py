"""Follows one takeover to its end and says how it ended, even if the daemon is restarted on the way."""

import time
from collections.abc import Callable
from typing import Any

import click

from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached
from redundancyd.utility.text import plain, span

LOOK_S = 0.2
LOOKS = 600  # two minutes, and the time the answers take
DONE, FAILED = 0, 1

Page = dict[str, Any]


def follow(client: Client, number: int, seq: int, show: Callable[[Page], None]) -> int:
    """Show the events from `seq` on until takeover `number` is done (0), undone or overtaken (1)."""
    away, started_at = False, None
    for _ in range(LOOKS):
        try:
            page = client.get("/v1/status")
            if page["started_at"] != started_at and started_at is not None:
                seq = 0  # the numbers begin anew with the daemon
            started_at = page["started_at"]
            events = client.get("/v1/events", {"since": seq})["events"]
        except DaemonNotReached as error:
            if not away:
                click.echo(f"{error}  Waiting for it.", err=True)
            away = True
        else:
            away = False
            for line in events:
                seq = line["seq"]
                show(line)
            if (ended := end(page, number)) is not None:
                status, said = ended
                click.echo(said)
                return status
        time.sleep(LOOK_S)
    click.echo(f"Takeover {number} has not ended yet; follow it with: redundancyctl events --follow")
    return FAILED


def end(page: Page, number: int) -> tuple[int, str] | None:
    """How the takeover of this number ended; None while it has not."""
    goal = page["goal"]
    if goal is None or not goal["done"]:
        return None
    if goal["number"] == number:
        said = f"Takeover {number} done: traffic in the {plain(goal['active'])} system."
        if page["unfenced"]:
            said += f"\nUNFENCED: {', '.join(page['unfenced'])} may carry traffic, too; it is blocked when it answers."
        if goal["revert_in_ms"] is not None:
            back = span(goal["revert_in_ms"])
            said += f"\nIt goes back by itself in {back}, unless: redundancyctl manual-takeover confirm"
        return DONE, said
    if goal["number"] > number:
        why, active = plain(goal["reason"]), plain(goal["active"])
        return FAILED, f"Takeover {number} was NOT completed: {why}.\nTraffic in the {active} system."
    return None
