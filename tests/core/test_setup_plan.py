"""How two systems become a pair, and how each step is undone."""

from dataclasses import replace

import pytest

from redundancyd.core import seen
from redundancyd.core.prerequisite_kinds import Known
from redundancyd.core.prerequisites import findings
from redundancyd.core.setup_plan import (
    STEPS,
    Step,
    Undo,
    configure_preview,
    first_number,
    is_let_through,
    is_overtaken,
    overlap,
    remove_preview,
    to_block,
    undo,
    undone,
)
from redundancyd.core.site import Begun, Setup, Site
from redundancyd.core.state import Phase, State, first_state
from redundancyd.core.systems import (
    Methods,
    Origin,
    Reload,
    Server,
    Settings,
    Status,
    Supervisor,
    System,
    Traffic,
    Word,
)
from tests.core.test_prerequisites import A1, A2, ALL, ASKED, P1, P2, facts, survey
from tests.core.test_prerequisites import US as SUPERVISOR

WHOLE = Begun(table=True, number=4, blocked=("alternate-1",), loading=True, before="20260307040000", goal=True)


def said(traffic: Traffic, number: int = 0) -> Status:
    """What a LIM says."""
    return Status(traffic, number, Word.NONE, "", Origin.NONE)


def state(**lims: Traffic | None) -> State:
    """What is known of four LIMs; None is out of reach."""
    first = first_state(Settings(ALL), Supervisor("ours", ("run",)), Methods(), None, None, 1000)
    views = first.views
    for server in ALL:
        traffic = lims.get(server.name.replace("-", ""), Traffic.ALLOWED)

        def change(view: seen.View, traffic: Traffic | None = traffic) -> seen.View:
            status = None if traffic is None else said(traffic)
            return replace(view, connected=traffic is not None, status=status, heard_at=30_000)

        views = seen.update(views, server, change)
    return replace(first, views=views, phase=Phase.RESTING, now=31_000)


def test_the_steps_are_undone_in_reverse():
    """
    The goal first, the table last; what was not begun is not undone.
    """
    assert undo(WHOLE) == (Undo.GOAL, Undo.DATA, Undo.TRAFFIC, Undo.TABLE)
    assert undo(Begun()) == ()
    assert undo(Begun(table=True, number=4)) == (Undo.TABLE,)


def test_what_was_undone_is_not_undone_again_whenever_it_is_broken_off():
    """
    From each point on the rest is left.
    """
    begun, order = WHOLE, undo(WHOLE)
    for done, what in enumerate(order, 1):
        begun = undone(begun, what)
        assert undo(begun) == order[done:]


def test_the_steps_stand_in_the_order_in_which_harm_grows():
    """
    Nothing is blocked before everything is translated, and nothing is supervised before it is loaded.
    """
    steps = [row.step for row in STEPS]
    assert steps == [Step.COPYING, Step.TRANSLATING, Step.BLOCKING, Step.LOADING, Step.STARTING]


def test_who_is_blocked_already_is_not_ordered():
    """
    So undoing it does not allow him.
    """
    status = {A1: said(Traffic.BLOCKED), A2: said(Traffic.MIXED), P1: said(Traffic.ALLOWED)}
    assert to_block((P1, A1, A2), status) == (A2,)


def test_the_first_number_is_one_that_no_lim_has_seen():
    """
    A LIM refuses what is older than its last order.
    """
    assert first_number([said(Traffic.ALLOWED), said(Traffic.BLOCKED, 41)]) == 42
    assert first_number([]) == 1


def test_a_preview_names_the_prerequisites_that_hinder():
    """
    Otherwise it names the steps.
    """
    sound = findings(survey(), ASKED, Known(SUPERVISOR, Methods(), 3))
    assert configure_preview(state(), sound).will_do == tuple(row.told for row in STEPS)
    broken = findings(survey({A1: facts(version="7.9")}, rate=1), ASKED, Known(SUPERVISOR, Methods(), 3))
    assert configure_preview(state(), broken).refused == "prerequisites not met: version, rate"


def test_a_removal_says_what_stays_and_what_has_to_be_done_by_hand():
    """
    The words for each system stand there, whether it carries traffic, is blocked or is out of reach.
    """
    told = remove_preview(state(alternate1=Traffic.BLOCKED, alternate2=Traffic.BLOCKED))
    assert told.refused == ""
    assert "primary: goes on carrying its traffic" in told.afterwards
    assert any("more_configuration iptables remove --system alternate" in line for line in told.afterwards)
    assert any("until a LIM of it restarts" in line and "add --system alternate" in line for line in told.afterwards)
    dead = remove_preview(state(primary1=None, primary2=None))
    assert any(line.startswith("primary: out of reach; on its LIMs, as root") for line in dead.afterwards)
    assert any("primary-1, primary-2 as soon as it answers" in line for line in dead.will_do)
    assert any("so BOTH systems: it is blocked here as soon as it answers" in line for line in dead.afterwards)


def test_that_both_systems_carry_traffic_is_told_with_the_words_that_block_one():
    """
    A LIM in part is enough; where one system is blocked, or says nothing, there is nothing to tell.
    """
    told = overlap({P1: said(Traffic.ALLOWED), P2: said(Traffic.BLOCKED), A1: said(Traffic.MIXED)})
    assert told.startswith("BOTH systems carry traffic: primary-1, alternate-1; ")
    assert "more_configuration iptables add --system primary" in told
    assert any(line.startswith("BOTH systems") for line in remove_preview(state()).afterwards)
    assert overlap({P1: said(Traffic.ALLOWED), A1: said(Traffic.BLOCKED)}) == ""
    assert overlap({P1: said(Traffic.ALLOWED)}) == ""


