"""What has to be so before two systems become a pair: each with what was found, what was expected, and what to do.

Some may be accepted by name, since the operator may know better, or nothing but he can tell; the rest may not.
"""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from redundancyd.core.survey import LimFacts, Survey
from redundancyd.core.systems import Method, Methods, Server, Supervisor, System, Traffic

CLOCKS_S = 30
RATE_LEAST = 250_000
"""bytes a second: at that, a gigabyte takes about an hour"""
NAMES_MAX = 50
_SIDES = (System.PRIMARY, System.ALTERNATE)


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
class Asked:
    """What the operator wants to be configured."""

    master_ip: str
    control: tuple[str, ...]
    accept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Lack:
    """What a check found wrong."""

    found: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class _Given:
    survey: Survey
    asked: Asked
    us: Supervisor
    methods: Methods
    keep: int


_Check = Callable[[_Given], tuple[tuple[str, ...], _Lack | None]]
"""what was found, and what is wrong with it"""


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A row of the list."""

    name: str
    expected: str
    check: _Check
    may_be_accepted: bool = False


def findings(survey: Survey, asked: Asked, us: Supervisor, methods: Methods, keep: int) -> tuple[Finding, ...]:
    """Every prerequisite, in the order in which one would look."""
    given = _Given(survey, asked, us, methods, keep)
    return tuple(_finding(row, given) for row in PREREQUISITES)


def _finding(row: Prerequisite, given: _Given) -> Finding:
    found, lack = row.check(given)
    if lack is None:
        return Finding(row.name, Outcome.MET, found, row.expected)
    remedy, outcome = lack.remedy, Outcome.BROKEN
    if row.may_be_accepted:
        outcome = Outcome.ACCEPTED if row.name in given.asked.accept else Outcome.ASKED
        remedy = f"{remedy}  Or accept it: --accept {row.name}".strip()
    return Finding(row.name, outcome, lack.found, row.expected, remedy)


def hindering(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that do not let `configure` begin."""
    return tuple(each for each in found if each.outcome in {Outcome.BROKEN, Outcome.ASKED})


def accepted(found: Sequence[Finding]) -> tuple[str, ...]:
    """The names of those that were accepted, to be remembered."""
    return tuple(each.name for each in found if each.outcome is Outcome.ACCEPTED)


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


def _each(names: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}: {what}" for name, what in list(names.items())[:NAMES_MAX])


def _joined(words: Sequence[object]) -> str:
    return ", ".join(map(str, words)) or "none"


# --- one check after the other ---


