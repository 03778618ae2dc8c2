"""A small Debian with a systemd of its own, booted in a container that vanishes on every way out.

The root is an overlay over a folder that `scripts/rootfs` makes once; what a test changes is gone with it.  Mounts live
in a mount namespace of the container's own, processes in a cgroup of its own: ending it is killing that cgroup.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

TOP = Path(__file__).resolve().parents[2]
PREFIX = "redundancyd-test-"

# The mounts are private to this shell, so nothing has to be unmounted afterwards.  A machine that lost its power comes
# up again on the same disk, with no rules and an empty /run.
_LAUNCH = """
set -eu
echo $$ >"$CGROUP/cgroup.procs"
mkdir "$WORK/tmpfs"
mount -t tmpfs -o mode=755 tmpfs "$WORK/tmpfs"
cd "$WORK/tmpfs"
mkdir upper inner root
mount -t overlay -o "lowerdir=$LOWER,upperdir=$PWD/upper,workdir=$PWD/inner" overlay root
while :; do
    systemd-nspawn --quiet --directory="$PWD/root" --machine="$NAME" --register=no --keep-unit --private-network \\
        --link-journal=no --console=pipe --boot \\
        --bind-ro="$SOURCE:/opt/parts/source" --bind-ro="$PACKAGES:/opt/parts/packages" || echo "nspawn: $?"
    [ -e "$WORK/again" ] || exit 1
    rm "$WORK/again"
done
"""


def rootfs() -> Path:
    """Return the folder of the small Debian; made now, within five minutes, if it is not there."""
    made = subprocess.run([TOP / "scripts/rootfs"], check=True, capture_output=True, text=True, timeout=300)
    return Path(made.stdout.strip())


def cgroup2_folder() -> Path:
    """Where this machine has its cgroup2 tree."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="ascii").splitlines():
        fields, _, kind = line.partition(" - ")
        if kind.startswith("cgroup2 "):
            return Path(fields.split()[4])
    raise OSError("no cgroup2 is mounted here")


def wait_until(what: str, condition: Callable[[], bool], deadline_s: float = 10, every_s: float = 0.05) -> None:
    """Return once the condition holds; raise TimeoutError, saying what was waited for, when the deadline has passed."""
    until = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {deadline_s} s: {what}")
        time.sleep(every_s)


class Machine:
    """One booted container; a context manager, so that it is ended whatever happens."""

    def __init__(self, lower: Path) -> None:
        self._lower = lower
        self.name = f"{PREFIX}{os.getpid()}-{secrets.token_hex(3)}"
        self._cgroup = cgroup2_folder() / self.name
        self._work = Path(tempfile.gettempdir(), self.name)
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Self:
        try:
            self._start()
            wait_until("the container's systemd is up", self._is_up, 30)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def run(self, *words: str, check: bool = True, stdin: str = "", timeout_s: float = 20) -> str:
        """Run a command inside, as root, and return what it printed; raise, with its own words, when it fails."""
        done = subprocess.run(
            ["nsenter", "--target", str(self._leader), "--all", "--", *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def succeeds(self, *words: str) -> bool:
        """Tell whether a command inside ends with exit status 0."""
        return bool(self.run("sh", "-c", '"$@" >/dev/null 2>&1 && echo yes', "sh", *words, check=False))

    def power_cycle(self) -> None:
        """Cut the power, with nothing said to anybody inside, and return when the machine is up again."""
        lost = self._leader
        (self._work / "again").touch()
        os.kill(lost, signal.SIGKILL)
        wait_until("the power is off", lambda: not Path("/proc", str(lost)).exists())
        self._leader = 0
        wait_until("the container's systemd is up again", self._is_up, 30)

    def write(self, path: str, text: str, mode: str = "0644", owner: str = "root:root") -> None:
        """Write a file inside, with its folders."""
        script = 'mkdir -p "${1%/*}" && cat >"$1" && chmod "$2" "$1" && chown "$3" "$1"'
        self.run("sh", "-c", script, "sh", path, mode, owner, stdin=text)

    def properties(self, unit: str, *names: str) -> dict[str, str]:
        """Return properties of a unit as systemd shows them."""
        shown = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in shown.splitlines())

    def journal(self, *words: str) -> list[str]:
        """Return the messages of the journal lines that match."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--quiet", "--no-pager", "--output=cat", *words, check=False).splitlines()

    def _start(self) -> None:
        self._work.mkdir()
        self._cgroup.mkdir()
        with (self._work / "console").open("wb") as console:
            self._nspawn = subprocess.Popen(
                ["unshare", "--mount", "--propagation=private", "sh", "-c", _LAUNCH],
                env={
                    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
                    "CGROUP": str(self._cgroup),
                    "WORK": str(self._work),
                    "LOWER": str(self._lower),
                    "NAME": self.name,
                    "SOURCE": str(TOP),
                    "PACKAGES": sysconfig.get_path("purelib"),
                },
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _is_up(self) -> bool:
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            raise ChildProcessError(f"systemd-nspawn ended:\n{(self._work / 'console').read_text(errors='replace')}")
        self._leader = self._leader or self._find_leader()
        return bool(self._leader) and self.run("systemctl", "is-system-running", check=False).strip() in {
            "running",
            "degraded",
        }

    def _find_leader(self) -> int:
        """The process that is number 1 inside, or 0 while there is none."""
        for listing in self._cgroup.glob("payload/**/cgroup.procs"):
            for pid in listing.read_text().split():
                with contextlib.suppress(OSError):
                    status = Path("/proc", pid, "status").read_text(errors="replace")
                    if any(line.split()[1:] == [pid, "1"] for line in status.splitlines() if line.startswith("NSpid:")):
                        return int(pid)
        return 0

    def _end(self) -> None:
        _end_cgroup(self._cgroup)
        if self._nspawn is not None:
            self._nspawn.wait(10)
        shutil.rmtree(self._work)


def sweep() -> None:
    """End what killed test runs have left behind: containers whose maker's process is no more."""
    for cgroup in cgroup2_folder().glob(f"{PREFIX}*"):
        maker = cgroup.name.removeprefix(PREFIX).split("-")[0]
        if not Path("/proc", maker).exists():
            _end_cgroup(cgroup)
            shutil.rmtree(Path(tempfile.gettempdir(), cgroup.name), ignore_errors=True)


def _end_cgroup(cgroup: Path) -> None:
    if not cgroup.exists():
        return
    (cgroup / "cgroup.kill").write_text("1")
    wait_until(f"{cgroup.name} is empty", lambda: "populated 1" not in (cgroup / "cgroup.events").read_text())
    for folder, _, _ in os.walk(cgroup, topdown=False):
        Path(folder).rmdir()
