"""Speaks the words of redundancy-lim: block, allow, status, facts, observe.  Parsing is pure and comes first.

Whatever a LIM sends, it comes out as a Status, a Refused or a FactsSeen: garbage is a refusal with a reason.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.serve import REQUEST_MAX
from redundancyd.core.events import FactsSeen, Refused
from redundancyd.core.survey import LimFacts
from redundancyd.core.survey import parse_facts as survey_facts
from redundancyd.core.systems import Origin, Server, Status, Traffic, Word
from redundancyd.errors import OutOfReach

NUMBER_MAX = 999_999_999_999
_TEXT_MAX = 200
_LIMS_MAX = 1000
_Enum = TypeVar("_Enum", bound=StrEnum)
NOT_UNDERSTOOD = "not_understood"
WRONG_SERVER = "wrong_server"


class _Garbage(ValueError):
    """A reply in which something is not as it should be."""


def parse_status(line: str, server: Server | None = None) -> Status | Refused:
    """What the reply to status, block or allow says; with `server`, a reply of another LIM is refused."""
    try:
        reply = _object(line)
        if reply.get("ok") is True:
            return _elsewhere(reply, server) or _status(reply)
        return _refused(reply, server)
    except _Garbage as error:
        return Refused(NOT_UNDERSTOOD, f"{error}: {line[:_TEXT_MAX]!r}")


def _refused(reply: Mapping[str, Any], server: Server | None) -> Refused:
    if wrong := _elsewhere(reply, server):
        return wrong
    try:
        status = _status(reply)
    except _Garbage:
        status = None
    return Refused(_text(reply, "error") or NOT_UNDERSTOOD, _text(reply, "detail"), status)


def _elsewhere(reply: Mapping[str, Any], server: Server | None) -> Refused | None:
    """A settings file with two addresses swapped must not block one LIM in another's name."""
    lim, system = reply.get("lim"), reply.get("system")
    if server is None or lim is None or system is None or (lim == server.lim and system == server.system):
        return None
    detail = f"{server.address} is LIM {lim} of the {system} by its own lim.conf; correct that or the settings"
    return Refused(WRONG_SERVER, detail[:_TEXT_MAX])


def _status(reply: Mapping[str, Any]) -> Status:
    number = reply.get("number")
    if type(number) is not int or not 0 <= number <= NUMBER_MAX:
        raise _Garbage("no sound number")
    remembered = reply.get("remembered", True)
    if not isinstance(remembered, bool):
        raise _Garbage("remembered is neither true nor false")
    repairs = reply.get("repairs", 0)
    if type(repairs) is not int or repairs < 0:
        raise _Garbage("no sound number of repairs")
    return Status(
        traffic=_word(Traffic, reply, "traffic"),
        number=number,
        word=_word(Word, reply, "word"),
        supervisor=_text(reply, "supervisor"),
        origin=_word(Origin, reply, "origin"),
        remembered=remembered,
        boot_id=_text(reply, "boot_id"),
        policy=_text(reply, "policy"),
        repairs=repairs,
    )


def parse_facts(line: str) -> tuple[bool | None, tuple[int, ...]]:
    """Whether the exchange runs, None where it cannot tell, and the LIM numbers it knows."""
    try:
        reply = _object(line)
    except _Garbage:
        return None, ()
    if reply.get("ok") is not True:
        return None, ()
    lims = reply.get("lims")
    sound = isinstance(lims, list) and len(lims) <= _LIMS_MAX and all(type(lim) is int for lim in lims)
    exchange = reply.get("exchange")
    running = exchange == "running" if exchange in ("running", "stopped") else None
    return running, tuple(sorted(set(lims))) if sound and isinstance(lims, list) else ()


def parse_observe(line: str) -> bool | None:
    """Whether the address was heard; None where the LIM could not tell."""
    try:
        reply = _object(line)
    except _Garbage:
        return None
    heard = reply.get("heard")
    return heard if reply.get("ok") is True and isinstance(heard, bool) else None


def _object(line: str) -> Mapping[str, Any]:
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Garbage("no JSON") from error
    if not isinstance(reply, dict):
        raise _Garbage("no JSON object")
    return reply


def _text(reply: Mapping[str, Any], key: str) -> str:
    value = reply.get(key, "")
    if not isinstance(value, str):
        raise _Garbage(f"{key} is no text")
    return value[:_TEXT_MAX]


def _word(kind: type[_Enum], reply: Mapping[str, Any], key: str) -> _Enum:
    try:
        return kind(reply.get(key, ""))
    except (ValueError, TypeError):
        raise _Garbage(f"no known {key}") from None


async def order(channel: Channel, word: Word, number: int, supervisor: str, deadline_ms: int) -> Status | Refused:
    """Order traffic blocked or allowed under this number; OutOfReach when the outcome is unknown."""
    assert word in (Word.BLOCK, Word.ALLOW)
    assert 1 <= number <= NUMBER_MAX
    return parse_status(await channel.ask(f"{word} {number} {supervisor}", deadline_ms), channel.server)


async def remove(channel: Channel, supervisor: str, deadline_ms: int) -> Status | Refused:
    """Have the last order forgotten, the rules left as they are; OutOfReach when the outcome is unknown."""
    return parse_status(await channel.ask(f"remove {supervisor}", deadline_ms), channel.server)


async def listen(channel: Channel, supervisor: str, control: tuple[str, ...], deadline_ms: int) -> Status | Refused:
    """Have a LIM listen for these after a restart, as many as a line holds; none has it forget them."""
    return parse_status(await channel.ask(_listen(supervisor, control), deadline_ms), channel.server)


async def listen_apart(
    channel: Channel, supervisor: str, control: tuple[str, ...], deadline_ms: int
) -> Status | Refused:
    """The same while it is supervised: no order waits for it."""
    return parse_status(await channel.ask_apart(_listen(supervisor, control), deadline_ms), channel.server)


def _listen(supervisor: str, control: tuple[str, ...]) -> str:
    line = f"listen {supervisor}"
    for address in control:
        if len(line) + 1 + len(address) < REQUEST_MAX:
            line += f" {address}"
    return line


async def look(channel: Channel, deadline_ms: int) -> Status | Refused:
    """What the LIM's rules do now; OutOfReach when it does not say."""
    return parse_status(await channel.ask("status", deadline_ms), channel.server)


async def facts(channel: Channel, control: tuple[str, ...], deadline_ms: int, clock: Clock) -> FactsSeen:
    """What the LIM says besides its traffic; `control` are the addresses it shall listen for, if any."""
    running, lims = parse_facts(await channel.ask("facts", deadline_ms, question=True))
    heard = await hears(channel, control, deadline_ms)
    return FactsSeen(channel.server, running, heard, lims, clock.now())


async def survey(channel: Channel, deadline_ms: int) -> LimFacts:
    """All that the LIM says of itself; OutOfReach when it does not say, or nothing that can be understood."""
    try:
        return survey_facts(await channel.ask("facts", deadline_ms, question=True))
    except ValueError as error:
        raise OutOfReach(f"`facts` on {channel.server.name}", str(error)) from error


async def hears(channel: Channel, control: tuple[str, ...], deadline_ms: int) -> bool | None:
    """Whether it hears any of them: one is enough."""
    answers: list[bool | None] = []
    for address in control:
        try:
            answers.append(parse_observe(await channel.ask(f"observe {address}", deadline_ms, question=True)))
        except OutOfReach:
            answers.append(None)
        if answers[-1]:
            return True
    return False if False in answers and None not in answers else None
