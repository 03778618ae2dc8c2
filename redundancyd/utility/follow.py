"""Follows one takeover to its end and says how it ended, even if the daemon is restarted on the way."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached
from redundancyd.utility.sentences import sentence
from redundancyd.utility.text import plain, span

LOOK_S = 0.2
LOOKS = 600  # two minutes, and the time the answers take
DONE, FAILED = 0, 1

Page = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the daemon: its status, and what it recorded since the look before."""

    page: Page
    lines: Sequence[Page]
    restarted: bool = False


Over = Callable[[Seen], tuple[int, str] | None]
"""Whether what was begun has ended: exit status and sentence."""


def looks(client: Client, seq: int) -> Iterator[Seen | DaemonNotReached]:
    """Look again and again; while the daemon is away, why."""
    started_at = last = None
    while True:
        try:
            page = client.get("/v1/status")
            restarted = started_at not in {None, page["started_at"]}
            events = client.get("/v1/events", {"since": max(0, seq - 1)})["events"]
            if restarted and last not in events[:1]:  # no other life of the same process: the numbers began anew
                events, seq = client.get("/v1/events", {"since": 0})["events"], 0
        except DaemonNotReached as error:
            yield error
        else:
            started_at, last = page["started_at"], events[-1] if events else last
            new = [line for line in events if line["seq"] > seq]
            seq = new[-1]["seq"] if new else seq
            yield Seen(page, new, restarted)
        time.sleep(LOOK_S)


def over_takeover(number: int) -> Over:
    """When the takeover of this number has ended."""
    return lambda seen: end(seen.page, number)


def over_event(names: Sequence[str]) -> Over:
    """When one of these events is recorded, or the daemon that was to record it is no more."""

    def over(seen: Seen) -> tuple[int, str] | None:
        if seen.restarted:
            return FAILED, "The daemon was restarted meanwhile; look at what it shows before asking again."
        for line in seen.lines:
            if line["event"] in names:
                good = line.get("level") not in {"error", "critical"}
                return (DONE if good else FAILED), plain(sentence(line)) or plain(line["event"])
        return None

    return over


def last_seq(client: Client) -> int:
    """The number of the daemon's latest record."""
    events = client.get("/v1/events")["events"]
    return int(events[-1]["seq"]) if events else 0


def follow(client: Client, number: int, seq: int, show: Callable[[Page], None]) -> int:
    """Show the events from `seq` on until takeover `number` is done (0), undone or overtaken (1)."""
    away, over = False, over_takeover(number)
    for seen in itertools.islice(looks(client, seq), LOOKS):
        if isinstance(seen, DaemonNotReached):
            if not away:
                click.echo(f"{plain(seen)}  Waiting for it.", err=True)
            away = True
            continue
        away = False
        for line in seen.lines:
            show(line)
        if (ended := over(seen)) is not None:
            status, said = ended
            click.echo(said)
            return status
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
