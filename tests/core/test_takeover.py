"""The goals that rows put on disk, and what is kept of the ones before."""

from dataclasses import replace

import pytest

from redundancyd.core.due import Due
from redundancyd.core.events import OperatorAsked
from redundancyd.core.heartbeat import Heartbeat
from redundancyd.core.state import State
from redundancyd.core.systems import Goal, Kind, System, Traffic, Word
from redundancyd.core.takeover import Trigger, goal_for, heart_after
from tests.core.table_top import A1, A2, ALTERNATE, P1, P2, PRIMARY, first_goal
from tests.core.values import LOST, NOW, Views, state, status_of, under_way

LOSS = Due(ALTERNATE, Kind.AUTOMATIC, "the primary is lost")
RETURN = Due(PRIMARY, Kind.PLANNED, "the primary is back")
REVERT = Due(PRIMARY, Kind.PLANNED, "the time is over", by_operator=True)
LATCHED = first_goal(PRIMARY, 5, latched=True, recent=(NOW - 1,))


def made(now: State, trigger: Trigger, due: Due | None = None) -> Goal:
    """The goal of a row."""
    return goal_for(now, trigger, due)


def asked(active: System, goal: Goal, **more: object) -> Goal:
    """The goal of a manual takeover."""
    order = OperatorAsked(active, 1, "tester", NOW, **more)  # type: ignore[arg-type]
    return made(state(goal, asked=order), Trigger.ASKED)


def test_an_automatic_takeover_is_counted_and_remembers_whose_order_it_leaves():
    """
    Its instant is kept with those of the last hour; what the operator had ordered is known to the one that undoes it.
    """
    goal = made(state(first_goal(PRIMARY, 5, by_operator=True, recent=(NOW - 9,))), Trigger.DUE, LOSS)
    assert (goal.active, goal.number, goal.kind, goal.by_operator) == (ALTERNATE, 6, Kind.AUTOMATIC, False)
    assert (goal.recent, goal.latched, goal.other_by_operator, goal.decided_at) == ((NOW - 9, NOW), False, True, NOW)


@pytest.mark.parametrize(("before", "latched"), [(2, False), (3, True), (4, True)])
def test_the_fourth_automatic_takeover_within_an_hour_latches(before: int, latched: bool):
    """
    Three are not too many.
    """
    recent = tuple(NOW - 10 * ago for ago in range(1, before + 1))
    assert made(state(first_goal(PRIMARY, 5, recent=recent)), Trigger.DUE, LOSS).latched == latched


@pytest.mark.S6
def test_a_revert_is_the_operators_own_and_is_not_counted():
    """
    It was ordered in advance; a return that nobody ordered is counted.
    """
    away = first_goal(ALTERNATE, 5, revert_at=NOW, recent=(NOW - 9,))
    reverted = made(state(away), Trigger.DUE, REVERT)
    assert (reverted.by_operator, reverted.recent, reverted.former_revert_at) == (True, (NOW - 9,), NOW)
    returned = made(state(replace(away, revert_at=None)), Trigger.DUE, RETURN)
    assert (returned.by_operator, returned.recent) == (False, (NOW - 9, NOW))
    lost = made(state(first_goal(PRIMARY, 5, revert_at=NOW + 9)), Trigger.DUE, LOSS)
    assert lost.recent == (NOW,)


@pytest.mark.S6
def test_an_order_moves_by_plan_and_stays_by_force():
    """
    To move, every LIM is wanted; to stay where one is, there is nothing to undo, and done stays done.
    """
    moves = asked(ALTERNATE, first_goal(PRIMARY, 5), revert_after_ms=70, accept=("2",))
    assert (moves.kind, moves.done, moves.by_operator) == (Kind.PLANNED, False, True)
    assert (moves.revert_at, moves.accepted) == (NOW + 70, ("2",))
    stays = asked(PRIMARY, first_goal(PRIMARY, 5))
    assert (stays.kind, stays.done, stays.by_operator, stays.revert_at) == (Kind.FORCED, True, True, None)
    assert not asked(PRIMARY, first_goal(PRIMARY, 5, done=False)).done


def test_an_order_without_a_goal_is_carried_out_by_force():
    """
    Nothing is known of the time before: whatever can be reached is ordered.
    """
    order = OperatorAsked(ALTERNATE, 1, "tester", NOW)
    goal = made(replace(state(first_goal(PRIMARY, 5), asked=order), goal=None), Trigger.ASKED)
    assert (goal.active, goal.number, goal.kind, goal.by_operator) == (ALTERNATE, 6, Kind.FORCED, True)
    assert (goal.recent, goal.latched) == ((), False)


@pytest.mark.S6
def test_an_undone_takeover_gives_back_what_was_ordered_before():
    """
    Whose order it was, what was accepted as missing, the return that was ordered in advance; one more flip is counted.
    """
    former = first_goal(PRIMARY, 5, by_operator=True, accepted=("2",), latched=True, recent=(NOW - 9,))
    taken = asked(ALTERNATE, former)
    assert (taken.former_accepted, taken.other_by_operator) == (("2",), True)
    undone = made(state(replace(taken, flips=1)), Trigger.FAILED)
    assert (undone.active, undone.number, undone.kind, undone.flips) == (PRIMARY, 7, Kind.FORCED, 2)
    assert (undone.by_operator, undone.accepted, undone.revert_at) == (True, ("2",), None)
    assert (undone.latched, undone.recent) == (True, (NOW - 9,))


