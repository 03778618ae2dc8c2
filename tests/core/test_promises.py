"""DESIGN's promises, one by one, as far as the decision can keep or break them."""

from dataclasses import replace

import pytest

from redundancyd.core import heartbeat
from redundancyd.core.alarms import alarms
from redundancyd.core.events import (
    Beat,
    ChannelLost,
    Connected,
    LatchAcknowledged,
    MethodSet,
    OperatorAdopted,
    OperatorConfirmed,
    Reply,
)
from redundancyd.core.heartbeat import Verdict
from redundancyd.core.state import Phase
from redundancyd.core.systems import Direction, Kind, Method, Methods, Origin, Server, Traffic, Word
from tests.core.table_top import (
    A1,
    A2,
    ALTERNATE,
    DELAY_MS,
    P1,
    P2,
    PRIMARY,
    SETTINGS,
    TableTop,
    first_goal,
)

BOTH_AUTOMATIC = Methods(Method.AUTOMATIC, Method.AUTOMATIC)


def rested(**more: object) -> TableTop:
    """A table top at rest, everything heard and ready."""
    top = TableTop(**more)  # type: ignore[arg-type]
    top.beat(2)
    return top


@pytest.mark.S1
def test_a_manual_takeover_and_back_has_no_overlap():
    """
    Both systems reachable: at no instant are both allowed, in either direction.
    """
    top = rested()
    for active in (ALTERNATE, PRIMARY):
        top.order(active)
        top.beat(2)
        assert top.active() == {active}
    assert top.overlap_ms == 0
    assert [goal.number for goal in top.saved if not goal.done] == [2, 3]


@pytest.mark.S1
def test_the_new_system_is_ordered_only_after_the_old_one_was_read_back():
    """
    While one LIM of the old system has not answered, no LIM of the new one is allowed.
    """
    top = rested()
    top.lims[P2].mute.add(Word.BLOCK)
    top.order(ALTERNATE)
    top.run(900)
    assert (top.state.phase, ALTERNATE in top.active()) == (Phase.BLOCKING, False)


@pytest.mark.S2
def test_an_old_system_that_comes_back_is_blocked_at_once():
    """
    The line heals: the primary that still carried traffic is blocked within one round trip of its channel.
    """
    top = rested()
    top.cut()
    top.beat(6)
    assert top.active() == {PRIMARY, ALTERNATE}
    unfenced = {alarm.subject for alarm in alarms(top.state) if alarm.name == "unfenced"}
    assert unfenced == {P1.name, P2.name}
    top.heal()
    top.run(4 * DELAY_MS)
    assert top.active() == {ALTERNATE}
    top.beat(1)
    assert not [alarm for alarm in alarms(top.state) if alarm.name == "unfenced"]


@pytest.mark.S2
def test_a_lim_that_nobody_listed_is_unfenced():
    """
    The exchange knows a LIM 3 that the settings do not: an alarm of the gravest kind.
    """
    top = rested()
    views = tuple(replace(view, lims=(1, 2, 3)) for view in top.state.views)
    found = {alarm.handle: alarm.severity for alarm in alarms(replace(top.state, views=views))}
    assert found["unlisted_lim:primary-3"] == 4


@pytest.mark.S3
def test_a_restarted_lim_of_the_active_primary_is_allowed_again():
    """
    It holds after its boot and waits for a word; the word comes with the next look.
    """
    top = rested()
    top.power_off(PRIMARY, 2)
    top.beat(1)
    top.power_on(PRIMARY)
    top.beat(1)
    assert top.traffic(PRIMARY) == {Traffic.ALLOWED}
    assert "lim_restarted" in {alarm.name for alarm in alarms(top.state)}


@pytest.mark.S3
def test_a_primary_that_allowed_itself_is_blocked_while_the_alternate_is_active():
    """
    Its hold ran out during a cut, origin hold; when it can be reached the goal wins.
    """
    top = rested()
    top.power_off(PRIMARY)
    top.beat(6)
    top.power_on(PRIMARY)
    top.beat(1)
    for server in (P1, P2):
        top.lims[server].status = replace(top.lims[server].status, traffic=Traffic.ALLOWED, origin=Origin.HOLD)
    top.run(SETTINGS.look_interval_ms + 4 * DELAY_MS)
    assert top.active() == {ALTERNATE}


