"""Each row of the table, taken at least once by something that can happen."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from redundancyd.core.effects import SaveGoal
from redundancyd.core.events import ChannelLost, Connected, OperatorAdopted
from redundancyd.core.state import Phase
from redundancyd.core.systems import Method, Methods, Origin, Server, Status, Traffic, Word
from redundancyd.core.takeover import TABLE, Trigger
from tests.core.table_top import A1, A2, ALTERNATE, DELAY_MS, P1, P2, PRIMARY, SETTINGS, US, TableTop, first_goal


def rested(**more: object) -> TableTop:
    """A table top at rest with its goal."""
    top = TableTop(**more)  # type: ignore[arg-type]
    top.beat(2)
    assert top.state.phase is Phase.RESTING
    return top


def lost() -> TableTop:
    """T01 T04 T08 T12: a silent loss."""
    top = rested()
    top.power_off(PRIMARY)
    top.beat(6)
    return top


def ordered() -> TableTop:
    """T02 T07: a manual takeover."""
    top = rested()
    top.order(ALTERNATE)
    top.beat(2)
    return top


def flushed() -> TableTop:
    """T03: somebody flushed the rules of a passive LIM."""
    top = rested()
    top.lims[A1].status = replace(top.lims[A1].status, traffic=Traffic.ALLOWED)
    top.run(5100)
    assert top.traffic(ALTERNATE) == {Traffic.BLOCKED}
    return top


def disk_failed_in_a_loss() -> TableTop:
    """T05: the disk fails, the takeover goes on, the LIMs remember."""
    top = rested()
    top.disk_full = True
    top.power_off(PRIMARY)
    top.beat(6)
    assert top.active() == {ALTERNATE}
    return top


def disk_failed_in_an_order() -> TableTop:
    """T06: the disk fails, the operator is refused."""
    top = rested()
    top.disk_full = True
    top.order(ALTERNATE)
    top.beat(2)
    assert (top.active(), top.state.goal) == ({PRIMARY}, first_goal())
    return top


def block_refused() -> TableTop:
    """T09: a LIM of the primary refuses to block in a manual takeover."""
    top = rested()
    top.lims[P2].refuses.add(Word.BLOCK)
    top.order(ALTERNATE)
    top.beat(3)
    assert top.active() == {PRIMARY}
    return top


def repair_that_hangs(server: Server, word: Word, deadline_ms: int = 3000) -> TableTop:
    """A LIM's rules were changed, and it does not answer the order that mends them."""
    top = rested(settings=replace(SETTINGS, block_deadline_ms=deadline_ms, allow_deadline_ms=deadline_ms))
    lim = top.lims[server]
    lim.status = replace(lim.status, traffic=Traffic.MIXED)
    lim.mute.add(word)
    phase = Phase.BLOCKING if word is Word.BLOCK else Phase.ALLOWING
    top.run(6000, until=lambda: top.state.phase is phase)
    assert top.state.phase is phase
    return top


def overtaken(server: Server, word: Word) -> TableTop:
    """T10, T16: the primary is lost while a repair waits for an answer."""
    top = repair_that_hangs(server, word, deadline_ms=9000)
    top.power_off(PRIMARY)
    top.beat(6)
    assert ALTERNATE in top.active()
    return top


def order_during_a_repair(server: Server, word: Word) -> TableTop:
    """T11, T17: the operator orders while a repair waits for an answer."""
    top = repair_that_hangs(server, word)
    top.order(PRIMARY)
    top.beat(5)
    assert top.disk is not None
    assert (top.disk.by_operator, top.disk.active, ALTERNATE in top.active()) == (True, PRIMARY, False)
    return top


def allowed_in_part() -> TableTop:
    """T13: after a loss one LIM of the alternate refuses, the other carries on."""
    top = rested()
    top.lims[A2].refuses.add(Word.ALLOW)
    top.power_off(PRIMARY)
    top.beat(6)
    assert top.active() == {ALTERNATE}
    return top


def none_allowed() -> TableTop:
    """T14: after a loss nobody can be allowed and nobody else can be reached."""
    top = rested()
    for lim in (A1, A2):
        top.lims[lim].refuses.add(Word.ALLOW)
    top.power_off(PRIMARY)
    for lim in (P1, P2):
        top.happen(ChannelLost(lim, "reset", top.now))
    top.beat(8)
    assert top.active() == set()
    return top


def undone() -> TableTop:
    """T15: a LIM of the alternate refuses to be allowed in a manual takeover."""
    top = rested()
    top.lims[A2].refuses.add(Word.ALLOW)
    top.order(ALTERNATE)
    top.beat(3)
    assert top.active() == {PRIMARY}
    return top


def lims_hold(number: int, supervisor: str, *, resting: bool) -> TableTop:
    """The LIMs hold the word of a takeover to the alternate that this disk does not know."""
    top = rested()
    for server, lim in top.lims.items():
        word = Word.ALLOW if server.system is ALTERNATE else Word.BLOCK
        lim.status = Status(word.traffic, number, word, supervisor, Origin.ORDER)
    if not resting:
        top.start()
    top.run(6000)
    return top


