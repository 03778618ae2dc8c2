"""What one server last said, and what many amount to."""

from dataclasses import replace

import pytest

from redundancyd.core import seen
from redundancyd.core.events import Answered, Refused, Unreached
from redundancyd.core.seen import View, take_answer
from redundancyd.core.systems import Origin, Status, System, Traffic, Word
from tests.core.table_top import A1, A2, ALTERNATE, P1, P2, PRIMARY, US, first_goal
from tests.core.values import NOW, Change, state, status_of

GOAL = first_goal(PRIMARY, 5)
STATUS = status_of(GOAL, A1)
OLD = status_of(first_goal(ALTERNATE, 4), A1)


def but(view: View, *several: Change, **changes: object) -> View:
    """The view with this changed."""
    for each in (*several, changes):
        view = replace(view, **each)  # type: ignore[arg-type]
    return view


BEFORE = View(
    A1,
    connected=True,
    fresh=True,
    status=OLD,
    status_op=3,
    deaf=True,
    contact_at=1,
    heard_at=1,
    doubtful=True,
    refused="refused before",
    unread="unread before",
    unreached="unreached before",
)


@pytest.mark.parametrize("op", [3, 4])
def test_a_look_that_is_answered_leaves_only_the_last_orders_refusal(op: int):
    """
    What the rules do is known anew; that an order was not followed stands until one is.
    """
    known = {"status": STATUS, "status_op": op, "contact_at": 50, "heard_at": 50}
    cleared = {"deaf": False, "doubtful": False, "unread": "", "unreached": ""}
    assert take_answer(BEFORE, Answered(op, A1, STATUS, 50), looked=True) == but(BEFORE, known, cleared)


def test_an_order_that_is_followed_clears_everything_and_is_to_be_looked_at():
    """
    Followed is not looked at: the next look is what counts as fresh.
    """
    known = {"status": STATUS, "status_op": 4, "contact_at": 50, "heard_at": 50, "fresh": False}
    cleared = {"deaf": False, "doubtful": False, "refused": "", "unread": "", "unreached": ""}
    assert take_answer(BEFORE, Answered(4, A1, STATUS, 50), looked=False) == but(BEFORE, known, cleared)


def test_an_answer_older_than_what_is_known_is_no_news():
    """
    A look that was overtaken by an order changes nothing.
    """
    assert take_answer(BEFORE, Answered(2, A1, STATUS, 50), looked=True) == BEFORE


@pytest.mark.parametrize("status", [STATUS, None])
def test_a_look_that_is_refused_is_why_the_rules_cannot_be_read(status: Status | None):
    """
    It is as fresh as what came with it, and what was known before stays known.
    """
    answer = Refused("state_torn", "damaged", status)
    known = {"status": status or OLD, "status_op": 4, "contact_at": 50, "heard_at": 50, "fresh": status is not None}
    cleared = {"deaf": False, "unreached": "", "unread": "state_torn: damaged"}
    assert take_answer(BEFORE, Answered(4, A1, answer, 50), looked=True) == but(BEFORE, known, cleared)


def test_an_order_that_is_refused_is_remembered_with_its_reason():
    """
    Its outcome was in doubt before, and stays so until something is read.
    """
    known = {"status": STATUS, "status_op": 4, "contact_at": 50, "heard_at": 50, "fresh": False}
    cleared = {"deaf": False, "unreached": "", "refused": "iptables_failed"}
    answer = Refused("iptables_failed", "", STATUS)
    assert take_answer(BEFORE, Answered(4, A1, answer, 50), looked=False) == but(BEFORE, known, cleared)


@pytest.mark.parametrize("looked", [True, False])
@pytest.mark.parametrize("doubtful", [True, False])
def test_no_answer_leaves_an_order_in_doubt_and_a_look_unanswered(looked: bool, doubtful: bool):
    """
    Only an order puts its outcome in doubt, and no later look that fails takes the doubt away.
    """
    before = but(BEFORE, deaf=False, doubtful=doubtful)
    after = take_answer(before, Answered(4, A1, Unreached("silent"), 50), looked=looked)
    assert after == but(before, unreached="silent", fresh=False, deaf=True, doubtful=doubtful or not looked)


def test_one_server_speaks_for_its_system():
    """
    One allowed is not wholly blocked, one connected can be ordered.
    """
    half: dict[str, object] = {"status": replace(status_of(GOAL, A2), traffic=Traffic.MIXED)}
    views = state(GOAL, views={A2: half, A1: {"connected": False}}).views
    assert (seen.any_allowed(views, ALTERNATE), seen.answers(views, ALTERNATE)) == (True, True)


@pytest.mark.parametrize(
    ("number", "word", "against"),
    [
        (6, Word.BLOCK, True),
        (5, Word.ALLOW, True),
        (5, Word.BLOCK, False),
        (4, Word.ALLOW, False),
        (0, Word.NONE, False),
    ],
)
def test_what_contradicts_a_goal(number: int, word: Word, against: bool):
    """
    A higher number, or the same with the other word; an order that was never given is none.
    """
    view = View(A1, status=replace(STATUS, number=number, word=word))
    assert seen.contradicts(view, GOAL) == against
    assert not seen.contradicts(View(A1, status=replace(STATUS, number=0, word=Word.NONE)), replace(GOAL, number=0))


