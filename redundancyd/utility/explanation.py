"""Why a takeover was made, or why none is made: from the status page and the daemon's records.  Pure.

The decision itself is in the core; this reads what it said and puts it in order: beats, verdict, rows, outcome.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from redundancyd.utility import screens
from redundancyd.utility.text import PLAIN, Paint, ago, plain, span, wrapped

Page = dict[str, Any]
_DECIDED = "takeover_decided"
_NUMBERED = (_DECIDED, "row_taken")
_LEADING = ("beat_missed", "verdict_changed", "operator_asked")
_BEATS_AT_MOST = 40
_SIGNS = {"answered": "!", "silent": "."}


def page(status: Page, events: Sequence[Page], number: int | None) -> Page:
    """Why the traffic is where it is; and the takeover of this number, or the latest one that is known."""
    known = list(dict.fromkeys(line["takeover"] for line in events if line["event"] in _NUMBERED))
    wanted = number if number is not None else (known[-1] if known else None)
    return {
        "now": None if number is not None else _now(status),
        "takeover": None if wanted is None else _takeover(events, wanted, status["at"]),
        "asked": number,
        "known": known,
        "started_ago_ms": status["started_ago_ms"],
    }


def screen(found: Page, paint: Paint = PLAIN) -> str:
    """First why it stays, then what was done and why."""
    lines: list[str] = []
    if found["now"] is not None:
        lines += [*_shown_now(found["now"], paint), ""]
    takeover = found["takeover"]
    if takeover is None or not takeover["records"]:
        lines += _unknown(found)
    else:
        lines += _shown_takeover(takeover, paint)
    return "\n".join(lines)


def why_it_stays(status: Page) -> str:
    """Why no takeover begins now, in one sentence; how one goes on while it is under way."""
    goal, heart, verdict = status["goal"], status["heartbeat"], status["verdict"]
    if not status.get("configured", True):
        return "nothing is configured, so nobody supervises; 'redundancyctl configure' makes a pair"
    if goal is None:
        return "no goal is known, so no traffic is moved; order one with 'manual-takeover'"
    if not goal["done"]:
        return f"takeover {goal['number']} to the {goal['active']} is under way"
    if status["awaits_operator"]:
        return f"a takeover is called for and waits: {status['awaits_operator']}"
    if goal["active"] == "primary":
        return _why_primary(verdict, heart)
    return _why_alternate(goal, status["systems"]["primary"], verdict, heart)


def _why_primary(verdict: str, heart: Page) -> str:
    missed = f"{heart['missed']} of {heart['of']} beats in a row are unanswered"
    match verdict:
        case "heard":
            return "the primary is heard, and it is the active system" + (f" ({missed})" if heart["missed"] else "")
        case "isolated":
            return "the network control address is silent too: it is we who are cut off, and that is no loss"
        case "lost":
            return (
                f"the primary is lost ({missed}), but its LIMs answer on their own addresses, or data is being loaded"
            )
        case _:
            return f"not enough beats were seen since the start, a stall or an isolation to tell ({missed})"


def _why_alternate(goal: Page, primary: Page, verdict: str, heart: Page) -> str:
    if goal["by"] == "operator":
        return "the operator ordered it, and what the operator ordered is not reversed by itself"
    if verdict != "heard":
        return f"the primary is not heard ({verdict}), so nothing is there to return to"
    if not primary["ready"]:
        why = "; ".join(lack["why"] for lack in primary["lacks"]) or "not all of it can carry traffic"
        return f"the primary is heard and not ready: {why}"
    if not heart["control_answers"]:
        return "the primary is ready, and the network control address does not answer"
    stable = span(heart["stable_ms"] or 0)
    return f"the primary is ready for {stable}; it has to be so for {span(heart['return_after_ms'])}"


def _now(status: Page) -> Page:
    heart = status["heartbeat"]
    return {
        "active": None if status["goal"] is None else status["goal"]["active"],
        "takeover": None if status["goal"] is None else status["goal"]["number"],
        "why": why_it_stays(status),
        "verdict": status["verdict"],
        "missed": heart["missed"],
        "of": heart["of"],
        "beats": heart["beats"],
        "methods": status["methods"],
        "would_go_wrong": status["would_go_wrong"],
    }


def _takeover(events: Sequence[Page], number: int, now: int) -> Page:
    """What led to it, since the takeover before it had ended, and all that bears its number."""
    decided = next((i for i, line in enumerate(events) if line["event"] == _DECIDED and line["takeover"] == number), 0)
    before = events[:decided]
    ends = [i for i, line in enumerate(before) if line["event"] in {"takeover_done", _DECIDED}]
    since = ends[-1] + 1 if ends else 0
    # What an operator asked is recorded with its answer, which comes after the decision.
    asked = [line for line in events[decided:] if line["event"] == "operator_asked"][:1]
    records = [line for line in events if line.get("takeover") == number]
    by_operator = any(line.get("by_operator") for line in records)
    return {
        "number": number,
        "led_to_it": [line for line in before[since:] if line["event"] in _LEADING],
        "asked": asked if by_operator else [],
        "records": records,
        "ago_ms": now - records[0]["at_ms"] if records else None,
    }


def _shown_now(now: Page, paint: Paint) -> Iterator[str]:
    active = now["active"]
    yield paint.bold("No system is active by our order." if active is None else f"Traffic is in the {active} system.")
    yield from wrapped(now["why"], "Why it stays: ", "  ")
    yield f"Verdict: {plain(now['verdict'])}; {now['missed']} of {now['of']} beats missed"
    if now["beats"]:
        yield from _strips(now["beats"])
    for direction, method in now["methods"].items():
        yield f"  {plain(direction)}: {plain(method)}"
    for reason in now["would_go_wrong"]:
        yield from (paint.warn(line) for line in wrapped(reason, "  - "))


def _strips(beats: Sequence[Page]) -> Iterator[str]:
    """A sign for each beat of the master IP address, and of the network control address."""
    for name, label in (("primary", "master IP address"), ("control", "network control")):
        signs = "".join(_SIGNS.get(beat[name], "?") for beat in beats[-_BEATS_AT_MOST:])
        yield f"  {label.ljust(18)}{signs}"
    yield "  ! answered, . silent, ? could not be sent; the latest on the right"


def _shown_takeover(takeover: Page, paint: Paint) -> Iterator[str]:
    yield paint.bold(f"Takeover {takeover['number']}, {ago(takeover['ago_ms'])}")
    beats = [line for line in takeover["led_to_it"] if line["event"] == "beat_missed"]
    shown = [line for line in takeover["led_to_it"] if line["event"] != "beat_missed"]
    if beats:
        yield f"{len(beats)} beats missed within {span(beats[-1]['at_ms'] - beats[0]['at_ms'])}, before it was decided:"
        yield from _strips(beats)
    for line in [*shown, *takeover["asked"], *takeover["records"]]:
        yield from _folded(screens.event(line), line, paint)


def _folded(text: str, line: Page, paint: Paint) -> Iterator[str]:
    first, *rest = wrapped(text, "  ", "      ")
    yield paint.bold(first) if line["event"] in {_DECIDED, "takeover_done"} else first
    yield from rest


def _unknown(found: Page) -> Iterator[str]:
    since = f"this daemon started {ago(found['started_ago_ms'])}"
    if found["asked"] is None:
        yield from wrapped(f"It has made no takeover since: {since}.")
    else:
        known = ", ".join(str(number) for number in found["known"]) or "none"
        yield from wrapped(f"Of takeover {found['asked']} nothing is kept; {since} and knows of: {known}.")
    number = found["asked"] or "NUMBER"
    yield from wrapped(f"The journal has what was before: journalctl -u redundancyd TAKEOVER={number}")
