"""The unit under a real systemd: ready, watched, heard in the journal, and stopped without a trace."""

import json
import signal

import pytest

from redundancyd.adapters.translation_job import MEMORY_BYTES, NICE, OOM_SCORE
from tests.systemd.machine import Machine, wait_until

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(90), pytest.mark.xdist_group("systemd")]

UNIT = "redundancyd.service"


def start(machine: Machine) -> None:
    """Start the unit; systemctl returns when it has said READY=1."""
    try:
        machine.run("systemctl", "start", UNIT, timeout_s=40)
    except AssertionError as failed:
        failed.add_note("\n".join(machine.journal("-u", UNIT)))
        raise


def main_pid(machine: Machine) -> int:
    """The process that systemd takes for the daemon, as numbered inside."""
    return int(machine.properties(UNIT, "MainPID")["MainPID"])


def test_the_unit_becomes_ready_with_no_lim_in_reach(machine: Machine):
    """
    systemctl start returns and the unit is active, though no network is there.
    """
    start(machine)
    assert machine.properties(UNIT, "ActiveState", "SubState", "Type", "NotifyAccess", "WatchdogUSec", "NRestarts") == {
        "ActiveState": "active",
        "SubState": "running",
        "Type": "notify",
        "NotifyAccess": "main",
        "WatchdogUSec": "10s",
        "NRestarts": "0",
    }


