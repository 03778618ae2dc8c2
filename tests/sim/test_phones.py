"""The phones of a fleet: who answers them, and where they register."""

from collections.abc import Iterator

import pytest

from redundancyd.core.systems import System
from redundancyd.scenarios.reading import read
from redundancyd.sim import deeds
from redundancyd.sim.stage import SimStage

PRIMARY, ALTERNATE = System.PRIMARY, System.ALTERNATE


@pytest.fixture
def stage() -> Iterator[SimStage]:
    """A fleet whose daemon has brought traffic to the primary."""
    with SimStage(read("x", "Nothing.\n\nwait 1s\n"), seed=0) as made:
        made.start()
        made.let_pass(5000)
        yield made


def test_phones_register_at_the_primary(stage: SimStage):
    """
    All of them, and only the primary answers.
    """
    assert stage.registered() == [PRIMARY, PRIMARY, PRIMARY]
    assert stage.answering(100) == {PRIMARY}


def test_phones_send_options_every_20_ms(stage: SimStage):
    """
    Two phones over UDP: a hundred answers a second, and three registrations.
    """
    before = len(stage.answers()[PRIMARY])
    stage.let_pass(1000)
    assert len(stage.answers()[PRIMARY]) - before == pytest.approx(103, abs=3)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("power-off", ["primary"]),
        ("cut", ["primary-phones"]),
        ("cut", ["phones>primary"]),
        ("cut", ["primary>phones"]),
        ("freeze", ["primary"]),
        ("unplug", ["primary"]),
        ("stop-exchange", ["primary"]),
        ("by-hand", ["block", "primary"]),
    ],
)
def test_whatever_silences_the_primary_sends_phones_to_the_alternate(stage: SimStage, verb: str, words: list[str]):
    """
    With the alternate allowed, every phone is there after a second and its patience.
    """
    deeds.do(stage.fleet, "kill", ["daemon"])
    deeds.do(stage.fleet, "by-hand", ["allow", "alternate"])
    deeds.do(stage.fleet, verb, words)
    stage.let_pass(1700)
    assert stage.registered() == [ALTERNATE, ALTERNATE, ALTERNATE]
    assert stage.answering(100) == {ALTERNATE}


def test_a_phone_that_nobody_serves_is_registered_nowhere(stage: SimStage):
    """
    The primary is gone and the alternate is blocked.
    """
    deeds.do(stage.fleet, "kill", ["daemon"])
    deeds.do(stage.fleet, "power-off", ["primary"])
    stage.let_pass(1700)
    assert stage.registered() == [None, None, None]
    assert stage.answering(250) == set()


def test_the_phone_at_the_master_address_follows_it(stage: SimStage):
    """
    It moves to LIM 2, then it dies: that phone alone asks elsewhere.
    """
    deeds.do(stage.fleet, "kill", ["daemon"])
    deeds.do(stage.fleet, "move-master", ["primary-2"])
    deeds.do(stage.fleet, "power-off", ["primary-1"])
    stage.let_pass(1700)
    assert stage.registered() == [None, PRIMARY, PRIMARY]
    deeds.do(stage.fleet, "drop-master", ["primary"])
    stage.let_pass(1700)
    assert stage.registered() == [None, PRIMARY, None]
