"""Loading in the alternate: what ran before is remembered, the reload has an end, and there is a way back."""

import json
import subprocess
import time

import pytest

from tests.lim.bed import Lim, wait_until
from tests.lim.exchange import CONTENTS, NEW, OLD, TOP, Standin

pytestmark = pytest.mark.lab


def alternate(lim: Lim, **changes: str) -> Standin:
    """A blocked LIM of the alternate that has received a backup."""
    made = Standin(lim)
    made.install(**changes)
    made.backup(NEW, CONTENTS)
    return made


def reloads(lim: Lim) -> int:
    """How often the exchange was told to reload."""
    return len(lim.sh("cat /mnt/reloads 2>/dev/null", check=False).split())


def last(standin: Standin, words: str) -> dict[str, object]:
    """The end of what is said."""
    return standin.lines(words)[-1]


def test_a_load_makes_the_backup_valid_reloads_and_says_how_it_goes(any_shell: Lim):
    """
    Lines while it runs, then one that it is done, with what ran before.
    """
    standin = alternate(any_shell)
    any_shell.sh("echo 1 > /mnt/takes")
    lines = standin.lines(f"load {NEW}")
    assert {"running", "stamp", "seconds"} == set(lines[0])
    assert {key: lines[-1][key] for key in ("ok", "stamp", "before")} == {"ok": True, "stamp": NEW, "before": OLD}
    assert (standin.running(), standin.current(), reloads(any_shell)) == (NEW, NEW, 1)


@pytest.mark.D3
def test_a_rollback_loads_what_ran_before(any_shell: Lim):
    """
    Once: a second one finds it done and does not go forward again.
    """
    standin = alternate(any_shell)
    standin.lines(f"load {NEW}")
    assert last(standin, "rollback")["ok"] is True
    assert (standin.running(), standin.current(), reloads(any_shell)) == (OLD, OLD, 2)
    assert last(standin, "rollback")["stamp"] == OLD
    assert (standin.running(), reloads(any_shell)) == (OLD, 2)


def test_a_rollback_without_a_load_is_refused(lim: Lim):
    """
    There is nothing to go back to.
    """
    standin = alternate(lim)
    assert last(standin, "rollback")["error"] == "nothing_before"


def test_the_data_of_the_installation_can_be_gone_back_to(lim: Lim):
    """
    On an alternate that never had a backup of its own.
    """
    standin = alternate(lim)
    lim.sh("echo 17.8.1.0.19 > /mnt/current; : > /mnt/valid")
    assert last(standin, f"load {NEW}")["before"] == "17.8.1.0.19"
    assert last(standin, "rollback")["ok"] is True
    assert standin.running() == "17.8.1.0.19"


@pytest.mark.D3
@pytest.mark.parametrize("how", ["ends_badly", "exits_badly"])
def test_a_reload_that_failed_is_said_and_can_be_rolled_back(any_shell: Lim, how: str):
    """
    Whether the command's status or only the printout of the measures tells it.
    """
    standin = alternate(any_shell)
    any_shell.sh(f"touch /mnt/{how}")
    reply = last(standin, f"load {NEW}")
    assert (reply["ok"], reply["error"]) == (False, "reload_failed")
    assert {"ends_badly": "Failed", "exits_badly": 'exit status 4: not "all" LIMs'}[how] in str(reply["detail"])
    any_shell.sh(f"rm /mnt/{how}")
    assert last(standin, "rollback")["ok"] is True
    assert (standin.running(), standin.current()) == (OLD, OLD)