@pytest.mark.parametrize(
    ("supervisor", "number", "foreign"),
    [("them.run1", 5, True), ("us.run1", 5, False), ("us.run9", 5, True), ("them.run1", 0, False), ("", 5, False)],
)
def test_whose_order_is_foreign(supervisor: str, number: int, foreign: bool):
    """
    One that none of our runs gave; without a number there was no order.
    """
    view = View(A1, status=replace(STATUS, supervisor=supervisor, number=number))
    assert seen.is_foreign(view, US) == foreign


def test_the_highest_number_and_what_it_made_active():
    """
    The words of the highest number count, whoever holds them; an order that was never given says nothing.
    """
    lower = {"status": replace(status_of(GOAL, P1), number=4)}
    never = {"status": Status(Traffic.ALLOWED, 9, Word.NONE, "", Origin.NONE)}
    moved = {"status": replace(STATUS, number=9, word=Word.ALLOW)}
    blocked = {"status": replace(status_of(GOAL, P2), number=9, word=Word.BLOCK)}
    assert seen.highest_number(state(GOAL, views={P1: lower, A1: moved}).views) == 9
    assert seen.active_by_words(state(GOAL, views={A1: never, A2: moved}).views, 9) is ALTERNATE
    assert seen.active_by_words(state(GOAL, views={P2: blocked}).views, 9) is ALTERNATE
    assert seen.active_by_words(state(GOAL, views={P1: lower}).views, 9) is None
    assert seen.highest_number(()) == 0


def test_the_one_system_that_is_allowed():
    """
    Both, or none, is not one; what was never read is neither.
    """
    assert seen.the_one_allowed(state(GOAL).views) is PRIMARY
    assert seen.the_one_allowed(state(GOAL, views={P1: {"status": None}}).views) is PRIMARY
    both = {A1: {"status": replace(STATUS, traffic=Traffic.ALLOWED)}}
    assert seen.the_one_allowed(state(GOAL, views=both).views) is None


def test_who_was_allowed_by_hand():
    """
    Blocked by hand is not allowed by hand, nor is what we ordered.
    """
    by_hand = replace(status_of(GOAL, P1), origin=Origin.HAND)
    blocked = replace(status_of(GOAL, P2), origin=Origin.HAND, traffic=Traffic.BLOCKED)
    views = state(GOAL, views={P1: {"status": by_hand}, P2: {"status": blocked}}).views
    assert [view.server for view in seen.allowed_by_hand(views, PRIMARY)] == [P1]
    assert seen.allowed_by_hand(state(GOAL).views, System.PRIMARY) == ()


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, True),
        ({"traffic": Traffic.MIXED}, False),
        ({"number": 4}, False),
        ({"word": Word.ALLOW}, False),
        ({"origin": Origin.HOLD}, False),
        ({"supervisor": "them.run1"}, False),
    ],
)
def test_a_server_is_as_wanted_by_our_order_of_this_number_alone(changes: dict[str, object], wanted: bool):
    """
    Blocked by chance, by hand, by another number or by somebody else is not as wanted.
    """
    view = View(A1, status=replace(STATUS, **changes))  # type: ignore[arg-type]
    assert view.is_as_wanted(GOAL, US) == wanted


@pytest.mark.parametrize(
    ("server", "changes", "needs", "known"),
    [
        (A1, {}, False, False),
        (A1, {"deaf": True}, True, True),
        (P1, {"deaf": True}, False, False),
        (A1, {"status": None}, True, True),
        (A1, {"status": None, "fresh": False}, True, False),
        (A1, {"status": None, "fresh": False, "deaf": True}, True, True),
        (A1, {"status": None, "connected": False}, True, False),
    ],
)
def test_who_needs_an_order_and_of_whom_that_is_known(
    server: object, changes: dict[str, object], needs: bool, known: bool
):
    """
    Who leaves looks unanswered is ordered to block, never to allow, whatever he said before.
    """
    view = next(view for view in state(GOAL, views={A1: changes, P1: changes}).views if view.server == server)
    assert (view.needs_order(GOAL, US), view.is_known_otherwise(GOAL, US)) == (needs, known)


@pytest.mark.parametrize(
    ("changes", "doubtful", "fenced"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"traffic": Traffic.ALLOWED}, False, False),
        ({"word": Word.ALLOW}, False, False),
        ({"origin": Origin.HOLD}, False, False),
    ],
)
def test_a_server_is_fenced_by_an_order_of_known_outcome(changes: dict[str, object], doubtful: bool, fenced: bool):
    """
    Seen blocked, told to block, by an order, and nothing ordered since whose outcome is not known.
    """
    view = View(A1, status=replace(STATUS, **changes), doubtful=doubtful)  # type: ignore[arg-type]
    assert view.is_fenced() == fenced


@pytest.mark.parametrize(
    ("heard_at", "since", "heard"), [(5, 5, True), (4, 5, False), (None, 5, False), (5, None, False)]
)
def test_a_sign_of_life_counts_from_its_instant(heard_at: int | None, since: int | None, heard: bool):
    """
    At that very instant it counts.
    """
    assert View(A1, heard_at=heard_at).heard_since(since) == heard


def test_a_system_has_the_lims_of_which_one_server_holds():
    """
    Each LIM number once, and only of that system.
    """
    views = state(GOAL, views={P2: {"heard_at": NOW - 10}}).views
    assert seen.in_reach(views, PRIMARY, NOW) == {1}
    assert seen.in_reach(views, ALTERNATE, NOW) == {1, 2}
