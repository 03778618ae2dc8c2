"""Effects become answers: one for each server, whatever happens to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from redundancyd.adapters import perform
from redundancyd.adapters.perform import Perform
from redundancyd.adapters.serve import Serve
from redundancyd.config import Config, parse
from redundancyd.core.effects import Look, Order, SaveGoal
from redundancyd.core.events import Answered, FactsSeen, GoalNotSaved, GoalSaved, Refused, Unreached
from redundancyd.core.systems import Goal, Kind, Server, Status, Supervisor, System, Traffic, Word
from redundancyd.errors import NotSaved, OutOfReach
from tests.adapters.neighbours import SetClock, reply

PRIMARY = tuple(Server(System.PRIMARY, lim, f"192.0.2.1{lim}") for lim in (1, 2))
GOAL = Goal(System.ALTERNATE, 2, Kind.AUTOMATIC, by_operator=False, reason="lost", decided_at=1)
US = Supervisor("id", ("old", "run"))


def settings() -> Config:
    """Settings of two systems of two LIMs."""
    return parse(b"""
        [primary]
        master_ip = "192.0.2.10"
        lims = [{lim = 1, address = "192.0.2.11"}, {lim = 2, address = "192.0.2.12"}]
        [alternate]
        lims = [{lim = 1, address = "198.51.100.11"}, {lim = 2, address = "198.51.100.12"}]
        [network_control]
        addresses = ["203.0.113.1"]
    """)


Answering = Callable[[str], str | Exception | float]


@dataclass
class Told:
    """A channel that answers a line as told: with text, with an error, or after so many seconds."""

    server: Server
    answering: Answering
    connected: bool = True
    asked: list[tuple[str, bool]] = field(default_factory=list)

    async def ask(self, line: str, deadline_ms: int, *, question: bool = False) -> str:
        """As a real one: an answer within the deadline, or OutOfReach."""
        self.asked.append((line, question))
        answer = self.answering(line)
        if isinstance(answer, float):
            await asyncio.sleep(min(answer, deadline_ms / 1000))
            if answer * 1000 > deadline_ms:
                raise OutOfReach(line, f"no answer within {deadline_ms} ms")
            return reply(lim=self.server.lim)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Disk:
    """Saves, or fails as told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.saved = error, list[Goal]()

    async def save(self, goal: Goal) -> None:
        """Remember it."""
        if self.error:
            raise self.error
        self.saved.append(goal)


@dataclass
class World:
    """A Perform and what it posted."""

    perform: Perform
    posted: list[object]
    channels: dict[Server, Told]
    disk: Disk
    clock: SetClock

    async def answers(self, count: int) -> list[object]:
        """The first answers that are no facts, when there are so many."""
        async with asyncio.timeout(2):
            while len(found := [each for each in self.posted if not isinstance(each, FactsSeen)]) < count:
                await asyncio.sleep(0.005)
        return found


@asynccontextmanager
async def world(*answering: Answering, error: Exception | None = None) -> AsyncIterator[World]:
    """The LIMs of the primary, each answering as told."""
    channels = {server: Told(server, told) for server, told in zip(PRIMARY, answering, strict=False)}
    posted: list[object] = []
    disk = Disk(error)
    async with asyncio.TaskGroup() as tasks:
        clock = SetClock()
        performs = Perform(channels, disk, clock, posted.append, settings(), tasks)  # type: ignore[arg-type]
        yield World(performs, posted, channels, disk, clock)


def sound(line: str) -> str:
    """A LIM that does what it is told."""
    word, _, rest = line.partition(" ")
    number = int(rest.split()[0]) if word in ("block", "allow") else 7
    return reply(number=number, word=word if word in ("block", "allow") else "block", lim=1)


def sound_2(line: str) -> str:
    """The same on LIM 2."""
    return sound(line).replace('"lim": 1', '"lim": 2')


