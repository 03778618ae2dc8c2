"""State -> the one trigger: each condition by itself."""

from dataclasses import replace

import pytest

from redundancyd.core.events import OperatorAdopted, OperatorAsked
from redundancyd.core.fold import find, looking_until
from redundancyd.core.state import Phase
from redundancyd.core.systems import Goal, Kind, Origin, Settings, Traffic, Word
from redundancyd.core.takeover import Trigger
from tests.core.table_top import A1, A2, ALTERNATE, P1, P2, PRIMARY, SETTINGS, first_goal
from tests.core.values import HEARD, LOST, NOW, Change, Views, state, status_of, under_way

GOAL = first_goal(PRIMARY, 5)
ASKED = OperatorAsked(ALTERNATE, 1, "tester", NOW)
ADOPTED = OperatorAdopted(1, "tester", NOW)
LOSS = replace(LOST, missed=6)
AMISS: Views = {A1: {"status": status_of(GOAL, A1, traffic=Traffic.MIXED)}}
NEWER: Change = {"status": status_of(GOAL, A1, number=9)}
FOREIGN: Change = {"status": status_of(GOAL, A1, number=9, supervisor="them.run1")}
STALE_NEWER: Change = {**NEWER, "connected": False}


def trigger(**changes: object) -> Trigger | None:
    """The trigger alone."""
    found = find(state(**{"goal": GOAL, **changes}))  # type: ignore[arg-type]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"views": AMISS}, Trigger.SEEN_OTHERWISE),
        ({"asked": ASKED}, Trigger.ASKED),
        ({"asked": ASKED, "heart": LOSS}, Trigger.ASKED),
        ({"heart": LOSS}, Trigger.DUE),
        ({"heart": LOSS, "views": AMISS}, Trigger.DUE),
        ({"views": {A1: NEWER}}, Trigger.BEHIND),
        ({"views": {A1: NEWER}, "heart": LOSS, "asked": ASKED}, Trigger.BEHIND),
        ({"views": {A1: NEWER, A2: FOREIGN}}, Trigger.FOREIGN),
        ({"views": {A1: STALE_NEWER}}, None),
        ({"phase": Phase.SAVING, "heart": LOSS, "asked": ASKED, "views": {A1: NEWER}}, None),
        ({"phase": Phase.WATCHING, "heart": LOSS, "asked": ASKED, "views": {A1: NEWER}}, None),
        ({"phase": Phase.WATCHING, "asked": ADOPTED}, Trigger.ADOPTED),
        ({"phase": Phase.LOOKING}, Trigger.LOOKED),
        ({"phase": Phase.LOOKING, "views": {A1: NEWER}}, Trigger.BEHIND),
        ({"phase": Phase.LOOKING, "asked": ASKED, "heart": LOSS}, Trigger.LOOKED),
        ({"goal": replace(GOAL, done=False)}, Trigger.ALLOWED),
    ],
)
def test_what_comes_first(changes: dict[str, object], expected: Trigger | None):
    """
    Doubt about our right to order, then the operator, then what is due, then the difference.
    """
    assert trigger(**changes) is expected


@pytest.mark.L1
def test_only_a_loss_overtakes_what_is_under_way():
    """
    A return, or the operator's revert, waits until we rest; a loss does not.
    """
    op = under_way(Word.BLOCK, A1, deadline_at=NOW + 100, tried=(A1,))
    repair: Views = {A1: {**AMISS[A1], "fresh": False}}
    blocking = {"phase": Phase.BLOCKING, "op": op, "views": repair}
    assert trigger(heart=LOSS, **blocking) is Trigger.DUE
    away = first_goal(ALTERNATE, 5, revert_at=NOW)
    alone = replace(HEARD, control_answers=False, control_silent=3)
    waiting = {P1: {"status": status_of(away, P1, traffic=Traffic.MIXED), "fresh": False}}
    busy = replace(op, targets=frozenset({P1}), waiting=frozenset({P1}), tried=frozenset({P1}))
    assert trigger(goal=away, phase=Phase.BLOCKING, op=busy, views=waiting) is None
    assert trigger(goal=away) is Trigger.DUE
    automatic = replace(state().methods, primary_from_alternate=state().methods.alternate_from_primary)
    kept = replace(away, revert_at=None)
    assert trigger(goal=kept, heart=alone, methods=automatic) is Trigger.DUE
    assert trigger(goal=kept, heart=alone, methods=automatic, phase=Phase.BLOCKING, op=busy, views=waiting) is None


UNHEARD: Views = {A1: {"fresh": False, "heard_at": None}}
ALIVE: Views = {A1: {"fresh": False}}