def _addresses(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    asked, taken = given.asked, {server.address: server.name for server in given.survey.servers}
    told = (f"master IP address {asked.master_ip}", f"network control address {_joined(asked.control)}")
    for text in (asked.master_ip, *asked.control):
        if short := without_mask(text):
            return told, _Lack((f"{text} has a mask behind it",), f"Write it without the slash: {short}")
        if not is_address(text):
            return told, _Lack((f"{text} is no address of a host",), "Write a numeric IP address; no name is looked up.")
    if asked.master_ip in taken:
        why = f"{asked.master_ip} is the own address of {taken[asked.master_ip]}"
        remedy = "Give the alias that follows the master: 'serverConfigTool getMasterAddress' prints it."
        return told, _Lack((why,), remedy)
    for address in asked.control:
        if address == asked.master_ip or address in taken:
            whose = taken.get(address, "the master IP address")
            remedy = "Give one in the network of the endpoints that depends on neither system: their default gateway."
            return told, _Lack((f"{address} is {whose}",), remedy)
    return told, None


def _host_keys(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    strange = sorted(server.name for server in given.survey.strange_keys)
    if not strange:
        return ("the host key of every server is the pinned one",), None
    found = tuple(f"{name}: its host key is not the one that is pinned" for name in strange)
    remedy = "Compare the key at the console of the LIM; if it was reinstalled, pin it anew: redundancyctl lim install"
    return found, _Lack(found, remedy)


def _reach(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    lost = {
        server.name: why for server, why in given.survey.unreached.items() if server not in given.survey.strange_keys
    }
    if not lost:
        return (f"all {len(given.survey.servers)} servers answer",), None
    return _each(lost), _Lack(_each(lost), "Put redundancy-lim and our key there: redundancyctl lim install")


def _rules(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    unread = {server.name: why for server, why in given.survey.unread.items()}
    if unread:
        remedy = "Mend lim.conf on that LIM: redundancyctl lim install; 'redundancy-lim status' there says what is wrong."
        return _each(unread), _Lack(_each(unread), remedy)
    foreign = {
        server.name: f"takes orders of {status.supervisor.partition('.')[0]}, takeover {status.number}"
        for server, status in given.survey.status.items()
        if status.supervisor and status.supervisor.partition(".")[0] != given.us.id
    }
    if foreign:
        remedy = "Remove the other supervision there; where it is lost, as root on that LIM: redundancy-lim remove"
        return _each(foreign), _Lack(_each(foreign), remedy)
    return ("every LIM says what its rules do, and nobody else orders it",), None


def _exchange(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    wrong = {}
    for system in _SIDES:
        for lim in given.survey.lims(system):
            running = given.survey.running(system, lim)
            if running is None:
                continue
            server, facts = running
            if facts.exchange != "running":
                wrong[server.name] = f"exchange {facts.exchange or 'unknown'}"
            elif facts.measure:
                wrong[server.name] = f"busy with: {facts.measure}"
    if wrong:
        return _each(wrong), _Lack(_each(wrong), "Start the exchange there, or wait until it has ended its work.")
    return ("the exchange runs on every LIM, and is at rest",), None


def _master(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    survey, wanted = given.survey, given.asked.master_ip
    answers = "answers" if survey.master_answers else "does not answer"
    says = {
        server.name: facts.master
        for server, facts in survey.facts.items()
        if server.system is System.PRIMARY and facts.exchange == "running"
    }
    told = (f"{wanted} {answers}", *(f"{name} reports {master or 'nothing'}" for name, master in says.items()))
    reported = sorted({master for master in says.values() if master})
    if not reported:
        return told, _Lack(told, "Make 'serverConfigTool getMasterAddress' work there; [commands] master names it.")
    others = [master.partition("/")[0] for master in reported if not _same(master.partition("/")[0], wanted)]
    if others:
        return told, _Lack(told, f"Give the address that the primary itself reports: {others[0]}")
    if not survey.master_answers:
        return told, _Lack(told, "Let the primary answer ping at it, and look at the line between the two places.")
    return told, None


def _same(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _control(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    answers = given.survey.control_answers
    told = [f"{address} {'answers' if answers.get(address) else 'does not answer'}" for address in given.asked.control]
    if given.survey.primary_hears is not None:
        told.append(f"the primary's LIM 1 {'hears' if given.survey.primary_hears else 'does not hear'} it")
    if not answers or not all(answers.values()):
        return tuple(told), _Lack(tuple(told), "Choose an address that answers ping and is always on.")
    if given.survey.primary_hears is False:
        return tuple(told), _Lack(tuple(told), "Choose an address that both systems hear: the endpoints' gateway.")
    return tuple(told), None


def _traffic(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    kinds = {
        system: {status.traffic for server, status in given.survey.status.items() if server.system is system}
        for system in _SIDES
    }
    told = tuple(f"{system}: {_joined(sorted(kinds[system]))}" for system in _SIDES)
    if kinds[System.PRIMARY] <= {Traffic.ALLOWED}:
        return told, None
    remedy = (
        "Let the primary carry the traffic first: 'redundancyctl more_configuration iptables remove --system primary', "
        "or on its LIMs as root: redundancy-lim allow --by-hand"
    )
    if Traffic.ALLOWED in kinds[System.ALTERNATE]:
        told = (*told, "the alternate carries the traffic, and would be reloaded")
    return told, _Lack(told, remedy)


def _compared(
    given: _Given, what: Callable[[LimFacts], object], remedy: str, *, blank: object = None
) -> tuple[tuple[str, ...], _Lack | None]:
    """One thing that LIM by LIM has to be the same in both systems."""
    told, wrong = [], []
    for lim in sorted({*given.survey.lims(System.PRIMARY), *given.survey.lims(System.ALTERNATE)}):
        sides = [given.survey.running(system, lim) for system in _SIDES]
        values = [what(side[1]) if side is not None else blank for side in sides]
        shown = [_shown(value) for value in values]
        told.append(f"LIM {lim}: primary {shown[0]}, alternate {shown[1]}")
        if values[0] != values[1] or values[0] == blank:
            wrong.append(told[-1])
    return tuple(told[:NAMES_MAX]), _Lack(tuple(wrong[:NAMES_MAX]), remedy) if wrong else None


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return _joined(value)
    return "not known" if value in {None, ""} else str(value)


def _version(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    return _compared(given, lambda facts: facts.version, "Bring both systems to the same version.", blank="")


def _lims(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    told, wrong = [], []
    for system in _SIDES:
        listed = given.survey.lims(system)
        first = given.survey.running(system, 1)
        says = first[1].lims if first is not None else ()
        told.append(f"{system}: its exchange has LIM {_joined(says)}, the settings list LIM {_joined(listed)}")
        if says != listed:
            wrong.append(told[-1])
    if given.survey.lims(System.PRIMARY) != given.survey.lims(System.ALTERNATE):
        wrong = list(told)
    remedy = "Add the LIM that is missing, with the same number, to the system that lacks it, and to the settings file."
    return tuple(told), _Lack(tuple(wrong), remedy) if wrong else None


def _gateways(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    told, kinds = [], []
    for system in _SIDES:
        running = (given.survey.running(system, lim) for lim in given.survey.lims(system))
        known = [found[1].gateways for found in running if found is not None]
        own = {name for names in known if names is not None for name in names} if None not in known else None
        kinds.append(own)
        told.append(f"{system}: {'not known' if own is None else _joined(sorted(own))}")
    if None in kinds:
        remedy = "Compare them by hand, or name the command in lim.conf: command_gateways=media_gateway_config -p"
        return tuple(told), _Lack(tuple(told), remedy)
    remedy = "Add the media gateway that is missing to the system that lacks it."
    return tuple(told), None if kinds[0] == kinds[1] else _Lack(tuple(told), remedy)


def _media_servers(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    remedy = "Add the media server that is missing to the system that lacks it."
    return _compared(given, lambda facts: facts.media_servers, remedy)


def _regular(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    running = given.survey.running(System.PRIMARY, 1)
    if running is None:
        return ("not known",), _Lack(("not known",), "See 'reach'.")
    server, facts = running
    if server.standby or facts.standby:
        found = (f"LIM 1 of the primary runs on its standby server, {server.address}: no management there",)
        return found, _Lack(found, "Bring LIM 1 back to its regular server first.")
    return (f"LIM 1 of the primary runs on {server.name}",), None


def _fallback(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    standby = [server.name for server in given.survey.of(System.PRIMARY) if server.standby]
    method = given.methods.primary_from_alternate
    if not standby or method is Method.MANUAL:
        found = f"primary-from-alternate is {method}; standby servers of the primary: {_joined(standby)}"
        return (found,), None
    told = ("primary-from-alternate is automatic, and nothing tells the fallback type of the primary's clusters",)
    remedy = (
        "Set the fallback type of each cluster of the primary to automatic; or keep the return manual: "
        "[takeover] primary_from_alternate."
    )
    return told, _Lack(told, remedy)


def _clocks(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    off = {server.name: seconds for server, seconds in given.survey.clocks_off_s.items()}
    if not off:
        return ("not known",), None  # a LIM of an older release does not tell
    furthest = max(off.values(), key=abs)
    wrong = {
        name: f"{abs(seconds)} s {'before' if seconds > 0 else 'behind'} our clock"
        for name, seconds in off.items()
        if abs(seconds) > CLOCKS_S
    }
    if wrong:
        return _each(wrong), _Lack(_each(wrong), "Let both systems take their time from the same NTP servers.")
    return (f"the furthest is {abs(furthest)} s away",), None


def _capacity(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    told, wrong = [], []
    for lim in given.survey.lims(System.ALTERNATE):
        sides = [given.survey.running(system, lim) for system in _SIDES]
        if sides[0] is None or sides[1] is None:
            continue
        primary, alternate = sides[0][1], sides[1][1]
        pairs = {
            "processors": (primary.processors, alternate.processors, 1),
            "memory MiB": (primary.memory_kib, alternate.memory_kib, 1024),
            "disk MiB": (primary.disk_kib or 0, alternate.disk_kib or 0, 1024),
        }
        sizes = [f"{name} {theirs // unit} against {ours // unit}" for name, (theirs, ours, unit) in pairs.items()]
        told.append(f"LIM {lim}: {'; '.join(sizes)}")
        # A LIM tells a little less than what is built in, and not always equally much.
        small = [name for name, (theirs, ours, _) in pairs.items() if ours < theirs * 0.95]
        if small:
            wrong.append(f"{told[-1]}: the alternate has less ({', '.join(small)})")
    remedy = "Give each server of the alternate at least what its LIM has in the primary."
    return tuple(told[:NAMES_MAX]), _Lack(tuple(wrong[:NAMES_MAX]), remedy) if wrong else None


def _room(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    size, room = given.survey.backup_bytes, given.survey.room_bytes
    if size is None or room is None:
        told = (f"the size of the primary's backup is not known: {given.survey.backup_why or 'not asked'}",)
        return told, _Lack(told, "Make a backup in the primary (data_backup), or ask again: the LIMs may still count.")
    told = (f"room for {_mega(room)}; {given.keep} mirrors take up to {_mega(size * given.keep)}",)
    if room < size * given.keep:
        return told, _Lack(told, "Make room where the mirrors lie: [exchange_data] folder.")
    return told, None


def _rate(given: _Given) -> tuple[tuple[str, ...], _Lack | None]:
    rate, size = given.survey.rate, given.survey.backup_bytes
    if rate is None:
        told = (f"not measured: {given.survey.rate_why or 'no backup'}",)
        return told, _Lack(told, "Make a backup in the primary (data_backup), and ask again.")
    took = f", the whole backup in about {max(1, size // rate)} s" if size and rate else ""
    told = (f"{rate // 1000} kB a second from the primary's LIM 1{took}",)
    if rate < RATE_LEAST:
        return told, _Lack(told, "Look at the line between the two places, and at who else uses it.")
    return told, None


def _mega(size: int) -> str:
    return f"{max(1, size // 10**6)} MB" if size else "0 MB"


PREREQUISITES: tuple[Prerequisite, ...] = (
    Prerequisite("addresses", "addresses of hosts, without a mask, that no server has", _addresses),
    Prerequisite("host-keys", "the host keys that are pinned", _host_keys),
    Prerequisite("reach", "every server of both systems answers", _reach),
    Prerequisite("rules", "every LIM can be ordered, by us alone", _rules),
    Prerequisite("exchange", "the exchange runs on every LIM", _exchange),
    Prerequisite("master", "it answers, and is what the primary itself reports", _master),
    Prerequisite("control", "it answers here, and the primary hears it", _control),
    Prerequisite("traffic", "the primary carries the traffic, the alternate none", _traffic),
    Prerequisite("version", "the same in both systems", _version),
    Prerequisite("lims", "the same numbers in both systems and in the settings", _lims),
    Prerequisite("gateways", "the same media gateways in both systems", _gateways, may_be_accepted=True),
    Prerequisite("media-servers", "the same media servers in both systems", _media_servers),
    Prerequisite("regular-server", "the primary's LIM 1 on its regular server", _regular),
    Prerequisite("fallback", "automatic in each cluster where the return is automatic", _fallback, may_be_accepted=True),
    Prerequisite("clocks", f"all clocks within {CLOCKS_S} s", _clocks),
    Prerequisite("capacity", "each server of the alternate at least as large", _capacity, may_be_accepted=True),
    Prerequisite("room", "room for all mirrors that are kept", _room, may_be_accepted=True),
    Prerequisite("rate", f"at least {RATE_LEAST // 1000} kB a second", _rate, may_be_accepted=True),
)