@pytest.mark.S4
def test_a_start_into_a_dead_world_takes_a_whole_window():
    """
    A restart counts as neither heard nor lost.
    """
    top = rested()
    top.power_off(PRIMARY)
    top.beat(2)
    top.start()
    top.run(2 * SETTINGS.interval_ms)
    assert top.active() == set()
    top.beat(3)
    assert top.active() == {ALTERNATE}


@pytest.mark.S4
@pytest.mark.parametrize("done", [False, True])
def test_a_start_whose_channels_open_late_takes_nothing_over(done: bool):
    """
    The primary answers its beats, and no channel opens within F or U: that is no reason to leave it.
    """
    top = TableTop(first_goal(done=done))
    for server in (P1, P2):
        top.happen(ChannelLost(server, "slow login", top.now))
        top.lims[server].deaf = True
    top.beat(20)
    assert (top.active(), top.disk and top.disk.active) == ({PRIMARY}, PRIMARY)


@pytest.mark.S4
def test_a_frozen_daemon_that_wakes_to_everything_lost_does_nothing():
    """
    30 s frozen after two missed beats; the beat under way ends unanswered, and everything is back.
    """
    top = rested()
    top.primary_answers = False
    top.beat(2)
    start = top.now
    top.now = top.next_beat = start + 30_000
    top.happen(Beat(Reply.SILENT, Reply.ANSWERED, start, top.now))
    top.primary_answers = True
    top.beat(5)
    assert (top.saved, top.active()) == ([], {PRIMARY})
    assert "stalled" in {alarm.name for alarm in alarms(top.state)}


@pytest.mark.S4
@pytest.mark.L3
def test_a_pause_never_stops_looking_and_repairing():
    """
    Manual, latched: flushed rules are put back all the same.
    """
    top = rested(goal=first_goal(latched=True), methods=Methods(Method.MANUAL, Method.MANUAL))
    top.lims[A2].status = replace(top.lims[A2].status, traffic=Traffic.TAMPERED)
    top.run(SETTINGS.look_interval_ms + 4 * DELAY_MS)
    assert top.traffic(ALTERNATE) == {Traffic.BLOCKED}


@pytest.mark.S5
@pytest.mark.parametrize("word", [Word.BLOCK, Word.ALLOW])
@pytest.mark.parametrize("how", ["refuses", "mute"])
def test_a_planned_takeover_that_one_lim_does_not_follow_is_undone(word: Word, how: str):
    """
    Refusing or vanishing, on either side: traffic is back where it was, and the operator is told why.
    """
    top = rested()
    server = P2 if word is Word.BLOCK else A2
    getattr(top.lims[server], how).add(word)
    top.order(ALTERNATE)
    top.beat(8)
    assert top.active() == {PRIMARY}
    undone = [alarm.text for alarm in alarms(top.state) if alarm.name == "takeover_undone"]
    assert server.name in undone[0]
    assert top.overlap_ms == 0


@pytest.mark.S5
def test_an_undone_takeover_names_the_lim_whose_answer_had_not_come_in_time():
    """
    Its answer is later than the deadline: there is no refusal to tell of, and the operator still learns who it was.
    """
    top = rested()
    top.lims[P2].slow_ms = 2 * top.settings.block_deadline_ms
    top.order(ALTERNATE)
    top.beat(8)
    undone = [alarm.text for alarm in alarms(top.state) if alarm.name == "takeover_undone"]
    assert undone == ["takeover 2 could not be completed: primary-2 did not answer in time"]


@pytest.mark.S5
def test_a_takeover_that_nobody_can_follow_is_undone_when_the_old_system_answers():
    """
    The master address alone is dead, the alternate cannot be allowed: back to the primary.
    """
    top = rested()
    top.primary_answers = False
    for server in (A1, A2):
        top.lims[server].refuses.add(Word.ALLOW)
    top.beat(10)
    assert top.active() == {PRIMARY}
    assert top.disk is not None
    assert top.disk.kind is Kind.FORCED


@pytest.mark.S5
def test_both_blocked_ends_as_soon_as_a_system_can_be_reached():
    """
    The alternate refuses and the primary is dead: when it comes back it is allowed.
    """
    top = rested()
    for server in (A1, A2):
        top.lims[server].refuses.add(Word.ALLOW)
    top.power_off(PRIMARY)
    top.beat(8)
    assert top.active() == set()
    top.power_on(PRIMARY)
    top.beat(8)
    assert top.active() == {PRIMARY}


