"""The ways between the places of a bed, as scenario pages name them.

`primary-alternate` is a link, both ways; `primary>alternate` one way of it.  A place alone means all its links;
`inter-site` is the link between the systems.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations


class Site(StrEnum):
    """A place packets come from or go to; the control address stands in the phones' net."""

    PRIMARY = "primary"
    ALTERNATE = "alternate"
    PHONES = "phones"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """One direction of one link."""

    source: Site
    target: Site

    def __str__(self) -> str:
        return f"{self.source}>{self.target}"


# Phones and the control address share a net and never talk through the router.
ALL_WAYS = frozenset(
    Way(source, target) for source, target in permutations(Site, 2) if {source, target} != {Site.PHONES, Site.CONTROL}
)


def ways(word: str) -> frozenset[Way]:
    """The ways a page means by `word`; ValueError when there is no such link."""
    if word == "inter-site":
        word = "primary-alternate"
    if word in set(Site):
        return frozenset(way for way in ALL_WAYS if word in {way.source, way.target})
    one_way = ">" in word
    source, _, target = word.partition(">" if one_way else "-")
    if {source, target} <= set(Site):
        there, back = Way(Site(source), Site(target)), Way(Site(target), Site(source))
        if there in ALL_WAYS:
            return frozenset({there} if one_way else {there, back})
    raise ValueError(f"no link is called {word!r}: say inter-site, alternate-control, primary>phones, or a place alone")
