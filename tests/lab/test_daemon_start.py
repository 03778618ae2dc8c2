"""The real daemon's first start on a real bed, when not everything is there yet."""

import time

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import Bed
from redundancyd.lab.daemon_process import Daemon, Journal

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]


@pytest.mark.S4
def test_a_start_while_the_primary_s_sshd_is_slow_takes_nothing_over(fresh: Bed):
    """
    The primary answers pings and its sshd does not yet: the goal stays, and the primary is not blocked when it comes.
    """
    daemon = Daemon(fresh)
    daemon.first_goal("primary")
    primary = fresh.lims["primary-1"]
    primary.freeze(frozen=True)
    daemon.start()
    time.sleep(4)
    primary.freeze(frozen=False)
    give_up = time.monotonic() + 20
    while not _is_settled(fresh, daemon) and time.monotonic() < give_up:
        time.sleep(0.1)
    decided = [line for line in Journal(daemon.journal).new() if line["event"] == "takeover_decided"]
    assert [line["active"] for line in decided] == []
    assert primary.traffic() is Traffic.ALLOWED
    assert fresh.supervisor.traffic() is Traffic.BLOCKED


def _is_settled(bed: Bed, daemon: Daemon) -> bool:
    """Every LIM has taken its first order, and the daemon rests."""
    status = daemon.status()
    return status is not None and status["phase"] == "resting" and all(lim.ordered() for lim in bed.lims.values())


def test_a_daemon_in_a_lim_without_power_dies_with_it_and_starts_again(fresh: Bed):
    """
    The supervisor's own power cut: nobody supervises meanwhile; afterwards the same goal stands.
    """
    daemon = Daemon(fresh)
    daemon.first_goal("primary")
    daemon.start()
    daemon.wait_answering()
    fresh.power_off([fresh.supervisor])
    assert not daemon.is_running()
    assert fresh.phones.state().is_answering(System.PRIMARY)
    fresh.power_on([fresh.supervisor])
    daemon.start()
    daemon.wait_answering()
    status = daemon.status()
    assert status is not None
    assert status["goal"]["active"] == "primary"
