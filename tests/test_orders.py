"""Requests of operators: each is answered exactly once, after the disk."""

import asyncio

import pytest

from redundancyd.core.effects import Refuse, SaveGoal
from redundancyd.core.events import Event, GoalNotSaved, GoalSaved, MethodSet, OperatorAsked, PauseSet
from redundancyd.core.systems import Direction, Fallback, Method, Methods, Pause, Server, System
from redundancyd.errors import NotSaved
from redundancyd.orders import Orders
from redundancyd.requests import (
    AcknowledgeAlarm,
    Done,
    ManualTakeover,
    Problem,
    Resume,
    SetFallback,
    SetMethod,
    SetPause,
)
from tests.core.table_top import first_goal


class Shelf:
    """Keeps what it is given, or fails like a full disk."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.methods: Methods | None = None
        self.fallback: Fallback | None = None
        self.pauses: list[Pause | None] = []

    async def save_methods(self, methods: Methods) -> None:
        """Keep them."""
        if self.full:
            raise NotSaved("saving methods", "no space left")
        self.methods = methods

    async def save_fallback(self, fallback: Fallback) -> None:
        """Keep it."""
        if self.full:
            raise NotSaved("saving the fallback type", "no space left")
        self.fallback = fallback

    async def save_pause(self, pause: Pause | None) -> None:
        """Keep it."""
        if self.full:
            raise NotSaved("saving the pause", "no space left")
        self.pauses.append(pause)


def orders_of(*, full: bool = False) -> tuple[Orders, list[Event], Shelf]:
    """Orders, the inbox they post to, and the shelf they save on."""
    inbox: list[Event] = []
    shelf = Shelf(full=full)
    return Orders(inbox.append, lambda: 5000, Methods(), shelf), inbox, shelf


async def test_a_manual_takeover_is_answered_when_its_goal_is_on_disk():
    """
    Not before, and with the takeover number.
    """
    orders, inbox, _ = orders_of()
    waiting = asyncio.create_task(orders.act(ManualTakeover(System.ALTERNATE, accept=("2",)), "tester"))
    await asyncio.sleep(0)
    (asked,) = inbox
    assert isinstance(asked, OperatorAsked)
    assert (asked.active, asked.who, asked.accept) == (System.ALTERNATE, "tester", ("2",))
    orders.saving(SaveGoal(9, first_goal(System.ALTERNATE, 2), asked.request))
    orders.saved(GoalSaved(8, 5001))
    await asyncio.sleep(0)
    assert not waiting.done()
    orders.saved(GoalSaved(9, 5002))
    assert await waiting == Done("takeover 2: alternate active, first", 2)


async def test_an_order_that_could_not_be_saved_is_a_problem():
    """
    It says what the disk said, and what to do.
    """
    orders, inbox, _ = orders_of()
    waiting = asyncio.create_task(orders.act(ManualTakeover(System.ALTERNATE), "tester"))
    await asyncio.sleep(0)
    asked = inbox[0]
    assert isinstance(asked, OperatorAsked)
    orders.saving(SaveGoal(9, first_goal(System.ALTERNATE, 2), asked.request))
    orders.saved(GoalNotSaved(9, "no space left", 5002))
    answer = await waiting
    assert isinstance(answer, Problem)
    assert (answer.code, "no space left" in answer.detail, bool(answer.remedy)) == ("not_saved", True, True)


async def test_a_refused_order_says_the_reason_of_the_core():
    """
    The code and the reason come through.
    """
    orders, inbox, _ = orders_of()
    waiting = asyncio.create_task(orders.act(ManualTakeover(System.PRIMARY), "tester"))
    await asyncio.sleep(0)
    asked = inbox[0]
    assert isinstance(asked, OperatorAsked)
    orders.refused(Refuse(asked.request, "not_ready", "primary-2 is out of reach"))
    answer = await waiting
    assert isinstance(answer, Problem)
    assert (answer.code, answer.detail) == ("not_ready", "primary-2 is out of reach")


async def test_nobody_is_left_waiting_when_the_daemon_stops():
    """
    Open requests are told that it stops.
    """
    orders, _, _ = orders_of()
    waiting = asyncio.create_task(orders.act(ManualTakeover(System.PRIMARY), "tester"))
    await asyncio.sleep(0)
    orders.close()
    orders.give_up()
    late = await orders.act(Resume(), "tester")
    for answer in (await waiting, late):
        assert isinstance(answer, Problem)
        assert answer.code == "stopping"


async def test_methods_and_pause_are_saved_before_the_core_hears_of_them():
    """
    Two methods set one after the other do not undo each other.
    """
    orders, inbox, shelf = orders_of()
    await orders.act(SetMethod(Direction.ALTERNATE_FROM_PRIMARY, Method.MANUAL), "tester")
    await orders.act(SetMethod(Direction.PRIMARY_FROM_ALTERNATE, Method.AUTOMATIC), "tester")
    await orders.act(SetPause(60_000, "works"), "tester")
    await orders.act(Resume(), "tester")
    assert shelf.methods == Methods(Method.MANUAL, Method.AUTOMATIC)
    assert shelf.pauses == [Pause(65_000, "works"), None]
    assert [type(event) for event in inbox] == [MethodSet, MethodSet, PauseSet, PauseSet]


async def test_a_setting_that_could_not_be_saved_does_not_count():
    """
    A full disk: a problem, and the core hears nothing.
    """
    orders, inbox, _ = orders_of(full=True)
    answer = await orders.act(SetMethod(Direction.ALTERNATE_FROM_PRIMARY, Method.MANUAL), "tester")
    assert isinstance(answer, Problem)
    assert (answer.code, inbox) == ("not_saved", [])


async def test_only_the_latch_can_be_acknowledged():
    """
    Every other alarm goes when its cause goes.
    """
    orders, inbox, _ = orders_of()
    answer = await orders.act(AcknowledgeAlarm("unfenced:primary-1"), "tester")
    assert isinstance(answer, Problem)
    assert (answer.code, inbox) == ("nothing_to_acknowledge", [])


CLUSTER = (
    Server(System.PRIMARY, 1, "192.0.2.11"),
    Server(System.PRIMARY, 1, "192.0.2.21", standby=True),
    Server(System.ALTERNATE, 1, "198.51.100.11"),
)
BACK = Direction.PRIMARY_FROM_ALTERNATE
AUTOMATIC_BACK = Methods(Method.AUTOMATIC, Method.AUTOMATIC)


def of_cluster(
    fallback: Fallback | None, methods: Methods | None = None, *, full: bool = False
) -> tuple[Orders, list[Event], Shelf]:
    """Orders of a primary with a standby server."""
    inbox: list[Event] = []
    shelf = Shelf(full=full)
    return Orders(inbox.append, lambda: 5000, methods or Methods(), shelf, CLUSTER, fallback), inbox, shelf


@pytest.mark.parametrize(("fallback", "why"), [(None, "nobody has said"), (Fallback.MANUAL, "is manual")])
async def test_an_automatic_return_to_clusters_that_do_not_fall_back_by_themselves_is_refused(
    fallback: Fallback | None, why: str
):
    """
    With the reason and what to do; nothing is saved.
    """
    orders, inbox, shelf = of_cluster(fallback)
    refused = await orders.act(SetMethod(BACK, Method.AUTOMATIC), "tester")
    assert isinstance(refused, Problem)
    assert why in refused.detail
    assert "cluster-fallback automatic" in refused.remedy
    assert (inbox, shelf.methods) == ([], None)
    assert isinstance(await orders.act(SetMethod(BACK, Method.MANUAL), "tester"), Done)
    assert isinstance(await orders.act(SetMethod(Direction.to(System.ALTERNATE), Method.AUTOMATIC), "tester"), Done)


async def test_once_the_operator_has_said_that_clusters_fall_back_the_return_may_be_automatic():
    """
    It is remembered; and not taken back while the return stands on it.
    """
    orders, inbox, shelf = of_cluster(None)
    assert isinstance(await orders.act(SetFallback(Fallback.AUTOMATIC), "tester"), Done)
    assert (shelf.fallback, inbox) == (Fallback.AUTOMATIC, [])
    assert isinstance(await orders.act(SetMethod(BACK, Method.AUTOMATIC), "tester"), Done)
    refused = await orders.act(SetFallback(Fallback.MANUAL), "tester")
    assert isinstance(refused, Problem)
    assert "primary-from-alternate manual" in refused.remedy
    assert shelf.fallback is Fallback.AUTOMATIC


async def test_a_return_that_the_settings_file_makes_automatic_counts_as_manual_until_then():
    """
    An alarm says so; when the operator has said it, the return is automatic without a second word.
    """
    orders, inbox, _ = of_cluster(Fallback.MANUAL, AUTOMATIC_BACK)
    assert orders.methods.primary_from_alternate is Method.MANUAL
    assert [alarm.name for alarm in orders.alarms()] == ["return_held_manual"]
    await orders.act(SetFallback(Fallback.AUTOMATIC), "tester")
    assert inbox == [MethodSet(BACK, Method.AUTOMATIC, 5000)]
    assert orders.methods == AUTOMATIC_BACK
    assert orders.alarms() == ()


async def test_without_standby_servers_nobody_asks_for_a_fallback_type():
    """
    And it may be said all the same.
    """
    orders, inbox, _ = orders_of()
    assert isinstance(await orders.act(SetMethod(BACK, Method.AUTOMATIC), "tester"), Done)
    assert isinstance(await orders.act(SetFallback(Fallback.MANUAL), "tester"), Done)
    assert len(inbox) == 1


async def test_a_fallback_type_that_is_not_saved_is_not_taken():
    """
    A full disk.
    """
    orders, _, _ = of_cluster(None, full=True)
    refused = await orders.act(SetFallback(Fallback.AUTOMATIC), "tester")
    assert isinstance(refused, Problem)
    assert refused.code == "not_saved"
    assert isinstance(await orders.act(SetMethod(BACK, Method.AUTOMATIC), "tester"), Problem)
