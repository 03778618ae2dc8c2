"""What a check of a prerequisite takes and gives, and what several of them need."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from redundancyd.core.survey import Survey
from redundancyd.core.systems import Fallback, Methods, Supervisor, System

SIDES = (System.PRIMARY, System.ALTERNATE)
TOLD_MAX = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What the operator wants to be configured."""

    master_ip: str
    control: tuple[str, ...]
    accept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What we know without asking anybody."""

    us: Supervisor
    methods: Methods
    keep: int
    """mirrors"""
    fallback: Fallback | None = None
    """of the primary's clusters, as the operator said"""


@dataclass(frozen=True, slots=True)
class Given:
    """What a check may look at."""

    survey: Survey
    asked: Asked
    known: Known


@dataclass(frozen=True, slots=True)
class Lack:
    """What a check found wrong."""

    found: tuple[str, ...]
    remedy: str
    soft: bool = False
    """the operator may accept it: he may know better, or nothing but he can tell"""


Checked = tuple[tuple[str, ...], Lack | None]
"""what was found, and what is wrong with it"""
Check = Callable[[Given], Checked]


def without_mask(text: str) -> str:
    """The address before a slash, where that is one; empty otherwise."""
    address, slash, _ = text.partition("/")
    return address if slash and is_address(address) else ""


def is_address(text: str) -> bool:
    """Whether it is an address of a host, in numbers."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (found.is_unspecified or found.is_loopback or found.is_multicast) and "%" not in text


def spelled(address: str) -> str:
    """An address as all of its spellings mean it; what is none stays as it is."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address


def is_same(one: str, other: str) -> bool:
    """Whether two spellings mean one address."""
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def each_of(names: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each name."""
    return tuple(f"{name}: {what}" for name, what in list(names.items())[:TOLD_MAX])


def joined(words: Sequence[object]) -> str:
    """The words, or that there is none."""
    return ", ".join(map(str, words)) or "none"
