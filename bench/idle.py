"""Memory and processor time of the daemon at rest, keepalived's beside them in the same bed and the same seconds."""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Goal
from bench.pair import Pair
from bench.stage import Stage, now
from redundancyd.lab.lim import Lim
from redundancyd.lab.system import LabError

TICKS = os.sysconf("SC_CLK_TCK")
MEMORY_MIB = 80.0
CPU_PERCENT = 1.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What processes have in memory, in MiB: resident, and with what is shared divided by those who share it."""

    rss_mib: float
    pss_mib: float


@dataclass(frozen=True, slots=True)
class Idle:
    """What was found."""

    seconds: float
    ours: Memory
    our_percent: float
    theirs: Memory
    their_percent: float
    agents: Memory
    lim_percent: float

    @property
    def goals(self) -> list[Goal]:
        """What this part is to show."""
        memory = Goal("memory of the daemon", self.ours.rss_mib, MEMORY_MIB, " MiB")
        return [memory, Goal("processor time of the daemon", self.our_percent, CPU_PERCENT, " % of a core")]


def rest(stage: Stage, pair: Pair, settle_s: float, seconds: float) -> Idle:
    """Let everything settle, then watch it do nothing but beat."""
    time.sleep(settle_s)
    if stage.daemon.pid is None:
        raise LabError("the daemon does not run")
    ours, theirs, lim = [stage.daemon.pid], pair.backup.pids(), stage.bed.lims["alternate-2"]
    since = now()
    before = used_s(ours), used_s(theirs), _group_s(lim)
    time.sleep(seconds)
    lasted_s = (now() - since) / 1e9
    after = used_s(ours), used_s(theirs), _group_s(lim)
    our_s, their_s, lim_s = (late - early for early, late in zip(before, after, strict=True))
    return Idle(
        lasted_s,
        memory(ours),
        100 * our_s / lasted_s,
        memory(theirs),
        100 * their_s / lasted_s,
        memory(_agents(lim)),
        100 * lim_s / lasted_s,
    )


def _agents(lim: Lim) -> Sequence[int]:
    """What of us runs on a LIM all the time: redundancy-lim's `serve`s, and the sshd and sudo that hold them."""
    found = []
    for pid in lim.cgroup.pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "redundancy-lim" in words or "sshd: redundancyd" in words:
            found.append(pid)
    return found


def memory(pids: Iterable[int]) -> Memory:
    """Of several processes together."""
    rss = pss = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:  # one that came and went
            continue
        kib = {key: int(rest.split()[0]) for key, _, rest in (line.partition(":") for line in lines)}
        rss += kib["Rss"]
        pss += kib["Pss"]
    return Memory(rss / 1024, pss / 1024)


def used_s(pids: Iterable[int]) -> float:
    """Processor time of processes so far, in seconds, their ended threads included."""
    total = 0
    for pid in pids:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(words[11]) + int(words[12])
    return total / TICKS


def _group_s(lim: Lim) -> float:
    """Processor time of a whole LIM so far, what has ended included."""
    words = (lim.cgroup.path / "cpu.stat").read_text().split()
    return int(words[words.index("usage_usec") + 1]) / 1e6
