"""The timeline for people: who did what when, in words that need nothing else to be read."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from redundancyd.core.systems import System
from redundancyd.scenarios.evidence import Happened, Moved, Remembered, Seen

HOLD_BACK_MS = 200  # facts come from several sides and are shown in their order
WIDTH = 13


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline; `at` in milliseconds of the boot-time clock."""

    at: int
    who: str
    what: str
    is_detail: bool = False  # of interest only once something has happened


class Timeline:
    """Collects entries from any thread and shows them in order, counted from the mark."""

    def __init__(self, out: TextIO | None = None, *, quiet: bool = False) -> None:
        self.entries: list[Entry] = []
        self.mark: int | None = None
        self._waiting: list[Entry] = []
        self._out = None if quiet else out or sys.stdout

    def add(self, at: int, who: str, what: str) -> None:
        """Note one line; it is shown a little later, in its place."""
        self._waiting.append(Entry(at, who, what))

    def fact(self, fact: Seen) -> None:
        """Note what a fact means, if it means something to people."""
        entry = entry_of(fact)
        if entry is not None:
            self._waiting.append(entry)

    def show(self, now: int) -> None:
        """Show what is old enough that nothing earlier can come any more."""
        ripe = sorted(
            (entry for entry in list(self._waiting) if entry.at <= now - HOLD_BACK_MS), key=lambda entry: entry.at
        )
        for entry in ripe:
            self._waiting.remove(entry)
            self.entries.append(entry)
            if self.mark is not None or not entry.is_detail:
                self.say(line_of(entry, self.mark))

    def finish(self) -> None:
        """Show all that is left."""
        self.show(sys.maxsize)

    def say(self, text: str) -> None:
        """Print a line as it is."""
        if self._out is not None:
            print(text, file=self._out, flush=True)


def line_of(entry: Entry, mark: int | None) -> str:
    """One line: seconds from the mark, who, what."""
    before = mark is None or entry.at < mark
    seconds = " " * 9 if before or mark is None else f"{(entry.at - mark) / 1000:9.3f}"
    return f"{seconds}  {entry.who:<{WIDTH}} {entry.what}"


def entry_of(fact: Seen) -> Entry | None:
    """What a fact means to people; None when it is a detail."""
    match fact:
        case Remembered():
            return Entry(fact.at, fact.lim, _remembered(fact))
        case Moved(system=None):
            return Entry(fact.at, f"phone {fact.phone}", "no system serves it")
        case Moved(system=System() as system):
            return Entry(fact.at, f"phone {fact.phone}", f"registered at the {system}")
        case Happened() if (say := SAYS.get(fact.event)) is not None:
            text = say(fact.fields)
            return Entry(fact.at, "daemon", text, fact.event in DETAILS) if text else None
        case Happened(event=""):
            return Entry(fact.at, "daemon", str(fact.fields.get("text", "")))
    return None


def _remembered(order: Remembered) -> str:
    """What a LIM now has on its disk."""
    match order.origin:
        case "hold":
            return f"{order.traffic} by itself after its boot (last order: number {order.number}, {order.word})"
        case "hand":
            return f"{order.traffic} by hand"
    return f"{order.traffic}: took order number {order.number} ({order.word})"


def _beat(fields: Mapping[str, Any]) -> str:
    primary, control = (str(fields.get(key)).replace("_", " ") for key in ("primary", "control"))
    return f"beat missed: primary {primary}, network control address {control}"


def _verdict(fields: Mapping[str, Any]) -> str:
    if fields.get("was") == fields.get("verdict"):
        return ""
    ago, told = fields.get("last_answer_ago_ms"), ""
    if isinstance(ago, int) and fields.get("verdict") != "heard":
        told = f", last answer {ago / 1000:.3f} s ago"
    return f"the primary is {fields.get('verdict')} ({fields.get('missed')} beats missed{told})"


def _decided(fields: Mapping[str, Any]) -> str:
    number, active, why = (fields.get(key) for key in ("takeover", "active", "reason"))
    return f"TAKEOVER {number} decided: the {active} is to be active ({why})"


def _done(fields: Mapping[str, Any]) -> str:
    how = "done" if fields.get("complete", True) else "done as far as could be"
    parts = [f"{fields.get(f'{part}_ms', '?')} ms {part}" for part in ("saving", "blocking", "allowing")]
    return f"TAKEOVER {fields.get('takeover')} {how}: {', '.join(parts)}; {fields.get('results', '')}"


def _traffic(word: str) -> Callable[[Mapping[str, Any]], str]:
    def say(fields: Mapping[str, Any]) -> str:
        return f"reads {fields.get('server', fields.get('lim'))}: traffic {word} (number {fields.get('takeover')})"

    return say


DETAILS = {"alarm_raised", "alarm_cleared", "lim_connected", "traffic_allowed", "traffic_blocked", "goal_saved"}
SAYS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "daemon_started": lambda _: "started",
    "ready": lambda _: "ready",
    "beat_missed": _beat,
    "verdict_changed": _verdict,
    "takeover_decided": _decided,
    "takeover_done": _done,
    "takeover_undone": lambda f: f"TAKEOVER UNDONE: {f.get('why')}; the {f.get('active')} is to be active",
    "goal_saved": lambda f: f"goal {f.get('takeover')} is on disk",
    "goal_not_saved": lambda f: f"the goal cannot be written: {f.get('why')}",
    "order_sent": lambda f: f"orders {f.get('word')} {f.get('takeover')} to {f.get('lims')}",
    "traffic_blocked": _traffic("blocked"),
    "traffic_allowed": _traffic("allowed"),
    "traffic_seen": lambda f: f"reads {f.get('server')}: traffic {f.get('traffic')}",
    "lim_refused": lambda f: f"{f.get('server')} refused: {f.get('error')} {f.get('why', '')}".rstrip(),
    "lim_out_of_reach": lambda f: f"{f.get('server')} is out of reach: {f.get('why')}",
    "lim_connected": lambda f: f"{f.get('server')} is in reach",
    "alarm_raised": lambda f: f"ALARM {f.get('name')} ({f.get('subject', '')}): {f.get('text')}",
    "alarm_cleared": lambda f: f"alarm over: {f.get('name')} ({f.get('subject', '')})",
}
