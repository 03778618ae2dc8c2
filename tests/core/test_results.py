"""Many answers -> the one trigger that ends blocking or allowing: each condition by itself."""

from dataclasses import replace

import pytest

from redundancyd.core.heartbeat import Heartbeat
from redundancyd.core.results import allow_result, block_result, came_about
from redundancyd.core.state import Phase
from redundancyd.core.systems import Goal, Kind, Method, Methods, Origin, Reload, Server, Traffic, Word
from redundancyd.core.takeover import Trigger
from tests.core.table_top import A1, A2, ALTERNATE, P1, P2, PRIMARY, SETTINGS, first_goal
from tests.core.values import HEARD, LOST, NOW, UNSURE, Change, Views, state, status_of, under_way

REFUSED: Change = {"status": None, "fresh": False, "refused": "broken"}
UNREAD: Change = {"status": None, "fresh": True}
NO_ANSWER: Change = {"status": None, "fresh": False, "deaf": False}
GONE: Change = {"status": None, "fresh": False, "connected": False, "heard_at": None, "unreached": "reset"}
GONE_REFUSED: Change = {**GONE, "refused": "broken"}
GONE_ALIVE: Change = {**GONE, "heard_at": NOW}
FENCED_AND_GONE: Change = {"connected": False, "heard_at": NOW}
TO_ALTERNATE = first_goal(ALTERNATE, 5, done=False, kind=Kind.PLANNED)
TO_PRIMARY = first_goal(PRIMARY, 5, done=False, kind=Kind.PLANNED)


def blocked(
    goal: Goal,
    views: Views,
    heart: Heartbeat = HEARD,
    *,
    tried: tuple[Server, ...] = (P1, P2, A1, A2),
    deadline_at: int = NOW,
    waiting: tuple[Server, ...] = (),
) -> Trigger | None:
    """How blocking ends."""
    op = under_way(Word.BLOCK, *waiting, tried=tried, deadline_at=deadline_at)
    return block_result(state(goal, views=views, heart=heart, phase=Phase.BLOCKING, op=op), goal)


def allowed(goal: Goal, views: Views, heart: Heartbeat = HEARD, **more: object) -> Trigger | None:
    """How allowing ends."""
    op = under_way(Word.ALLOW, tried=(P1, P2, A1, A2))
    made = state(goal, views=views, heart=heart, phase=Phase.ALLOWING, op=op, **more)  # type: ignore[arg-type]
    return allow_result(made, goal)


@pytest.mark.S5
@pytest.mark.parametrize(
    ("views", "heart", "tried", "expected"),
    [
        ({}, HEARD, (P1, P2), Trigger.BLOCKED),
        ({P2: REFUSED}, HEARD, (P1, P2), Trigger.FAILED),
        ({P2: REFUSED}, LOST, (P1, P2), Trigger.FAILED),
        ({P2: UNREAD}, LOST, (P1, P2), Trigger.FAILED),
        ({P2: NO_ANSWER}, HEARD, (P1, P2), Trigger.FAILED),
        ({P2: NO_ANSWER}, LOST, (P1, P2), Trigger.NOT_ALL_BLOCKED),
        ({P2: GONE}, HEARD, (P1, P2), Trigger.FAILED),
        ({P2: GONE}, LOST, (P1, P2), Trigger.NOT_ALL_BLOCKED),
        ({P2: GONE_REFUSED}, LOST, (P1, P2), Trigger.NOT_ALL_BLOCKED),
        ({P2: GONE}, HEARD, (P1,), Trigger.NOT_ALL_BLOCKED),
        ({P2: GONE_ALIVE}, HEARD, (P1,), Trigger.FAILED),
        ({P2: {**GONE, "heard_at": NOW - 3000}}, HEARD, (P1,), Trigger.FAILED),
        ({P2: {**GONE, "heard_at": NOW - 3001}}, HEARD, (P1,), Trigger.NOT_ALL_BLOCKED),
    ],
)
def test_how_blocking_for_a_planned_takeover_ends(
    views: Views, heart: Heartbeat, tried: tuple[Server, ...], expected: Trigger
):
    """
    One LIM of the primary that is alive and not blocked undoes it; one that is lost with the primary does not.
    """
    assert blocked(TO_ALTERNATE, views, heart, tried=tried) is expected


