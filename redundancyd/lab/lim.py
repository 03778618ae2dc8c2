"""One LIM of a bed: power, rules, processes.  Its disk is made in disk.py and outlives the power."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from redundancyd.core.systems import Traffic
from redundancyd.lab import network
from redundancyd.lab.disk import HERE, readable_folders
from redundancyd.lab.plan import BedPlan, LimPlan
from redundancyd.lab.system import Cgroup, LabError, bury, first_process, remove_namespace, run, spawn

BOOT_DEADLINE_S = 20.0
JUMPS = (("INPUT", "REDUNDANCYD-IN"), ("OUTPUT", "REDUNDANCYD-OUT"))


class Lim:
    """A LIM that can be switched on and off, entered, frozen, and asked what its rules do."""

    def __init__(self, bed: BedPlan, plan: LimPlan) -> None:
        self.bed = bed
        self.plan = plan
        self.cgroup = Cgroup(bed.prefix, plan.name)
        self.namespace = bed.namespace(plan.name)
        self.folder = bed.folder / plan.name
        self._pid: int | None = None

    @property
    def name(self) -> str:
        """How the LIM is called everywhere."""
        return self.plan.name

    @property
    def disk(self) -> Path:
        """What the LIM has written, as files of this machine; readable whether it has power or not."""
        return self.folder / "upper"

    # --- power ---

    def power_on(self) -> None:
        """Switch on and boot; returns at once, `wait_up` waits for the end of the boot."""
        run(["ip", "netns", "add", self.namespace])
        network.plug(self.bed, self.name, self.plan.net, self.plan.host)
        self.cgroup.make()
        boot = ["/bin/sh", str(HERE / "lim-boot.sh"), str(self.folder), self.name, *map(str, readable_folders())]
        words = ["nsenter", f"--net=/run/netns/{self.namespace}"]
        words += ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", *boot]
        spawn(self.cgroup.entering(words), self.folder / "console")

    def wait_up(self) -> None:
        """Return when the boot is done: rules, network, sshd and exchange."""
        give_up = time.monotonic() + BOOT_DEADLINE_S
        while not self.is_up():
            if time.monotonic() > give_up:
                said = (self.folder / "console").read_text(errors="replace")[-800:]
                raise LabError(f"{self.name} does not come up within {BOOT_DEADLINE_S} s; its console says: {said}")
            time.sleep(0.01)

    def is_up(self) -> bool:
        """The boot is done."""
        pid = self.pid()
        return pid is not None and Path(f"/proc/{pid}/root/run/redundancy-lab.up").exists()

    def power_off(self) -> None:
        """Cut the power: silent at once; processes, rules and everything in memory are gone, the disk stays."""
        network.unplug(self.bed, self.name)
        if self.cgroup.path.exists():
            self.cgroup.freeze(frozen=False)
        self.cgroup.kill()
        remove_namespace(self.namespace)
        self._pid = None
        bury()

    def has_power(self) -> bool:
        """Somebody lives in it."""
        return bool(self.cgroup.pids())

    def pid(self) -> int | None:
        """Its process number 1, as this machine numbers it."""
        if self._pid is None or not Path(f"/proc/{self._pid}").exists():
            self._pid = first_process(self.cgroup)
        return self._pid

    # --- inside ---

    def inside(self, words: Sequence[str]) -> list[str]:
        """The command that runs `words` as root inside the LIM."""
        pid = self.pid()
        if pid is None:
            raise LabError(f"{self.name} has no power")
        enter = ["nsenter", "--target", str(pid), "--mount", "--net", "--pid", "--uts", "--ipc", "--root", "--wd"]
        return self.cgroup.entering([*enter, "--", *words])

    def run(self, words: Sequence[str], *, text: str | None = None, deadline_s: float = 10, check: bool = True) -> str:
        """Run a command as root inside the LIM, to its end."""
        return run(self.inside(words), text=text, deadline_s=deadline_s, check=check)

    def path(self, inside: str) -> Path:
        """A path of the LIM while it has power, /run included, as a path of this machine."""
        pid = self.pid()
        if pid is None:
            raise LabError(f"{self.name} has no power")
        return Path(f"/proc/{pid}/root{inside}")

    def freeze(self, *, frozen: bool) -> None:
        """Stop every process of the LIM, or let them go on; its kernel still answers pings."""
        self.cgroup.freeze(frozen=frozen)

    # --- what its rules do, read from outside and without its help ---

    def rules(self, family: int = 4) -> str:
        """What `iptables-save` says of its filter table; empty without power."""
        if not Path("/run/netns", self.namespace).exists():
            return ""
        name = {4: "iptables", 6: "ip6tables"}[family] + (f"-{self.bed.backend}" if self.bed.backend else "")
        inside = ["nsenter", f"--net=/run/netns/{self.namespace}"]
        return run([*inside, f"{name}-save", "-t", "filter"], check=False)

    def traffic(self) -> Traffic:
        """What its rules do to endpoint traffic, in both families; UNKNOWN without power."""
        if not self.has_power():
            return Traffic.UNKNOWN
        seen = {read_rules(self.rules(4)), read_rules(self.rules(6))}
        return seen.pop() if len(seen) == 1 else Traffic.MIXED

    def ordered(self) -> dict[str, object]:
        """What the LIM remembers on its disk of the last order; empty when there was none."""
        return read_state(self.disk / "var/lib/redundancyd/lim/state")


def read_rules(saved: str) -> Traffic:
    """What a printout of `iptables-save` does to SIP: blocked when both chains are first and deny."""
    lines = saved.splitlines()
    denies = []
    for built_in, own in JUMPS:
        first = next((line for line in lines if line.startswith(f"-A {built_in} ")), "")
        jumps = first.split() == ["-A", built_in, "-j", own]
        denied = [line for line in lines if line.startswith(f"-A {own} ") and _denies_sip(line)]
        denies.append(jumps and len(denied) > 0)
    if all(denies):
        return Traffic.BLOCKED
    return Traffic.MIXED if any(denies) else Traffic.ALLOWED


def _denies_sip(line: str) -> bool:
    words = line.split()
    target = words[words.index("-j") + 1] if "-j" in words else ""
    return target in {"REJECT", "DROP"} and "5060" in line


def read_state(path: Path) -> dict[str, object]:
    """The lasting state of a LIM: JSON, or lines of key=value; empty when there is none or it is being replaced."""
    try:
        text = path.read_text()
    except OSError:
        return {}
    if text.lstrip().startswith("{"):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}
