"""The translation table: which address of the primary becomes which in the alternate, hosts and networks apart.

A line is two addresses, or two networks of the same mask, with blanks, a comma or -> between them; # begins a remark.
An address that both systems may use stands as its own translation: that says somebody thought about it.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from redundancyd.core.addresses import Address, Network, mask_bits
from redundancyd.core.paths import shown

ENTRIES_MAX = 10_000
LINE_MAX = 400
MISTAKES_MAX = 100
_BETWEEN = re.compile(r"\s*(?:->|,)\s*|\s+")


class TableNotUnderstood(ValueError):
    """A table with mistakes; each of them with its line."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(self.mistakes))


@dataclass(frozen=True)
class Table:
    """What becomes of what, all at once: entries do not see each other's results, so two may swap."""

    hosts: Mapping[Address, Address]
    networks: Mapping[Network, Network]

    @cached_property
    def inverse(self) -> "Table":
        """The table that undoes this one; TableNotUnderstood where two addresses become one."""
        back = Table({new: old for old, new in self.hosts.items()}, {new: old for old, new in self.networks.items()})
        if len(back.hosts) != len(self.hosts) or len(back.networks) != len(self.networks):
            raise TableNotUnderstood(["two addresses become one: nothing tells them apart again"])
        return back

    def lines(self) -> list[str]:
        """The table as text, one entry a line."""
        entries = [*self.hosts.items(), *self.networks.items()]
        return [f"{old} -> {new}" for old, new in entries]


def parse_table(text: str) -> Table:
    """The table in a text; TableNotUnderstood with every mistake in it."""
    hosts: dict[Address, Address] = {}
    networks: dict[Network, Network] = {}
    mistakes: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.split("#", maxsplit=1)[0].strip()
        if not line:
            continue
        if len(mistakes) >= MISTAKES_MAX or len(hosts) + len(networks) >= ENTRIES_MAX:
            mistakes.append(f"line {number}: reading stopped; at most {ENTRIES_MAX} entries")
            break
        try:
            old, new = _entry(line)
        except ValueError as error:
            mistakes.append(f"line {number}: {error}")
            continue
        if old in hosts or old in networks:
            mistakes.append(f"line {number}: {old} stands there twice")
        elif isinstance(old, Address) and isinstance(new, Address):
            hosts[old] = new
        elif isinstance(old, Network) and isinstance(new, Network):
            networks[old] = new
    if mistakes:
        raise TableNotUnderstood(mistakes)
    return Table(hosts, networks)


def _entry(line: str) -> tuple[Address | Network, Address | Network]:
    if len(line) > LINE_MAX:
        raise ValueError(f"longer than {LINE_MAX} characters")
    parts = _BETWEEN.split(line)
    if len(parts) != 2:  # noqa: PLR2004 - the old and the new one
        raise ValueError(f"not two addresses: {shown(line)}")
    old, new = (parse_address(part) for part in parts)
    if old.version != new.version:
        raise ValueError(f"{old} and {new} are of different families: what stands around them would not fit")
    if _prefix(old) != _prefix(new):
        raise ValueError(f"{old} and {new} have different masks: the mask behind an address stays as it is")
    for each in (old, new):
        if why := is_no_ones(each):
            raise ValueError(f"{each} is {why}")
    return old, new


def _prefix(value: Address | Network) -> int | None:
    return value.prefixlen if isinstance(value, Network) else None


def parse_address(text: str) -> Address | Network:
    """A host, or a network with its mask, in any spelling; IPv4 mapped into IPv6 is IPv4; ValueError for the rest."""
    try:
        if "/" in text:
            return ipaddress.ip_network(text)
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"neither an address nor a network without host bits: {shown(text)}") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise ValueError(f"an address with a zone: {shown(text)}")
        return address.ipv4_mapped or address
    return address


def is_no_ones(value: Address | Network) -> str:
    """What an address is that means the same to every system, or no host at all; empty for all others."""
    if isinstance(value, Network):
        return "the whole Internet" if value.prefixlen == 0 else ""
    if value.is_unspecified:
        return "no address"
    if value.is_loopback:
        return "the host itself, wherever it is"
    if isinstance(value, ipaddress.IPv4Address) and mask_bits(value) is not None:
        return "a mask"
    return ""
