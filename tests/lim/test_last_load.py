"""How the last load ended, asked by whoever did not watch it: `load` without a stamp."""

import subprocess

import pytest

from tests.lim.bed import Lim, wait_until
from tests.lim.exchange import NEW, OLD, Standin
from tests.lim.test_load import alternate, last, reloads

pytestmark = pytest.mark.lab


def begin_and_leave(lim: Lim, standin: Standin) -> None:
    """A load that runs, and whose watcher was killed."""
    before = reloads(lim)
    lim.sh("echo 1 > /mnt/takes")
    with standin.start(f"load {NEW}") as session:
        assert session.stdout is not None
        assert b"running" in session.stdout.readline()
        session.kill()
    assert reloads(lim) == before + 1


def is_over(lim: Lim) -> bool:
    """The reload has ended."""
    return "reload.status" in lim.sh("ls /run/redundancyd-lim")


def test_the_last_load_is_told_and_nothing_is_begun(any_shell: Lim):
    """
    None, one that was done, the way back from it: what runs since, whatever the traffic is.
    """
    standin = alternate(any_shell)
    assert last(standin, "load")["error"] == "nothing_loaded"
    standin.lines(f"load {NEW}")
    any_shell.order("allow", 8)
    reply = last(standin, "load")
    assert (reply["ok"], reply["stamp"], reply["before"]) == (True, NEW, OLD)
    any_shell.order("block", 9)
    standin.lines("rollback")
    assert last(standin, "load")["stamp"] == OLD
    assert reloads(any_shell) == 2


@pytest.mark.D3
def test_a_load_that_ended_while_nobody_watched_is_judged(any_shell: Lim):
    """
    Waited for while it runs; done afterwards; not begun again.
    """
    standin = alternate(any_shell)
    begin_and_leave(any_shell, standin)
    assert last(standin, "load")["stamp"] == NEW
    standin.lines("rollback")
    begin_and_leave(any_shell, standin)
    wait_until(lambda: is_over(any_shell))
    assert last(standin, "load")["stamp"] == NEW
    assert (standin.running(), reloads(any_shell)) == (NEW, 3)


@pytest.mark.D3
def test_a_load_that_failed_while_nobody_watched_is_said_and_rolled_back(any_shell: Lim):
    """
    The way back is still known.
    """
    standin = alternate(any_shell)
    any_shell.sh("touch /mnt/ends_badly")
    begin_and_leave(any_shell, standin)
    wait_until(lambda: is_over(any_shell))
    assert last(standin, "load")["error"] == "reload_failed"
    assert last(standin, "load")["error"] == "reload_failed"
    any_shell.sh("rm /mnt/ends_badly")
    assert last(standin, "rollback")["stamp"] == OLD
    assert standin.running() == OLD


@pytest.mark.D3
@pytest.mark.parametrize("step", ["accept_backup", "setsid"])
def test_a_load_that_was_killed_before_its_reload_is_not_taken_for_the_one_before(lim: Lim, step: str):
    """
    An earlier reload ended well; of this one nobody knows, and the way back is open.
    """
    standin = alternate(lim)
    standin.lines(f"load {NEW}")
    standin.lines("rollback")
    real = lim.sh(f"command -v {step}").strip()
    lim.sh(f"cp {real} /mnt/real")
    standin.write(f"/usr/sbin/{step}", b'#!/bin/sh\nkill -9 "$(cat /mnt/victim)"; exit 1\n')
    lim.sh(f"chmod +x /usr/sbin/{step}")
    run = f"echo $$ > /mnt/victim; exec {lim.shell} /usr/sbin/redundancy-lim load {NEW}"
    subprocess.run([*lim.enter, "sh", "-c", run], stdin=subprocess.DEVNULL, check=False, timeout=20)
    lim.sh(f"cp /mnt/real /usr/sbin/{step}")
    assert last(standin, "load")["error"] in {"reload_unknown", "reload_failed"}
    assert reloads(lim) == 2
    assert last(standin, "rollback")["stamp"] == OLD
    assert standin.running() == OLD
