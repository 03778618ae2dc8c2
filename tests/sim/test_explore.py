"""The exploration finds nothing in the core, and finds what is put there."""

from dataclasses import replace

import pytest

from redundancyd.core import decision
from redundancyd.core.state import Phase
from redundancyd.core.systems import Method, Methods
from redundancyd.core.takeover import TABLE, Ask, Trigger
from redundancyd.sim.cli import ALL_METHODS
from redundancyd.sim.explore import Bounds, Explorer

pytestmark = pytest.mark.timeout(120)


@pytest.mark.S0
@pytest.mark.S2
@pytest.mark.S4
@pytest.mark.S5
@pytest.mark.L1
@pytest.mark.L3
@pytest.mark.parametrize("methods", ALL_METHODS, ids=str)
def test_one_fault_anywhere_breaks_no_law(methods: Methods):
    """
    Each fault from each state: no law broken, and every calm run ends with the traffic at the goal.
    """
    result = Explorer(methods, Bounds(faults=1, orders=0, kills=0)).run()
    assert (result.broken, result.closed) == (None, True)
    assert result.states > 1000


@pytest.mark.S1
@pytest.mark.S6
@pytest.mark.L2
@pytest.mark.parametrize("recovery", list(Method))
def test_an_order_and_a_kill_anywhere_break_no_law(recovery: Method):
    """
    The operator orders, and the daemon is killed, at any point.
    """
    result = Explorer(Methods(Method.AUTOMATIC, recovery), Bounds(faults=0, orders=1, kills=1)).run()
    assert (result.broken, result.closed) == (None, True)
    assert result.kills > 50


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
    damaged = {**TABLE, pair: replace(TABLE[pair], **change)}  # type: ignore[arg-type]
    monkeypatch.setattr(decision, "TABLE", damaged)
    explorer = Explorer(Methods(Method.AUTOMATIC, Method.MANUAL), bounds)
    assert noticed(explorer)


def noticed(explorer: Explorer) -> bool:
    """Whether a law, or an assertion of the core itself, says that something is wrong."""
    try:
        return explorer.run().broken is not None
    except AssertionError:
        return True