def behind_in_phase(server: Server, word: Word, supervisor: str) -> TableTop:
    """T25 to T28: a newer order is found on a LIM that connects while orders are under way."""
    top = repair_that_hangs(server, word)
    top.lims[P2].status = Status(Traffic.BLOCKED, 9, Word.BLOCK, supervisor, Origin.ORDER)
    top.happen(Connected(P2, top.now))
    top.run(20)
    return top


def allowed_by_hand(*, resting: bool) -> TableTop:
    """T21, T24: nothing is active, and somebody allows the primary on the spot."""
    top = TableTop(first_goal(ALTERNATE, 4))
    top.lims[A1].refuses.add(Word.ALLOW)
    top.lims[A2].refuses.add(Word.ALLOW)
    top.beat(1)
    for server in (A1, A2):
        top.lims[server].status = replace(top.lims[server].status, traffic=Traffic.BLOCKED)
    if resting:
        top.run(5100)
    top.lims[P1].status = replace(top.lims[P1].status, traffic=Traffic.ALLOWED, origin=Origin.HAND)
    if not resting:
        top.start()
    top.run(6000)
    assert (top.active(), top.disk and top.disk.by_operator) == ({PRIMARY}, True)
    return top


def without_goal(supervisor: str = US.name) -> TableTop:
    """T29, T31: no goal on disk, but the LIMs show one."""
    top = rested()
    top.disk = None
    for lim in top.lims.values():
        lim.status = replace(lim.status, supervisor=supervisor)
    top.us = replace(top.us, runs=("run1",))
    top.start()
    top.beat(2)
    return top


def never_ordered() -> TableTop:
    """No goal on disk, and LIMs that nobody ever ordered: both systems carry traffic."""
    top = rested()
    top.disk = None
    for lim in top.lims.values():
        lim.status = Status(Traffic.ALLOWED, 0, Word.NONE, "", Origin.NONE)
    top.start()
    top.beat(6)
    assert (top.state.phase, len(top.active())) == (Phase.ASKING, 2)
    return top


def without_any() -> TableTop:
    """T30: no goal, nothing to tell it from; the operator gives one."""
    top = never_ordered()
    top.order(PRIMARY)
    top.beat(2)
    assert top.active() == {PRIMARY}
    return top


def disk_failed_in_the_first_order() -> TableTop:
    """T33: no goal, and the one the operator gives cannot be saved."""
    top = never_ordered()
    top.disk_full = True
    top.order(PRIMARY)
    top.beat(2)
    assert (top.state.phase, top.state.goal, len(top.active())) == (Phase.ASKING, None, 2)
    return top


def nobody_left_here() -> TableTop:
    """T34: undone to a primary that dies in that moment; once that is sure, forward after all, whatever the method."""
    top = rested(methods=Methods(Method.MANUAL, Method.MANUAL))
    top.lims[A2].refuses.add(Word.ALLOW)
    top.order(ALTERNATE)
    top.run(3 * DELAY_MS)
    top.power_off(PRIMARY)
    top.run(100)
    top.lims[A2].refuses.clear()
    top.beat(12)
    assert top.active() == {ALTERNATE}
    return top


def late_comer() -> TableTop:
    """T35: a server of the passive system comes into reach while another one is being blocked."""
    top = rested()
    top.happen(ChannelLost(A1, "reset", top.now))
    for server in (A1, A2):
        top.lims[server].status = replace(top.lims[server].status, traffic=Traffic.MIXED)
    top.lims[A2].mute.add(Word.BLOCK)
    top.run(6000, until=lambda: top.state.phase is Phase.BLOCKING)
    top.happen(Connected(A1, top.now))
    top.beat(2)
    assert top.lims[A1].status.traffic is Traffic.BLOCKED
    return top


def late_while_allowing() -> TableTop:
    """T37: a server of the passive system comes into reach while a LIM of the active one keeps us waiting."""
    top = repair_that_hangs(P1, Word.ALLOW)
    top.happen(ChannelLost(A1, "reset", top.now))
    top.lims[A1].status = replace(top.lims[A1].status, traffic=Traffic.ALLOWED)
    top.happen(Connected(A1, top.now))
    top.run(4 * DELAY_MS)
    assert top.lims[A1].status.traffic is Traffic.BLOCKED
    return top


def came_about() -> TableTop:
    """T36: nobody answered in time, but the order was followed; the next look finds it."""
    top = never_ordered()
    top.order(PRIMARY)
    for server in (P1, P2):
        top.lims[server].slow_ms = SETTINGS.allow_deadline_ms + 500
    top.beat(12)
    assert top.disk is not None
    assert (top.disk.done, top.active()) == (True, {PRIMARY})
    return top


