"""What an event teaches, and when a manual takeover is refused."""

from dataclasses import replace

import pytest

from redundancyd.core.decision import step
from redundancyd.core.effects import Refuse, SaveGoal
from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Connected,
    Event,
    FactsSeen,
    LatchAcknowledged,
    OperatorAsked,
    OperatorConfirmed,
    Reply,
    ServersHeard,
    Woke,
)
from redundancyd.core.heartbeat import Heartbeat
from redundancyd.core.learn import learn, refusal
from redundancyd.core.state import Note, Phase, State
from redundancyd.core.systems import Kind, Origin, Server, Traffic, Word
from tests.core.table_top import A1, A2, ALTERNATE, P1, P2, PRIMARY, first_goal
from tests.core.values import LOST, NOW, Views, state, status_of, under_way

BEATEN = Heartbeat(heard=True, control_answers=True, last_started_at=NOW - 1000)
TO_ALTERNATE = first_goal(ALTERNATE, 5, done=False, kind=Kind.PLANNED)


def test_what_servers_say_of_themselves():
    """
    Each event changes what is known of its server and of nobody else.
    """
    blank: Views = {A1: {"connected": False, "fresh": False, "unreached": "reset", "heard_at": None}}
    now = state(views=blank)
    heard = step(now, ServersHeard(frozenset({A1}), NOW - 5, NOW)).state
    assert (heard.view(A1).heard_at, heard.view(A2).heard_at) == (NOW - 5, NOW)
    opened = step(now, Connected(A1, NOW)).state.view(A1)
    assert (opened.connected, opened.fresh, opened.unreached, opened.heard_at) == (True, False, "", NOW)
    again = step(state(), Connected(A1, NOW)).state.view(A1)
    assert not again.fresh
    lost = step(state(), ChannelLost(A1, "keepalive", NOW)).state.view(A1)
    assert (lost.connected, lost.fresh, lost.unreached, lost.doubtful) == (False, False, "keepalive", False)
    facts = step(state(), FactsSeen(P1, False, False, (1, 2, 3), NOW + 1)).state.view(P1)
    assert (facts.exchange_running, facts.hears_control) == (False, False)
    assert (facts.lims, facts.facts_at) == ((1, 2, 3), NOW + 1)


@pytest.mark.parametrize(("server", "doubtful"), [(A1, True), (A2, False)])
def test_a_channel_lost_during_an_order_leaves_its_outcome_in_doubt(server: Server, doubtful: bool):
    """
    Only for who was ordered; and nobody waits for it any more.
    """
    op = under_way(Word.BLOCK, A1, P1, tried=(A1,), deadline_at=NOW + 50)
    views: Views = {A1: {"status": None, "fresh": False}, P1: {"status": None, "fresh": False}}
    after = step(state(views=views, phase=Phase.BLOCKING, op=op), ChannelLost(server, "reset", NOW)).state
    assert after.view(server).doubtful == doubtful
    assert after.op is not None
    assert after.op.waiting == {A1, P1} - {server}


@pytest.mark.parametrize(("op", "waiting"), [(7, {P1}), (6, {A1, P1})])
def test_an_answer_ends_the_waiting_for_its_own_order_only(op: int, waiting: set[Server]):
    """
    An answer to an older order is none to this one.
    """
    order = under_way(Word.BLOCK, A1, P1, tried=(A1,), deadline_at=NOW + 50)
    views: Views = {A1: {"status": None, "fresh": False}, P1: {"status": None, "fresh": False}}
    now = state(views=views, phase=Phase.BLOCKING, op=order)
    after = step(now, Answered(op, A1, status_of(first_goal(), A1, origin=Origin.HAND), NOW)).state
    assert after.op is not None
    assert after.op.waiting == waiting


@pytest.mark.parametrize(
    ("now", "beat_at", "since"),
    [
        (state(), NOW, NOW),
        (state(stable_since=NOW - 50), NOW, NOW - 50),
        (state(stable_since=NOW - 50, views={P1: {"exchange_running": False}}), NOW, None),
        (state(stable_since=None, views={A1: {"exchange_running": False}}), NOW, NOW),
        (state(stable_since=NOW - 50, heart=LOST), NOW, None),
    ],
)
def test_since_when_the_primary_is_heard_and_ready(now: State, beat_at: int, since: int | None):
    """
    Without a break, and it is the primary that counts.
    """
    assert step(now, Woke(beat_at)).state.stable_since == since


