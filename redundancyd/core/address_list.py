"""The addresses of a mirror as the operator decides about them: own, foreign, new, no longer there.  Pure.

A mirror is looked through once.  What an address is to the table may change at any time after that, so every address is
judged anew here, by the rules of now; the next look through the files has the last word.
"""

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from redundancyd.core.addresses import Network, usual
from redundancyd.core.findings import PLACES_MAX, Findings, Kind
from redundancyd.core.translation import Rules, judge
from redundancyd.core.translation_table import parse_address

ORDER = (Kind.MISSING, Kind.NEW, Kind.UNTOUCHED, Kind.FOREIGN, Kind.TRANSLATED)
"""What the operator has to act on comes first"""
Place = tuple[int, str, int]
"""LIM, file and line"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in the files of a mirror, LIM by LIM, and which table it was held against."""

    stamp: str
    table: str
    lims: Mapping[int, Findings]

    @property
    def left_out(self) -> int:
        """Places of addresses that are counted and not told."""
        return sum(found.left_out for found in self.lims.values())


@dataclass(frozen=True, slots=True)
class Listed:
    """One address of a mirror."""

    address: str
    kind: Kind
    becomes: str
    """what the table makes of it; empty where it knows nothing of it"""
    count: int
    places: tuple[Place, ...]
    """the first ones"""

    @property
    def told(self) -> str:
        """The address and its first place, for people."""
        times = f", {self.count} times" if self.count > 1 else ""
        where = "".join(f" in LIM {lim}, {file}:{line}" for lim, file, line in self.places[:1])
        return f"{self.address}{where}{times}"


@dataclass(frozen=True, slots=True)
class AddressList:
    """All that there is to decide about."""

    listed: tuple[Listed, ...] = ()
    gone: tuple[str, ...] = ()
    """in the table or confirmed, and nowhere in the mirror"""

    def of(self, kind: Kind) -> tuple[Listed, ...]:
        """The addresses of one kind."""
        return tuple(each for each in self.listed if each.kind is kind)


def address_list(seen: Seen, rules: Rules) -> AddressList:
    """The addresses of a mirror by the rules of now, gravest kind first, each kind in the order of its first places."""
    counts: dict[tuple[Kind, str], int] = {}
    places: dict[tuple[Kind, str], list[Place]] = {}
    for lim, found in sorted(seen.lims.items()):
        for (was, address), tally in found.addresses.items():
            kind = _judged(was, address, rules)
            if kind is None:
                continue
            counts[kind, address] = counts.get((kind, address), 0) + tally.count
            places.setdefault((kind, address), []).extend((lim, file, line) for file, line in tally.places)
    listed = [
        Listed(address, kind, _becomes(address, rules), count, tuple(sorted(places[kind, address])[:PLACES_MAX]))
        for (kind, address), count in counts.items()
    ]
    listed.sort(key=lambda each: (ORDER.index(each.kind), each.places, each.address))
    return AddressList(tuple(listed), tuple(_gone({address for _, address in counts}, rules)))


def _judged(was: Kind, address: str, rules: Rules) -> Kind | None:
    """What an address is now, that was found as something."""
    value = parse_address(address)
    found = judge(value, rules)
    if was is Kind.UNTOUCHED:
        return was if found in {Kind.TRANSLATED, Kind.MISSING} else None
    if was is Kind.MISSING and found in {Kind.NEW, Kind.FOREIGN} and isinstance(value, ipaddress.IPv6Address):
        return was  # an own one may stand inside of it, and only its spelling shows that
    return found


def _becomes(address: str, rules: Rules) -> str:
    value = parse_address(address)
    new = rules.table.networks.get(value) if isinstance(value, Network) else rules.table.hosts.get(value)
    return "" if new is None else usual(new)


def _gone(there: Collection[str], rules: Rules) -> Iterator[str]:
    known = [usual(old) for old in (*rules.table.hosts, *rules.table.networks)]
    for address in [*known, *sorted(rules.known - set(known))]:
        if address not in there:
            yield address
