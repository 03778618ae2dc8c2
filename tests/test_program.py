"""The program `redundancyd`, on addresses of a network namespace of its own: words, signals, one life after another."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from redundancyd.client import Client

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]
SETTINGS = """
[primary]
master_ip = "192.0.2.10"
lims = [{lim = 1, address = "192.0.2.11"}]
[alternate]
lims = [{lim = 1, address = "198.51.100.11"}]
[network_control]
addresses = ["203.0.113.1"]
[heartbeat]
interval_ms = 200
timeout_ms = 100
missed = 3
[ssh]
key = "FOLDER/key"
known_hosts = "FOLDER/known_hosts"
local_socket = "FOLDER/lim.sock"
[daemon]
state_folder = "FOLDER/state"
[socket]
path = "FOLDER/status.sock"
group = "root"
"""
INSIDE = (
    "ip link set lo up; for a in 192.0.2.10 192.0.2.11 198.51.100.11 203.0.113.1; do ip addr add $a/32 dev lo; done; "
    'exec "$@"'
)


def words_for(folder: Path, *words: str) -> list[str]:
    """How the program is called: where every address of the settings answers pings, and nothing else does."""
    program = [sys.executable, "-m", "redundancyd.program", "--config", str(folder / "settings.toml"), *words]
    return ["unshare", "--net", "sh", "-c", INSIDE, "sh", *program]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(words_for(folder, *words), capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with settings that can be used."""
    (tmp_path / "settings.toml").write_text(SETTINGS.replace("FOLDER", str(tmp_path)))
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "known_hosts").touch()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True, timeout=10)
    return tmp_path


class Running:
    """A daemon that runs, and what it wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors = (folder / "journal").open("w+")
        self.process = subprocess.Popen(words_for(folder), stderr=self.errors)

    def events(self) -> list[dict[str, object]]:
        """The lines of its journal."""
        lines = (self.folder / "journal").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def wait_event(self, event: str, times: int = 1) -> dict[str, object]:
        """The line of that event, once it was written so often."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = [line for line in self.events() if line["event"] == event]
            if len(found) >= times:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"no {event}: {self.events()}")


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    """A daemon under way."""
    assert run(folder, "--first-goal", "primary").returncode == 0
    daemon = Running(folder)
    try:
        daemon.wait_event("daemon_started")
        yield daemon
    finally:
        daemon.process.kill()
        daemon.process.wait()
        daemon.errors.close()


def test_check_tells_every_mistake_with_its_line(folder: Path):
    """
    Two mistakes, two lines, exit status 5, and nothing was started.
    """
    path = folder / "settings.toml"
    path.write_text(path.read_text().replace("192.0.2.10", "192.0.2.10/24").replace("missed = 3", "mised = 3"))
    done = run(folder, "--check")
    assert done.returncode == 5
    assert "192.0.2.10/24" in done.stderr
    assert "mised" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_of_good_settings_says_so(folder: Path):
    """
    Exit status 0 and a sentence.
    """
    done = run(folder, "--check")
    assert (done.returncode, "no mistake" in done.stdout) == (0, True)


def test_the_first_goal_is_written_once(folder: Path):
    """
    A second call changes nothing; a damaged goal is not overwritten.
    """
    assert run(folder, "--first-goal", "primary").returncode == 0
    goal = folder / "state" / "goal"
    before = goal.read_bytes()
    assert run(folder, "--first-goal", "alternate").returncode == 0
    assert goal.read_bytes() == before
    goal.write_bytes(b"x" * len(before))
    assert run(folder, "--first-goal", "alternate").returncode == 1
    assert goal.read_bytes() == b"x" * len(before)


def test_it_answers_at_its_socket_and_hears_the_primary(running: Running):
    """
    Ready without any LIM; beats come; status says what is out of reach.
    """
    running.wait_event("verdict_changed")
    status = Client(str(running.folder / "status.sock")).get("/v1/status")
    assert status["verdict"] == "heard"
    assert status["goal"]["active"] == "primary"
    assert {lim["reach"] for system in status["systems"].values() for lim in system["lims"]} == {False}


def test_a_second_daemon_is_refused(running: Running):
    """
    One supervision is enough; the first goes on.
    """
    done = run(running.folder)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert running.process.poll() is None


def test_a_hangup_rereads_the_settings(running: Running):
    """
    Good settings begin a new life; bad ones are told, and the old ones stay in force.
    """
    path = running.folder / "settings.toml"
    good = path.read_text()
    path.write_text(good.replace("missed = 3", "missed = 1"))
    running.process.send_signal(signal.SIGHUP)
    assert "missed" in str(running.wait_event("settings_invalid")["why"])
    running.wait_event("daemon_started", times=2)
    path.write_text(good.replace("missed = 3", "missed = 4"))
    running.process.send_signal(signal.SIGHUP)
    running.wait_event("settings_read")
    running.wait_event("daemon_started", times=3)
    configuration = Client(str(running.folder / "status.sock")).get("/v1/configuration")
    assert configuration["heartbeat"]["missed"] == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_between_two_effects(running: Running, number: signal.Signals):
    """
    Exit status 0, soon, and the journal says why.
    """
    running.process.send_signal(number)
    assert running.process.wait(timeout=10) == 0
    assert running.wait_event("daemon_stopping")["why"] == "stop"


def test_without_the_right_to_send_pings_it_says_what_is_missing(folder: Path):
    """
    No CAP_NET_RAW: an error with its remedy, no traceback.
    """
    words = words_for(folder)
    words[-5:-5] = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", "--"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "CAP_NET_RAW" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
