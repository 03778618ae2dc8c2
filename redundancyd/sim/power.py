"""Power of hosts, what boots with it, and a cluster's standby servers."""

from collections.abc import Iterator, Sequence

from redundancyd.core.systems import System
from redundancyd.sim.fleet import FAILOVER_US, Fleet
from redundancyd.sim.place import Place


class NoSuchDeed(ValueError):
    """Nobody knows how to do that."""


def places(fleet: Fleet, words: Sequence[str]) -> Iterator[Place]:
    """The servers that words such as `primary` or `alternate-2` mean."""
    for word in words:
        found = [
            place
            for place in fleet.places.values()
            if word in (place.server.system.value, place.name, _lim_word(place))
        ]
        if not found:
            raise NoSuchDeed(f"{word}: there is no such server")
        yield from found


def _lim_word(place: Place) -> str:
    return f"{place.server.system}-{place.server.lim}"


def power_off(fleet: Fleet, words: Sequence[str]) -> None:
    """Silent at once; what is on disks stays."""
    for place in tuple(places(fleet, words)):
        if not place.powered:
            continue
        place.powered = place.up = place.frozen = False
        place.manner.slow_us = place.manner.deaf = 0
        place.manner.garbles = place.refuses_ssh = False
        place.lim.lose_power()
        if place.is_own:
            fleet.service.kill(power=True)
        for wire in place.wires:
            wire.lose_far_end()
        _cluster(fleet, place)


def power_on(fleet: Fleet, words: Sequence[str]) -> None:
    """Boots on the same disk: first the boot unit of its LIM, then the network."""
    for place in tuple(places(fleet, words)):
        if place.powered:
            continue
        place.powered = True
        place.lim.boot()
        took = fleet.lot(f"boot {place.name} {place.lim.boots}").randint(*fleet.setup.boot_us)
        boots = place.lim.boots
        fleet.timeline.plan(took, lambda place=place, boots=boots: _booted(fleet, place, boots))  # type: ignore[misc]


def _booted(fleet: Fleet, place: Place, boots: int) -> None:
    if not place.powered or place.lim.boots != boots:
        return
    place.up = True
    for watcher in fleet.watchers:
        watcher.booted(place)
    if place.is_own:
        clock = fleet.service.host.clock
        clock.boots, clock.booted_us = clock.boots + 1, fleet.timeline.now_us
        fleet.service.start()
    _cluster(fleet, place)
    fleet.changed()


def _cluster(fleet: Fleet, place: Place) -> None:
    """A standby server takes over where its regular one is gone, after a while."""
    fleet.timeline.plan(FAILOVER_US, lambda: _settle_cluster(fleet, place))


def _settle_cluster(fleet: Fleet, place: Place) -> None:
    """Where the exchange of a LIM runs now, and the master address with it."""
    server = place.server
    of_lim = [other for other in fleet.of(server.system) if other.server.lim == server.lim]
    running = [other for other in of_lim if other.up and other.lim.exchange == "running"]
    if not running and (fit := [other for other in of_lim if other.up and not other.frozen]):
        for other in of_lim:
            other.lim.exchange = "stopped"
        fit[0].lim.exchange = "running"
        if fleet.master_on in of_lim and server.system is System.PRIMARY:
            fleet.master_on = fit[0]
        fleet.changed()