def test_time_never_goes_back():
    """
    An event that was read late does not make the others younger.
    """
    assert step(state(), Woke(NOW - 500)).state.now == NOW
    assert step(state(), Beat(Reply.ANSWERED, Reply.ANSWERED, NOW, NOW + 5)).state.now == NOW + 5


BUSY = under_way(Word.BLOCK, P1, tried=(P1, P2), deadline_at=NOW + 50)
REPAIRED: Views = {A1: {"status": status_of(first_goal(), A1, traffic=Traffic.MIXED), "fresh": False}}


@pytest.mark.S6
@pytest.mark.parametrize(
    ("now", "active", "more", "code"),
    [
        (state(), ALTERNATE, {}, None),
        (state(phase=Phase.WATCHING), ALTERNATE, {}, "foreign_supervisor"),
        (state(phase=Phase.LOOKING), ALTERNATE, {}, "under_way"),
        (state(phase=Phase.SAVING), PRIMARY, {}, "under_way"),
        (state(asked=OperatorAsked(PRIMARY, 1, "other", NOW)), ALTERNATE, {}, "under_way"),
        (state(TO_ALTERNATE, phase=Phase.BLOCKING, op=BUSY), PRIMARY, {}, "under_way"),
        (state(replace(TO_ALTERNATE), op=None), PRIMARY, {}, None),
        (state(phase=Phase.BLOCKING, op=BUSY, views=REPAIRED), PRIMARY, {}, None),
        (state(), PRIMARY, {"revert_after_ms": 70}, "nothing_to_revert"),
        (state(), ALTERNATE, {"revert_after_ms": 70}, None),
        (state(views={A2: {"exchange_running": False}}), ALTERNATE, {}, "not_ready"),
        (state(views={A2: {"exchange_running": False}}), ALTERNATE, {"accept": ("2",)}, None),
    ],
)
def test_when_a_manual_takeover_is_refused(now: State, active: object, more: dict[str, object], code: str | None):
    """
    Each reason has its own code; a repair under way is none.
    """
    asked = OperatorAsked(active, 9, "tester", NOW, **more)  # type: ignore[arg-type]
    refused = refusal(now, asked)
    assert (refused and refused.code) == code


@pytest.mark.L2
@pytest.mark.parametrize("event", [OperatorConfirmed(9, "tester", NOW), LatchAcknowledged(9, "tester", NOW)])
@pytest.mark.parametrize("phase", [Phase.SAVING, Phase.RESTING])
def test_a_goal_is_not_changed_while_another_is_being_saved(event: Event, phase: Phase):
    """
    Two goals on their way to the disk would be one too many; at rest it is saved.
    """
    goal = first_goal(ALTERNATE, 5, revert_at=NOW + 900, latched=True)
    effects = step(state(goal, phase=phase, saving=3), event).effects
    refused = [effect.code for effect in effects if isinstance(effect, Refuse)]
    saved = [effect.request for effect in effects if isinstance(effect, SaveGoal)]
    assert (refused, saved) == ((["under_way"], []) if phase is Phase.SAVING else ([], [9]))


def test_a_note_stands_for_ten_minutes():
    """
    Then it is forgotten, whatever happens.
    """
    old, young = (Note("stalled", "daemon", "stood still", NOW - ms) for ms in (600_000, 599_999))
    assert step(state(notes=(old, young)), Woke(NOW)).state.notes == (young,)


def test_a_channel_of_a_server_that_is_not_listed_teaches_nothing():
    """
    The settings were changed, and its channel opens a last time.
    """
    stranger = Server(ALTERNATE, 9, "198.51.100.99")
    after = step(state(), Connected(stranger, NOW))
    assert (after.effects, after.state.views) == ((), state().views)


def test_a_beat_that_comes_late_is_one_stall_and_counts_for_nothing():
    """
    It begins the window anew, and is no first missed beat of it; an ordinary beat is no stall at all.
    """
    ordinary = learn(state(heart=BEATEN), Beat(Reply.SILENT, Reply.ANSWERED, NOW, NOW + 500)).state
    assert (ordinary.heart.missed, ordinary.heart.stalls) == (1, 0)
    assert ordinary.notes == ()
    start = NOW + 60_000
    late = learn(state(heart=BEATEN), Beat(Reply.SILENT, Reply.ANSWERED, start, start + 500)).state
    assert (late.heart.missed, late.heart.stalls) == (0, 1)
    assert [note.name for note in late.notes] == ["stalled"]
