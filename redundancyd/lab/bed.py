"""A bed: router, LIMs and phones, built at once and gone on every way out.

The owner removes it at the end of its `with`, at the end of the process and on signals; what a `kill -9` of the owner
leaves is found by its prefix: in /run/redundancy-lab, among the network namespaces and among the control groups.
"""

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import FrameType

from redundancyd.core.systems import System
from redundancyd.lab import network
from redundancyd.lab.disk import PACKAGE, make_disk, make_keys
from redundancyd.lab.lim import Lim
from redundancyd.lab.phone_line import PhoneLine
from redundancyd.lab.plan import BEDS, PREFIX, BedPlan, lims_named
from redundancyd.lab.system import (
    Cgroup,
    LabError,
    bury,
    cgroup_root,
    check_machine,
    mounts_below,
    namespaces,
    remove_namespace,
    run,
    spawn,
)
from redundancyd.scenarios.links import Way


class Bed:
    """A bed that stands; made by `build`, taken away by `remove`."""

    def __init__(self, plan: BedPlan) -> None:
        self.plan = plan
        self.lims = {lim.name: Lim(plan, lim) for lim in plan.all_lims}
        self.phones = PhoneLine(plan.folder / "phones.sock")
        self.cuts: frozenset[Way] = frozenset()
        self.built_ms = 0

    @property
    def supervisor(self) -> Lim:
        """LIM 1 of the alternate, where the daemon lives."""
        return self.lims[self.plan.supervisor.name]

    def of(self, system: System) -> list[Lim]:
        """The LIMs of one system."""
        return [self.lims[lim.name] for lim in self.plan.of(system)]

    def named(self, where: str) -> list[Lim]:
        """The LIMs that `primary`, `alternate` or `primary-1` mean."""
        return [self.lims[lim.name] for lim in lims_named(self.plan, where)]

    def set_cuts(self, ways: Iterable[Way]) -> None:
        """Make exactly these ways cut."""
        network.set_cuts(self.plan, ways)
        self.cuts = frozenset(ways)

    def power_on(self, lims: Iterable[Lim]) -> None:
        """Switch LIMs on, all at once, and wait until they have booted."""
        chosen = list(lims)
        for lim in chosen:
            lim.power_on()
        for lim in chosen:
            lim.wait_up()

    def power_off(self, lims: Iterable[Lim]) -> None:
        """Cut the power of several LIMs: first all fall silent, then all are dead."""
        chosen = list(lims)
        for lim in chosen:
            network.unplug(self.plan, lim.name)
        for lim in chosen:
            lim.power_off()

    def start_phones(self) -> None:
        """Start the phones; they register at once."""
        cgroup = Cgroup(self.plan.prefix, network.PHONES)
        cgroup.make()
        words = ["nsenter", f"--net=/run/netns/{self.plan.namespace(network.PHONES)}"]
        words += [sys.executable, "-m", "redundancyd.lab.phones", str(self.plan.folder / "phones.json")]
        phones = [
            {
                "number": phone.number,
                "transport": phone.transport,
                "address": phone.address,
                "servers": {str(system): phone.server(system) for system in System},
            }
            for phone in self.plan.phones
        ]
        settings = {"socket": str(self.phones.path), "phones": phones}
        (self.plan.folder / "phones.json").write_text(json.dumps(settings))
        spawn(cgroup.entering(words), self.plan.folder / "phones.log", PYTHONPATH=str(PACKAGE.parent))
        try:
            self.phones.wait_there(10)
        except LabError as error:
            said = (self.plan.folder / "phones.log").read_text(errors="replace")[-800:]
            raise LabError(f"{error}; they say: {said}") from error