HELD = Status(Traffic.BLOCKED, 7, Word.ALLOW, "ours.run", Origin.HOLD)
ORDERED = Status(Traffic.ALLOWED, 7, Word.ALLOW, "ours.run", Origin.ORDER)
BLOCKED = Status(Traffic.BLOCKED, 7, Word.BLOCK, "ours.run", Origin.ORDER)


@pytest.mark.parametrize(
    ("others", "is_let"),
    [
        ({A1: BLOCKED, A2: BLOCKED}, True),
        ({P2: ORDERED, A1: BLOCKED}, True),
        ({P2: ORDERED}, True),
        ({A1: BLOCKED}, False),
        ({P2: BLOCKED, A1: BLOCKED}, False),
        ({P2: ORDERED, A1: BLOCKED, A2: ORDERED}, False),
        ({P2: ORDERED, A1: replace(BLOCKED, traffic=Traffic.MIXED)}, False),
    ],
)
def test_a_lim_that_lost_its_power_is_let_through_where_its_system_is_the_active_one_beyond_doubt(
    others: dict[Server, Status], is_let: bool
):
    """
    Every LIM of the other system says that it is blocked, or another LIM of ours carries and none of theirs does.
    """
    assert is_let_through(P1, 7, ALL, {P1: HELD, **others}) is is_let


@pytest.mark.parametrize(
    "held",
    [
        replace(HELD, number=6),
        replace(HELD, word=Word.BLOCK),
        replace(HELD, origin=Origin.HAND),
        replace(HELD, origin=Origin.ORDER),
        replace(HELD, traffic=Traffic.TAMPERED),
    ],
)
def test_a_lim_that_an_older_takeover_allowed_or_that_somebody_blocked_stays_as_it_is(held: Status):
    """
    The last takeover moved the traffic away from it, or it is no hold that keeps it.
    """
    assert not is_let_through(P1, 7, ALL, {P1: held, P2: ORDERED, A1: BLOCKED, A2: BLOCKED})
    assert not is_let_through(P1, 0, ALL, {P1: replace(held, number=0), P2: ORDERED, A1: BLOCKED, A2: BLOCKED})


@pytest.mark.parametrize(
    ("found", "other", "is_so"),
    [
        ({}, {}, True),
        ({"traffic": Traffic.TAMPERED}, {}, True),
        ({"traffic": Traffic.BLOCKED}, {}, False),
        ({"origin": Origin.HAND}, {}, False),
        ({"word": Word.BLOCK}, {}, False),
        ({"number": 7}, {}, False),
        ({}, {"traffic": Traffic.BLOCKED}, False),
    ],
)
def test_a_lim_that_was_out_of_reach_at_the_last_takeover_is_blocked_while_the_other_system_carries(
    found: dict[str, object], other: dict[str, object], is_so: bool
):
    """
    An order of before, and nobody's hand since.
    """
    before = replace(replace(ORDERED, number=6), **found)  # type: ignore[arg-type]
    answered = {P1: before, A1: replace(ORDERED, **other)}  # type: ignore[arg-type]
    assert is_overtaken(P1, 7, answered) is is_so


@pytest.mark.parametrize("change", [{"deaf": True}, {"doubtful": True}, {"heard_at": 10_999}])
def test_what_a_server_said_before_it_fell_silent_is_not_told_as_what_stays(change: dict[str, int]):
    """
    Its channel is open still, as after a power cut; an order or a look was left unanswered.
    """
    silent = state()
    for server in ALL[:2]:
        views = seen.update(silent.views, server, lambda view: replace(view, **change))  # type: ignore[arg-type]
        silent = replace(silent, views=views)
    assert any(line.startswith("primary: out of reach") for line in remove_preview(silent).afterwards)


@pytest.mark.parametrize("phase", [Phase.SAVING, Phase.BLOCKING, Phase.ALLOWING])
def test_no_removal_in_the_middle_of_a_takeover(phase: Phase):
    """
    Both systems may be blocked at that instant.
    """
    assert "under way" in remove_preview(replace(state(), phase=phase)).refused


def test_no_removal_while_the_alternate_reloads():
    """
    Nobody would roll it back.
    """
    assert "loading" in remove_preview(replace(state(), reload=Reload(1, 90_000))).refused


def test_a_site_on_the_disk_is_a_pair_and_nothing_is_left_to_undo():
    """
    Both in one write; a removal likewise.
    """
    site = Site("192.0.2.10", ("203.0.113.1",), ("rate",))
    done = Setup(begun=WHOLE, removed=True, disarm=("primary-1",)).configured(site)
    assert done == Setup(site=site)
    ended = done.ended(("primary-1",), 7)
    assert ended == Setup(removed=True, disarm=("primary-1",), aside=True, number=7)
    assert ended.configured(site) == done


def test_servers_are_named_by_system_and_number():
    """
    The names on the disk are those of the settings.
    """
    assert Server(System.ALTERNATE, 1, "198.51.100.11").name in WHOLE.blocked