@pytest.mark.parametrize(("before", "again"), [(NOW - 5, NOW + 20_000), (NOW + 50_000, NOW + 50_000)])
def test_a_return_ordered_in_advance_is_tried_again_later(before: int, again: int):
    """
    Not before return_after, so that it does not spin.
    """
    goal = replace(first_goal(PRIMARY, 5, done=False), former_revert_at=before)
    assert made(state(goal), Trigger.FAILED).revert_at == again


def test_who_stays_keeps_whose_the_other_was():
    """
    An order to stay does not make itself the one that a later undoing gives back.
    """
    goal = first_goal(PRIMARY, 5, by_operator=True, other_by_operator=False)
    assert not asked(PRIMARY, goal).other_by_operator
    assert asked(ALTERNATE, goal).other_by_operator


@pytest.mark.S0
@pytest.mark.parametrize(
    ("number", "word", "known", "active"),
    [
        (9, Word.ALLOW, 9, ALTERNATE),
        (9, Word.BLOCK, 9, PRIMARY),
        (5, Word.ALLOW, 6, ALTERNATE),
    ],
)
def test_a_disk_that_is_behind_takes_the_lims_word(number: int, word: Word, known: int, active: System):
    """
    A higher number is taken as it is; LIMs that disagree about ours get a new one.
    """
    held = {A1: {"status": status_of(first_goal(PRIMARY, 5), A1, number=number, word=word)}}
    views: Views = {**held, P1: {"status": None}, P2: {"status": None}, A2: {"status": None}}
    goal = made(state(LATCHED, views=views), Trigger.BEHIND)
    assert (goal.number, goal.active, goal.kind, goal.by_operator) == (known, active, Kind.FORCED, True)
    assert (goal.latched, goal.recent) == (True, (NOW - 1,))


def test_a_disk_that_is_behind_keeps_its_system_where_no_lim_says_another():
    """
    The highest number was never a word of ours.
    """
    never: Views = {A1: {"status": status_of(first_goal(ALTERNATE, 5), A1, number=9, word=Word.NONE)}}
    assert made(state(first_goal(ALTERNATE, 5), views=never), Trigger.BEHIND).active is ALTERNATE


def test_what_was_allowed_by_hand_is_the_operators_order_to_the_primary():
    """
    It gets a number of its own.
    """
    goal = made(state(first_goal(ALTERNATE, 5)), Trigger.BY_HAND)
    assert (goal.active, goal.number, goal.kind, goal.by_operator) == (PRIMARY, 6, Kind.FORCED, True)


NOTHING_ALLOWED: Views = {
    server: {"status": status_of(first_goal(), server, traffic=Traffic.BLOCKED)} for server in (P1, P2)
}


@pytest.mark.parametrize(("trigger", "by_operator"), [(Trigger.FOUND, False), (Trigger.ADOPTED, True)])
def test_what_is_found_or_adopted_is_what_is_seen(trigger: Trigger, by_operator: bool):
    """
    The one system that is allowed.
    """
    goal = made(state(first_goal(ALTERNATE, 5)), trigger)
    assert (goal.active, goal.number, goal.kind, goal.by_operator) == (ALTERNATE, 6, Kind.FORCED, by_operator)
    found = made(state(first_goal(PRIMARY, 5)), trigger)
    assert found.active is PRIMARY


def test_adopting_without_anything_allowed_keeps_the_goal_or_prefers_the_primary():
    """
    Nothing to be seen: what the disk says, and without that the primary.
    """
    nobody: Views = {server: {"status": None} for server in (P1, P2, A1, A2)}
    kept = made(state(first_goal(ALTERNATE, 5), views=nobody), Trigger.ADOPTED)
    blank = made(replace(state(views=nobody), goal=None), Trigger.ADOPTED)
    assert (kept.active, blank.active) == (ALTERNATE, PRIMARY)
    seen = made(state(first_goal(ALTERNATE, 5), views=OTHERWISE), Trigger.ADOPTED)
    assert seen.active is PRIMARY


OTHERWISE: Views = {
    **{server: {"status": status_of(first_goal(PRIMARY, 5), server)} for server in (P1, P2)},
    **{server: {"status": status_of(first_goal(PRIMARY, 5), server)} for server in (A1, A2)},
}


@pytest.mark.S4
@pytest.mark.parametrize(
    ("trigger", "kind", "used"),
    [
        (Trigger.FAILED, Kind.AUTOMATIC, True),
        (Trigger.FAILED, Kind.PLANNED, False),
        (Trigger.DUE, Kind.AUTOMATIC, False),
    ],
)
def test_an_undone_automatic_takeover_uses_up_its_window(trigger: Trigger, kind: Kind, used: bool):
    """
    The next one needs a window of its own; what is known of the control address stays.
    """
    heart = replace(LOST, control_silent=2)
    after = heart_after(state(first_goal(kind=kind), heart=heart), trigger)
    assert after == (Heartbeat(control_answers=True, control_silent=2) if used else heart)


@pytest.mark.S4
def test_a_goal_that_the_lims_told_begins_a_window():
    """
    They have just answered, so the beats that were missed before are no loss any more.
    """
    after = heart_after(state(None, heart=LOST), Trigger.FOUND)
    assert (after.missed, after.control_answers) == (0, True)


def test_an_undone_takeover_names_only_those_that_were_late():
    """
    Who was waited for and has followed is not to blame.
    """
    goal = first_goal(ALTERNATE, 5, done=False)
    views: Views = {A2: {"status": status_of(first_goal(PRIMARY, 4), A2)}}
    now = state(goal, views=views, op=under_way(Word.ALLOW, A1, A2))
    assert made(now, Trigger.FAILED).reason == "takeover 5 could not be completed: alternate-2 did not answer in time"
