"""A pull beside rsync over the same sshd: first, unchanged, a hundredth changed, and one large file on a narrow line.

The peer is `rsync -a --checksum --link-dest` with root's key and ssh as it comes, all LIMs at once; a second one has
our words of ssh, of which the ciphers matter.  All copy the same backup, whose files were written anew, so that time
stamps say nothing.  What each has brought is compared with what the LIMs have.
"""

import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.backups import Backups, enlarge_disks, inside, many
from bench.figures import Goal, Spread
from bench.helper import HERE
from redundancyd.adapters.login import Login
from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.disk import PACKAGE
from redundancyd.lab.network import ROUTER
from redundancyd.lab.plan import BedPlan
from redundancyd.lab.system import run

LIMS = 2
FILES, QUICK_FILES = 2000, 200
SIZE_MB, QUICK_SIZE_MB = 400, 40
LARGE_MB, QUICK_LARGE_MB = 200, 40
LINE_MBIT_S = 20
DISK_MIB = 4096
SHARE = 0.01
RUNS = 5
DEADLINE_S = 120
FOLDER = "/var/lib/redundancyd/bench"  # in LIM 1 of the alternate
KNOWN_HOSTS = "/etc/redundancyd/known_hosts"
PLAIN = ["ssh", "-F", "none", "-i", f"{FOLDER}/key", "-o", f"UserKnownHostsFile={KNOWN_HOSTS}"]
COPIES = ("mirrors", "peer", "tuned")
AT_MOST = {"first": 1.3, "unchanged": 1.2, "changed": 1.2, "large": 1.2}
"""Our time to rsync's"""

Tell = Callable[[str], None]


@dataclass
class Copies:
    """Seconds of each run, by what was copied."""

    files: int
    size_mb: int
    large_mb: int
    ours: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in AT_MOST})
    theirs: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in AT_MOST})
    tuned: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in AT_MOST})
    """rsync with our words of ssh"""

    def ratio(self, kind: str) -> float:
        """Our median to the peer's."""
        return Spread(tuple(self.ours[kind])).median / Spread(tuple(self.theirs[kind])).median

    @property
    def goals(self) -> list[Goal]:
        """What is wanted."""
        return [Goal(f"pull, {kind}, of rsync's time", self.ratio(kind), most, " x") for kind, most in AT_MOST.items()]


def run_copies(found: Copies, prefix: str, runs: int, chance: random.Random, tell: Tell) -> None:
    """Every kind, ours and rsync's in turn."""
    with standing(BedPlan(prefix, LIMS)) as bed:
        enlarge_disks(bed, DISK_MIB)
        pair = _Pair(bed, Backups(bed, chance), found, tell)
        pair.set_up_peer()
        each = found.size_mb * 10**6 // found.files
        pair.backups.lay({lim: many(found.files // LIMS, each) for lim in range(1, LIMS + 1)})
        for _ in range(runs):
            pair.forget()
            pair.measure("first")
        for _ in range(runs):
            pair.backups.save()
            pair.measure("unchanged")
        for _ in range(runs):
            pair.backups.save(files=SHARE)
            pair.measure("changed")
        large = found.large_mb * 10**6
        pair.backups.lay({1: {"cql/extension.csv": large}, **{lim: many(20, 10_000) for lim in range(2, LIMS + 1)}})
        pair.forget()
        pair.copy()
        with _narrow(bed):
            for _ in range(runs):
                pair.backups.save(blocks=SHARE)
                pair.measure("large")


class _Pair:
    """Both ways of copying, each with the copy before, which the next one begins from."""

    def __init__(self, bed: Bed, backups: Backups, found: Copies, tell: Tell) -> None:
        self.backups = backups
        self._bed, self._found, self._tell = bed, found, tell
        self._before = ""

    def set_up_peer(self) -> None:
        """Root's key on the primary's LIMs, and the words of ssh that we use ourselves."""
        supervisor = self._bed.supervisor
        supervisor.run(["mkdir", "-p", FOLDER])
        supervisor.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{FOLDER}/key"])
        key = supervisor.path(f"{FOLDER}/key.pub").read_text()
        for lim in self._bed.of(System.PRIMARY):
            lim.run(["mkdir", "-p", "-m", "700", "/root/.ssh"])
            lim.path("/root/.ssh/authorized_keys").write_text(key)
        supervisor.path(f"{FOLDER}/copies.sh").write_text((HERE / "copies.sh").read_text())

    def forget(self) -> None:
        """There is no copy to begin from."""
        for name in COPIES:
            shutil.rmtree(self._path(name), ignore_errors=True)
        self._before = ""

    def measure(self, kind: str) -> None:
        """Both, once."""
        ours, theirs, tuned = self.copy()
        self._found.ours[kind].append(ours)
        self._found.theirs[kind].append(theirs)
        self._found.tuned[kind].append(tuned)
        self._tell(f"copy, {kind}: redundancyd {ours:.2f} s, rsync {theirs:.2f} s, with our ciphers {tuned:.2f} s")

    def copy(self) -> tuple[float, float, float]:
        """Seconds of ours and of rsync's, as it comes and tuned; then only the new copies are left."""
        theirs = self._theirs("peer", PLAIN)
        ours = self._ours()
        tuned = self._theirs("tuned", Login("root", f"{FOLDER}/key", KNOWN_HOSTS).ssh())
        for lim in self._bed.of(System.PRIMARY):
            source = self.backups.folder(lim, self.backups.stamp)
            for name in COPIES:
                run(["diff", "-r", str(source), str(self._path(name, self.backups.stamp, f"lim-{lim.plan.number}"))])
        if self._before:
            for name in COPIES:
                shutil.rmtree(self._path(name, self._before))
        self._before = self.backups.stamp
        return ours, theirs, tuned

    def _path(self, *names: str) -> Path:
        return self._bed.supervisor.path("/".join([FOLDER, *names]))

    def _ours(self) -> float:
        addresses = [lim.plan.address for lim in self._bed.of(System.PRIMARY)]
        words = ["env", f"PYTHONPATH={PACKAGE.parent}", sys.executable, "-m", "bench.pulling", f"{FOLDER}/mirrors"]
        said = self._bed.supervisor.run([*words, *addresses], deadline_s=DEADLINE_S)
        return float(json.loads(said)["s"])

    def _theirs(self, name: str, ssh: Sequence[str]) -> float:
        before = f"{FOLDER}/{name}/{self._before}" if self._before else ""
        new = f"{FOLDER}/{name}/{self.backups.stamp}"
        lims = [
            f"{lim.plan.number} {lim.plan.address} {inside(lim, self.backups.stamp)}\n"
            for lim in self._bed.of(System.PRIMARY)
        ]
        words = self._bed.supervisor.inside(["sh", f"{FOLDER}/copies.sh", before, new, *ssh])
        started = time.monotonic()
        run(words, text="".join(lims), deadline_s=DEADLINE_S)
        return time.monotonic() - started


@contextmanager
def _narrow(bed: Bed) -> Iterator[None]:
    """LIM 1 of the primary hangs on a line of so many Mbit/s, there and back."""
    lim = bed.of(System.PRIMARY)[0]
    ends = [(bed.plan.namespace(ROUTER), lim.name), (lim.namespace, "eth0")]
    shape = ["root", "tbf", "rate", f"{LINE_MBIT_S}mbit", "burst", "64kb", "latency", "200ms"]
    for namespace, device in ends:
        run(["tc", "-n", namespace, "qdisc", "add", "dev", device, *shape])
    try:
        yield
    finally:
        for namespace, device in ends:
            run(["tc", "-n", namespace, "qdisc", "del", "dev", device, "root"])
