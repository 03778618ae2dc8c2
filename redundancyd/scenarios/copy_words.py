"""What a page may say about the copying of backups: a part of exchange_words.py."""

import re
from collections.abc import Sequence

from redundancyd.scenarios.links import ways

PERCENT = re.compile(r"[1-9][0-9]{0,2}%")
VERBS = {
    "begin-backup": "SYSTEM [listed]: its exchange has written half of a new backup; its database knows it already",
    "end-backup": "SYSTEM: it writes the rest, and its database knows the backup",
    "flip-byte": "mirror|incoming: a byte changes on the supervisor's disk, in the newest mirror or in what comes in",
    "corrupt": "WHERE…: in each new connection to its sshd a byte of what it sends changes on the way, after 200 kB",
    "mend": "WHERE…: on the way to it no byte changes any more",
    "count": "(nothing): what the primary's sshd sends over the line between the systems is counted from here",
    "cut-after": "PERCENT LINK…: they are cut as soon as so much of the primary's backup was counted on the line",
}
FACTS = {
    "copied": "PERCENT: so much of a copy that goes on, says the status, with files, rate and time left",
    "counted-at-most": "PERCENT: of the size of the primary's current backup, on the line since `count`",
}
SYSTEMS = {"primary", "alternate"}


def percent(word: str) -> int:
    """The number of `50%`."""
    return int(word[:-1])


def suits(name: str, words: Sequence[str]) -> bool:
    """The words behind one of these facts or verbs, places aside, are those it takes."""
    match name, list(words):
        case "begin-backup", [system] | [system, "listed"]:
            return system in SYSTEMS
        case "end-backup", [system]:
            return system in SYSTEMS
        case "flip-byte", [what]:
            return what in {"mirror", "incoming"}
        case "count", []:
            return True
        case "cut-after", [share, _, *_]:
            return PERCENT.fullmatch(share) is not None and all(ways(word) for word in words[1:])
        case (("copied" | "counted-at-most"), [share]):
            return PERCENT.fullmatch(share) is not None
    return False
