"""Seeds: they repeat byte for byte, find nothing in the product, and write a page when they find something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from redundancyd.core import due
from redundancyd.scenarios.pages import PageError
from redundancyd.scenarios.reading import read as read_page
from redundancyd.sim import seed_page, swarm
from redundancyd.sim.campaign import CAMPAIGN_H, Campaign
from redundancyd.sim.cli import main
from redundancyd.sim.deeds import DEEDS
from redundancyd.sim.incidents import INCIDENTS
from redundancyd.sim.promises import LAWS, Broken
from redundancyd.sim.seeds import Run

pytestmark = pytest.mark.timeout(120)
MANUAL = 1003  # this seed's alternate-from-primary is manual when the primary is lost


def seed(number: int, hash_seed: str) -> bytes:
    """The journal of one seed, from a process of its own."""
    words = [sys.executable, "-m", "redundancyd.sim.cli", "seed", str(number), "--hours", "0.05"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(words, capture_output=True, check=True, timeout=60, env=environment).stdout


@pytest.mark.parametrize("number", [9, 4711])
def test_a_seed_gives_the_same_journal_byte_for_byte(number: int):
    """
    In two processes whose sets are in another order.
    """
    first, second = seed(number, "0"), seed(number, "4242")
    assert first == second
    assert first.count(b"\n") > 20
    assert b'"event": "deed"' in first


@pytest.mark.S0
@pytest.mark.S2
@pytest.mark.L2
@pytest.mark.L3
def test_seeds_of_a_few_minutes_find_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """
    Exit status 0; the pace, every fault and every law are told.
    """
    status = main(["seeds", "6", "--hours", "0.05", "--first", "20", "--jobs", "1", "--pages", str(tmp_path)])
    said = capsys.readouterr().out
    assert status == 0
    assert said.startswith("seeds 20 to 25, 0.05 simulated hours each\n")
    assert "nothing was found" in said
    assert "hours a minute" in said
    assert all(law in said for law in LAWS)
    assert all(name in said for name in INCIDENTS)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_seed_becomes_a_page_that_fails_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    A product that minds no method: the seed is named, the page is short, and playing it shows the same broken law.
    """
    monkeypatch.setattr(due, "held", lambda _state, _active: "")
    words = ["--hours", "0.1", "--jobs", "1", "--pages", str(tmp_path)]
    assert main(["seeds", "1", "--first", str(MANUAL), *words]) == 1
    said = capsys.readouterr().out
    path = tmp_path / f"seed-{MANUAL}.txt"
    assert f"seed {MANUAL} broke a promise: S4 nothing speaks against it" in said
    assert str(path) in said
    page = path.read_text()
    assert seed_page.is_one(page)
    assert page.count("\n") < 40
    assert main(["seed", str(path)]) == 1
    assert "S4 nothing speaks against it" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(["seed", str(path)]) == 0


def test_a_page_means_the_plan_it_was_written_from():
    """
    Settings, standby servers, lost pings, deeds and their instants come back.
    """
    plan = next(plan for number in range(0, 400, 4) if (plan := swarm.plan(number, 0.1)).setup.standby)
    outcome = Run(plan).play()
    broken = Broken("S2 said", "an # example", outcome.ran_ms)
    again = seed_page.read(seed_page.write(plan, broken, len(plan.deeds)))
    assert (again.seed, again.setup) == (plan.seed, plan.setup)
    assert [(deed.at_ms, str(deed)) for deed in again.deeds] == [(deed.at_ms, str(deed)) for deed in plan.deeds]


def test_a_page_in_the_words_of_all_pages_is_read_as_one():
    """
    Where only common verbs are needed, the page is a scenario page like the others.
    """
    text = "Seed 7 of the simulator, 2 LIMs a system: S2 said: so; 1 of 9 deeds are needed.\n\npromise S2\n\nwait 9ms\n"
    page = read_page("seed-7", text + "power-off primary-1\nwait 1000ms\n")
    assert page.promises == ("S2",)


@pytest.mark.parametrize(
    ("line", "said"), [("dance daemon", "line 3: 'dance daemon'"), ("wait 3s..5s", "line 3: 'wait 3s..5s'")]
)
def test_what_no_seed_can_have_written_is_named(line: str, said: str):
    """
    The line and its number.
    """
    with pytest.raises(PageError, match=said):
        seed_page.read(f"Seed 7 of the simulator, 2 LIMs a system: so.\n\n{line}\n")


def test_another_text_is_no_page_of_a_seed():
    """
    It says how one begins.
    """
    with pytest.raises(PageError, match="it begins with `Seed 1 of the simulator"):
        seed_page.read("The primary loses its power.\n\npower-off primary\n")


def test_every_incident_is_made_of_deeds_that_there_are():
    """
    And each is drawn by some seed of the first few.
    """
    plans = [swarm.plan(number, 1) for number in range(40)]
    verbs = {deed.verb for plan in plans for deed in plan.deeds} - {swarm.MEND}
    assert verbs <= set(DEEDS)
    assert {deed.incident for plan in plans for deed in plan.deeds} - {""} == set(INCIDENTS)


def test_a_campaign_in_which_a_law_was_never_tried_fails():
    """
    Hours enough, and what is missing is named.
    """
    campaign = Campaign(ran_ms=round(CAMPAIGN_H * 3_600_000))
    campaign.tried.update(list(LAWS))
    campaign.incidents.update(list(INCIDENTS))
    assert campaign.missing() == []
    campaign.tried["S2 said"] = 0
    assert campaign.missing() == ["S2 said"]


@pytest.mark.parametrize("words", [["seeds", "0"], ["seeds", "5", "--hours", "-1"], ["seed", "nowhere.txt"]])
def test_wrong_words_are_said(words: list[str], capsys: pytest.CaptureFixture[str]):
    """
    Exit status 2 and a sentence.
    """
    assert main(words) == 2
    assert "redundancy-sim: " in capsys.readouterr().err
