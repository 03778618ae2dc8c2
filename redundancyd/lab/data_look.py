"""What can be seen of exchange data on the disks of a bed, read from outside and without redundancyd's help.

What an exchange should run is worked out anew: from the primary's own backup and the bed's plan, by a substitution of
whole addresses that is the lab's own and enough for data that the lab has made up.
"""

import hashlib
import json
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from redundancyd.core.systems import System
from redundancyd.lab import network
from redundancyd.lab.backups import Store
from redundancyd.lab.bed import Bed
from redundancyd.lab.disk import STAMPS, installed, translation
from redundancyd.lab.exchange_data import touched
from redundancyd.lab.lim import Lim
from redundancyd.lab.world import World
from redundancyd.scenarios.copy_words import percent

TOP = "var/opt/eri_sn"
MIRRORS = "var/lib/redundancyd/mirrors"
STAMP = re.compile(r"\d{14}")
BEFORE = rb"(?<![0-9A-Za-z.])"
AFTER = rb"(?![0-9A-Za-z]|\.[0-9])"
Files = Mapping[str, bytes]
Tree = Mapping[str, tuple[int, ...]]


def tree(lim: Lim) -> Tree:
    """Each name below the exchange's folder, with size and instants of change."""
    found = {}
    top = lim.disk / TOP
    for path in sorted(top.rglob("*")):
        seen = path.lstat()
        size = seen.st_size if stat.S_ISREG(seen.st_mode) else 0
        found[str(path.relative_to(top))] = (seen.st_mode, size, seen.st_mtime_ns, seen.st_ctime_ns)
    return found


def note(world: World, lims: Iterable[Lim]) -> None:
    """From now on `untouched` means as these LIMs are now: what was done to them was done by their own people."""
    for lim in lims:
        world.data_trees[lim.name] = tree(lim)


class DataLook:
    """Judges the facts of exchange data on a bed."""

    def __init__(self, bed: Bed, world: World) -> None:
        self._bed = bed
        self._world = world
        self._pairs = _pairs(translation(bed.plan))

    def note_all(self) -> None:
        """Nothing was done to any LIM yet."""
        note(self._world, self._bed.lims.values())

    def is_so(self, fact: str, words: Sequence[str]) -> bool:
        """The fact is so now; what changes while it is looked at is not."""
        try:
            match fact, list(words):
                case "runs", [where, whose]:
                    return self._runs(self._bed.named(where), {"own", "primary"} if whose == "either" else {whose})
                case "untouched", [where]:
                    return all(self._world.data_trees[lim.name] == tree(lim) for lim in self._bed.named(where))
                case "mirrors", [number]:
                    listed = self._listed()
                    return number in {"whole", str(len(listed))} and all(map(self._is_whole, listed))
                case "received", [where, whose]:
                    return all(self._received(lim) is (whose == "primary") for lim in self._bed.named(where))
                case "counted-at-most", [share]:
                    return self._counted_percent() <= percent(share)
        except (FileNotFoundError, NotADirectoryError):
            return False
        raise AssertionError(fact)

    def _counted_percent(self) -> float:
        """What was counted on the line, of the size of the primary's current backup."""
        stores = [store(lim) for lim in self._bed.of(System.PRIMARY)]
        return 100 * network.counted_bytes(self._bed.plan) / sum(map(backup_bytes, stores))

    # --- what runs ---

    def _runs(self, lims: Sequence[Lim], whose: set[str]) -> bool:
        running = {lim.name: files(lim.disk / TOP / "live") for lim in lims}
        if "own" in whose and all(running[lim.name] in self._own(lim) for lim in lims):
            return True
        return "primary" in whose and all(running[lim.name] == self._wanted(lim) for lim in lims)

    def _own(self, lim: Lim) -> list[Files]:
        """What a system came with: the data of its installation, and its first backups."""
        whole = installed(self._bed.plan, lim.plan)
        return [whole, *({**whole, **touched(dict(whole), stamp)} for stamp in STAMPS[lim.plan.system])]

    def _wanted(self, lim: Lim) -> Files:
        """The newest backup of the same LIM in the primary, each address of a text replaced."""
        source = self._primary(lim.plan.number)
        found = files(source.folder(source.read().current))
        return {name: data if b"\0" in data else translated(data, self._pairs) for name, data in found.items()}

    def _primary(self, number: int) -> Store:
        (lim,) = self._bed.named(f"{System.PRIMARY}-{number}")
        return store(lim)

    # --- what stands there ---

    def _received(self, lim: Lim) -> bool:
        """A backup that this system did not make stands on the LIM; that of the primary's data has its newest stamp."""
        there = {path.name.rpartition("_")[2].partition(".")[0] for path in store(lim).xdata.iterdir()}
        there |= set(store(lim).read().valid)
        return any(stamp not in _made(self._world, lim) for stamp in there if STAMP.fullmatch(stamp))

    def _listed(self) -> list[str]:
        folder = self._bed.supervisor.disk / MIRRORS
        return [path.name for path in folder.iterdir() if STAMP.fullmatch(path.name)] if folder.is_dir() else []

    def _is_whole(self, stamp: str) -> bool:
        """Each file is as the manifest says, no other is there, and it is what the primary has, if it has it still."""
        folder = self._bed.supervisor.disk / MIRRORS / stamp
        manifest = json.loads((folder / "manifest.json").read_text())
        return all(self._is_as_told(folder, stamp, lim) for lim in manifest["lims"])

    def _is_as_told(self, folder: Path, stamp: str, told: Mapping[str, Any]) -> bool:
        here = files(folder / f"lim-{told['lim']}")
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in here.items()}
        source = self._primary(int(told["lim"])).folder(stamp)
        is_same = not source.is_dir() or files(source) == here
        return is_same and sums == {file["path"]: file["sha256"] for file in told["files"]}


def _made(world: World, lim: Lim) -> set[str]:
    """The stamps of the backups that a LIM's own system has made, by what stood there before anybody brought one."""
    return {stamp for name in world.data_trees[lim.name] for stamp in re.findall(r"xdata_\d+_(\d{14})", name)}


def store(lim: Lim) -> Store:
    """The backups of a LIM, as they are on its disk; whether it has power or not."""
    version = (lim.disk / "etc/opt/eri_sn/version").read_text().strip()
    return Store(lim.disk / TOP, lim.plan.number, version)


def backup_bytes(there: Store) -> int:
    """The size of a LIM's current backup."""
    return sum(map(len, files(there.folder(there.read().current)).values()))


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its name in it."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def translated(text: bytes, pairs: Mapping[bytes, bytes]) -> bytes:
    """The text with each whole address replaced, all at once."""
    longest_first = sorted(pairs, key=len, reverse=True)
    found = re.compile(BEFORE + b"(?:" + b"|".join(map(re.escape, longest_first)) + b")" + AFTER)
    return found.sub(lambda match: pairs[match[0]], text)


def _pairs(table: str) -> dict[bytes, bytes]:
    return dict(_pair(line) for line in table.splitlines())


def _pair(line: str) -> tuple[bytes, bytes]:
    old, new = line.encode().split()
    return old, new
