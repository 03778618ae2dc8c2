"""The machine the lab stands on: commands with a deadline, the boot-time clock, namespaces, control groups."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from redundancyd.scenarios.stage import StageError

NEEDED = {
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "sudo": "sudo",
    "ping": "iputils-ping",
    "systemd-socket-activate": "systemd",
}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LabError(StageError):
    """Something the lab was asked to do could not be done; the text says what, what came back, and what to do."""


def run(words: Sequence[str], *, text: str | None = None, deadline_s: float = 10, check: bool = True) -> str:
    """Run a command to its end and give what it printed; LabError with its words when it fails."""
    try:
        done = subprocess.run(
            list(words),
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=deadline_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(words)}: no end after {deadline_s} s") from error
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(words)}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[:500]}")
    return done.stdout


def spawn(words: Sequence[str], out: Path | None = None, **environment: str) -> "subprocess.Popen[bytes]":
    """Start a command that goes on by itself; what it prints goes to a file, or nowhere."""
    with (out or Path(os.devnull)).open("ab") as printed:
        child = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
            env={"PATH": PATH, **environment},
        )
    _children.append(child)
    return child


_children: "list[subprocess.Popen[bytes]]" = []


def bury() -> None:
    """Take notice of started commands that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def now_ms() -> int:
    """Milliseconds of the boot-time clock, the one the daemon's journal uses."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def at_of_wall(wall_ns: int) -> int:
    """The boot-time instant, in milliseconds, of a wall-clock time stamp (of a file, of a packet)."""
    offset = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.time_ns()
    return (wall_ns + offset) // 1_000_000


def check_machine() -> None:
    """LabError with the remedy unless we are root and every program is there."""
    if os.geteuid() != 0:
        raise LabError("The lab makes network namespaces and needs root: run it as root, or with sudo.")
    missing = sorted({package for tool, package in NEEDED.items() if shutil.which(tool, path=PATH) is None})
    if missing:
        raise LabError(f"The lab needs programs that are not here: apt-get install {' '.join(missing)}")
    cgroup_root()


def cgroup_root() -> Path:
    """Where the second kind of control groups is mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    raise LabError("No cgroup2 is mounted: mount -t cgroup2 none /sys/fs/cgroup/unified")


class Cgroup:
    """One control group: freezes and kills all processes in it at one instant."""

    def __init__(self, prefix: str, name: str) -> None:
        self.path = cgroup_root() / "redundancy-lab" / prefix / name

    def make(self) -> None:
        """Create it, if it is not there."""
        self.path.mkdir(parents=True, exist_ok=True)

    def pids(self) -> list[int]:
        """The processes in it, as the machine numbers them."""
        try:
            return [int(word) for word in (self.path / "cgroup.procs").read_text().split()]
        except OSError:
            return []

    def entering(self, words: Sequence[str]) -> list[str]:
        """The command that runs `words` inside this group from their first instruction on."""
        return ["/bin/sh", "-c", 'echo 0 >"$0" && exec "$@"', str(self.path / "cgroup.procs"), *words]

    def freeze(self, *, frozen: bool) -> None:
        """Stop or continue everything in it."""
        (self.path / "cgroup.freeze").write_text("1" if frozen else "0")

    def kill(self) -> None:
        """End everything in it and wait until it is empty."""
        if not self.path.exists():
            return
        (self.path / "cgroup.kill").write_text("1")
        give_up = time.monotonic() + 5
        while self.pids():
            if time.monotonic() > give_up:
                raise LabError(f"{self.path}: processes {self.pids()} do not end")
            time.sleep(0.002)

    def remove(self) -> None:
        """End everything in it and take it away."""
        self.kill()
        give_up = time.monotonic() + 2
        while self.path.exists():
            try:
                self.path.rmdir()
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.005)


def first_process(cgroup: Cgroup) -> int | None:
    """The process that is number 1 in a LIM's own process namespace, as the machine numbers it."""
    for pid in cgroup.pids():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
        if len(numbers) > 1 and numbers[-1] == "1":
            return pid
    return None


def namespaces(start: str) -> list[str]:
    """The named network namespaces whose name begins so."""
    folder = Path("/run/netns")
    return sorted(path.name for path in folder.glob(f"{start}*")) if folder.is_dir() else []


def remove_namespace(name: str) -> None:
    """Take a named network namespace away, if it is there."""
    if Path("/run/netns", name).exists():
        run(["ip", "netns", "del", name])


def mounts_below(folder: Path) -> list[str]:
    """What is mounted in a folder, deepest first."""
    found = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return sorted((where for where in found if where == str(folder) or where.startswith(f"{folder}/")), reverse=True)