def adopted() -> TableTop:
    """T32: the operator makes us the supervisor of LIMs another one ordered."""
    top = lims_hold(9, "them.run1", resting=True)
    top.happen(OperatorAdopted(1, "tester", top.now))
    top.beat(2)
    assert top.disk is not None
    assert (top.disk.number, top.active()) == (10, {ALTERNATE})
    return top


FOREIGN = "them.run1"
WAYS: dict[str, Callable[[], TableTop]] = {
    "T01": lost,
    "T02": ordered,
    "T03": flushed,
    "T04": lost,
    "T05": disk_failed_in_a_loss,
    "T06": disk_failed_in_an_order,
    "T07": ordered,
    "T08": lost,
    "T09": block_refused,
    "T10": lambda: overtaken(A2, Word.BLOCK),
    "T11": lambda: order_during_a_repair(A2, Word.BLOCK),
    "T12": lost,
    "T13": allowed_in_part,
    "T14": none_allowed,
    "T15": undone,
    "T16": lambda: overtaken(P2, Word.ALLOW),
    "T17": lambda: order_during_a_repair(P2, Word.ALLOW),
    "T18": rested,
    "T19": lambda: lims_hold(9, US.name, resting=False),
    "T20": lambda: lims_hold(9, FOREIGN, resting=False),
    "T21": lambda: allowed_by_hand(resting=False),
    "T22": lambda: lims_hold(9, US.name, resting=True),
    "T23": lambda: lims_hold(9, FOREIGN, resting=True),
    "T24": lambda: allowed_by_hand(resting=True),
    "T25": lambda: behind_in_phase(A2, Word.BLOCK, US.name),
    "T26": lambda: behind_in_phase(A2, Word.BLOCK, FOREIGN),
    "T27": lambda: behind_in_phase(P1, Word.ALLOW, US.name),
    "T28": lambda: behind_in_phase(P1, Word.ALLOW, FOREIGN),
    "T29": without_goal,
    "T30": without_any,
    "T31": lambda: without_goal(FOREIGN),
    "T32": adopted,
    "T33": disk_failed_in_the_first_order,
    "T34": nobody_left_here,
    "T35": late_comer,
    "T36": came_about,
    "T37": late_while_allowing,
}


def test_every_row_has_a_way():
    """
    No row of the table is left untried.
    """
    assert set(WAYS) == {row.number for row in TABLE.values()}


@pytest.mark.parametrize("number", WAYS)
def test_a_row_is_taken(number: str):
    """
    What happens leads through the row.
    """
    assert number in WAYS[number]().rows


T = Trigger
NEW_GOAL = {T.DUE, T.ASKED, T.FAILED, T.BEHIND, T.BY_HAND, T.FOUND, T.ADOPTED}
DONE = {T.ALLOWED, T.NOT_ALL_ALLOWED}
LEADS_TO = {
    **dict.fromkeys(NEW_GOAL, Phase.SAVING),
    **dict.fromkeys((T.SAVED, T.NOT_SAVED, T.LOOKED, T.SEEN_OTHERWISE), Phase.BLOCKING),
    **dict.fromkeys((T.BLOCKED, T.NOT_ALL_BLOCKED), Phase.ALLOWING),
    **dict.fromkeys((*DONE, T.NONE_ALLOWED, T.NOT_SAVED_ORDER), Phase.RESTING),
    T.NOT_SAVED_FIRST: Phase.ASKING,
    T.FOREIGN: Phase.WATCHING,
}


@pytest.mark.parametrize("number", WAYS)
def test_a_row_does_what_its_trigger_calls_for(number: str):
    """
    A new goal goes to the disk first, what was saved or seen amiss blocks first, what is done is noted: from any phase.
    """
    for step in WAYS[number]().steps:
        reached = [*(taken.phase for taken in step.rows[1:]), step.state.phase]
        assert reached == [LEADS_TO[taken.trigger] for taken in step.rows]
        triggers = {taken.trigger for taken in step.rows}
        saved = [effect.goal.number for effect in step.effects if isinstance(effect, SaveGoal)]
        if triggers & NEW_GOAL:
            assert step.state.goal is not None
            assert step.state.goal.number in saved
        if triggers & DONE:
            assert step.state.goal is not None
            assert step.state.goal.done


@pytest.mark.S0
@pytest.mark.parametrize("number", WAYS)
def test_every_goal_has_a_number_of_its_own(number: str):
    """
    No two goals that were saved share a number and differ in the active system.
    """
    saved = WAYS[number]().saved
    assert len({(goal.number, goal.active) for goal in saved}) == len({goal.number for goal in saved})


@pytest.mark.S0
@pytest.mark.parametrize("methods", [Methods()])
def test_a_watching_daemon_orders_nobody(methods: Methods):
    """
    Hands off: the LIMs keep the other supervisor's word whatever they show.
    """
    top = lims_hold(9, FOREIGN, resting=True)
    top.power_off(PRIMARY)
    top.beat(20)
    assert {lim.status.supervisor for lim in top.lims.values()} == {FOREIGN}
