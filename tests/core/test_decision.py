"""Orders under way: who is ordered, who is waited for, until when, and when the core wants to be woken."""

from dataclasses import replace

import pytest

from redundancyd.core.decision import start, step, wake_at
from redundancyd.core.effects import Effect, Look, Order, SaveGoal
from redundancyd.core.events import (
    Connected,
    Event,
    GoalNotSaved,
    GoalSaved,
    OperatorAsked,
    Woke,
)
from redundancyd.core.heartbeat import Heartbeat
from redundancyd.core.state import Operation, Phase, State
from redundancyd.core.systems import Goal, Kind, Methods, Pause, Server, Word
from tests.core.table_top import A1, A2, ALTERNATE, P1, P2, PRIMARY, SETTINGS, US, first_goal
from tests.core.values import HEARD, LOST, NOW, Change, Views, state, status_of, under_way

DEADLINES = replace(SETTINGS, block_deadline_ms=700, allow_deadline_ms=2900)
TO_ALTERNATE = first_goal(ALTERNATE, 5, done=False, kind=Kind.PLANNED)
LOSS_GOAL = replace(TO_ALTERNATE, kind=Kind.AUTOMATIC)
BEFORE = first_goal(PRIMARY, 4)
AS_BEFORE: Views = {server: {"status": status_of(BEFORE, server)} for server in (P1, P2, A1, A2)}


def saved(goal: Goal, heart: Heartbeat = HEARD, views: Views | None = None) -> State:
    """The goal is on disk, and its first row was taken."""
    known: Views = {server: {**AS_BEFORE[server], **(views or {}).get(server, {})} for server in AS_BEFORE}
    waiting = state(
        goal, settings=DEADLINES, views=known, heart=heart, phase=Phase.SAVING, saving=6, next_op=7, previous=BEFORE
    )
    return step(waiting, GoalSaved(6, NOW)).state


def waited_for(goal: Goal, heart: Heartbeat = HEARD, views: Views | None = None) -> set[Server]:
    """Whose answer to the block is waited for."""
    op = saved(goal, heart, views).op
    assert op is not None
    return set(op.waiting) if op.word is Word.BLOCK else set()


def rows(now: State, event: Event) -> list[str]:
    """The rows that an event leads through."""
    return [taken.row.number for taken in step(now, event).rows]


def orders(effects: tuple[Effect, ...]) -> list[Order]:
    """The orders among the effects."""
    return [effect for effect in effects if isinstance(effect, Order)]


def looks(effects: tuple[Effect, ...]) -> list[Look]:
    """The looks among the effects."""
    return [effect for effect in effects if isinstance(effect, Look)]


def goals(effects: tuple[Effect, ...]) -> list[Goal]:
    """The goals that are to be saved."""
    return [effect.goal for effect in effects if isinstance(effect, SaveGoal)]


SILENT_SINCE: Change = {"heard_at": NOW - 3001}
CLOSED: Change = {"connected": False, "fresh": False}
DOUBTFUL: Change = {**CLOSED, "doubtful": True}


@pytest.mark.L1
@pytest.mark.S1
@pytest.mark.parametrize(
    ("goal", "heart", "views", "expected"),
    [
        (TO_ALTERNATE, HEARD, {}, {P1, P2}),
        (TO_ALTERNATE, HEARD, {P2: CLOSED}, {P1}),
        (TO_ALTERNATE, HEARD, {P2: DOUBTFUL}, {P1, P2}),
        (TO_ALTERNATE, HEARD, {P2: {**DOUBTFUL, "heard_at": NOW - 3000}}, {P1, P2}),
        (TO_ALTERNATE, HEARD, {P2: {**DOUBTFUL, **SILENT_SINCE}}, {P1}),
        (TO_ALTERNATE, LOST, {P2: SILENT_SINCE}, {P1, P2}),
        (LOSS_GOAL, LOST, {}, {P1, P2}),
        (LOSS_GOAL, LOST, {P2: SILENT_SINCE}, {P1}),
        (LOSS_GOAL, LOST, {P2: CLOSED}, {P1}),
        (LOSS_GOAL, LOST, {P2: DOUBTFUL}, {P1}),
        (LOSS_GOAL, HEARD, {P2: SILENT_SINCE}, {P1, P2}),
        (LOSS_GOAL, HEARD, {P2: DOUBTFUL}, {P1, P2}),
    ],
)
def test_who_is_waited_for_while_the_old_system_is_blocked(
    goal: Goal, heart: Heartbeat, views: Views, expected: set[Server]
):
    """
    Who can be ordered, and who may still do what was ordered; of a lost primary only who shows signs of life.
    """
    assert waited_for(goal, heart, views) == expected


