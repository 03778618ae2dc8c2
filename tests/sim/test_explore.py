"""The exploration finds nothing in the core, and finds what is put there."""

from dataclasses import replace
from pathlib import Path

import pytest

from redundancyd.core import decision, due, fold
from redundancyd.core.state import Phase
from redundancyd.core.systems import Method, Methods
from redundancyd.core.takeover import TABLE, Ask, Trigger
from redundancyd.sim import way
from redundancyd.sim.cli import main
from redundancyd.sim.explore import COARSE, FINE, Bounds, Explorer, Grain
from redundancyd.sim.explore_cli import ALL_METHODS
from redundancyd.sim.walk import LawBroken

pytestmark = pytest.mark.timeout(180)
BOTH_AUTOMATIC = Methods(Method.AUTOMATIC, Method.AUTOMATIC)


@pytest.mark.S0
@pytest.mark.S2
@pytest.mark.S3
@pytest.mark.S4
@pytest.mark.S5
@pytest.mark.L1
@pytest.mark.L3
@pytest.mark.D3
@pytest.mark.D4
@pytest.mark.parametrize("methods", ALL_METHODS, ids=str)
def test_one_fault_anywhere_breaks_no_law(methods: Methods):
    """
    Each fault before each sampling: no law broken, and every calm run ends with the traffic at the goal.
    """
    result = Explorer(methods, Bounds(faults=1, orders=0, kills=0), FINE).run()
    assert (result.broken, result.closed) == (None, True)
    assert result.states > 150


@pytest.mark.S1
@pytest.mark.S6
@pytest.mark.L2
@pytest.mark.parametrize("methods", ALL_METHODS, ids=str)
def test_an_order_and_a_kill_anywhere_break_no_law(methods: Methods):
    """
    The operator orders, and the daemon is killed before, in the middle of, and after every deed.
    """
    result = Explorer(methods, Bounds(faults=0, orders=1, kills=1), FINE).run()
    assert (result.broken, result.closed) == (None, True)
    assert result.kills > 50


@pytest.mark.S1
@pytest.mark.S5
def test_a_fault_an_order_and_a_kill_together_break_no_law():
    """
    One of each, where something has just changed.
    """
    result = Explorer(BOTH_AUTOMATIC, Bounds(faults=1, orders=1, kills=1), COARSE).run()
    assert (result.broken, result.closed) == (None, True)
    assert result.calm_runs > 1000


@pytest.mark.parametrize(
    ("pair", "change", "bounds"),
    [
        ((Phase.SAVING, Trigger.SAVED), {"ask": Ask.ALLOW, "phase": Phase.ALLOWING}, Bounds(0, 1, 0)),
        ((Phase.RESTING, Trigger.SEEN_OTHERWISE), {"ask": Ask.LOOK, "phase": Phase.RESTING}, Bounds(1, 0, 0)),
        ((Phase.BLOCKING, Trigger.NOT_ALL_BLOCKED), {"ask": Ask.LOOK, "phase": Phase.RESTING}, Bounds(1, 0, 0)),
    ],
)
def test_a_row_damaged_on_purpose_is_noticed(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[Phase, Trigger], change: dict[str, object], bounds: Bounds
):
    """
    Allowing without blocking, looking without repairing, stopping half way: a law says so.
    """
    damage(monkeypatch, pair, change)
    assert noticed(Explorer(BOTH_AUTOMATIC, bounds))


def test_a_counter_example_is_a_page_that_can_be_walked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """
    Written, read, walked: the same law breaks, with what the core made of each step; mended, it holds.
    """
    damage(monkeypatch, (Phase.SAVING, Trigger.SAVED), {"ask": Ask.ALLOW, "phase": Phase.ALLOWING})
    result = Explorer(BOTH_AUTOMATIC, Bounds(1, 1, 0)).run()
    assert result.broken is not None
    path = tmp_path / "counter-example.txt"
    path.write_text(way.written(result.broken, BOTH_AUTOMATIC, FINE))
    with pytest.raises(LawBroken) as again:
        list(way.walked(way.read(path.read_text())))
    assert again.value.law == result.broken.law
    assert main(["play", str(path)]) == 1
    monkeypatch.undo()
    assert main(["play", str(path)]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing of ours",
        "explored way: x\n\non many",
        "explored way: x\n\nmethods now never",
        "explored way: x\n\non 99999",
    ],
)
def test_a_page_that_is_no_way_is_refused(text: str):
    """
    With a sentence, before anything is walked.
    """
    with pytest.raises(ValueError, match=r"way|line"):
        way.read(text)


def test_what_cannot_happen_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """
    A word that nobody knows, or that cannot come in there: exit status 2.
    """
    path = tmp_path / "page.txt"
    path.write_text("explored way: by hand\n\ngrain fine\npower-on primary\n")
    assert main(["play", str(path)]) == 2
    assert "power-on primary" in capsys.readouterr().err


@pytest.mark.parametrize("grain", [FINE, COARSE], ids=lambda grain: grain.name)
def test_exploring_twice_is_the_same(grain: Grain):
    """
    The same states, moves and kills.
    """
    first, second = (Explorer(BOTH_AUTOMATIC, Bounds(1, 0, 1), grain).run() for _ in range(2))
    assert (first.states, first.moves, first.kills) == (second.states, second.moves, second.kills)


def damage(monkeypatch: pytest.MonkeyPatch, pair: tuple[Phase, Trigger], change: dict[str, object]) -> None:
    """Change one row of the table, for one test."""
    damaged = {**TABLE, pair: replace(TABLE[pair], **change)}  # type: ignore[arg-type]
    monkeypatch.setattr(decision, "TABLE", damaged)


def noticed(explorer: Explorer) -> bool:
    """Whether a law, or an assertion of the core itself, says that something is wrong."""
    try:
        return explorer.run().broken is not None
    except AssertionError:
        return True


@pytest.mark.L1
def test_a_core_that_never_notices_a_loss_is_noticed(monkeypatch: pytest.MonkeyPatch):
    """
    Deadlines are laws, too: a loss that is not taken over in time breaks L1.
    """
    monkeypatch.setattr(due, "_loss", lambda _: None)
    result = Explorer(BOTH_AUTOMATIC, Bounds(1, 0, 0)).run()
    assert result.broken is not None
    assert result.broken.law.startswith("L1")


@pytest.mark.L3
def test_a_core_that_never_repairs_is_noticed(monkeypatch: pytest.MonkeyPatch):
    """
    Rules that somebody changed and that nobody puts back break L3 or S2.
    """
    monkeypatch.setattr(fold, "differing", lambda *_: ())
    result = Explorer(BOTH_AUTOMATIC, Bounds(1, 0, 0)).run()
    assert result.broken is not None
    assert result.broken.law[:2] in {"L3", "S2"}
