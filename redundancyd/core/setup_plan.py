"""The steps by which two systems become a pair, and how each of them is undone.  Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from redundancyd.core.prerequisites import Finding, hindering
from redundancyd.core.preview import Preview, traffic_lines
from redundancyd.core.seen import View
from redundancyd.core.site import Begun
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Origin, Server, Status, System, Traffic, Word


class Step(StrEnum):
    """What `configure`, or its undoing, or the end of `remove`, is at."""

    RESTING = "resting"
    COPYING = "copying"
    TRANSLATING = "translating"
    BLOCKING = "blocking"
    LOADING = "loading"
    STARTING = "starting"
    UNDOING = "undoing"
    DISARMING = "disarming"


@dataclass(frozen=True, slots=True)
class Row:
    """One step, in the order in which they are taken."""

    number: str
    step: Step
    told: str


STEPS: tuple[Row, ...] = (
    Row("C01", Step.COPYING, "copy the primary's current backup"),
    Row("C02", Step.TRANSLATING, "list its addresses, and translate the primary's own ones"),
    Row("C03", Step.BLOCKING, "block the alternate"),
    Row("C04", Step.LOADING, "load the data into the alternate: it is reloaded, and all its traffic stops"),
    Row("C05", Step.STARTING, "start the supervision, with the primary active"),
)


class Undo(StrEnum):
    """How a step is undone."""

    GOAL = "forget the goal, and what the LIMs of the primary were told to listen for"
    DATA = "roll the alternate back to what it ran before"
    TRAFFIC = "allow the LIMs of the alternate that were allowed before, and forget the order there"
    TABLE = "put the translation table back"


def undo(begun: Begun) -> tuple[Undo, ...]:
    """What has to be undone, the last step first."""
    found = []
    if begun.goal:
        found.append(Undo.GOAL)
    if begun.loading:
        found.append(Undo.DATA)
    if begun.blocked:
        found.append(Undo.TRAFFIC)
    if begun.table:
        found.append(Undo.TABLE)
    return tuple(found)


def undone(begun: Begun, what: Undo) -> Begun:
    """What is left when this was undone."""
    match what:
        case Undo.GOAL:
            return replace(begun, goal=False)
        case Undo.DATA:
            return replace(begun, loading=False, before="")
        case Undo.TRAFFIC:
            return replace(begun, blocked=())
        case Undo.TABLE:
            return replace(begun, table=False)


def needs(what: Undo) -> Undo | None:
    """What has to be undone before this: nobody lets traffic into data of which nobody knows what it is."""
    return Undo.DATA if what is Undo.TRAFFIC else None


def first_number(status: Iterable[Status]) -> int:
    """The takeover number that no LIM has seen yet."""
    return max((said.number for said in status), default=0) + 1


def to_block(servers: Iterable[Server], status: dict[Server, Status]) -> tuple[Server, ...]:
    """The servers of the alternate that have to be blocked; who is blocked already stays as he is."""
    alternate = (server for server in servers if server.system is System.ALTERNATE)
    return tuple(server for server in alternate if status[server].traffic is not Traffic.BLOCKED)


def configure_preview(state: State, found: tuple[Finding, ...]) -> Preview:
    """Now, will do, afterwards; or which prerequisites hinder it."""
    now = traffic_lines(state)
    if lacking := hindering(found):
        names = ", ".join(each.name for each in lacking)
        return Preview(now, (), now, f"prerequisites not met: {names}")
    afterwards = (
        "primary: allowed, and supervised; it takes orders from here alone",
        "alternate: blocked, with the primary's exchange data, ready for a takeover",
    )
    return Preview(now, tuple(row.told for row in STEPS), afterwards)


def remove_preview(state: State) -> Preview:
    """Now, will do, afterwards; what can't be reached is left as it is, and told."""
    now = traffic_lines(state)
    if refused := remove_refusal(state):
        return Preview(now, (), now, refused)
    lost = [view.server.name for view in state.views if not _answers(state, view)]
    will_do = ["end the supervision: no heartbeat, no takeover, no daily copy"]
    if len(lost) < len(state.views):
        will_do.append("forget the last order on each LIM in reach, so that none holds after a restart")
    if lost:
        will_do.append(f"the same on {', '.join(lost)} as soon as it answers")
    will_do.append("put goal, methods and past jobs aside; the translation table and the mirrors stay")
    return Preview(now, tuple(will_do), tuple(_left(state)))


