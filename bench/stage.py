"""What every part of the bench stands on: a bed with the real daemon at rest, and a knife that cuts at one instant."""

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redundancyd.core.systems import System
from redundancyd.lab import network
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.daemon_process import Daemon, Journal
from redundancyd.lab.plan import BedPlan
from redundancyd.lab.system import PATH, Cgroup, LabError

SETTLE_S = 60.0
MS = 1_000_000
REFUSED = 3  # exit status of the utility


def now() -> int:
    """Nanoseconds of the boot-time clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def sleep_until(at: int) -> None:
    """Return at this instant of the boot-time clock."""
    while (left := at - now()) > 0:
        time.sleep(left / 1e9 if left > 2 * MS else 0)


class Stage:
    """A bed, its daemon, and its journal."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.daemon = Daemon(bed)
        self.journal = Journal(self.daemon.journal)

    def start(self) -> None:
        """The daemon runs, the primary is active, the phones hold still: here it is the probe that asks."""
        Cgroup(self.bed.plan.prefix, network.PHONES).freeze(frozen=True)
        self.daemon.first_goal(System.PRIMARY)
        self.daemon.start()
        self.wait_settled(System.PRIMARY)

    def status(self) -> dict[str, Any]:
        """The daemon's own page."""
        page = self.daemon.status()
        if page is None:
            raise LabError(f"redundancyd does not answer; {self.daemon.last_lines()}")
        return page

    def wait_settled(self, active: System) -> dict[str, Any]:
        """Return when this system is active, everything is where it should be, and a takeover would work."""
        give_up = time.monotonic() + SETTLE_S
        while True:
            page = self.daemon.status()
            if page is not None and is_settled(page, active):
                return page
            if time.monotonic() > give_up:
                raise LabError(f"not at rest with the {active} active within {SETTLE_S} s; {self.daemon.last_lines()}")
            time.sleep(0.05)

    def order(self, active: System) -> None:
        """A manual takeover, to its end."""
        give_up = time.monotonic() + SETTLE_S
        words = ["manual-takeover", f"traffic-in-{active}", "--yes"]
        while (done := self.daemon.order(words, 20)).returncode == REFUSED and time.monotonic() < give_up:
            time.sleep(0.5)  # what was ready a moment ago may have to say so again
        if done.returncode != 0:
            raise LabError(f"manual-takeover traffic-in-{active}: exit {done.returncode}: {done.stdout}{done.stderr}")

    def wait_event(self, name: str, deadline_s: float, found: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The next line of the journal with this event; all lines until then are added to `found`."""
        give_up = time.monotonic() + deadline_s
        while True:
            found += self.journal.new()
            for line in found:
                if line.get("event") == name:
                    return line
            if time.monotonic() > give_up:
                raise LabError(f"no {name} in the journal within {deadline_s} s; {self.daemon.last_lines()}")
            time.sleep(0.02)


class Knife:
    """Lets ports of the router carry nothing more, all at one instant.

    The bridge stops forwarding: no carrier goes down, so nobody is told.  The program stands ready before the instant
    comes, and the last port is cut first: LIM 1 has the master IP address, and a beat that falls between two cuts
    should find a system that is whole, or none.
    """

    def __init__(self, bed: Bed, ports: Sequence[str]) -> None:
        self._lines = "".join(f"link set dev {port} state 0\n" for port in reversed(ports))
        words = ["nice", "-n", "-15", "bridge", "-n", bed.plan.namespace(network.ROUTER), "-batch", "-"]
        group = Cgroup(bed.plan.prefix, "bench")
        group.make()
        self._process = subprocess.Popen(
            group.entering(words), stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={"PATH": PATH}
        )

    def cut(self) -> int:
        """Now; the instant in nanoseconds, taken before anything is done."""
        at = now()
        _, said = self._process.communicate(self._lines.encode(), timeout=5)
        if self._process.returncode != 0:
            raise LabError(f"the cut failed: {said.decode(errors='replace')}")
        return at


def is_settled(page: Mapping[str, Any], active: System) -> bool:
    """Nothing is under way, every LIM is in reach and where the goal wants it, and both systems are ready."""
    goal, systems = page["goal"], page["systems"]
    if page["phase"] != "resting" or page["verdict"] != "heard" or not goal or goal["active"] != active:
        return False
    wanted = {active: "allowed", active.other: "blocked"}
    at_rest = goal["done"] and page["heartbeat"]["missed"] == 0 and page["heartbeat"]["control_answers"]
    lims = [(system, lim) for system in System for lim in systems[system]["lims"]]
    placed = all(lim["reach"] and lim["traffic"] == wanted[system] for system, lim in lims)
    return bool(at_rest and placed and all(systems[system]["ready"] for system in System))


@dataclass(frozen=True, slots=True)
class Beats:
    """How the bench sets the heartbeat."""

    interval_ms: int
    timeout_ms: int
    missed: int = 3  # the least that redundancyd takes, and what VRRP counts


@contextmanager
def on_stage(prefix: str, beats: Beats) -> Iterator[Stage]:
    """A bed of 2 + 2 LIMs with the daemon at rest, gone on every way out."""
    settings = {
        "heartbeat.interval_ms": str(beats.interval_ms),
        "heartbeat.timeout_ms": str(beats.timeout_ms),
        "heartbeat.missed": str(beats.missed),
        "takeover.takeovers_per_hour": "60",
    }
    with standing(BedPlan(prefix, 2, "", settings)) as bed:
        stage = Stage(bed)
        stage.start()
        yield stage
