"""Backups in the primary of a bed: text like exchange data, each time written anew, so time stamps differ.

Everything lies on the LIM's own disk, which is made larger; the bed's own small backups stay what they are.
"""

import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redundancyd.core.stamps import after
from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed
from redundancyd.lab.disk import VERSION
from redundancyd.lab.lim import Lim
from redundancyd.lab.system import run

EXCHANGE = "/var/opt/eri_sn"
FIRST_STAMP = "20260310031502"
BLOCK_BYTES = 4096
MIXED_BYTES = 2**20

Sizes = Mapping[str, int]
"""bytes of each file of a LIM, by name"""


@dataclass(slots=True)
class Backups:
    """What the primary's exchange calls valid: one backup at a time, on every LIM."""

    bed: Bed
    chance: random.Random
    stamp: str = FIRST_STAMP

    def lay(self, sizes: Mapping[int, Sizes]) -> str:
        """A first backup with files of these sizes on each LIM; returns its stamp."""
        for lim in self._lims:
            folder = self.folder(lim, self.stamp)
            shutil.rmtree(folder, ignore_errors=True)
            for name, size_bytes in sizes[lim.plan.number].items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self._text(f"{name} {lim.plan.address}", size_bytes))
        self._make_valid(self.stamp)
        return self.stamp

    def save(self, *, files: float = 0.0, blocks: float = 0.0) -> str:
        """The same once more, written anew, with a share of the files or of the blocks of all files changed."""
        new = after(self.stamp)
        for lim in self._lims:
            old = self.folder(lim, self.stamp)
            shutil.copytree(old, self.folder(lim, new), copy_function=shutil.copyfile)
            names = sorted(path for path in self.folder(lim, new).rglob("*") if path.is_file())
            for path in self.chance.sample(names, round(len(names) * files)):
                path.write_bytes(self._text(f"{path.name} {lim.plan.address}", path.stat().st_size))
            for path in names if blocks else ():
                self._change_blocks(path, blocks)
        self._make_valid(new)
        for lim in self._lims:
            shutil.rmtree(self.folder(lim, self.stamp))
        self.stamp = new
        return new

    def folder(self, lim: Lim, stamp: str) -> Path:
        """Where a backup of a LIM lies, as this machine sees it."""
        return lim.path(inside(lim, stamp))

    @property
    def _lims(self) -> Sequence[Lim]:
        return self.bed.of(System.PRIMARY)

    def _text(self, head: str, size_bytes: int) -> bytes:
        """Lines that no other file has, of which the first says whose they are."""
        mixed = self.chance.randbytes(min(size_bytes, MIXED_BYTES) // 2).hex()
        lines = "\n".join(mixed[at : at + 120] for at in range(0, len(mixed), 120))
        whole = f"%{head} PROGRAM UNIT DATA\n{lines}\n".encode()
        return (whole * (size_bytes // len(whole) + 1))[:size_bytes]

    def _change_blocks(self, path: Path, share: float) -> None:
        blocks = path.stat().st_size // BLOCK_BYTES
        with path.open("r+b") as file:
            for block in self.chance.sample(range(blocks), round(blocks * share)):
                file.seek(block * BLOCK_BYTES)
                file.write(self.chance.randbytes(BLOCK_BYTES // 2).hex().encode())

    def _make_valid(self, stamp: str) -> None:
        for lim in self._lims:
            beside = lim.path(f"{EXCHANGE}/database.new")
            beside.write_text(f"{stamp}\n{stamp}\n")
            beside.replace(lim.path(f"{EXCHANGE}/database"))


def many(files: int, size_bytes: int) -> Sizes:
    """So many files of one size."""
    return {f"UNIT{number:04d}.D": size_bytes for number in range(files)}


def inside(lim: Lim, stamp: str) -> str:
    """Where a backup of a LIM lies, as the LIM sees it."""
    return f"{EXCHANGE}/1{VERSION}/xdata/xdata_{lim.plan.number}_{stamp}"


def enlarge_disks(bed: Bed, size_mib: int) -> None:
    """Room on every LIM for what is copied here; as far as it is used it is this machine's memory."""
    for lim in bed.lims.values():
        run(["mount", "-o", f"remount,size={size_mib}m", str(lim.folder)])
