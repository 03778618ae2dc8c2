"""All that is found of both systems before they become a pair: what each LIM says of itself, and what we measured."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from redundancyd.core.systems import Server, Status, System

_NUMBER_MAX = 10**15
_LIST_MAX = 1000
_TEXT_MAX = 200


@dataclass(frozen=True, slots=True)
class LimFacts:
    """What one LIM says of itself; None where it could not tell."""

    version: str = ""
    processors: int = 0
    memory_kib: int = 0
    disk_kib: int | None = None
    disk_free_kib: int = 0
    standby: bool = False
    master: str = ""
    exchange: str = "unknown"
    measure: str = ""
    lims: tuple[int, ...] = ()
    media_servers: tuple[int, ...] = ()
    gateways: tuple[str, ...] | None = None
    clock_s: int | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found, side by side."""

    servers: tuple[Server, ...]
    facts: Mapping[Server, LimFacts] = field(default_factory=dict)
    unreached: Mapping[Server, str] = field(default_factory=dict)
    """why a server did not answer"""
    strange_keys: frozenset[Server] = frozenset()
    """servers whose host key is not the pinned one"""
    status: Mapping[Server, Status] = field(default_factory=dict)
    unread: Mapping[Server, str] = field(default_factory=dict)
    """why a server that answers could not say what its rules do"""
    master_answers: bool = False
    control_answers: Mapping[str, bool] = field(default_factory=dict)
    primary_hears: bool | None = None
    """whether the primary's LIM 1 hears one of the network control addresses"""
    clocks_off_s: Mapping[Server, int] = field(default_factory=dict)
    """how far a server's clock is before ours"""
    backup_bytes: int | None = None
    """of the primary's current backup, all LIMs"""
    backup_why: str = ""
    """why that is not known"""
    room_bytes: int | None = None
    """free where the mirrors lie, with what mirrors lie there already"""
    rate: int | None = None
    """bytes a second from the primary's LIM 1"""
    rate_why: str = ""

    def of(self, system: System) -> Iterator[Server]:
        """The servers of one system."""
        return (server for server in self.servers if server.system is system)

    def running(self, system: System, lim: int) -> tuple[Server, LimFacts] | None:
        """The server that runs this LIM, with its facts; a regular one where nobody says that its exchange runs."""
        known = [(server, self.facts[server]) for server in self.of(system) if server in self.facts]
        own = [(server, facts) for server, facts in known if server.lim == lim]
        own.sort(key=lambda pair: (pair[1].exchange != "running", pair[0].standby))
        return own[0] if own else None

    def lims(self, system: System) -> tuple[int, ...]:
        """The LIM numbers of the settings."""
        return tuple(sorted({server.lim for server in self.of(system)}))


def parse_facts(line: str) -> LimFacts:
    """What the reply to `facts` says; ValueError when it says nothing that can be understood."""
    try:
        reply = json.loads(line)
    except RecursionError:
        raise ValueError("no JSON") from None
    if not isinstance(reply, dict) or reply.get("ok") is not True:
        said = str(reply.get("detail") or reply.get("error", "")) if isinstance(reply, dict) else ""
        raise ValueError(said[:_TEXT_MAX] or f"it answers {line[:60]!r}")
    disk_kib, gateways, clock_s = reply.get("disk_kib"), reply.get("gateways"), reply.get("clock_s")
    return LimFacts(
        version=_text(reply, "version"),
        processors=_number(reply, "processors"),
        memory_kib=_number(reply, "memory_kib"),
        disk_kib=None if disk_kib is None else _number(reply, "disk_kib"),
        disk_free_kib=_number(reply, "disk_free_kib"),
        standby=reply.get("standby") is True,
        master=_text(reply, "master"),
        exchange=_text(reply, "exchange"),
        measure=_text(reply, "measure"),
        lims=_numbers(reply, "lims"),
        media_servers=_numbers(reply, "media_servers"),
        gateways=None if gateways is None else _words(reply, "gateways"),
        clock_s=None if clock_s is None else _number(reply, "clock_s"),
    )


def _number(reply: Mapping[str, Any], key: str) -> int:
    found = reply.get(key, 0)
    if type(found) is not int or not 0 <= found <= _NUMBER_MAX:
        raise ValueError(f"{key} is no sound number")
    return found


def _text(reply: Mapping[str, Any], key: str) -> str:
    found = reply.get(key, "")
    if not isinstance(found, str):
        raise ValueError(f"{key} is no text")  # noqa: TRY004 - one kind for all that is not understood
    return found[:_TEXT_MAX]


def _numbers(reply: Mapping[str, Any], key: str) -> tuple[int, ...]:
    found = reply.get(key, [])
    if not isinstance(found, list) or len(found) > _LIST_MAX or not all(type(each) is int for each in found):
        raise ValueError(f"{key} is no list of numbers")
    return tuple(sorted(set(found)))


def _words(reply: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = reply.get(key, [])
    if not isinstance(found, list) or len(found) > _LIST_MAX or not all(isinstance(each, str) for each in found):
        raise ValueError(f"{key} is no list of words")
    return tuple(sorted({each[:_TEXT_MAX] for each in found}))