@pytest.mark.S5
def test_undoing_that_cannot_reach_the_old_system_goes_forward():
    """
    The primary vanishes in the moment the operator orders: the alternate carries the traffic.
    """
    top = rested()
    top.order(ALTERNATE)
    top.power_off(PRIMARY)
    top.beat(12)
    assert top.active() == {ALTERNATE}


@pytest.mark.S5
def test_an_accepted_lim_may_be_missing():
    """
    The operator names the LIM that may be missing: its refusal undoes nothing.
    """
    top = rested()
    top.lims[A2].refuses.add(Word.ALLOW)
    top.order(ALTERNATE, accept=("alternate-2",))
    top.beat(3)
    assert top.active() == {ALTERNATE}


@pytest.mark.S6
def test_an_order_to_the_alternate_is_not_reversed_by_a_healthy_primary():
    """
    Both automatic, the primary ready for long: what the operator ordered stands.
    """
    top = rested(methods=BOTH_AUTOMATIC)
    top.order(ALTERNATE)
    top.beat(60)
    assert top.active() == {ALTERNATE}


@pytest.mark.S6
def test_an_order_to_the_primary_ends_with_the_loss_of_the_primary():
    """
    It named the primary, and that is lost.
    """
    top = rested()
    top.order(PRIMARY)
    top.beat(2)
    top.power_off(PRIMARY)
    top.beat(6)
    assert top.active() == {ALTERNATE}


@pytest.mark.S6
def test_a_takeover_with_revert_after_goes_back_by_itself_whatever_the_method():
    """
    It is the operator's own order, given in advance.
    """
    top = rested(methods=Methods(Method.MANUAL, Method.MANUAL))
    top.order(ALTERNATE, revert_after_ms=20_000)
    top.beat(18)
    assert top.active() == {ALTERNATE}
    top.beat(5)
    assert (top.active(), top.overlap_ms) == ({PRIMARY}, 0)


@pytest.mark.S6
def test_a_confirmed_takeover_stays():
    """
    Confirmed before its time: no return, and the disk knows.
    """
    top = rested()
    top.order(ALTERNATE, revert_after_ms=20_000)
    top.beat(5)
    top.happen(OperatorConfirmed(2, "tester", top.now))
    top.beat(40)
    assert top.active() == {ALTERNATE}
    assert top.disk is not None
    assert top.disk.revert_at is None


@pytest.mark.S6
def test_a_revert_waits_until_the_other_system_is_ready():
    """
    The time is over but an exchange of the primary does not run: an alarm, and no return.
    """
    top = rested()
    top.order(ALTERNATE, revert_after_ms=10_000)
    top.beat(5)
    top.lims[P2].exchange = False
    top.beat(20)
    assert top.active() == {ALTERNATE}
    assert "revert_awaits" in {alarm.name for alarm in alarms(top.state)}
    top.lims[P2].exchange = True
    top.beat(7)
    assert top.active() == {PRIMARY}


@pytest.mark.L1
@pytest.mark.parametrize("offset_ms", range(0, 1000, 50))
def test_a_silent_loss_is_taken_over_within_its_bound(offset_ms: int):
    """
    k i + t + F + U after the last answered beat, at any phase of the beat; a silent cut does not wait F for the dead.
    """
    top = rested()
    top.run(offset_ms)
    last = top.state.heart.last_answer_at or 0
    top.power_off(PRIMARY)
    top.run(20_000, until=lambda: top.active() == {ALTERNATE})
    last = max(last, top.state.heart.last_answer_at or 0)
    took = top.now - last
    k_i_t = SETTINGS.missed * SETTINGS.interval_ms + SETTINGS.timeout_ms
    assert took <= k_i_t + SETTINGS.block_deadline_ms + SETTINGS.allow_deadline_ms
    assert took <= k_i_t + 6 * DELAY_MS


@pytest.mark.L2
@pytest.mark.parametrize("after_ms", range(0, 60, 3))
def test_a_daemon_killed_during_a_takeover_finishes_it_after_its_start(after_ms: int):
    """
    Killed at any instant of a manual takeover: within 2 i + F + U of the start traffic is at the goal on disk.
    """
    top = rested()
    top.order(ALTERNATE)
    top.run(after_ms)
    acknowledged = top.disk is not None and top.disk.active is ALTERNATE
    top.start()
    bound = 2 * SETTINGS.interval_ms + SETTINGS.block_deadline_ms + SETTINGS.allow_deadline_ms
    top.run(bound)
    assert top.active() == {ALTERNATE if acknowledged else PRIMARY}
    assert top.overlap_ms == 0