@pytest.mark.S5
def test_a_lost_primary_excuses_no_lim_of_the_alternate():
    """
    To the primary, which is lost: a LIM of the alternate that was ordered and is gone undoes it all the same.
    """
    assert blocked(TO_PRIMARY, {A2: GONE}, LOST) is Trigger.FAILED


@pytest.mark.S5
def test_a_lim_that_the_operator_accepts_as_missing_undoes_nothing():
    """
    Named by the operator, it may refuse; another may not.
    """
    accepting = replace(TO_ALTERNATE, accepted=("primary-2",))
    assert blocked(accepting, {P2: REFUSED}) is Trigger.NOT_ALL_BLOCKED
    assert blocked(accepting, {P1: REFUSED, P2: REFUSED}) is Trigger.FAILED


@pytest.mark.S5
@pytest.mark.parametrize(
    ("views", "heart", "expected"),
    [
        ({P2: REFUSED}, LOST, Trigger.NOT_ALL_BLOCKED),
        ({P2: REFUSED}, HEARD, Trigger.FAILED),
        ({P2: GONE}, HEARD, Trigger.NOT_ALL_BLOCKED),
        ({P2: GONE_REFUSED}, HEARD, Trigger.NOT_ALL_BLOCKED),
        ({P2: NO_ANSWER}, HEARD, Trigger.NOT_ALL_BLOCKED),
        ({P1: NO_ANSWER, P2: REFUSED}, HEARD, Trigger.FAILED),
        ({P2: REFUSED}, UNSURE, Trigger.NOT_ALL_BLOCKED),
    ],
)
def test_how_blocking_for_an_automatic_takeover_ends(views: Views, heart: Heartbeat, expected: Trigger):
    """
    It goes on with what follows; a refusal counts only once the primary is heard after all.
    """
    goal = replace(TO_ALTERNATE, kind=Kind.AUTOMATIC)
    assert blocked(goal, views, heart) is expected


@pytest.mark.parametrize("goal", [replace(TO_ALTERNATE, kind=Kind.FORCED), replace(TO_ALTERNATE, done=True)])
def test_undoing_and_repairing_take_what_can_be_reached(goal: Goal):
    """
    A refusal stops neither.
    """
    assert blocked(goal, {P2: REFUSED}) is Trigger.NOT_ALL_BLOCKED


@pytest.mark.parametrize(
    ("views", "waiting", "deadline_at", "over"),
    [
        ({P2: NO_ANSWER}, (P2,), NOW + 1, False),
        ({P2: NO_ANSWER}, (P2,), NOW, True),
        ({P2: NO_ANSWER}, (P1,), NOW + 1, True),
        ({}, (P2,), NOW + 1, True),
    ],
)
def test_whose_answer_is_waited_for(views: Views, waiting: tuple[Server, ...], deadline_at: int, over: bool):
    """
    Until its deadline, and only while a server that is waited for is not as wanted.
    """
    ended = blocked(TO_ALTERNATE, views, waiting=waiting, deadline_at=deadline_at)
    assert (ended is not None) == over


@pytest.mark.S1
@pytest.mark.parametrize(
    ("views", "tried", "late"),
    [
        ({P2: UNREAD}, (P1,), True),
        ({P2: UNREAD}, (P1, P2), False),
        ({}, (P1,), False),
        ({A2: UNREAD}, (P1, P2), False),
    ],
)
def test_who_comes_late_is_blocked_too(views: Views, tried: tuple[Server, ...], late: bool):
    """
    A server of the passive system that came into reach meanwhile and was not tried, in either phase.
    """
    assert (blocked(TO_ALTERNATE, views, tried=tried) is Trigger.SEEN_OTHERWISE) == late
    op = under_way(Word.ALLOW, tried=tried)
    found = allow_result(state(TO_ALTERNATE, views=views, phase=Phase.ALLOWING, op=op), TO_ALTERNATE)
    assert (found is Trigger.SEEN_OTHERWISE) == late