def test_the_new_system_is_waited_for_whatever_the_verdict():
    """
    Only the lost system's own silence excuses it.
    """
    silent: Views = {P1: CLOSED, P2: CLOSED, A2: SILENT_SINCE}
    op = saved(LOSS_GOAL, LOST, silent).op
    assert op is not None
    assert (op.word, op.waiting, op.deadline_at) == (Word.ALLOW, frozenset({A1, A2}), NOW + 2900)


def test_each_word_has_its_own_deadline():
    """
    F to block, U to allow; only who needs it and can be reached is ordered.
    """
    blocking = step(
        state(TO_ALTERNATE, settings=DEADLINES, views=AS_BEFORE, phase=Phase.SAVING, saving=6, previous=BEFORE),
        GoalSaved(6, NOW),
    )
    [block] = orders(blocking.effects)
    assert (block.word, block.number, block.servers, block.deadline_ms) == (Word.BLOCK, 5, (P1, P2), 700)
    op = blocking.state.op
    assert op is not None
    assert (op.deadline_at, op.tried, op.targets) == (NOW + 700, frozenset({P1, P2}), frozenset({P1, P2}))
    assert [view.fresh for view in blocking.state.views] == [False, False, True, True]
    views: Views = {**AS_BEFORE, P1: {}, P2: {}, A2: {**AS_BEFORE[A2], "deaf": True}}
    allowing = step(
        state(TO_ALTERNATE, settings=DEADLINES, views=views, phase=Phase.SAVING, saving=6, previous=BEFORE),
        GoalSaved(6, NOW),
    )
    [allow] = orders(allowing.effects)
    assert (allow.word, allow.servers, allow.deadline_ms) == (Word.ALLOW, (A1, A2), 2900)
    op = allowing.state.op
    assert op is not None
    assert (op.deadline_at, op.tried) == (NOW + 2900, frozenset())
    assert not allowing.state.view(A2).deaf


@pytest.mark.L1
@pytest.mark.parametrize(("goal", "deadline_at"), [(LOSS_GOAL, NOW + 50), (TO_ALTERNATE, NOW + 700)])
def test_a_late_comer_does_not_put_off_the_takeover_of_what_is_lost(goal: Goal, deadline_at: int):
    """
    A planned takeover gives it the whole time.
    """
    op = under_way(Word.BLOCK, P1, tried=(P1,), deadline_at=NOW + 50)
    views: Views = {**AS_BEFORE, P1: {**AS_BEFORE[P1], "fresh": False}}
    now = state(goal, settings=DEADLINES, views=views, phase=Phase.BLOCKING, op=op)
    late = step(now, Woke(NOW))
    assert [taken.row.number for taken in late.rows] == ["T35"]
    assert late.state.op is not None
    assert (late.state.op.deadline_at, late.state.op.tried) == (deadline_at, frozenset({P1, P2}))


def test_a_late_comer_while_allowing_is_blocked_with_a_time_of_its_own():
    """
    What is left of the time to allow is another.
    """
    op = under_way(Word.ALLOW, A1, tried=(P1,), deadline_at=NOW + 50)
    views: Views = {**AS_BEFORE, P1: {}}
    late = step(state(LOSS_GOAL, settings=DEADLINES, views=views, phase=Phase.ALLOWING, op=op), Woke(NOW))
    assert [taken.row.number for taken in late.rows] == ["T37"]
    assert late.state.op is not None
    assert late.state.op.deadline_at == NOW + 700


@pytest.mark.parametrize(
    ("goal", "phase", "looked"),
    [
        (TO_ALTERNATE, Phase.BLOCKING, False),
        (replace(TO_ALTERNATE, done=True), Phase.BLOCKING, True),
        (first_goal(ALTERNATE, 5, done=True), Phase.RESTING, True),
        (TO_ALTERNATE, Phase.RESTING, True),
    ],
)
def test_looking_waits_for_the_orders_of_a_takeover_only(goal: Goal, phase: Phase, looked: bool):
    """
    Repairs do not stop it.
    """
    op = under_way(Word.BLOCK, P1, tried=(P1, P2), deadline_at=NOW + 50)
    unread: Change = {"status": None, "fresh": False}
    views: Views = {P1: unread} if phase is Phase.BLOCKING else {A1: unread, P1: CLOSED}
    views = {**views, A2: unread, P2: CLOSED}
    now = state(goal, views=views, phase=phase, op=op if phase is Phase.BLOCKING else None, look_at=NOW)
    assert bool(looks(step(now, Woke(NOW)).effects)) == looked