@pytest.mark.L2
def test_an_order_that_cannot_be_saved_is_refused_and_changes_nothing():
    """
    A manual takeover on a broken disk: not begun.
    """
    top = rested()
    top.disk_full = True
    before = {server: lim.status for server, lim in top.lims.items()}
    top.order(ALTERNATE)
    top.beat(3)
    assert {server: lim.status for server, lim in top.lims.items()} == before
    assert "goal_not_saved" in {alarm.name for alarm in alarms(top.state)}


@pytest.mark.L2
def test_a_goal_that_the_disk_did_not_take_is_saved_later():
    """
    An automatic takeover goes on without the disk; when it has room again the goal gets there.
    """
    top = rested()
    top.disk_full = True
    top.power_off(PRIMARY)
    top.beat(6)
    assert top.active() == {ALTERNATE}
    top.disk_full = False
    top.beat(7)
    assert top.disk is not None
    assert (top.disk.active, top.state.goal_unsaved) == (ALTERNATE, "")


@pytest.mark.L3
@pytest.mark.parametrize("server", [P1, A2])
@pytest.mark.parametrize("traffic", [Traffic.ALLOWED, Traffic.BLOCKED, Traffic.MIXED, Traffic.TAMPERED])
def test_changed_rules_are_put_back_within_one_look(server: Server, traffic: Traffic):
    """
    Whatever somebody made of them, on either side, and an alarm says whose.
    """
    top = rested()
    wanted = top.lims[server].status.traffic
    top.lims[server].status = replace(top.lims[server].status, traffic=traffic)
    top.run(SETTINGS.look_interval_ms + 6 * DELAY_MS)
    assert top.lims[server].status.traffic is wanted
    noted = {alarm.subject for alarm in alarms(top.state) if alarm.name == "rules_changed"}
    assert noted == ({server.name} if traffic is not wanted else set())


@pytest.mark.L3
def test_rules_that_a_lim_put_back_itself_are_told_all_the_same():
    """
    Its own hold was faster than our look: the alarm stands, and nothing is ordered.
    """
    top = rested()
    top.lims[A2].status = replace(top.lims[A2].status, repairs=1)
    top.run(SETTINGS.look_interval_ms + 6 * DELAY_MS)
    assert "rules_changed:alternate-2" in {alarm.handle for alarm in alarms(top.state)}
    assert top.rows[-1] == "T12"


@pytest.mark.L3
def test_a_change_of_verdict_looks_at_once():
    """
    Rules flushed just before the primary falls silent are seen with the change, not a look later.
    """
    top = rested()
    top.run(100)
    looks = len(top.state.looks)
    top.primary_answers = top.control_answers = False
    top.run(3 * SETTINGS.interval_ms + SETTINGS.timeout_ms)
    assert len(top.state.looks) > looks + 1


@pytest.mark.S0
@pytest.mark.S4
def test_a_goal_of_last_month_takes_the_lims_word():
    """
    A restored disk says primary, takeover 1; the LIMs hold takeover 9 of a run we know: theirs counts.
    """
    top = rested()
    for server, lim in top.lims.items():
        word = Word.ALLOW if server.system is ALTERNATE else Word.BLOCK
        lim.status = replace(lim.status, number=9, word=word, traffic=word.traffic)
    top.start()
    top.beat(2)
    assert top.disk is not None
    assert (top.disk.active, top.disk.number, top.active()) == (ALTERNATE, 9, {ALTERNATE})


def test_a_latch_is_released_by_the_operator():
    """
    Acknowledged: automatic takeovers are possible again, and the disk knows.
    """
    top = rested(goal=first_goal(latched=True))
    top.happen(LatchAcknowledged(1, "tester", top.now))
    top.beat(1)
    assert top.disk is not None
    assert (top.disk.latched, top.refused) == (False, [])