def test_the_daemon_runs_as_its_own_user_with_one_capability(machine: Machine):
    """
    The process is not root, and may open raw sockets and nothing more.
    """
    start(machine)
    status = machine.run("cat", f"/proc/{main_pid(machine)}/status")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    cap_net_raw = 1 << 13
    assert {int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {cap_net_raw}
    assert fields["NoNewPrivs"].strip() == "1"
    assert fields["Uid"].split()[0] == machine.run("id", "-u", "redundancyd").strip()


def test_the_start_is_found_in_the_journal_by_its_event(machine: Machine):
    """
    journalctl REDUNDANCY_EVENT=daemon_started shows one line of the unit.
    """
    start(machine)
    wait_until("the line is in the journal", lambda: bool(machine.journal("REDUNDANCY_EVENT=daemon_started")))
    assert len(machine.journal("REDUNDANCY_EVENT=daemon_started", f"_SYSTEMD_UNIT={UNIT}")) == 1


def test_the_journal_explains_the_start_with_the_catalog(machine: Machine):
    """
    journalctl -x puts the catalog's words under the line.
    """
    start(machine)
    wait_until("the line is in the journal", lambda: bool(machine.journal("REDUNDANCY_EVENT=daemon_started")))
    explained = machine.run("journalctl", "--no-pager", "-x", "REDUNDANCY_EVENT=daemon_started")
    assert "The supervision of the two systems has started" in explained
    assert "journalctl -u redundancyd -p warning" in explained


def test_a_frozen_daemon_is_restarted_by_the_watchdog(machine: Machine):
    """
    After SIGSTOP systemd misses the keep-alive, kills the process and starts another, which becomes ready.
    """
    machine.write(f"/etc/systemd/system/{UNIT}.d/fast.conf", "[Service]\nWatchdogSec=2s\n")
    machine.run("systemctl", "daemon-reload")
    start(machine)
    frozen = main_pid(machine)
    machine.run("kill", f"-{signal.SIGSTOP.value}", str(frozen))
    wait_until("the watchdog started another", lambda: machine.properties(UNIT, "NRestarts")["NRestarts"] == "1", 20)
    wait_until("it is ready", lambda: machine.properties(UNIT, "ActiveState")["ActiveState"] == "active", 20)
    assert main_pid(machine) not in {0, frozen}
    assert any("Watchdog timeout" in line for line in machine.journal("-u", UNIT))


def test_a_loop_that_stands_still_is_ended_and_says_where_it_stood(machine: Machine):
    """
    The process lives, only its loop waits: systemd restarts it, and the journal has the line of Python that waited.
    """
    machine.write(f"/etc/systemd/system/{UNIT}.d/fast.conf", "[Service]\nWatchdogSec=2s\n")
    machine.run("systemctl", "daemon-reload")
    # Loaded by the daemon's interpreter at its start; a signal handler runs in the loop's own thread.
    packages = machine.run("sh", "-c", "echo /opt/redundancyd/lib/python*/site-packages").strip()
    standstill = "import signal, time\nsignal.signal(signal.SIGUSR2, lambda *_: time.sleep(60))\n"
    machine.write(f"{packages}/standstill.py", standstill)
    machine.write(f"{packages}/standstill.pth", "import standstill\n")
    start(machine)
    stuck = main_pid(machine)
    machine.run("kill", f"-{signal.SIGUSR2.value}", str(stuck))
    wait_until("another is ready", lambda: is_active(machine) and main_pid(machine) not in {0, stuck}, 20)
    assert any("standstill.py" in line for line in machine.journal("-u", UNIT))


def test_a_translation_leaves_processor_and_memory_to_the_daemon(machine: Machine):
    """
    Started by the unit, under everything that it forbids, it is nicer than the daemon and the first to go.
    """
    job = {"source": "/", "target": "/", "files": [], "table": [], "own": [], "known": [], "deadline_s": 60}
    probe = (
        "import io, os, resource, sys\n"
        "from redundancyd.adapters import translation_job as job\n"
        f"sys.stdin = io.TextIOWrapper(io.BytesIO({json.dumps(job).encode()!r}))\n"
        "oom = lambda: int(open('/proc/self/oom_score_adj').read())\n"
        "before = [os.getpriority(0, 0), oom()]\n"
        "job.run = lambda _: [before, os.getpriority(0, 0), oom(), resource.getrlimit(resource.RLIMIT_DATA)[0]]\n"
        "sys.exit(job.main())\n"
    )
    machine.write("/opt/redundancyd/probe.py", probe)
    changed = "Type=oneshot\nWatchdogSec=0\nRestart=no\nExecStart=\nExecStart=/opt/redundancyd/bin/python -I"
    machine.write(f"/etc/systemd/system/{UNIT}.d/probe.conf", f"[Service]\n{changed} /opt/redundancyd/probe.py\n")
    machine.run("systemctl", "daemon-reload")
    start(machine)
    (said,) = [json.loads(line) for line in machine.journal("-u", UNIT) if line.startswith("[[")]
    before, nice, oom, memory = said
    assert nice == NICE > before[0]
    assert oom == OOM_SCORE > before[1]
    assert memory == MEMORY_BYTES


def test_a_daemon_that_is_well_is_left_alone_by_the_watchdog(machine: Machine):
    """
    Over three limits of two seconds the same process goes on.
    """
    machine.write(f"/etc/systemd/system/{UNIT}.d/fast.conf", "[Service]\nWatchdogSec=2s\n")
    machine.run("systemctl", "daemon-reload")
    start(machine)
    first = main_pid(machine)
    machine.run("sleep", "6")
    assert main_pid(machine) == first
    assert machine.properties(UNIT, "NRestarts") == {"NRestarts": "0"}


@pytest.mark.L2
def test_stopping_leaves_the_rules_and_no_process(machine: Machine):
    """
    systemctl stop ends within its limit with success, and iptables-save prints what it printed before.
    """
    machine.run("iptables", "-A", "INPUT", "-p", "udp", "--dport", "5060", "-j", "REJECT")
    start(machine)
    before = rules(machine)
    machine.run("systemctl", "stop", UNIT, timeout_s=25)
    shown = machine.properties(UNIT, "ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    assert rules(machine) == before


def test_a_killed_daemon_is_started_again(machine: Machine):
    """
    After kill -9 another process is there and ready within seconds.
    """
    start(machine)
    killed = main_pid(machine)
    machine.run("kill", "-9", str(killed))
    wait_until("another is ready", lambda: is_active(machine) and main_pid(machine) not in {0, killed}, 15)


def test_invalid_settings_stop_it_and_are_explained(machine: Machine):
    """
    The unit fails with exit status 5, is not tried again and again, and the journal has the event.
    """
    machine.write("/etc/redundancyd/redundancyd.toml", '[primary]\nmaster_ip = "not an address"\n')
    assert not machine.succeeds("systemctl", "start", UNIT)
    wait_until("the unit has failed", lambda: machine.properties(UNIT, "ActiveState")["ActiveState"] == "failed")
    assert machine.properties(UNIT, "ExecMainStatus", "NRestarts") == {"ExecMainStatus": "5", "NRestarts": "0"}
    assert machine.journal("REDUNDANCY_EVENT=settings_invalid")


def test_a_reload_keeps_the_process(machine: Machine):
    """
    systemctl reload sends SIGHUP, and the daemon is the same one afterwards.
    """
    start(machine)
    first = main_pid(machine)
    machine.run("systemctl", "reload", UNIT)
    machine.run("sleep", "1")
    assert is_active(machine)
    assert main_pid(machine) == first


def test_operators_reach_the_socket_and_others_do_not(machine: Machine):
    """
    A member of the group may open the status socket; another account is refused by the kernel.
    """
    start(machine)
    machine.run("useradd", "--groups", "redundancyd", "operator1")
    machine.run("useradd", "stranger1")
    ask = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/redundancyd/status.sock')"
    assert machine.succeeds("runuser", "-u", "operator1", "--", "python3", "-c", ask)
    assert not machine.succeeds("runuser", "-u", "stranger1", "--", "python3", "-c", ask)


def is_active(machine: Machine) -> bool:
    """Tell whether the unit has said that it is ready."""
    return machine.properties(UNIT, "ActiveState")["ActiveState"] == "active"


def rules(machine: Machine) -> list[str]:
    """The rules of the host, without the comments that carry the time."""
    return [line for line in machine.run("iptables-save").splitlines() if not line.startswith("#")]
