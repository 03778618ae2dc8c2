"""Watches a fleet while a page is played, and gathers what the lab gathers: every fact with its instant."""

from collections.abc import Callable
from typing import Any

from redundancyd.core.systems import System
from redundancyd.scenarios.evidence import Evidence, Happened, LetIn, Moved, Remembered, Seen, read_sample
from redundancyd.sim.fleet import Fleet
from redundancyd.sim.lim import Kept
from redundancyd.sim.place import Place, Watcher
from redundancyd.sim.timeline import MS
from redundancyd.sim.wires import Wire

STATUS_EVERY_US = 250 * MS


class Watch(Watcher):
    """Told by the fleet of what truly happens; asks the daemon for its status now and then."""

    def __init__(self, fleet: Fleet) -> None:
        self.evidence = Evidence()
        self.tell: Callable[[Seen], None] = lambda _: None
        self._fleet = fleet
        self._kept: dict[str, Kept] = {}
        self._wires: set[Wire] = set()
        fleet.watchers.append(self)

    def begin(self) -> None:
        """Ask for the status from now on."""
        self._fleet.timeline.plan(STATUS_EVERY_US, self.begin)
        service = self._fleet.service
        if service.runs and service.daemon is not None:
            self.evidence.samples.append(read_sample(self._fleet.now_ms, service.daemon.status()))

    def changed(self) -> None:
        """Something about the truth is otherwise: a boot, a hold, somebody's hand."""
        for place in self._fleet.places.values():
            self._look_at(place)

    def obeyed(self, place: Place, line: str, reply: str) -> None:  # noqa: ARG002 - its disk tells
        """A LIM has done what it was told."""
        self._look_at(place)

    def stepped(self) -> None:
        """The daemon has run: a connection that was not there before has had its handshake."""
        for place in self._fleet.places.values():
            for wire in place.wires:
                if wire not in self._wires and not wire.local:
                    self._wires.add(wire)
                    self._take(self.evidence.let_in, LetIn(self._fleet.now_ms, place.name))

    def recorded(self, event: str, fields: dict[str, Any]) -> None:
        """A line of the daemon's journal."""
        self._take(self.evidence.journal, Happened(self._fleet.now_ms, event, fields))

    def asked(self, target: str, sequence: int, *, sent: bool) -> None:
        """Pings tell nothing that a page could expect."""

    def answered(self, target: str, sequence: int) -> None:
        """Nor do their answers."""

    def held(self, place: Place) -> None:
        """Seen on its disk."""

    def booted(self, place: Place) -> None:
        """Seen on its disk."""

    def done(self, verb: str) -> None:
        """The player knows."""

    def moved(self, phone: int, system: System | None) -> None:
        """A phone registered elsewhere, or nowhere."""
        self._take(self.evidence.moved, Moved(self._fleet.now_ms, phone, system))

    def _look_at(self, place: Place) -> None:
        kept = place.lim.disk
        if kept is None or kept.number < 0 or kept == self._kept.get(place.name):
            return
        self._kept[place.name] = kept
        words = (kept.word, kept.origin, kept.traffic)
        order = Remembered(self._fleet.now_ms, place.name, place.server.system, kept.number, *words)
        self._take(self.evidence.remembered, order)

    def _take(self, kept: list[Any], fact: Seen) -> None:
        kept.append(fact)
        self.tell(fact)