def test_a_method_that_is_set_counts_at_once():
    """
    Manual at failure: the next loss awaits the operator.
    """
    top = rested()
    top.happen(MethodSet(Direction.ALTERNATE_FROM_PRIMARY, Method.MANUAL, top.now))
    top.power_off(PRIMARY)
    top.beat(8)
    assert top.active() == set()


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("alternate-lim-gone", "not_ready"),
        ("control-silent", "not_ready"),
        ("exchange-stopped", "not_ready"),
        ("primary-alive-without-channel", "not_ready"),
        ("under-way", "under_way"),
        ("just-started", "under_way"),
    ],
)
def test_a_manual_takeover_that_would_not_work_is_refused(what: str, code: str):
    """
    Refused with the reason, and nothing is changed.
    """
    top = rested()
    match what:
        case "alternate-lim-gone":
            top.power_off(ALTERNATE, 2)
            top.happen(ChannelLost(A2, "reset", top.now))
        case "control-silent":
            top.control_answers = False
            top.beat(2)
        case "exchange-stopped":
            top.lims[A1].exchange = False
            top.beat(6)
        case "primary-alive-without-channel":
            top.happen(ChannelLost(P1, "host key changed", top.now))
        case "under-way":
            top.lims[P1].mute.add(Word.BLOCK)
            top.order(ALTERNATE)
            top.run(20)
        case _:
            top.start()
    saved = len(top.saved)
    top.order(ALTERNATE)
    assert [refused.code for refused in top.refused] == [code]
    assert len(top.saved) == saved


def test_there_is_nothing_to_confirm_adopt_or_acknowledge_at_rest():
    """
    Each is refused with its own code.
    """
    top = rested()
    top.happen(OperatorConfirmed(1, "tester", top.now))
    top.happen(OperatorAdopted(2, "tester", top.now))
    top.happen(LatchAcknowledged(3, "tester", top.now))
    assert [refused.code for refused in top.refused] == [
        "nothing_to_confirm",
        "nothing_to_adopt",
        "nothing_to_acknowledge",
    ]


def test_lims_of_another_supervisor_can_be_adopted_without_a_goal():
    """
    The goal is lost and the LIMs hold a stranger's orders: watching, until the operator adopts.
    """
    top = rested()
    top.lose_goal()
    for lim in top.lims.values():
        lim.status = replace(lim.status, number=9, supervisor="them.run1")
    top.start()
    top.beat(2)
    assert top.state.phase is Phase.WATCHING
    top.happen(OperatorAdopted(1, "tester", top.now))
    top.beat(2)
    assert top.disk is not None
    assert (top.disk.number, top.active()) == (10, {PRIMARY})


@pytest.mark.L1
@pytest.mark.S5
def test_lims_that_never_answer_a_block_hold_no_takeover_up():
    """
    The primary's LIMs answer looks and no `block`, and their channels come back in turn: the takeover goes on.
    """
    top = rested()
    top.primary_answers = False
    for server in (P1, P2):
        top.lims[server].mute.add(Word.BLOCK)
    top.happen(ChannelLost(P2, "reset", top.now))
    top.run(500)
    top.happen(Connected(P2, top.now))
    top.beat(12)
    assert ALTERNATE in top.active()


@pytest.mark.S1
def test_an_automatic_takeover_waits_for_the_block_once_the_primary_is_heard():
    """
    It answers one beat while the goal is being saved, and its LIMs are slow to block: no overlap.
    """
    top = rested()
    top.primary_answers = False
    for server in (P1, P2):
        top.lims[server].slow_ms = 400
    top.run(20_000, until=lambda: "T01" in top.rows)
    top.happen(Beat(Reply.ANSWERED, Reply.ANSWERED, top.now, top.now))
    top.beat(3)
    assert (top.active(), top.overlap_ms) == ({ALTERNATE}, 0)


@pytest.mark.S5
def test_an_automatic_takeover_is_undone_by_a_refusal_once_the_primary_is_heard():
    """
    It goes on against a refusal only while the verdict is lost.
    """
    top = rested()
    top.primary_answers = False
    for server in (P1, P2):
        top.lims[server].refuses.add(Word.BLOCK)
    top.run(20_000, until=lambda: "T01" in top.rows)
    top.primary_answers = True
    top.happen(Beat(Reply.ANSWERED, Reply.ANSWERED, top.now, top.now))
    top.beat(6)
    assert top.active() == {PRIMARY}


