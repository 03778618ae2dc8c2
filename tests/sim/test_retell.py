"""A plan told as a page is played as the seed played it."""

import dataclasses
import random

import pytest

from redundancyd.scenarios.playing import Player
from redundancyd.scenarios.reading import read
from redundancyd.scenarios.timeline import Timeline
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
