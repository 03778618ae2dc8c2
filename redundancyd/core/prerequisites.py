"""What has to be so before two systems become a pair: each with what was found, what was expected, and what to do.

Some may be accepted by name, since the operator may know better, or nothing but he can tell; the rest may not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from redundancyd.core import prerequisites_reach as reach
from redundancyd.core import prerequisites_sides as sides
from redundancyd.core.prerequisite_kinds import Asked, Check, Given, Known
from redundancyd.core.survey import Survey
from redundancyd.core.systems import Methods, Server, Status, Supervisor

_AGAIN = {"rules", "traffic"}
"""before the alternate is blocked"""


class Outcome(StrEnum):
    """How a prerequisite stands."""

    MET = "met"
    ACCEPTED = "accepted"  # not met, or not to be told, and accepted by name
    ASKED = "to be accepted"  # not met, or not to be told; --accept NAME goes on
    BROKEN = "not met"


@dataclass(frozen=True, slots=True)
class Finding:
    """One prerequisite."""

    name: str
    outcome: Outcome
    found: tuple[str, ...]
    expected: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A row of the list."""

    name: str
    expected: str
    check: Check


def findings(survey: Survey, asked: Asked, known: Known) -> tuple[Finding, ...]:
    """Every prerequisite, in the order in which one would look."""
    given = Given(survey, asked, known)
    return tuple(_finding(row, given) for row in PREREQUISITES)


def _finding(row: Prerequisite, given: Given) -> Finding:
    found, lack = row.check(given)
    if lack is None:
        return Finding(row.name, Outcome.MET, found, row.expected)
    remedy, outcome = lack.remedy, Outcome.BROKEN
    if lack.soft:
        outcome = Outcome.ACCEPTED if row.name in given.asked.accept else Outcome.ASKED
        remedy = f"{remedy}  Or accept it: --accept {row.name}"
    return Finding(row.name, outcome, lack.found, row.expected, remedy)


def looked_again(status: Mapping[Server, Status], us: Supervisor) -> tuple[Finding, ...]:
    """What is not met any more of what the LIMs' own words tell, an hour of copying later."""
    given = Given(Survey(tuple(status), status=status), Asked("", ()), Known(us, Methods(), 0))
    return hindering([_finding(row, given) for row in PREREQUISITES if row.name in _AGAIN])


def hindering(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that do not let `configure` begin."""
    return tuple(each for each in found if each.outcome in {Outcome.BROKEN, Outcome.ASKED})


def accepted(found: Sequence[Finding]) -> tuple[str, ...]:
    """The names of those that were accepted, to be remembered."""
    return tuple(each.name for each in found if each.outcome is Outcome.ACCEPTED)


PREREQUISITES: tuple[Prerequisite, ...] = (
    Prerequisite("addresses", "addresses of hosts, without a mask, that no server has", reach.addresses),
    Prerequisite("host-keys", "the host keys that are pinned", reach.host_keys),
    Prerequisite("reach", "every server of both systems answers", reach.reach),
    Prerequisite("rules", "every LIM can be ordered, by us alone", reach.rules),
    Prerequisite("exchange", "the exchange runs on every LIM", reach.exchange),
    Prerequisite("master", "it answers, and is what the primary itself reports", reach.master),
    Prerequisite("control", "it answers here, and the primary hears it", reach.control),
    Prerequisite("traffic", "the primary carries the traffic; the alternate will be reloaded", reach.traffic),
    Prerequisite("version", "the same in both systems", sides.version),
    Prerequisite("lims", "the same numbers in both systems and in the settings", sides.lims),
    Prerequisite("gateways", "the same media gateways in both systems", sides.gateways),
    Prerequisite("media-servers", "the same media servers in both systems", sides.media_servers),
    Prerequisite("regular-server", "the primary's LIM 1 on its regular server", sides.regular),
    Prerequisite("fallback", "automatic in each cluster where the return is automatic", sides.fallback),
    Prerequisite("clocks", f"all clocks within {sides.CLOCKS_S} s", sides.clocks),
    Prerequisite("capacity", "each server of the alternate at least as large", sides.capacity),
    Prerequisite("room", "room for all mirrors that are kept", sides.room),
    Prerequisite("rate", f"at least {sides.RATE_LEAST // 1000} kB a second", sides.rate),
)