@pytest.mark.S2
@pytest.mark.parametrize("how", ["silent", "unreadable"])
def test_a_lim_whose_looks_fail_is_ordered_to_block_all_the_same(how: str):
    """
    Its rules were flushed, and it answers no look, or refuses it: `block` is harmless and mends it.
    """
    top = rested()
    setattr(top.lims[A2], how, True)
    top.lims[A2].status = replace(top.lims[A2].status, traffic=Traffic.ALLOWED)
    top.beat(14)
    assert top.traffic(ALTERNATE) == {Traffic.BLOCKED}


def test_one_refused_look_does_not_make_a_lim_unready_for_ever():
    """
    It was refused once, and answers since: the return that waits for it comes.
    """
    top = rested(goal=first_goal(ALTERNATE, 5), methods=BOTH_AUTOMATIC)
    top.lims[P2].unreadable = True
    top.beat(6)
    top.lims[P2].unreadable = False
    top.beat(30)
    assert top.active() == {PRIMARY}


@pytest.mark.S4
def test_a_stall_while_a_takeover_is_being_undone_takes_nothing_over():
    """
    Frozen for 30 s after the primary's LIMs did their allow: old signs of life are no silence.
    """
    top = rested()
    top.lims[A2].refuses.add(Word.ALLOW)
    top.order(ALTERNATE)
    top.run(20_000, until=lambda: top.rows[-3:] == ["T15", "T04", "T07"])
    top.now = top.next_beat = top.now + 30_000
    top.queue = []
    for server in (P1, P2):
        top.happen(ChannelLost(server, "keepalive", top.now))
    top.run(50)
    for server in (P1, P2):
        top.happen(Connected(server, top.now))
    top.beat(6)
    assert (top.active(), top.overlap_ms) == ({PRIMARY}, 0)


@pytest.mark.L2
@pytest.mark.S6
def test_a_return_ordered_in_advance_is_tried_again_when_it_was_undone():
    """
    --revert-after survives one LIM that refuses once.
    """
    top = rested()
    top.order(ALTERNATE, revert_after_ms=10_000)
    top.lims[P2].refuses.add(Word.ALLOW)
    top.beat(20)
    assert top.active() == {ALTERNATE}
    top.lims[P2].refuses.clear()
    top.beat(40)
    assert top.active() == {PRIMARY}


def test_an_order_to_stay_cannot_revert():
    """
    There is nothing to go back to: refused, and nothing moves later.
    """
    top = rested()
    top.order(PRIMARY, revert_after_ms=10_000)
    top.beat(20)
    assert [refused.code for refused in top.refused] == ["nothing_to_revert"]
    assert top.active() == {PRIMARY}


@pytest.mark.L2
def test_a_change_that_was_not_saved_does_not_count():
    """
    Confirmed on a broken disk: refused, so it reverts as it would have.
    """
    top = rested()
    top.order(ALTERNATE, revert_after_ms=10_000)
    top.beat(3)
    top.disk_full = True
    top.happen(OperatorConfirmed(2, "tester", top.now))
    top.beat(1)
    top.disk_full = False
    top.beat(12)
    assert top.active() == {PRIMARY}


@pytest.mark.S2
def test_a_primary_that_may_have_allowed_itself_is_unfenced():
    """
    orphan_hold is set, and the line has been cut for longer: UNFENCED.
    """
    top = rested(settings=replace(SETTINGS, orphan_hold_ms=60_000))
    top.order(ALTERNATE)
    top.beat(3)
    top.cut()
    top.beat(50)
    assert top.state.unfenced() == ()
    top.beat(20)
    assert top.state.unfenced() == (P1, P2)


@pytest.mark.S4
def test_a_frozen_daemon_that_wakes_to_its_disk_before_its_next_beat_takes_over_nothing():
    """
    Frozen with a full window of silence behind it, it wakes to an answer first: what was counted is worth nothing.
    """
    top = rested(methods=Methods(Method.MANUAL, Method.MANUAL))
    top.power_off(PRIMARY)
    top.beat(4)
    assert heartbeat.judge(top.state.heart, SETTINGS) is Verdict.LOST
    woken_at = top.now + 30_000
    top.happen(MethodSet(Direction.ALTERNATE_FROM_PRIMARY, Method.AUTOMATIC, woken_at))
    assert heartbeat.judge(top.state.heart, SETTINGS) is not Verdict.LOST
    assert top.state.goal == top.disk
