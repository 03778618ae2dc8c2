"""Prerequisites of the two systems side by side, and of what lies between them.  Pure."""

from collections.abc import Callable

from redundancyd.core.clusters import FALLBACK_REMEDY, return_refusal
from redundancyd.core.prerequisite_kinds import SIDES, TOLD_MAX, Checked, Given, Lack, each_of, joined
from redundancyd.core.survey import LimFacts
from redundancyd.core.systems import Method, System

CLOCKS_S = 30
RATE_LEAST = 250_000
"""bytes a second: at that, a gigabyte takes about an hour"""
NEARLY = 0.95
"""a machine tells a little less than what is built in, and not always equally much"""


def _compared(given: Given, what: Callable[[LimFacts], object], remedy: str, *, blank: object = None) -> Checked:
    """One thing that LIM by LIM has to be the same in both systems."""
    told, wrong = [], []
    for lim in sorted({*given.survey.lims(System.PRIMARY), *given.survey.lims(System.ALTERNATE)}):
        sides = [given.survey.running(system, lim) for system in SIDES]
        values = [what(side[1]) if side is not None else blank for side in sides]
        shown = [_shown(value) for value in values]
        told.append(f"LIM {lim}: primary {shown[0]}, alternate {shown[1]}")
        if values[0] != values[1] or values[0] == blank:
            wrong.append(told[-1])
    return tuple(told[:TOLD_MAX]), Lack(tuple(wrong[:TOLD_MAX]), remedy) if wrong else None


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return joined(value)
    return "not known" if value in {None, ""} else str(value)


def version(given: Given) -> Checked:
    """One version."""
    return _compared(given, lambda facts: facts.version, "Bring both systems to the same version.", blank="")


def lims(given: Given) -> Checked:
    """The same LIMs."""
    told, wrong = [], []
    for system in SIDES:
        listed = given.survey.lims(system)
        first = given.survey.running(system, 1)
        says = first[1].lims if first is not None else ()
        told.append(f"{system}: its exchange has LIM {joined(says)}, the settings list LIM {joined(listed)}")
        if says != listed:
            wrong.append(told[-1])
    if given.survey.lims(System.PRIMARY) != given.survey.lims(System.ALTERNATE):
        wrong = list(told)
    remedy = "Add the LIM that is missing, with the same number, to the system that lacks it, and to the settings file."
    return tuple(told), Lack(tuple(wrong), remedy) if wrong else None


def gateways(given: Given) -> Checked:
    """The same media gateways."""
    told, kinds = [], []
    for system in SIDES:
        running = (given.survey.running(system, lim) for lim in given.survey.lims(system))
        known = [found[1].gateways for found in running if found is not None]
        own = {name for names in known if names is not None for name in names} if None not in known else None
        kinds.append(own)
        told.append(f"{system}: {'not known' if own is None else joined(sorted(own))}")
    if None in kinds:
        remedy = "Compare them by hand, or name the command in lim.conf: command_gateways=media_gateway_config -p"
        return tuple(told), Lack(tuple(told), remedy, soft=True)
    remedy = "Add the media gateway that is missing to the system that lacks it."
    return tuple(told), None if kinds[0] == kinds[1] else Lack(tuple(told), remedy)


def media_servers(given: Given) -> Checked:
    """The same media servers."""
    remedy = "Add the media server that is missing to the system that lacks it."
    return _compared(given, lambda facts: facts.media_servers, remedy)


def regular(given: Given) -> Checked:
    """The primary's management runs."""
    running = given.survey.running(System.PRIMARY, 1)
    if running is None:
        return ("not known",), Lack(("not known",), "See 'reach'.")
    server, facts = running
    if server.standby or facts.standby:
        found = (f"LIM 1 of the primary runs on its standby server, {server.address}: no management there",)
        return found, Lack(found, "Bring LIM 1 back to its regular server first.")
    return (f"LIM 1 of the primary runs on {server.name}",), None


def fallback(given: Given) -> Checked:
    """A cluster helps itself where the return is automatic; where it is not known, the return counts as manual."""
    standby = [server.name for server in given.survey.of(System.PRIMARY) if server.standby]
    method = given.known.methods.primary_from_alternate
    told = (f"primary-from-alternate is {method}; standby servers of the primary: {joined(standby)}",)
    why = return_refusal(given.survey.servers, given.known.fallback)
    if not why or method is Method.MANUAL:
        return told, None
    return told, Lack((f"primary-from-alternate is automatic: {why}",), FALLBACK_REMEDY, soft=True)


def clocks(given: Given) -> Checked:
    """Clocks are close."""
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
        return each_of(wrong), Lack(each_of(wrong), "Let both systems take their time from the same NTP servers.")
    return (f"the furthest is {abs(furthest)} s away",), None


def capacity(given: Given) -> Checked:
    """The alternate can carry what the primary carries."""
    told, wrong = [], []
    for lim in given.survey.lims(System.ALTERNATE):
        sides = [given.survey.running(system, lim) for system in SIDES]
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
        small = [name for name, (theirs, ours, _) in pairs.items() if ours < theirs * NEARLY]
        if small:
            wrong.append(f"{told[-1]}: the alternate has less ({', '.join(small)})")
    remedy = "Give each server of the alternate at least what its LIM has in the primary."
    return tuple(told[:TOLD_MAX]), Lack(tuple(wrong[:TOLD_MAX]), remedy, soft=True) if wrong else None


def room(given: Given) -> Checked:
    """Three mirrors find room."""
    size, room = given.survey.backup_bytes, given.survey.room_bytes
    if size is None or room is None:
        told = (f"the size of the primary's backup is not known: {given.survey.backup_why or 'not asked'}",)
        return told, Lack(
            told, "Make a backup in the primary (data_backup), or ask again: the LIMs may still count.", soft=True
        )
    told = (f"room for {_mega(room)}; {given.known.keep} mirrors take up to {_mega(size * given.known.keep)}",)
    if room < size * given.known.keep:
        return told, Lack(told, "Make room where the mirrors lie: [exchange_data] folder.", soft=True)
    return told, None


def rate(given: Given) -> Checked:
    """A copy comes over in time."""
    rate, size = given.survey.rate, given.survey.backup_bytes
    if rate is None:
        told = (f"not measured: {given.survey.rate_why or 'no backup'}",)
        return told, Lack(told, "Make a backup in the primary (data_backup), and ask again.", soft=True)
    took = f", the whole backup in about {max(1, size // rate)} s" if size and rate else ""
    told = (f"{rate // 1000} kB a second from the primary's LIM 1{took}",)
    if rate < RATE_LEAST:
        return told, Lack(told, "Look at the line between the two places, and at who else uses it.", soft=True)
    return told, None


def _mega(size: int) -> str:
    return f"{max(1, size // 10**6)} MB" if size else "0 MB"