def test_a_look_asks_who_can_be_reached_within_a_beat_at_the_least():
    """
    The next look is one interval later; the last 64 operations are remembered as looks.
    """
    gone: Views = {A2: {"connected": False, "heard_at": None}}
    asked = replace(state(views=gone, look_at=NOW), looks=frozenset({1, 36, 37, 99}), next_op=100)
    after = step(asked, Woke(NOW))
    [look] = looks(after.effects)
    assert (look.op, look.servers, look.deadline_ms) == (100, (P1, P2, A1), 1000)
    assert (after.state.looks, after.state.look_at) == (frozenset({37, 99, 100}), NOW + 5000)
    slow = state(settings=replace(SETTINGS, block_deadline_ms=1500, allow_deadline_ms=9000), look_at=NOW)
    assert looks(step(slow, Woke(NOW)).effects)[0].deadline_ms == 1500
    assert not looks(step(replace(asked, look_at=NOW + 1), Woke(NOW)).effects)


def test_a_channel_that_opens_is_looked_at_and_does_not_put_off_the_others():
    """
    It alone; who is to be blocked and leaves looks unanswered is ordered instead, who is to be allowed is not.
    """
    after = step(state(look_at=NOW + 70), Connected(A1, NOW))
    assert ([look.servers for look in looks(after.effects)], after.state.look_at) == ([(A1,)], NOW + 70)
    deaf: Views = {A1: {"deaf": True}, P1: {"deaf": True}}
    assert looks(step(state(views=deaf), Connected(A1, NOW)).effects) == []
    assert [order.servers for order in orders(step(state(views=deaf), Connected(A1, NOW)).effects)] == [(A1,)]
    assert [look.servers for look in looks(step(state(views=deaf), Connected(P1, NOW)).effects)] == [(P1,)]


RESTING_AWAY = first_goal(ALTERNATE, 5)


@pytest.mark.parametrize(
    ("now", "at"),
    [
        (state(look_at=NOW + 4000), 4000),
        (state(look_at=NOW), 5000),
        (state(look_at=NOW + 4000, op=under_way(Word.BLOCK, A1, deadline_at=NOW + 30)), 30),
        (state(look_at=NOW + 4000, op=under_way(Word.BLOCK, A1, deadline_at=NOW)), 4000),
        (state(look_at=NOW + 4000, phase=Phase.LOOKING, started_at=NOW - 100), 900),
        (state(look_at=NOW + 4000, started_at=NOW - 100), 4000),
        (state(RESTING_AWAY, look_at=NOW + 4000, stable_since=NOW - 19_500), 500),
        (state(look_at=NOW + 4000, stable_since=NOW - 19_500), 4000),
        (state(first_goal(revert_at=NOW + 70), look_at=NOW + 4000), 70),
        (state(look_at=NOW + 4000, pause=Pause(NOW + 80, "works")), 80),
    ],
)
def test_when_the_core_wants_to_be_woken(now: State, at: int):
    """
    At the first instant that could change anything, and never in the past.
    """
    assert wake_at(now) == NOW + at


UNREAD: Views = {**AS_BEFORE, A2: {"status": None, "fresh": False}}


