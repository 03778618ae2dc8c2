"""Follows a `configure` or a `remove` to its end, even if the daemon is restarted on the way."""

from collections.abc import Callable
from typing import Any

import click

from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached
from redundancyd.utility.follow import DONE, FAILED, Over, Seen, looks
from redundancyd.utility.text import plain

AWAY_MAX, AWAY_TOLD = 300, 15
"""looks in a row that the daemon may leave unanswered, a minute, and after which that is told: it begins anew"""
SETTLED_LOOKS = 60
"""looks that a removal is given until every LIM in reach has heard of it"""
FOLLOWED = frozenset({"configure", "remove"})
_SHOWN = ("setup_", "lim_disarmed", "lim_not_disarmed")

Page = dict[str, Any]
Begun = tuple[Page, int]


def before(client: Client) -> Begun:
    """What has to be known before the order, so that its end is told from older ones."""
    page = client.get("/v1/status")
    events = client.get("/v1/events")["events"]
    return page, int(events[-1]["seq"]) if events else 0


def is_shown(line: Page) -> bool:
    """Whether a record tells of the setting up; the journal has much beside."""
    return str(line["event"]).startswith(_SHOWN)


def over(action: str, first: Page) -> Over:
    """When it has ended, and each LIM has heard of it or had time to."""
    count = 0

    def ended(seen: Seen) -> tuple[int, str] | None:
        nonlocal count
        count += not seen.page.get("configured", True)
        found = end(action, first, seen.page)
        return found if is_settled(seen.page) or count > SETTLED_LOOKS else None

    return ended


def follow(client: Client, action: str, begun: Begun, show: Callable[[Page], None]) -> int:
    """Show what is done until it has ended; how it ended is the exit status."""
    first, seq = begun
    away, has_ended = 0, over(action, first)
    for seen in looks(client, seq):
        if isinstance(seen, DaemonNotReached):
            away += 1
            if away == AWAY_TOLD:
                click.echo(f"{plain(seen)}  Waiting for it.", err=True)
            if away >= AWAY_MAX:
                break
            continue
        away = 0
        for line in filter(is_shown, seen.lines):
            show(line)
        if (ended := has_ended(seen)) is not None:
            status, said = ended
            click.echo(said)
            return status
    click.echo("It has not ended yet; see: redundancyctl status")
    return FAILED


def is_settled(page: Page) -> bool:
    """Whether nothing is left to do on any LIM, and each in reach has said what its rules do."""
    if page.get("configured", True):
        return True
    lims = [lim for system in page["systems"].values() for lim in system["lims"]]
    return not page["setup"]["to_disarm"] and all(lim["last_traffic"] != "unknown" for lim in lims if lim["reach"])


def end(action: str, first: Page, page: Page) -> tuple[int, str] | None:
    """How it ended; None while it has not."""
    if action == "configure":
        return _configured(first, page)
    if page.get("configured", True):
        return None
    setup = page["setup"]
    if setup["step"] != "resting" or setup["undoing"]:
        return None
    if not first.get("configured", True):
        return DONE, "The configuration was stopped; everything is as before."
    lines = ["Removed: nobody supervises any more."]
    lines += [f"{name} system: {plain(page['systems'][name]['traffic'])}" for name in ("primary", "alternate")]
    if setup["to_disarm"]:
        names = plain(", ".join(setup["to_disarm"]))
        lines.append(
            f"Out of reach: {names}.  It is done as soon as it answers; or as root there: redundancy-lim remove"
        )
    if setup["overlap"]:
        lines.append(plain(setup["overlap"]))
    return DONE, "\n".join(lines)


def _configured(first: Page, page: Page) -> tuple[int, str] | None:
    if page.get("configured", True):
        return DONE, "Configured: the primary system is active, and supervised."
    setup, earlier = page["setup"], first.get("setup") or {}
    if setup["step"] != "resting" or setup["undoing"]:
        return None
    if setup["last"] is not None and setup["last"] != earlier.get("last"):
        if setup["last"]["result"] == "configured":
            return None  # this life ends; the next one has the pair
        why = plain(setup["last"]["why"])
        return FAILED, f"NOT configured ({plain(setup['last']['result'])}): {why}\nEverything is as before."
    if page["started_at"] != first["started_at"]:
        return FAILED, "NOT configured: the daemon was started anew on the way.\nEverything is as before."
    return None
