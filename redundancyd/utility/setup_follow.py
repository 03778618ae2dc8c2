"""Follows a `configure` or a `remove` to its end, even if the daemon is restarted on the way."""

import time
from collections.abc import Callable
from typing import Any

import click

from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached
from redundancyd.utility.text import plain

LOOK_S = 0.3
AWAY_MAX, AWAY_TOLD = 200, 10
"""looks in a row that the daemon may leave unanswered, a minute, and after which that is told: it begins anew"""
SETTLED_LOOKS = 40
"""looks that a removal is given until every LIM in reach has heard of it"""
DONE, FAILED = 0, 1
FOLLOWED = frozenset({"configure", "remove"})
_SHOWN = ("setup_", "lim_disarmed", "lim_not_disarmed")

Page = dict[str, Any]
Begun = tuple[Page, int]


def before(client: Client) -> Begun:
    """What has to be known before the order, so that its end is told from older ones."""
    page = client.get("/v1/status")
    events = client.get("/v1/events")["events"]
    return page, int(events[-1]["seq"]) if events else 0


def follow(client: Client, action: str, begun: Begun, show: Callable[[Page], None]) -> int:
    """Show what is done until it has ended; how it ended is the exit status."""
    first, seq = begun
    away = looks = 0
    while away < AWAY_MAX:
        try:
            events = client.get("/v1/events", {"since": seq})["events"]
            page = client.get("/v1/status")
        except DaemonNotReached as error:
            away += 1
            if away == AWAY_TOLD:
                click.echo(f"{plain(error)}  Waiting for it.", err=True)
        else:
            if away and not client.get("/v1/events", {"since": seq - 1})["events"]:
                seq = 0  # another process, whose numbers began anew
            away = 0
            for line in events:
                seq = line["seq"]
                if str(line["event"]).startswith(_SHOWN):
                    show(line)
            looks += not page.get("configured", True)
            if (ended := end(action, first, page)) is not None and (is_settled(page) or looks > SETTLED_LOOKS):
                status, said = ended
                click.echo(said)
                return status
        time.sleep(LOOK_S)
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
