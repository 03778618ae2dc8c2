"""What can be done to a fleet: the verbs of the scenario pages, and those that only a simulator can play.

A deed that changes nothing (power for a host that has power) is no mistake: it does nothing.  Places are systems or
servers, links are those of the pages.
"""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redundancyd.core.systems import System
from redundancyd.scenarios.links import ways
from redundancyd.scenarios.spans import Span
from redundancyd.sim import caller
from redundancyd.sim.fleet import Fleet
from redundancyd.sim.lim import WORDS
from redundancyd.sim.place import Place
from redundancyd.sim.power import NoSuchDeed, places, power_off, power_on
from redundancyd.sim.timeline import MS

FOREIGN = "stranger.run1"
LOST_ANSWERS = 2

Do = Callable[[Fleet, Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is done at one instant, counted from the beginning."""

    at_ms: int
    verb: str
    words: tuple[str, ...] = ()
    incident: str = ""  # what it is a part of

    def __str__(self) -> str:
        return " ".join((self.verb, *self.words))


def do(fleet: Fleet, verb: str, words: Sequence[str]) -> None:
    """Do it now; NoSuchDeed when nobody knows how."""
    try:
        deed = DEEDS[verb]
    except KeyError:
        raise NoSuchDeed(f"{verb}: known are {', '.join(DEEDS)}") from None
    for watcher in fleet.watchers:
        watcher.done(verb)
    deed(fleet, words)
    fleet.changed()


# --- hosts ---


def _mark(name: str, *, value: bool) -> Do:
    def deed(fleet: Fleet, words: Sequence[str]) -> None:
        for place in places(fleet, words):
            if place.powered:
                setattr(place, name, value)

    return deed


def _freeze(fleet: Fleet, words: Sequence[str]) -> None:
    if list(words) == ["daemon"]:
        fleet.service.freeze()
    else:
        _mark("frozen", value=True)(fleet, words)
        _own_frozen(fleet)


def _thaw(fleet: Fleet, words: Sequence[str]) -> None:
    if list(words) == ["daemon"]:
        fleet.service.thaw()
    else:
        _mark("frozen", value=False)(fleet, words)
        _own_frozen(fleet)


def _own_frozen(fleet: Fleet) -> None:
    if fleet.own.frozen:
        fleet.service.freeze()
    else:
        fleet.service.thaw()


# --- ways ---


def _cut(fleet: Fleet, words: Sequence[str]) -> None:
    for word in words:
        fleet.cut |= ways(word)


def _heal(fleet: Fleet, words: Sequence[str]) -> None:
    for word in words:
        fleet.cut -= ways(word)


def _control(*, silent: bool) -> Do:
    def deed(fleet: Fleet, _words: Sequence[str]) -> None:
        fleet.control_silent = silent

    return deed


def _move_master(fleet: Fleet, words: Sequence[str]) -> None:
    fleet.master_on = next(places(fleet, words))


def _drop_master(fleet: Fleet, words: Sequence[str]) -> None:
    if System(words[0]) is System.PRIMARY:
        fleet.master_on = None


def _break(fleet: Fleet, words: Sequence[str]) -> None:
    for place in places(fleet, words):
        for wire in tuple(place.wires):
            wire.break_()


# --- the daemon ---


def _kill(fleet: Fleet, _words: Sequence[str]) -> None:
    fleet.service.kill()


def _start(fleet: Fleet, _words: Sequence[str]) -> None:
    if fleet.own.works():
        fleet.service.start()


def _signal(number: signal.Signals) -> Do:
    def deed(fleet: Fleet, _words: Sequence[str]) -> None:
        fleet.service.signal(number)

    return deed


def _restart(fleet: Fleet, _words: Sequence[str]) -> None:
    """An orderly stop, then a start."""
    fleet.service.signal(signal.SIGTERM)
    _start_when_gone(fleet)


def _start_when_gone(fleet: Fleet) -> None:
    if fleet.service.process is None:
        _start(fleet, ())
    else:
        fleet.timeline.plan(20 * MS, lambda: _start_when_gone(fleet))


def _step_clock(fleet: Fleet, words: Sequence[str]) -> None:
    ms = Span(words[0][1:]).ms({})
    fleet.service.host.clock.wall_offset_ms += ms if words[0][0] == "+" else -ms


def _order(fleet: Fleet, words: Sequence[str]) -> None:
    fleet.orders.append(caller.order(fleet.service, " ".join(words)))


def _look(fleet: Fleet, _words: Sequence[str]) -> None:
    caller.ask(fleet.service, "GET", "/v1/status")


# --- LIMs ---


def _by_hand(fleet: Fleet, words: Sequence[str]) -> None:
    for place in places(fleet, words[1:]):
        if place.works():
            place.lim.by_hand(words[0])


def _on_lims(change: Callable[[Place], object]) -> Do:
    def deed(fleet: Fleet, words: Sequence[str]) -> None:
        for place in places(fleet, words):
            if place.up:
                change(place)

    return deed


def _refusal(*, refuses: bool) -> Do:
    def deed(fleet: Fleet, words: Sequence[str]) -> None:
        assert words[0] in WORDS
        for place in places(fleet, words[1:]):
            (place.lim.refuses.add if refuses else place.lim.refuses.discard)(words[0])

    return deed


def _slow(fleet: Fleet, words: Sequence[str]) -> None:
    for place in places(fleet, words[1:]):
        place.manner.slow_us = Span(words[0]).ms({}) * MS


def _lose_answers(place: Place) -> None:
    place.manner.deaf = LOST_ANSWERS


def _garble(place: Place) -> None:
    place.manner.garbles = True


def _speak_clearly(place: Place) -> None:
    place.manner.garbles, place.manner.deaf, place.manner.slow_us = False, 0, 0


def _exchange(*, running: bool) -> Do:
    def deed(fleet: Fleet, words: Sequence[str]) -> None:
        for place in places(fleet, words):
            if not place.server.standby:
                place.lim.exchange = "running" if running else "stopped"

    return deed


def _fill(*, full: bool) -> Do:
    def deed(fleet: Fleet, words: Sequence[str]) -> None:
        for place in places(fleet, words):
            place.lim.disk_full = full
            if place.is_own:
                fleet.service.host.disk.full = full

    return deed


def _stranger(fleet: Fleet, words: Sequence[str]) -> None:
    """Another supervisor orders LIMs under a higher number."""
    number = max(place.lim.last_number for place in fleet.places.values()) + 3
    for place in places(fleet, words[1:]):
        if place.works():
            place.lim.hear(f"{words[0]} {number} {FOREIGN}")


# --- the disk of our host ---


def _disk(name: str, *, value: bool) -> Do:
    def deed(fleet: Fleet, _words: Sequence[str]) -> None:
        disk = fleet.service.host.disk
        setattr(disk, name, value)
        if not value and name == "hangs":
            disk.wake()

    return deed


def _roll_back(fleet: Fleet, _words: Sequence[str]) -> None:
    """The daemon is killed, an older goal file comes back, and it is started with that."""
    fleet.service.kill()
    fleet.service.host.disk.bring_back("goal")
    _start(fleet, ())


def _lose_goal(fleet: Fleet, _words: Sequence[str]) -> None:
    fleet.service.kill()
    fleet.service.host.disk.remove("goal")
    _start(fleet, ())


DEEDS: dict[str, Do] = {
    # those of the pages
    "power-off": power_off,
    "power-on": power_on,
    "freeze": _freeze,
    "thaw": _thaw,
    "cut": _cut,
    "heal": _heal,
    "kill": _kill,
    "start": _start,
    "restart": _restart,
    "step-clock": _step_clock,
    "order": _order,
    "begin": _order,
    "by-hand": _by_hand,
    "flush-rules": _on_lims(lambda place: place.lim.flush()),
    "insert-rule": _on_lims(lambda place: place.lim.tamper()),
    "refuse": _refusal(refuses=True),
    "accept": _refusal(refuses=False),
    "fill-disk": _fill(full=True),
    "empty-disk": _fill(full=False),
    "stop-exchange": _exchange(running=False),
    "start-exchange": _exchange(running=True),
    "move-master": _move_master,
    "drop-master": _drop_master,
    # those of the simulator
    "silence-control": _control(silent=True),
    "restore-control": _control(silent=False),
    "unplug": _mark("unplugged", value=True),
    "plug": _mark("unplugged", value=False),
    "close-ssh": _mark("refuses_ssh", value=True),
    "open-ssh": _mark("refuses_ssh", value=False),
    "break-channel": _break,
    "slow": _slow,
    "lose-answers": _on_lims(_lose_answers),
    "garble": _on_lims(_garble),
    "speak-clearly": _on_lims(_speak_clearly),
    "tear-state": _on_lims(lambda place: place.lim.tear()),
    "stranger": _stranger,
    "hang-disk": _disk("hangs", value=True),
    "wake-disk": _disk("hangs", value=False),
    "fail-disk": _disk("fails", value=True),
    "mend-disk": _disk("fails", value=False),
    "lock-disk": _disk("read_only", value=True),
    "unlock-disk": _disk("read_only", value=False),
    "roll-back-goal": _roll_back,
    "lose-goal": _lose_goal,
    "stop": _signal(signal.SIGTERM),
    "reload": _signal(signal.SIGHUP),
    "look": _look,
}