@pytest.mark.parametrize(
    ("views", "settings", "ms"),
    [
        (UNHEARD, replace(SETTINGS, block_deadline_ms=1000, timeout_ms=800, allow_deadline_ms=9000), 1000),
        (UNHEARD, replace(SETTINGS, block_deadline_ms=500, timeout_ms=800, allow_deadline_ms=9000), 800),
        (ALIVE, replace(SETTINGS, block_deadline_ms=1000, interval_ms=1000), 2000),
        (ALIVE, replace(SETTINGS, block_deadline_ms=5000, interval_ms=1000), 5000),
        ({A1: {"fresh": True}}, SETTINGS, 1000),
    ],
)
def test_how_long_a_start_waits_for_the_first_look(views: Views, settings: Settings, ms: int):
    """
    F, one beat at the least, and two intervals for a LIM that is alive and has not answered yet.
    """
    made = state(GOAL, settings=settings, views=views, started_at=NOW - 100)
    assert looking_until(made) == NOW - 100 + ms


@pytest.mark.parametrize(("started_ago", "expected"), [(1999, None), (2000, Trigger.LOOKED)])
def test_a_start_waits_for_everybody_or_its_time(started_ago: int, expected: Trigger | None):
    """
    At the very end of its time it goes on.
    """
    assert trigger(phase=Phase.LOOKING, views=ALIVE, started_at=NOW - started_ago) is expected


def test_only_a_start_waits_for_everybody():
    """
    A LIM whose channel opens at rest holds nothing up, however young the daemon is.
    """
    assert trigger(views=ALIVE, started_at=NOW - 100, asked=ASKED) is Trigger.ASKED


OURS = {server: {"status": status_of(GOAL, server)} for server in (P1, P2, A1, A2)}


@pytest.mark.parametrize(
    ("views", "more", "expected"),
    [
        ({}, {}, Trigger.FOUND),
        ({A1: {"fresh": False}}, {}, None),
        ({A1: {"status": status_of(GOAL, A1, traffic=Traffic.ALLOWED)}}, {}, None),
        ({A1: FOREIGN}, {}, Trigger.FOREIGN),
        ({A1: {**FOREIGN, "fresh": False}}, {}, None),
        ({A1: FOREIGN}, {"asked": ASKED}, Trigger.ASKED),
        ({}, {"phase": Phase.SAVING}, None),
        ({}, {"phase": Phase.SAVING, "asked": ASKED}, None),
    ],
)
def test_what_the_lims_tell_where_nothing_is_saved(views: Views, more: dict[str, object], expected: Trigger | None):
    """
    One system allowed by our order, once everybody was read; a stranger's order, as soon as it is.
    """
    made = replace(state(GOAL, views=views, phase=more.get("phase", Phase.ASKING)), goal=None)
    found = find(replace(made, asked=more.get("asked")))  # type: ignore[arg-type]
    assert (found[0] if found else None) is expected


AWAY = first_goal(ALTERNATE, 5)
NOBODY: Views = {server: {"status": status_of(AWAY, server, traffic=Traffic.BLOCKED)} for server in (A1, A2)}
BY_HAND: Change = {"status": status_of(AWAY, P1, traffic=Traffic.ALLOWED, origin=Origin.HAND)}


@pytest.mark.S5
@pytest.mark.parametrize(
    ("goal", "phase", "views", "expected"),
    [
        (AWAY, Phase.RESTING, {**NOBODY, P1: BY_HAND}, Trigger.BY_HAND),
        (AWAY, Phase.LOOKING, {**NOBODY, P1: BY_HAND}, Trigger.BY_HAND),
        (AWAY, Phase.RESTING, {P1: BY_HAND}, Trigger.SEEN_OTHERWISE),
        (AWAY, Phase.RESTING, {**NOBODY, A2: {"status": None}, P1: BY_HAND}, Trigger.SEEN_OTHERWISE),
        (AWAY, Phase.RESTING, NOBODY, Trigger.SEEN_OTHERWISE),
        (
            GOAL,
            Phase.RESTING,
            {P1: {"status": status_of(GOAL, P1, origin=Origin.HAND)}},
            Trigger.SEEN_OTHERWISE,
        ),
        (
            AWAY,
            Phase.RESTING,
            {**NOBODY, A1: {"status": status_of(AWAY, A1, traffic=Traffic.MIXED)}, P1: BY_HAND},
            Trigger.SEEN_OTHERWISE,
        ),
    ],
)
def test_when_a_primary_allowed_by_hand_is_adopted(goal: Goal, phase: Phase, views: Views, expected: Trigger):
    """
    Only where the goal is the alternate and nobody there carries anything, as far as everybody there is known.
    """
    assert trigger(goal=goal, phase=phase, views=views) is expected


def test_what_was_allowed_by_hand_during_an_order_waits_for_rest():
    """
    The goal under way wins.
    """
    op = under_way(Word.ALLOW, A1, deadline_at=NOW + 100, tried=(P1, P2))
    views = {A1: {"status": None, "fresh": False}, A2: NOBODY[A2], P1: BY_HAND}
    undone = replace(AWAY, done=False, kind=Kind.FORCED)
    assert trigger(goal=undone, phase=Phase.ALLOWING, op=op, views=views) is None
    blocked = {**NOBODY, P1: {**BY_HAND, "fresh": False}}
    assert trigger(goal=undone, phase=Phase.ALLOWING, op=op, views=blocked) is None
