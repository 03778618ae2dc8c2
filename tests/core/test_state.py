"""What the state says of itself: who is unfenced, whether takeovers are paused."""

from dataclasses import replace

import pytest

from redundancyd.core.state import Phase
from redundancyd.core.systems import Goal, Kind, Pause, Server
from tests.core.table_top import A1, A2, ALTERNATE, P1, P2, PRIMARY, SETTINGS, first_goal
from tests.core.values import NOW, Change, Views, state, status_of

TO_ALTERNATE = first_goal(ALTERNATE, 5, done=False, kind=Kind.PLANNED)
RESTING_AWAY = first_goal(ALTERNATE, 5)


def test_a_pause_ends_at_its_instant():
    """
    Up to it, and no longer.
    """
    assert state(pause=Pause(NOW + 1, "works")).paused()
    assert not state(pause=Pause(NOW, "works")).paused()


HOLDING = replace(SETTINGS, orphan_hold_ms=60_000)
GONE_PRIMARY: Change = {"connected": False}


@pytest.mark.S2
@pytest.mark.parametrize(
    ("goal", "views", "more", "expected"),
    [
        (RESTING_AWAY, {}, {}, ()),
        (RESTING_AWAY, {P2: {"status": None}}, {}, (P2,)),
        (RESTING_AWAY, {A2: {"status": None}}, {}, ()),
        (RESTING_AWAY, {P2: {"status": None}}, {"phase": Phase.WATCHING}, ()),
        (TO_ALTERNATE, {P2: {"status": None}}, {"phase": Phase.BLOCKING}, ()),
        (TO_ALTERNATE, {P2: {"status": None}}, {"phase": Phase.SAVING}, ()),
        (TO_ALTERNATE, {P2: {"status": None}}, {"phase": Phase.ALLOWING}, (P2,)),
        (RESTING_AWAY, {P2: {"status": None}}, {"phase": Phase.BLOCKING}, (P2,)),
        (RESTING_AWAY, {P2: {**GONE_PRIMARY, "contact_at": NOW - 60_000}}, {"settings": HOLDING}, (P2,)),
        (RESTING_AWAY, {P2: {**GONE_PRIMARY, "contact_at": NOW - 59_999}}, {"settings": HOLDING}, ()),
        (RESTING_AWAY, {P2: {"contact_at": NOW - 60_000}}, {"settings": HOLDING}, ()),
        (RESTING_AWAY, {P2: {**GONE_PRIMARY, "contact_at": NOW - 60_000}}, {}, ()),
        (RESTING_AWAY, {P2: {**GONE_PRIMARY, "contact_at": None}}, {"settings": HOLDING}, (P2,)),
        (
            RESTING_AWAY,
            {P2: {**GONE_PRIMARY, "contact_at": None}},
            {"settings": HOLDING, "started_at": NOW - 59_999},
            (),
        ),
        (first_goal(), {A2: {"connected": False, "contact_at": NOW - 60_000}}, {"settings": HOLDING}, ()),
    ],
)
def test_who_is_unfenced(goal: Goal, views: Views, more: dict[str, object], expected: tuple[Server, ...]):
    """
    Passive servers that have not confirmed the goal, or may have allowed themselves since we last spoke to them.
    """
    assert state(goal, views=views, **more).unfenced() == expected  # type: ignore[arg-type]


@pytest.mark.S0
@pytest.mark.parametrize(("goal", "held", "after"), [(5, 4, 6), (5, 9, 10), (5, 5, 6)])
def test_the_next_number_is_higher_than_all_that_are_known(goal: int, held: int, after: int):
    """
    Than the goal's, and than what any LIM holds.
    """
    views: Views = {
        server: {"status": status_of(first_goal(PRIMARY, goal), server, number=held)} for server in (P1, P2, A1, A2)
    }
    assert state(first_goal(PRIMARY, goal), views=views).number_after() == after