def remove_refusal(state: State) -> str:
    """Why the supervision cannot end at this instant; empty when it can."""
    if state.reloading():
        return "the alternate is loading exchange data; ask again when it has ended"
    if state.phase in {Phase.SAVING, Phase.BLOCKING, Phase.ALLOWING}:
        return "a takeover is under way; ask again when it has ended"
    return ""


def _answers(state: State, view: View) -> bool:
    """Whether what a server said last is worth anything: a channel to a host without power stays open for a while."""
    is_alive = view.heard_since(state.now - state.settings.window_ms)
    return view.connected and is_alive and not view.deaf and not view.doubtful


def _left(state: State) -> Iterable[str]:
    """Where the traffic stays, and what the operator has to do himself."""
    yield "traffic stays as it is now, until a LIM restarts: then it is allowed"
    answered = {view.server: view.status for view in state.views if view.status is not None and _answers(state, view)}
    for system in System:
        kinds = {status.traffic for server, status in answered.items() if server.system is system}
        if not kinds:
            yield f"{system}: out of reach; on its LIMs, as root: redundancy-lim allow --by-hand, or block --by-hand"
            if carriers(answered, system.other):
                yield (
                    f"{system}: it may carry traffic, too, so BOTH systems: it is blocked here as soon as it answers, "
                    "unless it was allowed by hand"
                )
        elif kinds == {Traffic.ALLOWED}:
            yield f"{system}: goes on carrying its traffic"
        else:
            words = "redundancyctl more_configuration iptables"
            what = "stays blocked until a LIM of it restarts" if kinds == {Traffic.BLOCKED} else "is blocked in part"
            yield f"{system}: {what}; to keep it blocked: {words} add --system {system}"
            yield f"{system}: to let it carry traffic: {words} remove --system {system}"
    if why := overlap(answered):
        yield why


# --- after the supervision has ended ---


def carriers(answered: Mapping[Server, Status], system: System) -> list[str]:
    """The servers of a system that say that they let traffic through, be it in part."""
    said = sorted((server.lim, server.name) for server in answered if server.system is system)
    blocked = {server.name for server, status in answered.items() if status.traffic is Traffic.BLOCKED}
    return [name for _, name in said if name not in blocked]


def overlap(answered: Mapping[Server, Status]) -> str:
    """That both systems carry traffic, and what to do; empty where they do not."""
    by_system = [carriers(answered, system) for system in System]
    if not all(by_system):
        return ""
    names = ", ".join(name for names in by_system for name in names)
    return (
        f"BOTH systems carry traffic: {names}; block one of them: "
        "redundancyctl more_configuration iptables add --system primary, or --system alternate"
    )


def is_let_through(server: Server, number: int, servers: Iterable[Server], answered: Mapping[Server, Status]) -> bool:
    """Whether a server that a restart holds carries its traffic again when it forgets the order.

    It was allowed by the last takeover of the supervision that ended, and its power failed before it could forget
    that: nobody else would ever end its hold.  Not when the other system could carry traffic by now: an operator may
    have moved it by hand meanwhile.  Where the other system does not say so itself, another LIM of ours has to carry.
    """
    said = answered[server]
    is_held = (said.traffic, said.origin, said.word) == (Traffic.BLOCKED, Origin.HOLD, Word.ALLOW)
    if not is_held or not number or said.number != number:
        return False
    other = server.system.other
    if carriers(answered, other):
        return False
    told_by_all = all(each in answered for each in servers if each.system is other)
    return told_by_all or bool(carriers(answered, server.system))


def is_overtaken(server: Server, number: int, answered: Mapping[Server, Status]) -> bool:
    """Whether a server still lets traffic through that a later takeover moved to the other system, which carries it.

    It was out of reach at that takeover, and at the removal.  What somebody allowed by hand is left to him.
    """
    said = answered[server]
    is_allowed = (said.traffic is not Traffic.BLOCKED, said.origin, said.word) == (True, Origin.ORDER, Word.ALLOW)
    return is_allowed and said.number < number and bool(carriers(answered, server.system.other))