ALL_REFUSE: Views = {A1: REFUSED, A2: REFUSED}
OLD_GONE: Views = {P1: GONE, P2: GONE}
AUTOMATIC_GOAL = replace(TO_ALTERNATE, kind=Kind.AUTOMATIC)


@pytest.mark.S5
@pytest.mark.parametrize(
    ("goal", "views", "expected"),
    [
        (TO_ALTERNATE, {}, Trigger.ALLOWED),
        (TO_ALTERNATE, {A2: REFUSED}, Trigger.FAILED),
        (TO_ALTERNATE, {A2: REFUSED, **OLD_GONE}, Trigger.NOT_ALL_ALLOWED),
        (replace(TO_ALTERNATE, done=True), {A2: REFUSED}, Trigger.NOT_ALL_ALLOWED),
        (replace(TO_ALTERNATE, accepted=("2",)), {A2: REFUSED}, Trigger.ALLOWED),
        (replace(TO_ALTERNATE, accepted=("2",)), {A1: REFUSED}, Trigger.FAILED),
        (AUTOMATIC_GOAL, {A2: REFUSED}, Trigger.NOT_ALL_ALLOWED),
        (AUTOMATIC_GOAL, ALL_REFUSE, Trigger.FAILED),
        (AUTOMATIC_GOAL, {**ALL_REFUSE, P1: GONE}, Trigger.FAILED),
        (AUTOMATIC_GOAL, {**ALL_REFUSE, **OLD_GONE}, Trigger.NONE_ALLOWED),
        (replace(AUTOMATIC_GOAL, accepted=("1", "2")), ALL_REFUSE, Trigger.FAILED),
    ],
)
def test_how_allowing_ends(goal: Goal, views: Views, expected: Trigger):
    """
    A planned takeover wants all, an automatic one anybody; none at all goes back while the old system can be reached.
    """
    assert allowed(goal, views) is expected


@pytest.mark.S5
@pytest.mark.parametrize(
    ("flips", "ago", "expected"),
    [
        (1, 0, Trigger.FAILED),
        (2, 4999, Trigger.NONE_ALLOWED),
        (2, 5000, Trigger.FAILED),
        (3, 4999, Trigger.NONE_ALLOWED),
    ],
)
def test_two_broken_systems_do_not_spin(flips: int, ago: int, expected: Trigger):
    """
    Back and forward once without waiting, then once a look.
    """
    goal = replace(AUTOMATIC_GOAL, flips=flips, decided_at=NOW - ago)
    assert allowed(goal, ALL_REFUSE) is expected


def fenced(server: Server) -> Change:
    """Out of reach, and last seen blocked by our order."""
    return {**FENCED_AND_GONE, "status": status_of(first_goal(ALTERNATE, 4), server)}


@pytest.mark.S4
@pytest.mark.parametrize(
    ("views", "heart", "expected"),
    [
        ({P1: REFUSED, P2: REFUSED}, HEARD, Trigger.FAILED),
        ({P1: REFUSED, P2: NO_ANSWER}, HEARD, Trigger.NONE_ALLOWED),
        ({P1: REFUSED, P2: GONE}, HEARD, Trigger.NONE_ALLOWED),
        ({P1: REFUSED, P2: GONE_REFUSED}, HEARD, Trigger.NONE_ALLOWED),
        ({P1: REFUSED, P2: GONE}, LOST, Trigger.FAILED),
        ({P1: REFUSED, P2: GONE_ALIVE}, LOST, Trigger.NONE_ALLOWED),
        ({P1: fenced(P1), P2: fenced(P2)}, HEARD, Trigger.FAILED),
    ],
)
def test_the_primary_is_left_only_when_it_surely_carries_nothing(views: Views, heart: Heartbeat, expected: Trigger):
    """
    Each of its servers refused, or is fenced, or was silent all the time of its loss; a slow channel shows nothing.
    """
    assert allowed(replace(TO_PRIMARY, kind=Kind.FORCED), views, heart) is expected


DONE = first_goal(PRIMARY, 5, kind=Kind.FORCED)
DONE_ALTERNATE = first_goal(ALTERNATE, 5, kind=Kind.FORCED)
BOTH_REFUSE: Views = {P1: REFUSED, P2: REFUSED}


