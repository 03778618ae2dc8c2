"""The utility on LIM 1 of the alternate of a bed: by dialogs in a pseudo-terminal."""

import os
import sys
from collections.abc import Iterator

import pytest

from redundancyd.lab.bed import standing
from redundancyd.lab.plan import BedPlan
from tests.lab.test_data_job import Pair
from tests.utility.terminal import Terminal, terminal

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


async def takeover(screen: Terminal, word: str, system: str) -> None:
    """From the first menu through the preview to the end, and back to the first menu."""
    await screen.at("Redundancy Utility")
    await screen.press("home", "m", "enter")
    await screen.at("manual-takeover")
    if word == "traffic-in-primary" and f"> {word}" not in screen.text:
        await screen.press("down")
    await screen.see(f"> {word}")
    await screen.press("enter")
    await screen.see("revert-after")
    await screen.press("enter", "enter")
    await screen.see("Now:", "Will do:", "Go on", within_s=20)
    await screen.press("left", "enter")
    await screen.see(f"done: traffic in the {system} system.", within_s=30)
    await screen.press("enter")
    await screen.at("manual-takeover")
    await screen.press("escape")


async def test_a_technician_changes_a_setting_and_moves_the_traffic_there_and_back(pair: Pair):
    """
    Under the manual's name of the program, on 80 columns and 24 lines, by keys alone.
    """
    shell = (sys.executable, "-m", "redundancyd.lab", "shell", "--prefix", pair.bed.plan.prefix, "alternate-1")
    async with terminal(command=(*shell, "mxone_system_redundancy"), term="vt100") as screen:
        await screen.see("Redundancy Utility", "<  Help  >", within_s=20)
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
        await takeover(screen, "traffic-in-alternate", "alternate")
        assert active(pair) == "alternate"
        await takeover(screen, "traffic-in-primary", "primary")
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
