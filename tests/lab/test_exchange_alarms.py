"""The alarms of real exchanges' stand-ins, as the real daemon reads and shows them."""

import os
import time
from typing import Any

import pytest

from redundancyd.lab.bed import standing
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.plan import BedPlan

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]


def read_alarms(daemon: Daemon) -> dict[str, Any]:
    """
    What status says of them, once both systems were read while the alternate was blocked.
    """
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        found = (daemon.status() or {}).get("exchange_alarms")
        if found and found["primary"]["rows"] and found["alternate"]["rows"]:
            return dict(found)
        time.sleep(0.2)
    raise AssertionError(daemon.status())


def test_status_shows_the_alarms_of_both_exchanges_and_which_are_expected():
    """
    Those of the passive alternate are; a full disk in the primary is not.
    """
    plan = BedPlan(f"li-alarms-{os.getpid()}", lims=1, settings={"alarms.exchange_interval": "1s"})
    with standing(plan) as bed:
        full = "4 1 99     2    9    1   DISK        Disk is full\n"
        bed.lims["primary-1"].path("/etc/opt/eri_sn/alarms").write_text(full)
        daemon = Daemon(bed)
        daemon.first_goal("primary")
        daemon.start()
        found = read_alarms(daemon)
        assert [(row["code"], row["because"]) for row in found["primary"]["rows"]] == [("2/9", None)]
        passive = [(row["code"], row["because"]) for row in found["alternate"]["rows"]]
        assert passive == [("0/345", "passive"), ("0/350", "passive"), ("0/712", "passive")]
        shown = bed.supervisor.run([*daemon.program("redundancyctl"), "status"])
        assert "DISK Disk is full (2/9); NOT expected" in " ".join(shown.split())