@pytest.mark.D3
def test_a_reload_that_hangs_ends_at_its_deadline_and_can_be_rolled_back(any_shell: Lim):
    """
    The command is ended; what ran before is still known.
    """
    standin = alternate(any_shell, reload_deadline="1")
    any_shell.sh("echo 60 > /mnt/takes")
    assert last(standin, f"load {NEW}")["error"] == "reload_hangs"
    wait_until(lambda: "reload --system" not in any_shell.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"))
    any_shell.sh("echo 0 > /mnt/takes; echo '(empty)' > /mnt/queue")
    any_shell.configure(reload_deadline="20")
    assert last(standin, "rollback")["ok"] is True
    assert standin.running() == OLD


def test_a_failed_load_does_not_become_what_ran_before(lim: Lim):
    """
    Two attempts that fail, then the way back: to what ran before the first of them.
    """
    standin = alternate(lim)
    other = "20260310031502"
    standin.backup(other, CONTENTS)
    lim.sh("touch /mnt/ends_badly")
    standin.lines(f"load {NEW}")
    assert last(standin, f"load {other}")["error"] == "reload_failed"
    lim.sh("rm /mnt/ends_badly")
    assert last(standin, "rollback")["stamp"] == OLD
    assert standin.running() == OLD


@pytest.mark.parametrize("accept", ["off", "", "accept_backup", "no_such_command", "true"])
def test_a_backup_that_does_not_become_valid_is_never_loaded(lim: Lim, accept: str):
    """
    No command for it, one that fails, or one that says yes and does nothing: refused, and as it was.
    """
    standin = alternate(lim, command_accept_backup=accept)
    lim.sh("touch /mnt/accept_fails")
    expected = "not_configured" if accept in {"off", ""} else "accept_failed"
    assert last(standin, f"load {NEW}")["error"] == expected
    assert (standin.current(), reloads(lim)) == (OLD, 0)


def test_a_backup_that_is_not_there_is_never_loaded(lim: Lim):
    """
    Neither accepted nor reloaded.
    """
    standin = alternate(lim)
    lim.sh(f"rm -r {TOP}/xdata_1_{NEW}")
    assert last(standin, f"load {NEW}")["error"] == "no_such_backup"
    assert (standin.current(), reloads(lim)) == (OLD, 0)


@pytest.mark.D3
def test_traffic_that_is_allowed_while_the_backup_becomes_valid_stops_the_load(lim: Lim):
    """
    The last look is under the lock of the orders, directly before the reload: no reload under traffic.
    """
    standin = alternate(lim)
    accept = lim.sh("cat /usr/sbin/accept_backup")
    standin.write(
        "/usr/sbin/accept_backup", f"{accept}\n{lim.shell} /usr/sbin/redundancy-lim allow 8 id.run\n".encode()
    )
    lim.sh("chmod +x /usr/sbin/accept_backup")
    assert last(standin, f"load {NEW}")["error"] == "not_passive"
    assert (standin.current(), reloads(lim)) == (OLD, 0)


@pytest.mark.D3
def test_an_order_that_is_being_carried_out_stops_the_load(lim: Lim):
    """
    Whoever holds the lock may be about to allow.
    """
    standin = alternate(lim)
    with subprocess.Popen(
        [*lim.enter, "flock", "-o", "/run/redundancyd-lim", "sh", "-c", "echo locked; exec sleep 30"],
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert last(standin, f"load {NEW}")["error"] == "lock_busy"
        holder.kill()
    assert (standin.current(), reloads(lim)) == (OLD, 0)


def test_killed_while_it_runs_a_second_call_goes_on_watching(any_shell: Lim):
    """
    The reload itself outlives whoever watched it, and is not started a second time.
    """
    standin = alternate(any_shell)
    any_shell.sh("echo 2 > /mnt/takes")
    with standin.start(f"load {NEW}") as session:
        assert session.stdout is not None
        assert b"running" in session.stdout.readline()
        session.kill()
    assert last(standin, f"load {NEW}")["ok"] is True
    assert (standin.running(), reloads(any_shell)) == (NEW, 1)


def test_another_backup_is_refused_while_one_is_being_loaded(lim: Lim):
    """
    By name of the one that is.
    """
    standin = alternate(lim)
    lim.sh("echo 2 > /mnt/takes")
    with standin.start(f"load {NEW}") as session:
        assert session.stdout is not None
        assert b"running" in session.stdout.readline()
        session.kill()
    for words in (f"load {OLD}", "rollback"):
        reply = last(standin, words)
        assert (reply["error"], reply["detail"]) == ("busy", f"{NEW} is being loaded")
    assert last(standin, f"load {NEW}")["ok"] is True


@pytest.mark.D3
@pytest.mark.parametrize("step", ["accept_backup", "data_info", "setsid", "status"])
def test_killed_at_any_step_there_is_still_a_way_back(lim: Lim, step: str):
    """
    Killed as each command begins: a load again works, and a rollback leads to what ran before.
    """
    standin = alternate(lim)
    real = lim.sh(f"command -v {step}").strip()
    lim.sh(f"cp {real} /mnt/real; touch /mnt/armed")
    kill = 'rm /mnt/armed; kill -9 "$(cat /mnt/victim)"; exit 1'
    trap = f'#!/bin/sh\nif [ -e /mnt/armed ]; then {kill}; fi\nexec /mnt/real "$@"\n'
    standin.write(f"/usr/sbin/{step}", trap.encode())
    lim.sh(f"chmod +x /usr/sbin/{step}")
    run = 'echo $$ > /mnt/victim; exec dash /usr/sbin/redundancy-lim "$@"'
    done = subprocess.run(
        [*lim.enter, "sh", "-c", run, "sh", "load", NEW],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == -9 or b'"ok":true' not in done.stdout
    assert last(standin, f"load {NEW}")["ok"] is True
    assert standin.running() == NEW
    assert last(standin, "rollback")["stamp"] == OLD
    assert standin.running() == OLD


def test_a_power_cut_while_it_loads_is_gone_on_from(lim: Lim):
    """
    After the boot nothing runs any more: the same load starts anew and still knows what ran before.
    """
    standin = alternate(lim)
    lim.sh("echo 30 > /mnt/takes")
    with standin.start(f"load {NEW}") as session:
        assert session.stdout is not None
        assert b"running" in session.stdout.readline()
        session.kill()
    lim.sh("kill -9 $(cat /mnt/reloads); echo 0 > /mnt/takes; echo '(empty)' > /mnt/queue")
    lim.reboot()
    lim.run("boot")
    assert last(standin, f"load {NEW}")["before"] == OLD


def test_a_reload_returns_before_its_measure_has_ended(lim: Lim):
    """
    Done is what the printout of the measures says, not when the command comes back.
    """
    standin = alternate(lim)
    text = lim.sh("cat /usr/sbin/reload").split("\n", 1)[1]
    standin.write("/usr/sbin/reload", b"#!/bin/sh\n(" + text.encode() + b") > /dev/null 2>&1 &\n")
    lim.sh("chmod +x /usr/sbin/reload; echo 1.5 > /mnt/takes")
    assert last(standin, f"load {NEW}")["ok"] is True
    assert standin.running() == NEW


def test_a_channel_says_each_line_of_a_load(lim: Lim):
    """
    The local socket is the way to LIM 1 of the alternate; the lines after it are answers to the next request.
    """
    alternate(lim)
    out = lim.run("serve", stdin=f"load {NEW}\nstatus\n").stdout.splitlines()
    lines = [json.loads(line) for line in out]
    assert [line["ok"] for line in lines if "ok" in line] == [True, True]
    assert "traffic" in lines[-1]


def test_orders_are_not_held_up_by_a_reload(lim: Lim):
    """
    A takeover allows what is there.
    """
    standin = alternate(lim)
    lim.sh("echo 3 > /mnt/takes")
    with standin.start(f"load {NEW}") as session:
        assert session.stdout is not None
        assert b"running" in session.stdout.readline()
        begun = time.monotonic()
        assert lim.order("allow", 8)["traffic"] == "allowed"
        assert time.monotonic() - begun < 2
        session.kill()


def test_where_nothing_can_be_remembered_nothing_is_loaded(lim: Lim):
    """
    Without a way back on the disk there is no way forward: an answer, and all as it was.
    """
    standin = alternate(lim)
    lim.sh("rm -r /var/lib/redundancyd; touch /var/lib/redundancyd")
    assert last(standin, f"load {NEW}")["error"] == "not_saved"
    assert (standin.current(), reloads(lim)) == (OLD, 0)
