"""The translation table as a text that people edit: entries put in, mistakes by line, hints that are not kept.  Pure.

What the operator wrote stays as it was written, remarks and all.  A line that begins with #? is a hint of ours: it
tells what the mirror has and the table has not, is a remark to whoever reads the table, and is taken out again.
"""

import re
from collections.abc import Iterable, Mapping

from redundancyd.core.addresses import Address
from redundancyd.core.translation_table import MISTAKES_MAX, Table, TableNotUnderstood, parse_address, parse_table

HINT = "#?"
HEAD = """# Translation table: an address of the primary, ->, and the one that the alternate has in its place.
# A network with its mask is an entry of its own.  An address that both systems use stands for itself.
"""
_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)


def checked(text: str, own: Mapping[Address, str]) -> Table:
    """The table in a text; TableNotUnderstood with every mistake.  `own` are the primary's servers, with their names.

    A table that leaves the alternate with an address of one of these would have both answer at it.
    """
    mistakes: list[str] = []
    table = Table({}, {})
    try:
        table = parse_table(text)
    except TableNotUnderstood as error:
        mistakes += error.mistakes
    for number, line in enumerate(text.split("\n"), 1):
        entry = _entry(line)
        if entry is not None and isinstance(entry[1], Address) and entry[1] in own:
            name = own[entry[1]]
            mistakes.append(f"line {number}: {entry[1]} is {name}: the alternate would answer at it; write its own")
    if mistakes:
        raise TableNotUnderstood(sorted(set(mistakes), key=_number)[: MISTAKES_MAX + 1])
    return table


def by_line(mistakes: Iterable[str]) -> list[tuple[str, str]]:
    """Each mistake as its line and what is wrong there."""
    found = []
    for mistake in mistakes:
        parts = _LINE.fullmatch(mistake)
        found.append((f"line {parts[1]}", parts[2]) if parts else ("", mistake))
    return found


def with_entry(text: str, old: str, new: str) -> str:
    """The text with this entry, in the place of the one that was there; its remark stays.  ValueError: no address."""
    value = parse_address(old)
    lines = text.split("\n")
    for place, line in enumerate(lines):
        entry = _entry(line)
        if entry is not None and entry[0] == value:
            _, sign, remark = line.partition("#")
            lines[place] = f"{value} -> {new}" + (f"    {sign}{remark}" if sign else "")
            return "\n".join(lines)
    body = text.rstrip("\n")
    return f"{body}\n{value} -> {new}\n" if body else f"{HEAD}{value} -> {new}\n"


def with_hints(text: str, missing: Iterable[tuple[str, str]], new: Iterable[tuple[str, str]]) -> str:
    """The text to be edited: what the mirror has besides stands below it, each address with its first place."""
    lines = []
    for said, found in (
        ("own, and not in the table: take the #? away, write the alternate's behind it", list(missing)),
        ("new, somebody else's: 'settings translation confirm' confirms what may stay", list(new)),
    ):
        if found:
            lines += [f"{HINT} {said}", *(f"{HINT} {address} ->      # {where}" for address, where in found)]
    body = text.rstrip("\n") if text.strip() else HEAD.rstrip("\n")
    return "\n".join([body, *lines, ""])


def without_hints(text: str) -> str:
    """The text as it is kept."""
    return "\n".join(line for line in text.replace("\r\n", "\n").split("\n") if not line.startswith(HINT))


def _entry(line: str) -> tuple[object, object] | None:
    """The entry of a line that has a sound one."""
    try:
        table = parse_table(line)
    except TableNotUnderstood:
        return None
    return next(iter([*table.hosts.items(), *table.networks.items()]), None)


def _number(mistake: str) -> tuple[int, str]:
    found = _LINE.fullmatch(mistake)
    return int(found[1]) if found else 0, mistake
