"""1+1 server redundancy inside a system, as far as it matters between the systems.  Pure.

A cluster whose fallback is manual stays on its standby server until somebody moves it back.  A primary that came back
so is no primary to return to by itself: the manual wants the fallback type automatic where the return is.  No command
of a site tells the type for certain, so the operator is asked, and the answer is remembered.
"""

from collections.abc import Iterable, Iterator

from redundancyd.core import seen
from redundancyd.core.alarms import Alarm
from redundancyd.core.seen import View, Views
from redundancyd.core.systems import Fallback, Method, Methods, Server, System


def has_clusters(servers: Iterable[Server]) -> bool:
    """Whether the primary has standby servers."""
    return any(server.standby and server.system is System.PRIMARY for server in servers)


def return_refusal(servers: Iterable[Server], fallback: Fallback | None) -> str:
    """Why `primary-from-alternate` may not be automatic; empty when it may."""
    if not has_clusters(servers) or fallback is Fallback.AUTOMATIC:
        return ""
    if fallback is None:
        return "the primary has standby servers, and nobody has said whether its clusters fall back by themselves"
    return "the fallback type of the primary's clusters is manual: it would be returned to while it runs on a standby"


FALLBACK_REMEDY = (
    "Set the fallback type of each cluster of the primary to automatic, then say so: "
    "'redundancyctl settings cluster-fallback automatic'; or keep primary-from-alternate manual."
)


def in_force(wanted: Methods, servers: Iterable[Server], fallback: Fallback | None) -> Methods:
    """The methods that count: a return that may not be automatic is manual, whatever the settings say."""
    if wanted.primary_from_alternate is Method.AUTOMATIC and return_refusal(servers, fallback):
        return Methods(wanted.alternate_from_primary, Method.MANUAL)
    return wanted


def fallback_alarm(wanted: Methods, servers: Iterable[Server], fallback: Fallback | None) -> Alarm | None:
    """The alarm of a return that is set automatic and counts as manual."""
    why = return_refusal(servers, fallback)
    if not why or wanted.primary_from_alternate is not Method.AUTOMATIC:
        return None
    name, subject = "return_held_manual", str(System.PRIMARY)
    text = f"primary-from-alternate is set automatic and counts as manual: {why}.  {FALLBACK_REMEDY}"
    return Alarm(f"{name}:{subject}", name, 2, subject, text)


def on_standby(views: Views, system: System) -> tuple[Server, ...]:
    """The standby servers that run their LIM: theirs is the exchange that is seen to run, and no regular one's."""
    own = seen.of(views, system)
    regular = {view.server.lim for view in own if not view.server.standby and _runs(view)}
    return tuple(view.server for view in own if view.server.standby and _runs(view) and view.server.lim not in regular)


def standby_alarms(views: Views) -> Iterator[Alarm]:
    """An alarm for each LIM that runs on its standby server; LIM 1 of the primary has no management there."""
    for system in System:
        for server in on_standby(views, system):
            text = f"LIM {server.lim} of the {system} runs on its standby server, {server.address}"
            if server.lim == 1:
                text += ": management is not started there; move it back to its regular server"
            yield Alarm(f"on_standby:{server.name}", "on_standby", 3 if server.lim == 1 else 2, server.name, text)


def _runs(view: View) -> bool:
    return view.connected and view.exchange_running is True