async def test_an_order_goes_to_all_servers_at_once_and_each_answers_for_itself():
    """
    One LIM answers, the other is out of reach: one Status, one Unreached, with the same operation number.
    """
    async with world(sound, lambda line: OutOfReach(line, "connection refused")) as here:
        here.perform.start(Order(5, Word.BLOCK, 8, PRIMARY, 500), US)
        answers = await here.answers(2)
    by_lim = {each.server.lim: each for each in answers if isinstance(each, Answered)}
    assert {each.op for each in by_lim.values()} == {5}
    assert isinstance(by_lim[1].answer, Status)
    assert by_lim[1].answer.traffic is Traffic.BLOCKED
    assert by_lim[2].answer == Unreached("connection refused")
    assert here.channels[PRIMARY[0]].asked == [("block 8 id.run", False)]


class Silent:
    """A channel over a real `serve` at whose other end nobody is."""

    connected = True

    def __init__(self, server: Server) -> None:
        self.server = server
        self.serve = Serve(server.name, lambda _: None, lambda: None)

    async def ask(self, line: str, deadline_ms: int, *, question: bool = False) -> str:
        """As the real one."""
        return await self.serve.ask(line, deadline_ms)


async def test_a_stall_of_our_own_past_a_deadline_is_told_as_no_answer(monkeypatch: pytest.MonkeyPatch):
    """
    Both deadlines have passed when the loop goes on: the LIM did not answer in time, and nobody made a mistake.
    """
    told: list[str] = []
    monkeypatch.setattr(perform, "record", lambda event, **_: told.append(event))
    async with world(sound) as here:
        here.channels[PRIMARY[0]] = Silent(PRIMARY[0])  # type: ignore[assignment]
        here.perform.start(Order(5, Word.BLOCK, 8, PRIMARY[:1], 50), US)
        await asyncio.sleep(0.01)
        time.sleep(0.4)
        [answered] = await here.answers(1)
    assert isinstance(answered, Answered)
    assert answered.answer == Unreached("no answer within 50 ms")
    assert told == []


async def test_a_slow_server_does_not_hold_up_the_answer_of_another():
    """
    LIM 1 answers at once, LIM 2 runs into its deadline: the first answer is there long before.
    """
    async with world(sound, lambda line: 9.0) as here:
        here.perform.start(Order(5, Word.BLOCK, 8, PRIMARY, 200), US)
        await asyncio.sleep(0.05)
        assert [each.server.lim for each in here.posted if isinstance(each, Answered)] == [1]
        _, late = await here.answers(2)
        assert isinstance(late, Answered)
        assert late.answer == Unreached("no answer within 200 ms")


async def test_a_refusal_is_an_answer():
    """
    stale_number reaches the core as what it is.
    """
    async with world(lambda line: reply(ok=False, error="stale_number", lim=1)) as here:
        here.perform.start(Order(5, Word.ALLOW, 8, PRIMARY[:1], 200), US)
        (answer,) = await here.answers(1)
        assert isinstance(answer, Answered)
        assert isinstance(answer.answer, Refused)
        assert answer.answer.error == "stale_number"


@pytest.mark.parametrize("wrong", [KeyError("our own mistake"), AssertionError(), ZeroDivisionError("x")])
async def test_a_mistake_of_our_own_is_an_answer_too(wrong: Exception):
    """
    Something of ours breaks: the server counts as not reached, and the table goes on.
    """
    async with world(lambda line: wrong) as here:
        here.perform.start(Look(6, PRIMARY[:1], 200), US)
        (answer,) = await here.answers(1)
        assert isinstance(answer, Answered)
        assert isinstance(answer.answer, Unreached)
        assert type(wrong).__name__ in answer.answer.why


async def test_a_server_without_a_channel_is_answered_for():
    """
    The core knows a server that the settings no longer have: Unreached, nothing raised.
    """
    async with world(sound) as here:
        here.perform.start(Look(6, PRIMARY, 200), US)
        answers = await here.answers(2)
    assert {each.server.lim for each in answers if isinstance(each, Answered)} == {1, 2}


