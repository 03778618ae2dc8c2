"""The real daemon in LIM 1 of the alternate: started as its own user, asked over its socket, read by its journal."""

import http.client
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from redundancyd.lab.bed import Bed
from redundancyd.lab.disk import ACCOUNT, account_id
from redundancyd.lab.system import PATH, LabError, bury, spawn

SETTINGS = "/etc/redundancyd/redundancyd.toml"
SOCKET = "/run/redundancyd/status.sock"
CLOCK_FILE = "/var/lib/redundancyd/lab-clock"
START_DEADLINE_S = 10.0
LARGEST_REPLY = 8_000_000


class Daemon:
    """The daemon of a bed: one process at a time, its journal in one file."""

    def __init__(self, bed: Bed, *, steppable_clock: bool = False) -> None:
        self.lim = bed.supervisor
        self.journal = bed.plan.folder / "journal"
        self.clock = _clock_environment() if steppable_clock else {}
        self.pid: int | None = None
        self.ahead_ms = 0
        """how far the wall clock that it sees is ahead of the machine's"""

    def program(self, name: str) -> list[str]:
        """How a program of ours is called: as installed, or as a module of this source tree."""
        script = Path(sys.prefix) / "bin" / name
        modules = {"redundancyd": "redundancyd.program", "redundancyctl": "redundancyd.utility.cli"}
        return [str(script)] if script.exists() else [sys.executable, "-m", modules[name]]

    def _as_daemon(self, words: Sequence[str]) -> list[str]:
        """The command as the daemon's user with the one capability it needs, and as nice as its unit makes it."""
        user = ["nice", "-n", "-10", "setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--init-groups"]
        user += ["--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--"]
        # Only what runs as this user sees the other clock: its semaphore belongs to whoever made it.
        clock = ["env", *(f"{name}={value}" for name, value in self.clock.items())] if self.clock else []
        return self.lim.inside([*user, *clock, *self.program("redundancyd"), "--config", SETTINGS, *words])

    def first_goal(self, system: str) -> None:
        """Give the daemon its first goal, as `configure` does."""
        words = self._as_daemon(["--first-goal", system])
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False, env={"PATH": PATH})
        if done.returncode != 0:
            raise LabError(f"redundancyd --first-goal {system}: exit {done.returncode}: {done.stderr.strip()[-800:]}")

    def start(self) -> None:
        """Start it and wait until its process is there; that it is ready is for the journal to say."""
        if self.clock:
            clock_file = self.lim.path(CLOCK_FILE)
            clock_file.write_text(f"{self.ahead_ms / 1000:+.3f}\n")
            os.chown(clock_file, account_id(), account_id())
        entry = spawn(self._as_daemon([]), self.journal)
        give_up = time.monotonic() + START_DEADLINE_S
        while (pid := _child_of(entry.pid)) is None:
            if entry.poll() is not None or time.monotonic() > give_up:
                raise LabError(f"redundancyd does not start: {self.last_lines()}")
            time.sleep(0.005)
        self.pid = pid

    def wait_answering(self) -> None:
        """Return when it answers on its socket."""
        give_up = time.monotonic() + START_DEADLINE_S
        while self.status() is None:
            if time.monotonic() > give_up:
                raise LabError(f"redundancyd does not answer on its socket: {self.last_lines()}")
            time.sleep(0.05)

    def last_lines(self) -> str:
        """The end of its journal, for an error message."""
        return self.journal.read_text(errors="replace")[-1500:] if self.journal.exists() else "(no journal)"

    def is_running(self) -> bool:
        """Its process is there."""
        return self.pid is not None and _state_of(self.pid) not in {"", "Z"}

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.pid is None or not self.is_running():
            raise LabError(f"redundancyd does not run: {self.last_lines()}")
        os.kill(self.pid, number)

    def stop(self, deadline_s: float = 10) -> None:
        """Stop it in order, and wait for its end."""
        self.signal(signal.SIGTERM)
        self._wait_gone(deadline_s)

    def kill(self) -> None:
        """Kill it at whatever instruction it is."""
        self.signal(signal.SIGKILL)
        self._wait_gone(5)

    def _wait_gone(self, deadline_s: float) -> None:
        give_up = time.monotonic() + deadline_s
        while self.is_running():
            if time.monotonic() > give_up:
                raise LabError(f"redundancyd does not end within {deadline_s} s")
            time.sleep(0.005)
        self.pid = None
        bury()

    def step_clock(self, by_ms: int) -> None:
        """Let the wall clock that it sees jump from where it is; the machine's own is not touched."""
        if not self.clock:
            raise LabError("the daemon was not started with a clock that can be stepped")
        self.ahead_ms += by_ms
        path = self.lim.path(CLOCK_FILE)
        beside = path.with_suffix(".new")
        beside.write_text(f"{self.ahead_ms / 1000:+.3f}\n")
        os.chown(beside, account_id(), account_id())
        beside.replace(path)

    def status(self, deadline_s: float = 2) -> dict[str, Any] | None:
        """What it says of itself now; None when it does not answer."""
        return self.ask("GET", "/v1/status", deadline_s=deadline_s)

    def is_ready(self) -> bool:
        """It says a takeover would work now."""
        return self.ask("GET", "/readyz") is not None

    def ask(self, method: str, path: str, deadline_s: float = 2) -> dict[str, Any] | None:
        """One request over the status socket; None unless it is answered with success."""
        line = http.client.HTTPConnection("localhost", timeout=deadline_s)
        try:
            line.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.sock.settimeout(deadline_s)
            line.sock.connect(str(self.lim.path(SOCKET)))
            line.request(method, path)
            reply = line.getresponse()
            body = reply.read(LARGEST_REPLY)
            if reply.status >= http.HTTPStatus.BAD_REQUEST:
                return None
            try:
                found = json.loads(body)
            except ValueError:
                found = {}
            return found if isinstance(found, dict) else {}
        except (OSError, LabError, http.client.HTTPException):
            return None
        finally:
            line.close()

    def utility(self, words: Sequence[str]) -> list[str]:
        """The command that an operator would type on LIM 1 of the alternate."""
        return self.lim.inside([*self.program("redundancyctl"), *words])

    def order(self, words: Sequence[str], deadline_s: float) -> subprocess.CompletedProcess[str]:
        """Say something as an operator would, by the utility on LIM 1 of the alternate."""
        command = self.utility(words)
        try:
            return subprocess.run(
                command, capture_output=True, text=True, timeout=deadline_s, check=False, env={"PATH": PATH}
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"no end after {deadline_s} s")


class Journal:
    """Follows the daemon's journal; lines that are no JSON are kept as they are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0
        self._rest = b""

    def new(self) -> Iterator[Mapping[str, Any]]:
        """The lines since the last time."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except OSError:
            return
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                yield read_line(line.decode(errors="replace"))


def read_line(line: str) -> Mapping[str, Any]:
    """One line of the journal; a `<6>` before it is a priority, and what is no JSON is a line of text."""
    start = line.find("{")
    if 0 <= start <= 3:
        try:
            found = json.loads(line[start:])
        except ValueError:
            found = None
        if isinstance(found, dict):
            return found
    return {"event": "", "text": line}


def _child_of(pid: int) -> int | None:
    """The only child of a process; None while there is none."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def _state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _clock_environment() -> dict[str, str]:
    """What makes a process see a wall clock of its own (libfaketime), while its other clocks run on."""
    found = importlib.util.find_spec("libfaketime")
    origin = Path(found.origin) if found and found.origin else Path("/nonexistent")
    library = next(origin.parent.glob("vendor/**/libfaketime.so.1"), None)
    if library is None:
        raise LabError("a page that steps the clock needs libfaketime: pip install libfaketime")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": CLOCK_FILE,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
    }
