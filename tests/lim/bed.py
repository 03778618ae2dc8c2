"""A LIM of its own for a test: network and mount namespaces in which redundancy-lim is installed.

/etc, /var/lib and /usr/sbin are overlays and /run is empty, so the program runs under its real paths and the machine
that runs the tests keeps its rules, its files and its commands.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from redundancyd import lim as shipped

PROGRAM = "/usr/sbin/redundancy-lim"
LASTING = "/var/lib/redundancyd/lim/state"
CLONE_NEWNET = 0x40000000

SETTINGS = {
    "lim": "1",
    "system": "primary",
    "lims": "192.0.2.11 192.0.2.12 2001:db8:1::11 2001:db8:1::12",
    "services": "udp:5060 tcp:5060 tcp:5061 udp:17000-17010",
    "deny": "reject",
    "boot_hold": "180",
    "orphan_hold": "off",
    "control": "127.0.0.1",
    "iptables": "nft",
}

INSIDE = """
set -e
mount -t tmpfs none /mnt
for folder in /etc /var/lib /usr/sbin; do
    mkdir -p /mnt/upper$folder /mnt/work$folder
    mount -t overlay none -o lowerdir=$folder,upperdir=/mnt/upper$folder,workdir=/mnt/work$folder $folder
done
mount -t tmpfs none /run
rm -rf /etc/redundancyd /var/lib/redundancyd
mkdir /etc/redundancyd /var/lib/redundancyd
cat > /usr/sbin/redundancy-lim
chmod 755 /usr/sbin/redundancy-lim
ip link set lo up
echo ready
exec sleep 300
"""


@dataclass
class Namespace:
    """One process in namespaces of its own, to be entered by the others."""

    holder: subprocess.Popen[bytes]

    @property
    def enter(self) -> list[str]:
        """The words that go before a command that is to run in here."""
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m", "--"]

    def sh(self, script: str, *, check: bool = True, deadline_s: float = 10) -> str:
        """What a few lines of shell print in here."""
        done = subprocess.run(
            [*self.enter, "sh", "-c", script], capture_output=True, text=True, timeout=deadline_s, check=False
        )
        assert not check or done.returncode == 0, f"{script}: {done.stderr}"
        return done.stdout

    def socket(self, family: int, kind: int) -> socket.socket:
        """A socket of this network: it stays in here, whoever uses it."""

        def made_inside() -> socket.socket:
            with open(f"/proc/{self.holder.pid}/ns/net") as network:  # noqa: PTH123 -- a descriptor is what is wanted
                assert ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) == 0
            return socket.socket(family, kind)

        with ThreadPoolExecutor(1) as thread:
            made = thread.submit(made_inside).result(timeout=5)
        made.settimeout(2)
        return made

    def close(self) -> None:
        """End everything that was started in here."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.holder.kill()
        self.holder.communicate(timeout=5)

    def processes(self) -> list[int]:
        """Whatever runs in this network."""
        mine = os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino  # noqa: PTH116
        if mine == os.stat("/proc/self/ns/net").st_ino:  # noqa: PTH116 -- it never got a network of its own
            return []
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{name}/ns/net").st_ino == mine:  # noqa: PTH116
                    found.append(int(name))
        return found


@dataclass
class Lim(Namespace):
    """A LIM, and the shell that redundancy-lim runs under on it."""

    shell: str = "dash"
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))

    @property
    def backend(self) -> str:
        """nft or legacy."""
        return self.settings["iptables"] or "nft"

    def configure(self, **changes: str) -> None:
        """Write lim.conf anew with these changes; a value of "-" leaves the line out."""
        self.settings |= changes
        lines = [f"{key}={value}" for key, value in self.settings.items() if value != "-"]
        text = "\n".join(["# made by a test", *lines, ""])
        subprocess.run([*self.enter, "sh", "-c", "cat > /etc/redundancyd/lim.conf"], input=text, text=True, check=True)

    def run(
        self, *words: str, stdin: str | bytes = "", remote: str | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run redundancy-lim to its end: with words on the spot, or with those that came over SSH."""
        environment = {"PATH": os.environ["PATH"]}
        if remote is not None:
            environment["SSH_ORIGINAL_COMMAND"] = remote
        given = stdin.encode() if isinstance(stdin, str) else stdin
        command = [*self.enter, *self.shell.split(), PROGRAM, *words]
        return subprocess.run(command, input=given, capture_output=True, timeout=20, check=False, env=environment)

    def ask(self, *words: str, remote: str | None = None) -> dict[str, Any]:
        """The one reply to one request."""
        return one_reply(self.run(*words, remote=remote).stdout)

    def order(self, word: str, number: int, supervisor: str = "id.run") -> dict[str, Any]:
        """Order block or allow."""
        return self.ask(word, str(number), supervisor)

    def serve(self, *lines: str) -> list[dict[str, Any]]:
        """The replies on one channel."""
        out = self.run("serve", stdin="".join(f"{line}\n" for line in lines)).stdout
        return [json.loads(line) for line in out.splitlines()]

    def iptables(self, rule: str, version: int = 4) -> None:
        """What somebody else does to the rules."""
        self.sh(f"{'iptables' if version == 4 else 'ip6tables'}-{self.backend} -w 2 {rule}")

    def rules(self, version: int = 4) -> list[str]:
        """The filter table as the kernel has it, without counters and comments."""
        text = self.sh(f"{'iptables' if version == 4 else 'ip6tables'}-{self.backend}-save -t filter")
        return [line.split(" [")[0] for line in text.splitlines() if not line.startswith("#")]

    def all_rules(self) -> list[str]:
        """The filter tables of both families."""
        return [*self.rules(4), *self.rules(6)]

    def replace(self, command: str, script: str) -> None:
        """Put another program in a command's place, on this LIM only."""
        self.sh(f"cd /usr/sbin; rm -f {command}; printf '%s\\n' '#!/bin/sh' '{script}' > {command}; chmod +x {command}")

    def reboot(self) -> None:
        """Lose the power: rules and /run are gone, the disk is as it was; up again, before any unit."""
        for version in (4, 6):
            for flag in ("-F", "-X"):
                self.iptables(flag, version)
        self.sh("umount /run; mount -t tmpfs none /run")


def one_reply(out: bytes) -> dict[str, Any]:
    """Exactly one line of JSON."""
    lines = out.splitlines()
    assert len(lines) == 1, out
    reply = json.loads(lines[0])
    assert isinstance(reply, dict)
    return reply


@contextlib.contextmanager
def a_lim(shell: str = "dash", backend: str = "nft") -> Iterator[Lim]:
    """A configured LIM that was never ordered anything."""
    holder = subprocess.Popen(
        ["unshare", "--net", "--mount", "sh", "-c", INSIDE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    lim = Lim(holder, shell)
    try:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(shipped.path().read_bytes())
        holder.stdin.close()
        holder.stdin = None
        assert holder.stdout.readline() == b"ready\n"
        lim.configure(iptables=backend)
        yield lim
    finally:
        lim.close()


@contextlib.contextmanager
def a_network() -> Iterator[Namespace]:
    """An empty network: a phone's side."""
    command = ["unshare", "--net", "--mount", "sh", "-c", "ip link set lo up; echo ready; exec sleep 300"]
    there = Namespace(subprocess.Popen(command, stdout=subprocess.PIPE))
    try:
        assert there.holder.stdout is not None
        assert there.holder.stdout.readline() == b"ready\n"
        yield there
    finally:
        there.close()


def wait_until(is_so: Callable[[], bool], seconds: float = 3) -> None:
    """Return as soon as it is so; fail when it never is."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it never became so"
        time.sleep(0.01)