@pytest.mark.S6
@pytest.mark.parametrize(
    ("goal", "views", "more", "expected"),
    [
        (DONE, BOTH_REFUSE, {}, Trigger.FAILED),
        (replace(DONE, by_operator=True), BOTH_REFUSE, {}, Trigger.NONE_ALLOWED),
        (DONE, BOTH_REFUSE, {"heart": replace(HEARD, control_answers=False)}, Trigger.NONE_ALLOWED),
        (DONE, BOTH_REFUSE, {"methods": Methods(Method.MANUAL, Method.AUTOMATIC)}, Trigger.NONE_ALLOWED),
        (DONE, {P1: fenced(P1), P2: fenced(P2)}, {}, Trigger.NONE_ALLOWED),
        (DONE_ALTERNATE, ALL_REFUSE, {"methods": Methods(Method.AUTOMATIC, Method.AUTOMATIC)}, Trigger.FAILED),
        (DONE_ALTERNATE, ALL_REFUSE, {"methods": Methods(Method.AUTOMATIC, Method.MANUAL)}, Trigger.NONE_ALLOWED),
        (
            DONE_ALTERNATE,
            ALL_REFUSE,
            {"methods": Methods(Method.AUTOMATIC, Method.AUTOMATIC), "heart": replace(HEARD, control_answers=False)},
            Trigger.FAILED,
        ),
        (
            DONE_ALTERNATE,
            {A1: NO_ANSWER, A2: REFUSED},
            {"methods": Methods(Method.AUTOMATIC, Method.AUTOMATIC)},
            Trigger.FAILED,
        ),
        (
            DONE_ALTERNATE,
            {A1: NO_ANSWER, A2: GONE_REFUSED},
            {"methods": Methods(Method.AUTOMATIC, Method.AUTOMATIC)},
            Trigger.NONE_ALLOWED,
        ),
        (
            DONE_ALTERNATE,
            {A1: NO_ANSWER, A2: NO_ANSWER},
            {"methods": Methods(Method.AUTOMATIC, Method.AUTOMATIC)},
            Trigger.NONE_ALLOWED,
        ),
    ],
)
def test_a_goal_that_was_reached_is_left_only_like_an_automatic_takeover(
    goal: Goal, views: Views, more: dict[str, object], expected: Trigger
):
    """
    Somebody refuses, the operator has not ordered it, we are not isolated, and no method holds it.
    """
    heart = more.pop("heart", HEARD) if "heart" in (more := dict(more)) else HEARD
    assert allowed(goal, views, heart, **more) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        ({}, Trigger.ALLOWED),
        ({A2: REFUSED}, None),
        (ALL_REFUSE, Trigger.FAILED),
        ({**ALL_REFUSE, **OLD_GONE}, None),
    ],
)
def test_what_looking_finds_of_a_takeover_under_way(views: Views, expected: Trigger | None):
    """
    Done after all, or to be undone after all.
    """
    assert came_about(state(AUTOMATIC_GOAL, views=views), AUTOMATIC_GOAL) is expected


def test_a_lim_that_is_allowed_by_hand_has_not_followed():
    """
    Only our order of this number counts.
    """
    by_hand = {A2: {"status": status_of(TO_ALTERNATE, A2, origin=Origin.HAND)}}
    assert allowed(AUTOMATIC_GOAL, by_hand) is Trigger.NOT_ALL_ALLOWED
    assert Traffic.ALLOWED is Word.ALLOW.traffic
    assert SETTINGS.look_interval_ms == 5000


@pytest.mark.parametrize(("until", "expected"), [(NOW + 1, None), (NOW, Trigger.FAILED)])
def test_a_return_that_failed_is_not_undone_to_an_alternate_that_loads(until: int, expected: Trigger | None):
    """
    The way back is open when the load has ended, or its time is over.
    """
    goal = replace(TO_PRIMARY, kind=Kind.FORCED)
    found = state(goal, views={P1: REFUSED, P2: REFUSED}, reload=Reload(7, until))
    assert came_about(found, goal) is expected
