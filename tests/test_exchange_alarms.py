"""The alarms of the exchanges: asked rarely, apart from everything else, and shown with what is expected."""

import asyncio
import json
from collections.abc import Mapping
from typing import cast

import pytest

from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.config import Config, parse
from redundancyd.core.exchange_alarms import Printout
from redundancyd.core.systems import Server, System
from redundancyd.errors import OutOfReach
from redundancyd.exchange_alarms import ExchangeAlarms, read_reply
from redundancyd.utility import exchange_screens
from redundancyd.utility.text import PLAIN
from tests.core.test_exchange_alarms import PRINTOUT
from tests.test_config import SMALLEST

REPLY = json.dumps({"ok": True, "more": False, "lines": PRINTOUT})


class Lim:
    """A LIM 1 with this answer, or out of reach."""

    def __init__(self, server: Server, answer: str | None) -> None:
        self.server, self.answer = server, answer
        self.asked: list[str] = []

    async def ask_apart(self, line: str, _deadline_ms: int) -> str:
        """As a channel does."""
        self.asked.append(line)
        if self.answer is None:
            raise OutOfReach(line, "no channel yet")
        return self.answer


def settings(every: str) -> Config:
    """The smallest settings, and how often."""
    return parse((SMALLEST + f'[alarms]\nexchange_interval = "{every}"\n').encode())


def alarms_of(*lims: Lim, every: str = "1s") -> ExchangeAlarms:
    """The reader of these LIMs."""
    channels = cast("Mapping[Server, Channel]", {lim.server: lim for lim in lims})
    return ExchangeAlarms(settings(every), channels, Clock())


async def read_once(reader: ExchangeAlarms, *, rest: bool = True) -> None:
    """Let it run until it has read, or could have."""
    task = asyncio.create_task(reader.run(lambda: rest))
    await asyncio.sleep(1.1)
    task.cancel()


async def test_both_systems_are_read_and_a_standby_answers_for_its_lim():
    """
    Expected ones say why; who says nothing is named with the reason.
    """
    primary = Lim(Server(System.PRIMARY, 1, "192.0.2.11"), None)
    standby = Lim(Server(System.PRIMARY, 1, "192.0.2.21", standby=True), REPLY)
    second = Lim(Server(System.PRIMARY, 2, "192.0.2.12"), REPLY)
    alternate = Lim(Server(System.ALTERNATE, 1, "198.51.100.11"), None)
    reader = alarms_of(standby, second, alternate, primary)
    assert reader.page(System.ALTERNATE, 0, loaded=True) is None
    await read_once(reader)
    page = reader.page(System.ALTERNATE, Clock().now(), loaded=True)
    assert page is not None
    assert [row["because"] for row in page["primary"]["rows"]] == ["passive"] * 3 + [None, None]
    assert (page["alternate"]["rows"], page["alternate"]["why"]) == ([], "no channel yet")
    assert (standby.asked, second.asked) == (["alarms"], [])
    text = "\n".join(exchange_screens.lines({"exchange_alarms": page}, PLAIN))
    assert "4 primary LIM 1: DISK Disk is full (2/9); NOT expected" in text
    assert "expected: this system is passive" in text
    assert "alternate: could not be read: no channel yet" in text


async def test_nobody_is_asked_while_traffic_is_moved_and_never_when_off():
    """
    A takeover has the LIMs to itself.
    """
    for every, rest in (("1s", False), ("off", True)):
        lim = Lim(Server(System.PRIMARY, 1, "192.0.2.11"), REPLY)
        await read_once(alarms_of(lim, every=every), rest=rest)
        assert lim.asked == []


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        '{"ok":true}',
        '{"ok":true,"more":false,"lines":[1]}',
        '{"ok":1}',
        "[" * 5000,
        '{"ok":true,"more":0,"lines":[]}',
    ],
)
def test_garbage_is_said_to_be_garbage(line: str):
    """
    Whatever comes, it is a text for people, and short.
    """
    found = read_reply(line)
    assert isinstance(found, str)
    assert found.startswith("not understood")
    assert len(found) < 250


def test_what_a_lim_refuses_is_told_in_its_own_words():
    """
    And what it answers is a printout.
    """
    refused = '{"ok":false,"error":"alarms_failed","detail":"alarm -p: exit status 3"}'
    assert read_reply(refused) == "alarms_failed: alarm -p: exit status 3"
    assert isinstance(read_reply(REPLY), Printout)
