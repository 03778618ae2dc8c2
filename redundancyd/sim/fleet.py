"""The truth: two systems of LIMs, the ways between the places, the host that the daemon runs on, and the daemon itself.

`advance` lets time go by; between two calls anything may be done to the fleet (deeds.py) and anything may be seen.  It
knows nothing of promises: who judges listens (`watchers`).
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from redundancyd import config
from redundancyd.core.systems import Server, System
from redundancyd.scenarios.links import Site, Way
from redundancyd.sim import edges, service
from redundancyd.sim.caller import Asked
from redundancyd.sim.lim import Lim
from redundancyd.sim.place import Place, Watcher
from redundancyd.sim.setup import CONTROL, MASTER, Setup
from redundancyd.sim.timeline import MS, SECOND, Timeline
from redundancyd.sim.virtual_disk import VirtualDisk
from redundancyd.sim.virtual_loop import VirtualLoop
from redundancyd.sim.wires import LATENCY_US, Wire

HOLD_US = 5 * SECOND
FAILOVER_US = 8 * SECOND
SITES = {System.PRIMARY: Site.PRIMARY, System.ALTERNATE: Site.ALTERNATE}
NO_WAYS: frozenset[Way] = frozenset()


class Fleet:
    """A pair of systems under the real daemon."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.settings_text = setup.text()
        self.config = setup.config()
        self.timeline = Timeline()
        self.watchers: list[Watcher] = []
        self.cut: frozenset[Way] = NO_WAYS
        self.control_silent = False
        self.halted = False  # by who judges: there is nothing more to be seen
        self.orders: list[Asked] = []
        self.loss = setup.loss
        self._air = self.lot("air")
        self._echoes: list[tuple[edges.Echo, int]] = []
        holds = self.config.takeover
        self.places = {
            server: Place(
                self,
                server,
                Lim(
                    server,
                    self.timeline,
                    boot_hold_s=holds.boot_hold // 1000,
                    orphan_hold_s=None if holds.orphan_hold is None else holds.orphan_hold // 1000,
                    exchange="stopped" if server.standby else "running",
                    known_lims=tuple(range(1, setup.lims + 1)),
                ),
            )
            for server in self.config.servers()
        }
        self.by_address = {server.address: place for server, place in self.places.items()}
        self.own = self.places[self.config.own_server()]
        self.master_on: Place | None = self._first(System.PRIMARY)
        host = service.Host(
            self.timeline,
            edges.HostClock(self.timeline),
            VirtualDisk(self.timeline, self.lot("disk")),
            edges.Book(),
            self.lot("names"),
        )
        self.service = service.Service(host, self, self._load, self._recorded, watchdog=setup.watchdog)
        service.first_goal(host, self.config.daemon.state_folder, setup.active)
        for place in self.places.values():
            self.timeline.plan(self.lot(place.name).randint(0, HOLD_US), lambda place=place: self._hold(place))  # type: ignore[misc]

    # What anybody may ask.

    @property
    def now_ms(self) -> int:
        """Milliseconds since the beginning of this world."""
        return self.timeline.now_us // MS

    def lot(self, name: str) -> Random:
        """A source of chance of its own for each thing, so that none depends on another."""
        return Random(f"{self.setup.seed}/{name}")

    def of(self, system: System) -> Iterator[Place]:
        """The servers of one system."""
        return (place for place in self.places.values() if place.server.system is system)

    def reaches(self, place: Place, *, there: bool) -> bool:
        """Whether the way between our host and another one is open in one direction."""
        if place is self.own:
            return True
        if place.unplugged or self.own.unplugged:
            return False
        if not self.cut:
            return True
        ours, theirs = Site.ALTERNATE, SITES[place.server.system]
        return ours is theirs or (Way(ours, theirs) if there else Way(theirs, ours)) not in self.cut

    def hears_control(self, place: Place) -> bool:
        """Whether a host gets an answer from the network control address."""
        if self.control_silent or place.unplugged or not place.up:
            return False
        site = SITES[place.server.system]
        return not {Way(site, Site.CONTROL), Way(Site.CONTROL, site)} & self.cut

    def answers(self, address: str) -> bool:
        """Whether an echo request from our host to an address is answered."""
        if address == CONTROL:
            return self.hears_control(self.own)
        place = self.master_on if address == MASTER else self.by_address[address]
        return place is not None and place.goes_there() and place.comes_back()

    # Time.

    def advance(self, us: int) -> None:
        """Let so much time go by."""
        until = self.timeline.now_us + us
        try:
            while not self.halted and self._once(until):
                pass
        finally:
            VirtualLoop.rest()
        if not self.halted:
            self.timeline.now_us = until

    def _once(self, until: int) -> bool:
        """Run what is ready, or go on to the next instant; false when nothing happens before the end."""
        timeline, process = self.timeline, self.service.process
        loop_at = None
        if process is not None and not process.frozen:
            loop = process.loop
            loop.run_due()
            if loop.is_ready:
                loop.run_ready()
                if process.ended:
                    self.service.look_after()
                for watcher in self.watchers:
                    watcher.stepped()
                return True
            loop_at = loop.next_at()
        world_at = timeline.next_at()
        at = loop_at if world_at is None or (loop_at is not None and loop_at < world_at) else world_at
        if at is None or at > until:
            return False
        timeline.now_us = max(timeline.now_us, at)
        if world_at is not None and world_at <= timeline.now_us:
            timeline.happen()
        return True

    def changed(self) -> None:
        """Something about the ways or the hosts is otherwise: whoever depends on it is told."""
        for place in self.places.values():
            place.lim.hears_control = self.hears_control(place)
            place.wires = [wire for wire in place.wires if wire.caller_holds or wire.called_holds]
            for wire in tuple(place.wires):
                wire.changed()
        for watcher in self.watchers:
            watcher.changed()

    # What the daemon's process finds outside.

    def echo(self, target: edges.Echo, sequence: int) -> str:
        """One echo request."""
        sent = not self.own.unplugged or target.address == self.own.server.address
        if target.address in {MASTER, CONTROL}:
            for watcher in self.watchers:
                watcher.asked(target.address, sequence, sent=sent)
        if not sent:
            return "[Errno 101] Network is unreachable"
        answered = self.answers(target.address) and not (self.loss and self._air.random() < self.loss)
        if answered:
            if not self._echoes:
                self.timeline.plan(2 * LATENCY_US, self._echoes_arrive)
            self._echoes.append((target, sequence))
        return ""

    def listens(self, server: Server) -> str:
        """Who answers a connection to a LIM."""
        place = self.places[server]
        if not (place.goes_there() and place.comes_back()):
            return "gone"
        if place.refuses_ssh:
            return "refuses"
        return "yes" if place.works() else "mute"

    def connect(self, server: Server, *, local: bool = False) -> Wire:
        """A connection, once the handshake is done."""
        place = self.places[server]
        wire = Wire(place.lim, place.manner, place, self.lot(f"wire {place.name} {self.timeline.now_us}"), local)
        wire.opened_us = self.timeline.now_us
        place.wires.append(wire)
        return wire

    def connect_local(self) -> Wire:
        """A connection to the LIM that we are."""
        return self.connect(self.own.server, local=True)

    def hang_up(self) -> None:
        """The daemon's process is gone."""
        for place in self.places.values():
            for wire in place.wires:
                wire.close()

    def post(self, callback: Callable[[], None]) -> None:
        """Hand something to the daemon's process."""
        if self.service.process is not None:
            self.service.process.post(callback)

    def noticed(self) -> None:
        """A connection was opened or given up."""
        for watcher in self.watchers:
            watcher.changed()

    def obeyed(self, place: Place, line: str, reply: str) -> None:
        """Tell whoever judges."""
        for watcher in self.watchers:
            watcher.obeyed(place, line, reply)

    # Inside.

    def _first(self, system: System) -> Place:
        return next(place for place in self.of(system) if place.server.lim == 1 and not place.server.standby)

    def _load(self, path: str) -> config.Config:
        return config.parse(self.settings_text.encode(), path)

    def _recorded(self, event: str, _at_ms: int, fields: dict[str, Any]) -> None:
        for watcher in self.watchers:
            watcher.recorded(event, fields)

    def _echoes_arrive(self) -> None:
        arrived, self._echoes = self._echoes, []
        for target, sequence in arrived:
            if target.address in {MASTER, CONTROL}:
                for watcher in self.watchers:
                    watcher.answered(target.address, sequence)
        process = self.service.process
        if process is None:
            return

        def take() -> None:
            for target, sequence in arrived:
                target.take(sequence)

        process.post(take)

    def _hold(self, place: Place) -> None:
        """The timer unit of one LIM."""
        if place.works():
            before = place.lim.carries
            if place.lim.hold():
                for watcher in self.watchers:
                    if place.lim.carries and not before:
                        watcher.held(place)
                self.changed()
        self.timeline.plan(HOLD_US, lambda: self._hold(place))
