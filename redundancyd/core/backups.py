"""The printout of `data_info` -> the backups that the exchange itself calls valid.

What may be known: what the printout says.  What may not: anything from the folders, since a folder that is there may be
half written, and one that is written may not be valid.  So whatever is odd in the printout is an error that quotes it:
a copy of the wrong backup would be worse than none, and a day without one raises an alarm.
"""

import re
from dataclasses import dataclass

from redundancyd.core.stamps import is_stamp

PRINTOUT_MAX_BYTES = 65_536
BACKUPS_MAX = 1000
_SHOWN = 60

_CURRENT = re.compile(r"Current backup:\s+(\S+)(?:\s+\[.*\])?")
_RULE = re.compile(r"-{20,}")
_ROW = re.compile(
    r"(\S+)\s+(\d+(?:\.\d+){3,5})"  # what names it, version
    r"(?:\s+(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\s+\(([^()]{1,20})\))?)?",
    re.ASCII,
)
_VERSION = re.compile(r"\d+(?:\.\d+){3,5}", re.ASCII)


class BackupsNotUnderstood(ValueError):
    """The printout is not what `data_info` prints, or contradicts itself; the message quotes the place."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup that the exchange can be loaded from."""

    stamp: str
    """names it on every LIM of the system"""
    version: str
    """of the exchange that made it"""
    date: str
    """as printed: local time of the exchange"""
    zone: str
    """as printed behind the date; empty if there was none"""


@dataclass(frozen=True, slots=True)
class BackupList:
    """The valid backups of a system, newest first as printed: in the hour that a clock is set back stamps mislead."""

    current: str | None
    """stamp of the one that a restore would take; None while there is only what was installed"""
    backups: tuple[Backup, ...]

    def find(self, stamp: str) -> Backup | None:
        """The backup of this stamp, None when it is not, or no longer, valid."""
        return next((backup for backup in self.backups if backup.stamp == stamp), None)


def parse(printout: str) -> BackupList:
    """The backups in a printout of `data_info`; BackupsNotUnderstood for anything else."""
    lines = _lines(printout)
    rule = next((place for place, line in enumerate(lines) if _RULE.fullmatch(line)), None)
    if rule is None:
        raise BackupsNotUnderstood("no table of backups: no line of dashes")
    named = [found[1] for line in lines[:rule] if (found := _CURRENT.fullmatch(line))]
    if len(named) != 1:
        raise BackupsNotUnderstood(f"{len(named)} lines say 'Current backup:', not one")
    backups, installed = _rows([line for line in lines[rule + 1 :] if line])
    if named[0] in installed:
        return BackupList(None, backups)
    if named[0] not in {backup.stamp for backup in backups}:
        raise BackupsNotUnderstood(f"the current backup {_shown(named[0])} is not in the table")
    return BackupList(named[0], backups)


def _lines(printout: str) -> list[str]:
    size = len(printout.encode(errors="surrogatepass"))
    if size > PRINTOUT_MAX_BYTES:
        raise BackupsNotUnderstood(f"{size} bytes are more than {PRINTOUT_MAX_BYTES}")
    lines = [line.replace("\t", " ").strip(" \r") for line in printout.split("\n")]
    for number, line in enumerate(lines, 1):
        if not line.isprintable():
            raise BackupsNotUnderstood(f"line {number} has characters that cannot be printed: {_shown(line)}")
    return lines


def _rows(lines: list[str]) -> tuple[tuple[Backup, ...], frozenset[str]]:
    """The backups, and what names the rows that are the installed data: those have no date."""
    if len(lines) > BACKUPS_MAX:
        raise BackupsNotUnderstood(f"{len(lines)} rows are more than {BACKUPS_MAX}")
    found: dict[str, Backup] = {}
    installed: set[str] = set()
    for line in lines:
        row = _ROW.fullmatch(line)
        if row is None:
            raise BackupsNotUnderstood(f"a row is not understood: {_shown(line)}")
        name, version, date, zone = row.groups(default="")
        if name in found or name in installed:
            raise BackupsNotUnderstood(f"two rows of {_shown(name)}")
        if not date and _VERSION.fullmatch(name):
            installed.add(name)
        elif not is_stamp(name):
            raise BackupsNotUnderstood(f"neither a stamp nor the installed data: {_shown(line)}")
        elif not date:
            raise BackupsNotUnderstood(f"a backup without a date: {_shown(line)}")
        else:
            found[name] = Backup(name, version, date, zone)
    return tuple(found.values()), frozenset(installed)


def _shown(text: str) -> str:
    return ascii(text[:_SHOWN]) + ("..." if len(text) > _SHOWN else "")
