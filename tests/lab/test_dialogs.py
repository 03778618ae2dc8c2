"""The utility on LIM 1 of the alternate of a bed: by dialogs in a pseudo-terminal."""

import os
from collections.abc import Iterator

import pytest

from redundancyd.lab.bed import standing
from redundancyd.lab.plan import BedPlan
from tests.lab.technician import takeover, technician
from tests.lab.test_data_job import Pair

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """
    One LIM in each system, under a daemon that settled.
    """
    with standing(BedPlan(f"di-{os.getpid()}", lims=1)) as bed:
        found = Pair(bed)
        found.start()
        yield found


def active(pair: Pair) -> str:
    """Where the daemon has the traffic."""
    status = pair.daemon.status()
    assert status is not None
    return str(status["goal"]["active"])


async def test_a_technician_changes_a_setting_and_moves_the_traffic_there_and_back(pair: Pair):
    """
    Under the manual's name of the program, on 80 columns and 24 lines, by keys alone.
    """
    async with technician(pair.bed, "vt100") as screen:
        await screen.press("s", "s", "enter")
        await screen.at("settings")
        await screen.press("enter", "down", "enter")
        await screen.at("settings > takeover > primary-from-alternate")
        await screen.press("down", "enter")
        await screen.see("primary-from-alternate is automatic")
        status = pair.daemon.status()
        assert status is not None
        assert status["methods"]["primary-from-alternate"] == "automatic"
        await screen.press("enter", "escape")
        await takeover(screen, "alternate")
        assert active(pair) == "alternate"
        await takeover(screen, "primary")
        assert active(pair) == "primary"
        await screen.at("Redundancy Utility")
        await screen.press("d", "enter")
        await screen.at("data")
        await screen.press("enter")
        await screen.see("data_job_ended", "copied", within_s=60)
        await screen.press("enter")
        await screen.at("data")
        await screen.press("escape")
        await screen.at("Redundancy Utility")
        await screen.press("escape")
        assert await screen.ended() == 0
