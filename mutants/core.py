"""The mutants of the core: each row of the table, and what spoil.py finds in the functions that decide.

Whole files are spoiled, so that new code has mutants by itself; what is left out is named here.
"""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import PurePath

from mutants.damage import Group, Mutant, Stale, of_text, read, told_apart
from mutants.spoil import Spoiler
from redundancyd.core.heartbeat import Heartbeat
from redundancyd.core.systems import Goal
from redundancyd.core.takeover import TABLE, Row

CORE = "redundancyd/core/"
TABLE_PATH = f"{CORE}takeover.py"

FILES: dict[str, Group] = {
    "heartbeat.py": Group.VERDICT,
    "due.py": Group.VERDICT,
    "seen.py": Group.FOLD,
    "fold.py": Group.FOLD,
    "results.py": Group.FOLD,
    "learn.py": Group.FOLD,
    "state.py": Group.FOLD,
    "decision.py": Group.DEADLINE,
    "takeover.py": Group.GOAL,
}
"""What each file mostly is."""

FUNCTIONS: dict[str, Group] = {
    "looking_until": Group.DEADLINE,
    "_is_over": Group.DEADLINE,
    "_late_comers": Group.DEADLINE,
    "paused": Group.VERDICT,
    "_take": Group.GOAL,
    "_finish": Group.GOAL,
    "_give_back": Group.GOAL,
    "_save_again": Group.GOAL,
    "_saved_trigger": Group.GOAL,
    "_resave": Group.GOAL,
}
"""Functions that are something else than their file."""

LEFT_OUT = {
    "impossible": "says why a pair cannot come about; only the table's own test asks",
    "noted": "what people read afterwards",
    "_note_change": "what people read afterwards",
    "_under_way": "what people read",
    "strangers": "an alarm",
    "awaits_operator": "an alarm",
    "first_state": "values that are handed through",
    "start": "values that are handed through",
    "view": "finds a view",
    "step": "the order of what is done; any change of it stops everything",
    "_learn": "what an event says is noted",
    "_beat": "what an event says is noted",
    "_answered": "what an event says is noted",
    "_request": "what an event says is noted",
    "_changed": "what an event says is noted",
}
"""Functions in which nothing is decided."""

CONSTANTS_LEFT_OUT = {
    "ROWS_AT_ONCE": "a rope under the table: reached by a mistake of ours only",
}


def core_mutants() -> list[Mutant]:
    """All of them, in the order of the files."""
    return list(told_apart([*row_mutants(), *code_mutants()]))


def code_mutants() -> Iterator[Mutant]:
    """What the decision computes."""
    for file, group in FILES.items():
        path = CORE + file
        spoiler = Spoiler(read(path), {"Heartbeat": optional(Heartbeat), "Goal": optional(Goal)})
        stem = PurePath(file).stem
        for spoil in spoiler.of_constants():
            if spoil.says.split()[0] not in CONSTANTS_LEFT_OUT:
                yield Mutant(f"{stem}: {spoil.says}", group, path, spoil.start, spoil.end, spoil.new)
        for name, function in spoiler.functions():
            if name in LEFT_OUT:
                continue
            kind = FUNCTIONS.get(name, group)
            for spoil in spoiler.of_function(function):
                yield Mutant(f"{stem}.{name}: {spoil.says}", kind, path, spoil.start, spoil.end, spoil.new)


def optional(kind: type) -> frozenset[str]:
    """The fields of a class that may be left out."""
    return frozenset(
        field.name for field in fields(kind) if field.default is not MISSING or field.default_factory is not MISSING
    )


def row_mutants() -> Iterator[Mutant]:
    """Each row asks for nothing, leads nowhere, or is not there."""
    text = read(TABLE_PATH)
    for (phase, trigger), row in TABLE.items():
        entry, said = entry_of(text, row), f"({phase} and {trigger})"
        if row.ask.name != "LOOK":
            says = f"{row.number} {said} does not {row.ask}"
            yield damaged(says, entry, f"Ask.{row.ask.name}", "Ask.LOOK")
        if row.phase.name != "RESTING":
            says = f"{row.number} {said} leads to resting"
            yield damaged(says, entry, f"P.{row.phase.name}, Ask", "P.RESTING, Ask")
        old = f"(P.{phase.name}, T.{trigger.name})"
        yield damaged(f"{row.number} {said} is not there", entry, old, f"(P.ASKING, T.{trigger.name}, {row.number!r})")


def damaged(name: str, entry: str, old: str, new: str) -> Mutant:
    """The mutant that changes one entry of the table."""
    if entry.count(old) != 1:
        raise Stale(f"{name}: {old!r} stands {entry.count(old)} times in its entry")
    return of_text(name, Group.ROW, TABLE_PATH, entry, entry.replace(old, new))


def entry_of(text: str, row: Row) -> str:
    """One entry of the table, from its pair to the end of its row."""
    number = text.index(f'"{row.number}"')
    return text[text.rindex("    (P.", 0, number) : text.index("),\n", number) + 2]