async def test_facts_are_asked_beside_a_look_and_the_primarys_lim_1_listens():
    """
    LIM 1 of the primary is asked for the control address, LIM 2 is not; both by the second channel.
    """

    def lim_1(line: str) -> str:
        if line.startswith("observe"):
            return '{"ok":true,"heard":true}'
        return '{"ok":true,"exchange":"running","lims":[1,2]}' if line == "facts" else reply(lim=1)

    async with world(lim_1, lim_1) as here:
        here.perform.start(Look(6, PRIMARY, 200), US)
        await here.answers(2)
        await asyncio.sleep(0.05)
    facts = {each.server.lim: each for each in here.posted if isinstance(each, FactsSeen)}
    assert (facts[1].exchange_running, facts[1].hears_control, facts[1].lims) == (True, True, (1, 2))
    assert facts[2].hears_control is None
    assert ("observe 203.0.113.1", True) in here.channels[PRIMARY[0]].asked


async def test_facts_that_take_long_are_asked_once_at_a_time_and_delay_no_look():
    """
    Three looks while one `facts` is under way: three answers at once, one question.
    """
    async with world(lambda line: 0.3 if line == "facts" else reply(lim=1)) as here:
        for op in (1, 2, 3):
            here.perform.start(Look(op, PRIMARY[:1], 100), US)
        await here.answers(3)
        assert [each.op for each in here.posted if isinstance(each, Answered)] == [1, 2, 3]
        assert here.channels[PRIMARY[0]].asked.count(("facts", True)) == 1


async def test_facts_that_ran_out_of_time_are_left_alone_for_a_while():
    """
    Each such question may have left a process behind on the LIM: the next is asked half a minute later.
    """
    async with world(lambda line: OutOfReach(line, "no answer") if line == "facts" else reply(lim=1)) as here:
        facts = lambda: here.channels[PRIMARY[0]].asked.count(("facts", True))  # noqa: E731 - a count, read three times
        for later, expected in ((0, 1), (29_000, 1), (30_000, 2)):
            here.clock.time = 1000 + later
            here.perform.start(Look(later, PRIMARY[:1], 100), US)
            await asyncio.sleep(0.02)
            assert facts() == expected


async def test_a_server_that_is_not_connected_is_not_asked_for_facts():
    """
    Nothing queues up behind a dead LIM.
    """
    async with world(lambda line: OutOfReach(line, "not connected")) as here:
        here.channels[PRIMARY[0]].connected = False
        here.perform.start(Look(1, PRIMARY[:1], 100), US)
        await here.answers(1)
        assert here.channels[PRIMARY[0]].asked == [("status", False)]


async def test_a_goal_is_answered_when_it_is_on_disk():
    """
    GoalSaved with the operation number, after the disk has it.
    """
    async with world() as here:
        here.perform.start(SaveGoal(3, GOAL), US)
        assert await here.answers(1) == [GoalSaved(3, 1000)]
        assert here.disk.saved == [GOAL]


@pytest.mark.parametrize("error", [NotSaved("saving", "No space left on device"), MemoryError("none left")])
async def test_a_goal_that_is_not_saved_is_answered_with_the_reason(error: Exception):
    """
    Known or not: the core is told, and decides.
    """
    async with world(error=error) as here:
        here.perform.start(SaveGoal(3, GOAL), US)
        (answer,) = await here.answers(1)
        assert isinstance(answer, GoalNotSaved)
        assert "left" in answer.why


async def test_stopping_waits_for_effects_under_way_but_not_for_ever():
    """
    finish returns when the order is answered, or when the time is over.
    """
    async with world(lambda line: 0.1) as here:
        here.perform.start(Order(5, Word.BLOCK, 8, PRIMARY[:1], 500), US)
        await here.perform.finish(1)
        assert len(here.posted) == 1
        here.channels[PRIMARY[0]].answering = lambda line: 0.4
        here.perform.start(Order(6, Word.BLOCK, 8, PRIMARY[:1], 500), US)
        await here.perform.finish(0.05)
        assert len(here.posted) == 1
