"""A plan told as a page is played as the seed played it."""

import dataclasses
import random
from pathlib import Path

import pytest

from redundancyd.scenarios.playing import Player
from redundancyd.scenarios.reading import read
from redundancyd.scenarios.timeline import Timeline
from redundancyd.sim import seed_page
from redundancyd.sim.cli import main
from redundancyd.sim.promises import Broken, Court
from redundancyd.sim.retell import page_of
from redundancyd.sim.seeds import Run
from redundancyd.sim.stage import SimStage
from redundancyd.sim.swarm import MEND, plan

SECONDS = 60


@pytest.mark.parametrize("seed", [1, 2])
def test_a_plan_told_as_a_page_does_the_same_again(seed: int):
    """
    The daemon's journal is the same, line for line and millisecond for millisecond.
    """
    planned = plan(seed, SECONDS / 3600)
    planned = dataclasses.replace(planned, deeds=tuple(deed for deed in planned.deeds if deed.verb != MEND))
    seeds = Run(planned, keep=True).play()
    page = read("seed", page_of(planned, f"What seed {seed} did."))
    assert page.only_simulated
    with SimStage(page, seed=0) as stage:
        Player(page, stage, Timeline(quiet=True), random.Random(0)).play()
        told = stage.journal()
    before = [line for line in seeds.journal if '"event":"deed"' not in line.replace(" ", "")]
    assert len(before) > 10
    assert told[: len(before)] == before


def test_the_page_of_a_failed_seed_is_played_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    `redundancy-sim play` takes the file that `redundancy-sim seeds` writes.
    """
    planned = plan(1, SECONDS / 3600)
    broken = Broken("S1 no overlap", "as if it had been broken", 1000 * SECONDS)
    page = tmp_path / "seed-1.txt"
    page.write_text(seed_page.write(planned, broken, len(planned.deeds)))
    assert main(["play", str(page), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("seed-1: Seed 1 of the simulator")
    assert said.endswith("seed-1: HELD\n")


def test_a_promise_that_a_seed_breaks_is_broken_on_its_page_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    The laws of the seeds look on; the page stops where they say so.
    """
    planned = plan(1, SECONDS / 3600)
    monkeypatch.setattr(Court, "judge", lambda self, law, *, holds, said: self.broken(law, said))
    page = read("seed", page_of(planned, "What seed 1 did."))
    with SimStage(page, seed=0) as stage:
        result = Player(page, stage, Timeline(quiet=True), random.Random(0)).play()
    assert not result.held
    assert "a promise was broken" in result.error
