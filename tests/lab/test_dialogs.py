"""The utility on LIM 1 of the alternate of a bed: by dialogs in a pseudo-terminal, and by the words of each example."""

import os
import shlex
import subprocess
from collections.abc import Iterator

import pytest

from redundancyd.actions import ACTIONS, Action
from redundancyd.lab.bed import standing
from redundancyd.lab.plan import BedPlan
from redundancyd.lab.system import PATH
from tests.lab.technician import takeover, technician
from tests.lab.test_data_job import Pair

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]
REFUSED = {
    "settings-adopt": "no other supervisor is there",
    "alarms-acknowledge": "nothing is latched",
}
"""Examples that a pair in good order refuses, with exit status 3."""
ELSEWHERE = {
    "configure": "tests/lab/test_configure.py, from LIMs that are no pair yet",
    "remove": "tests/lab/test_configure.py, for it ends the pair",
    "translation-edit": "tests/utility: it needs an editor",
    "translation-set": "tests/lab/test_data_job.py: its addresses are those of another site",
    "translation-import": "tests/lab/test_data_job.py: it needs a file",
    "translation-export": "tests/lab/test_data_job.py: it leaves a file",
    "translation-confirm": "tests/lab/test_data_job.py: its address is in no mirror yet",
}
"""Examples that are tried elsewhere, as are those that the utility does without the daemon (test_lim_install.py)."""
WATCH_S = 4


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


@pytest.mark.strict
def test_every_example_of_the_table_does_what_it_shows(pair: Pair):
    """
    In the order of the table; what asks is answered by --yes, what watches is ended after a while.
    """
    for action in ACTIONS:
        if action.local or action.name in ELSEWHERE:
            continue
        status, told = run(pair, action)
        assert status == (3 if action.name in REFUSED else 0), f"{action.example}: {status}: {told}"
        if action.name.startswith("data-"):
            pair.wait(lambda: pair.data()["step"] == "resting", 60)
        if action.name == "manual-takeover-confirm":
            pair.order("manual-takeover", "traffic-in-primary", "--yes")


def run(pair: Pair, action: Action) -> tuple[int, str]:
    """Exit status and what was said; 0 for what went on until it was ended and had shown something."""
    words = shlex.split(action.example)[1:] + (["--yes"] if action.asks else [])
    command, environment = pair.daemon.utility(words), {"PATH": PATH}
    goes_on = bool({"--watch", "--follow"} & set(words))
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=WATCH_S if goes_on else 60, env=environment
        )
    except subprocess.TimeoutExpired as error:
        return (0 if goes_on and error.stdout else 124), str(error.stdout)
    return done.returncode, (done.stdout + done.stderr).decode()
