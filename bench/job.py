"""The daemon while exchange data is copied, translated and loaded: its peak memory, and how late its beats are.

Seen from outside: memory as the kernel counts it, beats as they arrive at the network control address.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.backups import Backups, enlarge_disks, many
from bench.figures import Goal, lateness_ms
from bench.helper import Helper
from bench.stage import Beats, Stage, on_stage
from redundancyd.lab.network import ROUTER
from redundancyd.lab.plan import CONTROL
from redundancyd.lab.system import LabError

BEATS = Beats(interval_ms=1000, timeout_ms=100)
LIMS = 2
DISK_MIB = 4096
MEMORY_MB = 120.0
JOB_S = 180.0

Tell = Callable[[str], None]


@dataclass
class JobFigures:
    """What was found."""

    files: int
    size_mb: int
    copy_s: float = 0.0
    load_s: float = 0.0
    """translated, sent to every LIM of the alternate, and loaded"""
    memory_mb: float = 0.0
    late_ms: tuple[float, ...] = field(default=())
    """of each beat"""

    @property
    def goals(self) -> list[Goal]:
        """What is wanted."""
        memory = Goal("peak memory of the daemon", self.memory_mb, MEMORY_MB, " MB")
        return [memory, Goal("latest beat", max(self.late_ms), BEATS.interval_ms / 2, " ms")]


def run_job(found: JobFigures, prefix: str, chance: random.Random, tell: Tell) -> None:
    """A copy and a load by the daemon, as an operator orders them."""
    with on_stage(prefix, BEATS) as stage:
        enlarge_disks(stage.bed, DISK_MIB)
        sizes = many(found.files // LIMS, found.size_mb * 10**6 // found.files)
        Backups(stage.bed, chance).lay(dict.fromkeys(range(1, LIMS + 1), sizes))
        with Helper(stage.bed, ROUTER, "beats.py", [stage.daemon.lim.plan.address, CONTROL]) as listener:
            listener.wait(lambda _: True, 10)
            found.copy_s = _timed(stage, ["data", "copy"], "copied")
            tell(f"data copy: {found.copy_s:.1f} s")
            found.load_s = _timed(stage, ["data", "load", "--yes"], "loaded")
            tell(f"data load: {found.load_s:.1f} s")
            time.sleep(BEATS.interval_ms / 1000)
            found.late_ms = lateness_ms(_beats(listener.lines()), BEATS.interval_ms)
        found.memory_mb = _peak_mb(stage)
    tell(f"peak memory {found.memory_mb:.1f} MB, the latest of {len(found.late_ms)} beats {max(found.late_ms):.0f} ms")


def _timed(stage: Stage, words: Sequence[str], result: str) -> float:
    """Seconds from the order to the end of its job."""
    list(stage.journal.new())
    started = time.monotonic()
    done = stage.daemon.order(words, 20)
    if done.returncode != 0:
        raise LabError(f"{' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
    lines: list[Mapping[str, Any]] = []
    ended = stage.wait_event("data_job_ended", JOB_S, lines)
    took_s = time.monotonic() - started
    if ended.get("result") != result:
        raise LabError(f"{' '.join(words)}: {ended}")
    return took_s


def _beats(lines: Sequence[Mapping[str, Any]]) -> list[float]:
    """The instants at which beats began, in milliseconds: the first packet of each counts."""
    probes = [line["probe"] for line in lines]
    ours = max(set(probes), key=probes.count)
    began: dict[int, float] = {}
    for line in lines:
        if line["probe"] == ours:
            began.setdefault(line["beat"], line["at_ns"] / 1e6)
    return list(began.values())


def _peak_mb(stage: Stage) -> float:
    status = Path(f"/proc/{stage.daemon.pid}/status").read_text()
    (peak,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024 / 1e6