def build(plan: BedPlan, *, owner: int | None) -> Bed:
    """Make a bed and wait until every LIM has booted and the phones are there; nothing is left when that fails."""
    check_machine()
    _claim(plan, owner)
    started = time.monotonic()
    try:
        bed = Bed(plan)
        make_keys(plan)
        network.make_router(plan)
        with ThreadPoolExecutor(4) as workers:
            list(workers.map(lambda lim: make_disk(plan, lim), plan.all_lims))
            list(workers.map(lambda lim: lim.power_on(), bed.lims.values()))
        network.make_phones(plan)
        for lim in bed.lims.values():
            lim.wait_up()
        bed.start_phones()
    except BaseException:
        remove(plan.prefix)
        raise
    bed.built_ms = round((time.monotonic() - started) * 1000)
    return bed


@contextlib.contextmanager
def standing(plan: BedPlan) -> Iterator[Bed]:
    """A bed for the time of a `with`; it is taken away whatever ends it, signals included."""
    goodbye = partial(remove, plan.prefix)
    atexit.register(goodbye)
    in_main = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGTERM, signal.SIGHUP) if in_main else ()
    previous = {number: signal.signal(number, _leave) for number in numbers}
    try:
        yield build(plan, owner=os.getpid())
    finally:
        remove(plan.prefix)
        atexit.unregister(goodbye)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _claim(plan: BedPlan, owner: int | None) -> None:
    """Take the prefix; LabError when a living bed has it, and away with a dead one."""
    BEDS.mkdir(parents=True, exist_ok=True)
    with (BEDS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = read_record(plan.prefix)
        if record is not None and not is_left_over(record):
            raise LabError(f"a bed {plan.prefix!r} stands already: redundancy-lab down --prefix {plan.prefix}")
        remove(plan.prefix)
        plan.folder.mkdir()
        since = _started(owner) if owner else ""
        record = {"owner": owner, "owner_started": since, "plan": asdict(plan)}
        (plan.folder / "bed.json").write_text(json.dumps(record))


def read_record(prefix: str) -> dict[str, object] | None:
    """What is written about a bed: its owner and its plan; None when there is no bed."""
    try:
        record = json.loads((BEDS / prefix / "bed.json").read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def read_plan(prefix: str) -> BedPlan:
    """The plan of a bed that stands; LabError when none does."""
    record = read_record(prefix)
    plan = record.get("plan") if record else None
    if not isinstance(plan, dict):
        raise LabError(f"no bed has the prefix {prefix!r}: redundancy-lab list shows those that stand")
    return BedPlan(**plan)


def is_left_over(record: dict[str, object]) -> bool:
    """The bed had an owner who would have taken it away, and who is no more."""
    owner = record.get("owner")
    return isinstance(owner, int) and _started(owner) != record.get("owner_started")


def _started(pid: int) -> str:
    """When a process began, so that a number used again is not taken for it; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def prefixes() -> list[str]:
    """Every prefix of which anything is left on this machine."""
    groups = cgroup_root() / "redundancy-lab"
    found = {path.name for folder in (BEDS, groups) if folder.is_dir() for path in folder.iterdir() if path.is_dir()}
    found |= {name.split(".")[1] for name in namespaces("rlab.") if name.count(".") == 2}
    return sorted(name for name in found if PREFIX.fullmatch(name))


def remove(prefix: str) -> None:
    """Take everything of a bed away: processes, namespaces, mounts, files.  Where nothing is left, nothing is done."""
    if not PREFIX.fullmatch(prefix):
        raise LabError(f"prefix {prefix!r}: use up to 24 small letters, digits and dashes")
    groups = cgroup_root() / "redundancy-lab" / prefix
    if groups.is_dir():
        for path in sorted(groups.iterdir()):
            if path.is_dir():
                group = Cgroup(prefix, path.name)
                group.freeze(frozen=False)
                group.remove()
        groups.rmdir()
    bury()
    for name in namespaces(f"rlab.{prefix}."):
        remove_namespace(name)
    folder = BEDS / prefix
    for where in mounts_below(folder):
        run(["umount", "-l", where], check=False)
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        groups.parent.rmdir()
