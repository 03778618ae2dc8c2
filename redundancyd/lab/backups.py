"""The backups of the stand-in exchange on one LIM: folders, and a database that says which of them are valid.

What runs is a folder of its own; a backup is made from it and loaded into it by hard links, so that files that are the
same stand on the disk once.  Standard library only: it runs on the LIM.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from redundancyd.lab.exchange_data import TOUCHED, touched

KEPT = 3


class Refused(Exception):
    """What was asked for can't be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Database:
    """The valid backups, the newest entry first, and the one that would be loaded."""

    current: str
    valid: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Store:
    """The exchange data of one LIM under /var/opt/eri_sn."""

    top: Path
    lim: int
    version: str

    @property
    def xdata(self) -> Path:
        """Where backups stand."""
        return self.top / self.version / "xdata"

    @property
    def live(self) -> Path:
        """What the exchange runs."""
        return self.top / "live"

    def folder(self, name: str) -> Path:
        """Where a backup stands, or the data that the version was installed with."""
        return (
            self.top / self.version / "installed" if name == self.version else self.xdata / f"xdata_{self.lim}_{name}"
        )

    def read(self) -> Database:
        """What the database holds."""
        current, *valid = (self.top / "database").read_text().split()
        return Database(current, tuple(valid))

    def _save(self, database: Database) -> None:
        beside = self.top / "database.new"
        beside.write_text("\n".join([database.current, *database.valid, ""]))
        beside.replace(self.top / "database")

    def install(self, whole: Mapping[str, bytes], stamps: tuple[str, ...]) -> None:
        """Lay down the data of the installation, what runs, and a backup for each stamp, oldest first."""
        self.xdata.mkdir(parents=True)
        for name, text in whole.items():
            path = self.folder(self.version) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        _link(self.folder(self.version), self.live)
        self._save(Database(self.version, ()))
        for stamp in stamps:
            self.make(stamp)

    def make(self, stamp: str) -> None:
        """Save what runs as a new backup, which is then the current one; the oldest goes when it is one too many."""
        made = self.folder(stamp)
        if made.exists():
            raise Refused(f"a backup {stamp} is there already")
        beside = made.with_name(f"{made.name}.new")
        shutil.rmtree(beside, ignore_errors=True)
        _link(self.live, beside)
        before = {name: (self.live / name).read_bytes() for name in TOUCHED if (self.live / name).exists()}
        if len(before) == len(TOUCHED):
            for name, text in touched(before, stamp).items():
                (beside / name).unlink()
                (beside / name).write_bytes(text)
        beside.rename(made)
        self.accept(stamp)

    def accept(self, name: str) -> None:
        """Make a backup that stands there valid and current."""
        if not self.folder(name).is_dir():
            raise Refused(f"no data of {name} in LIM {self.lim}")
        known = self.read()
        if name == self.version:
            self._save(Database(name, known.valid))
            return
        valid = tuple(sorted({name, *known.valid}, reverse=True))
        gone = [stamp for stamp in reversed(valid) if stamp != name][: max(0, len(valid) - KEPT)]
        self._save(Database(name, tuple(stamp for stamp in valid if stamp not in gone)))
        for stamp in gone:
            shutil.rmtree(self.folder(stamp), ignore_errors=True)

    def load(self) -> str:
        """Run the current backup; gives its name."""
        name = self.read().current
        source = self.folder(name)
        if not source.is_dir():
            raise Refused(f"no data of {name} in LIM {self.lim}")
        beside = self.live.with_name("live.new")
        shutil.rmtree(beside, ignore_errors=True)
        _link(source, beside)
        shutil.rmtree(self.live, ignore_errors=True)
        beside.rename(self.live)
        (self.top / "running").write_text(f"{name}\n")
        return name


def _link(source: Path, target: Path) -> None:
    """A copy of a folder whose files are the same files."""
    shutil.copytree(source, target, copy_function=os.link)
