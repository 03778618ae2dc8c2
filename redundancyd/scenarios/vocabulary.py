"""Which words may follow which: the exact form of every fact and every verb of a page."""

import re

from redundancyd.scenarios import copy_words, exchange_words
from redundancyd.scenarios.links import ways
from redundancyd.scenarios.pages import KEPT_OF, NAME, ROW, SIMULATED, VERBS, WHERE
from redundancyd.scenarios.spans import Span

SYSTEMS = {"primary", "alternate"}
MOST_LIMS = 60
WHOSE = {"runs": {"own", "primary", "either"}, "received": {"nothing", "primary"}}
ADDRESS = re.compile(r"[0-9a-f.:]+")


def suits(name: str, words: list[str]) -> bool:
    """The words behind a fact are those it takes."""
    match name, words:
        case (("ready" | "no-takeover" | "never-both-active" | "no-alarm"), []) | (("alarm" | "no-alarm"), [_]):
            return True
        case (("silent" | "registered" | "goal"), [system]):
            return system in SYSTEMS
        case "settled", [system]:
            return system in {*SYSTEMS, "any"}
        case "active", [who]:
            return who in {*SYSTEMS, "both", "none"}
        case (("blocked" | "allowed" | "unfenced" | "fenced"), [where]):
            return WHERE.fullmatch(where) is not None
        case (("both-active-at-most" | "none-active-at-most" | "no-later"), [span]):
            return Span(span) is not None
        case (("event" | "no-event"), [event, *pairs]):
            return NAME.fullmatch(event) is not None and all("=" in pair or "~" in pair for pair in pairs)
        case (("row" | "no-row"), [row, *times]):
            counted = not times or (name == "row" and len(times) == 1 and times[0].isdecimal())
            return ROW.fullmatch(row) is not None and counted
        case "order", [*end]:
            return end[:1] == ["said"] or end in (["done"], ["failed"], ["refused"])
    return _suits_exchange(name, words)


def check_verb(verb: str, words: list[str]) -> None:
    """ValueError unless the words behind a verb are those it takes."""
    if verb in {"cut", "heal"}:
        for word in words:
            ways(word)
    if not words if verb in {"cut", "heal", "order", "begin"} else not _is_good(verb, words):
        takes = VERBS.get(verb) or SIMULATED[verb]
        raise ValueError(f"{verb} {' '.join(words)}: {verb} takes {takes}")


def _is_good(verb: str, words: list[str]) -> bool:
    match verb, words:
        case (("kill" | "start" | "restart" | "mark" | "keep" | "restore" | "step-clock"), _):
            return _suits_daemon(verb, words)
        case (("freeze" | "thaw"), ["daemon"]):
            return True
        case _ if verb in SIMULATED:
            return _suits_simulated(verb, words)
        case "by-hand", ["allow" | "block", *places]:
            return _are_places(places)
        case (("refuse" | "accept"), ["allow", *places]):
            return _are_places(places)
        case "move-master", [place]:
            return place not in SYSTEMS and _are_places(words)
        case "drop-master", [system]:
            return system in SYSTEMS
        case _ if verb in exchange_words.VERBS:
            return _suits_exchange(verb, words)
        case (("by-hand" | "refuse" | "accept" | "move-master" | "drop-master"), _):
            return False
    return _are_places(words)


def _suits_exchange(name: str, words: list[str]) -> bool:
    """The words behind a fact or a verb of exchange data."""
    match name, words:
        case (("save-backup" | "upgrade"), [system]):
            return system in SYSTEMS
        case "next-reload", [how, *places]:
            return (how in {"fails", "hangs"} or Span(how) is not None) and _are_places(places)
        case "untranslate", [_, *_]:
            return all(map(ADDRESS.fullmatch, words))
        case (("runs" | "received"), [where, whose]):
            return _are_places([where]) and whose in WHOSE[name]
        case "untouched", [where]:
            return _are_places([where])
        case "mirrors", [number]:
            return number.isdecimal() or number == "whole"
        case (("corrupt" | "mend"), _):
            return _are_places(words)
    return copy_words.suits(name, words)


def _suits_daemon(verb: str, words: list[str]) -> bool:
    """The words behind a verb that is about the daemon, its disk or its clock."""
    match verb, words:
        case "mark", []:
            return True
        case (("kill" | "start" | "restart"), ["daemon"]):
            return True
        case "step-clock", [span]:
            return span[0] in "+-" and Span(span[1:]) is not None
        case (("keep" | "restore"), [what]):
            return what in KEPT_OF
    return False


def _suits_simulated(verb: str, words: list[str]) -> bool:
    """The words behind a verb that only the simulator knows."""
    match verb, words:
        case (("stop" | "reload"), _):
            return words == ["daemon"]
        case "slow", [span, *places]:
            return Span(span) is not None and _are_places(places)
        case "stranger", ["allow" | "block", *places]:
            return _are_places(places)
        case _ if SIMULATED[verb].startswith("WHERE"):
            return _are_places(words)
    return not words and SIMULATED[verb].startswith("(nothing)")


def suits_fleet(words: list[str]) -> bool:
    """The words behind `fleet` are those of FLEET."""
    match words:
        case [("seed" | "lims"), number]:
            return number.isdecimal() and (words[0] == "seed" or 1 <= int(number) <= MOST_LIMS)
        case ["standby", *lims]:
            return _are_places(lims) and not set(lims) & SYSTEMS
        case ["watchdog"]:
            return True
        case ["boot", least, most]:
            return Span(least) is not None and Span(most) is not None
        case ["loss", share]:
            return re.fullmatch(r"0?\.\d{1,6}|0", share) is not None
    return False


def _are_places(words: list[str]) -> bool:
    return bool(words) and all(WHERE.fullmatch(word) for word in words)
