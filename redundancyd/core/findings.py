"""What a translation found: each address with how often, and the first places; complete in counts, bounded in size."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

PLACES_MAX = 10
"""of one address"""
ADDRESSES_MAX = 10_000
"""that are not in the table and told one by one; what is beyond is counted"""


class Kind(StrEnum):
    """What an address that was found is to the translation."""

    TRANSLATED = "translated"  # in the table
    MISSING = "missing"  # own, and not in the table: the data is not applied
    UNTOUCHED = "untouched"  # own, in a file that is not text and stays as it is
    NEW = "new"  # foreign, and nobody has confirmed it yet
    FOREIGN = "foreign"  # confirmed: it stays as it is


@dataclass(slots=True)
class Tally:
    """One address of one kind."""

    count: int = 0
    places: list[tuple[str, int]] = field(default_factory=list)
    """file and line of the first ones"""


@dataclass(slots=True)
class Findings:
    """Everything that was found in some files."""

    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    addresses: dict[tuple[Kind, str], Tally] = field(default_factory=dict)
    left_out: int = 0
    """places of addresses that are counted and not told"""
    _others: int = 0

    def add(self, kind: Kind, address: str, file: str, line: int) -> Tally | None:
        """One place more; returns where it was told, None if it was only counted."""
        self.counts[kind] += 1
        tally = self._tally(kind, address)
        if tally is None:
            self.left_out += 1
            return None
        tally.count += 1
        if len(tally.places) >= PLACES_MAX:
            return None
        tally.places.append((file, line))
        return tally

    def add_many(self, kind: Kind, address: str, times: int) -> None:
        """So many places more of an address whose first places are told already."""
        self.counts[kind] += times
        tally = self._tally(kind, address)
        if tally is None:
            self.left_out += times
        else:
            tally.count += times

    def has_room(self, kind: Kind, address: str) -> bool:
        """Whether the next place of this address would be told."""
        tally = self.addresses.get((kind, address))
        if tally is None:
            return kind is Kind.TRANSLATED or self._others < ADDRESSES_MAX
        return len(tally.places) < PLACES_MAX

    def _tally(self, kind: Kind, address: str) -> Tally | None:
        tally = self.addresses.get((kind, address))
        if tally is None and (kind is Kind.TRANSLATED or self._others < ADDRESSES_MAX):
            tally = self.addresses[kind, address] = Tally()
            self._others += kind is not Kind.TRANSLATED
        return tally

    @property
    def refuses(self) -> bool:
        """Whether data with these findings must not be applied: the alternate would have an address of the primary."""
        return self.counts[Kind.MISSING] > 0

    def told(self) -> Iterator[tuple[Kind, str, Tally]]:
        """The addresses, gravest kind first, each kind in the order of its first places."""
        order = (Kind.MISSING, Kind.UNTOUCHED, Kind.NEW, Kind.TRANSLATED, Kind.FOREIGN)
        found = [(order.index(kind), tally.places, address) for (kind, address), tally in self.addresses.items()]
        for rank, _, address in sorted(found):
            yield order[rank], address, self.addresses[order[rank], address]

    def as_json(self) -> dict[str, Any]:
        """For a program, and to be read back."""
        return {
            "counts": {str(kind): count for kind, count in self.counts.items()},
            "left_out": self.left_out,
            "addresses": [
                {"kind": str(kind), "address": address, "count": tally.count, "places": list(map(list, tally.places))}
                for kind, address, tally in self.told()
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `as_json` gave; KeyError, TypeError or ValueError for anything else."""
        found = cls({kind: int(value["counts"][kind]) for kind in Kind}, left_out=int(value["left_out"]))
        for each in value["addresses"]:
            places = [(str(file), int(line)) for file, line in each["places"]]
            found.addresses[Kind(each["kind"]), str(each["address"])] = Tally(int(each["count"]), places)
        return found