def saving(**changes: object) -> State:
    """An order that is being saved."""
    given = {"phase": Phase.SAVING, "saving": 6, "next_op": 7, "previous": BEFORE, "views": AS_BEFORE}
    return state(TO_ALTERNATE, **{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.L2
@pytest.mark.parametrize(
    ("now", "event", "expected"),
    [
        (saving(), GoalSaved(6, NOW), ["T04"]),
        (saving(), GoalSaved(5, NOW), []),
        (saving(), GoalNotSaved(6, "full", NOW), ["T05"]),
        (saving(), GoalNotSaved(5, "full", NOW), []),
        (saving(saving_order=True), GoalNotSaved(6, "full", NOW), ["T06"]),
        (saving(saving_order=True, previous=None, views=UNREAD), GoalNotSaved(6, "full", NOW), ["T33"]),
        (state(saving=6), GoalSaved(6, NOW), []),
        (state(saving=6), GoalNotSaved(6, "full", NOW), []),
    ],
)
def test_only_the_answer_that_is_waited_for_goes_on(now: State, event: Event, expected: list[str]):
    """
    The disk may answer twice, and late.
    """
    assert rows(now, event) == expected


@pytest.mark.L2
def test_a_goal_that_could_not_be_saved_is_given_back():
    """
    The one before it is written again, and is no longer anybody's past; without one we ask again.
    """
    after = step(saving(saving_order=True), GoalNotSaved(6, "full", NOW))
    assert (after.state.goal, after.state.previous, goals(after.effects)) == (BEFORE, None, [BEFORE])
    first = step(saving(saving_order=True, previous=None, views=UNREAD), GoalNotSaved(6, "full", NOW)).state
    assert (first.goal, first.phase) == (None, Phase.ASKING)


@pytest.mark.L2
@pytest.mark.parametrize(
    ("changes", "again"),
    [({"goal_unsaved": "full"}, True), ({}, False), ({"goal_unsaved": "full", "phase": Phase.SAVING}, False)],
)
def test_a_goal_that_is_not_on_disk_is_tried_again_with_a_look(changes: dict[str, object], again: bool):
    """
    Not while another one is being saved.
    """
    now = state(look_at=NOW, saving=3, **changes)  # type: ignore[arg-type]
    assert bool(goals(step(now, Woke(NOW)).effects)) == again


def test_a_takeover_that_is_done_is_noted_once():
    """
    Done, with no flips and nothing before it; a repair has nothing to note.
    """
    op = under_way(Word.ALLOW, A1, A2, tried=(P1, P2))
    goal = replace(TO_ALTERNATE, flips=1)
    after = step(state(goal, phase=Phase.ALLOWING, op=op, previous=BEFORE), Woke(NOW))
    done = replace(goal, done=True, flips=0)
    assert (after.state.goal, after.state.previous, goals(after.effects)) == (done, None, [done])
    repair = step(state(RESTING_AWAY, phase=Phase.ALLOWING, op=op), Woke(NOW))
    assert ([taken.row.number for taken in repair.rows], goals(repair.effects)) == (["T12"], [])


@pytest.mark.S4
def test_an_undone_takeover_begins_every_count_anew():
    """
    The window of the loss is used up, and so is the time for which the primary was ready.
    """
    heart = Heartbeat(missed=2, missed_since=NOW - 2000, heard=True, control_answers=True)
    refuse: Views = {A1: {"status": None, "fresh": False, "refused": "broken"}, A2: {"status": None, "fresh": False}}
    op = under_way(Word.ALLOW, A1, A2, tried=(P1, P2))
    now = state(LOSS_GOAL, phase=Phase.ALLOWING, op=op, views=refuse, heart=heart, stable_since=NOW - 900)
    after = step(now, Woke(NOW)).state
    assert (after.phase, after.heart.missed, after.op) == (Phase.SAVING, 0, None)
    assert after.stable_since is None
    assert [note.name for note in after.notes] == ["takeover_undone"]


def test_an_order_is_answered_once_its_goal_is_saved():
    """
    The request goes with the goal; what the daemon decides by itself answers nobody.
    """
    asked = step(state(), OperatorAsked(ALTERNATE, 77, "tester", NOW))
    [effect] = [effect for effect in asked.effects if isinstance(effect, SaveGoal)]
    assert (effect.request, asked.state.saving_order, asked.state.previous) == (77, True, first_goal())
    assert asked.state.asked is None
    own = step(state(heart=replace(LOST, missed=6)), Woke(NOW))
    [effect] = [effect for effect in own.effects if isinstance(effect, SaveGoal)]
    assert (effect.request, own.state.saving_order) == (None, False)


def test_a_stranger_is_only_looked_at():
    """
    Hands off: one look at everybody, no order.
    """
    foreign: Views = {A1: {"status": status_of(first_goal(), A1, number=9, supervisor="them.run1")}}
    found = step(state(views=foreign, look_at=NOW + 900), Woke(NOW))
    assert (found.state.phase, orders(found.effects)) == (Phase.WATCHING, [])
    assert [look.servers for look in looks(found.effects)] == [(P1, P2, A1, A2)]


def test_nobody_can_be_reached_and_looking_goes_on_in_its_time():
    """
    T14 asks for nothing of its own.
    """
    gone: Views = {server: {"connected": False, "status": None, "fresh": False} for server in (P1, P2, A1, A2)}
    op = under_way(Word.ALLOW, tried=(P1, P2))
    after = step(state(LOSS_GOAL, phase=Phase.ALLOWING, op=op, views=gone, look_at=NOW + 900), Woke(NOW))
    assert ([taken.row.number for taken in after.rows], after.effects) == (["T14"], ())
    assert after.state.look_at == NOW + 900


def test_a_start_looks_at_everybody_that_can_be_reached():
    """
    Nobody yet: the channels open later.
    """
    first = start(SETTINGS, US, Methods(), first_goal(), None, NOW)
    assert (first.state.phase, first.effects) == (Phase.LOOKING, ())
    assert isinstance(first.state.op, Operation | None)
