"""The phones of a fleet, as those of the lab are: they register every second, prefer the primary, use the alternate
when it does not answer, and send OPTIONS to both systems every 20 ms.

Whether a packet is answered is worked out from the fleet's truth: ways, power, processes, rules.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from redundancyd.core.systems import System
from redundancyd.scenarios.links import Site, Way
from redundancyd.sim.fleet import SITES, Fleet
from redundancyd.sim.lim import BLOCKED
from redundancyd.sim.place import Place
from redundancyd.sim.timeline import MS, SECOND

REGISTER_US = SECOND
OPTIONS_US = 20 * MS
PATIENCE_US = 500 * MS  # a phone that hears nothing waits so long before it asks elsewhere
ANSWER_US = 1 * MS
NS = 1000  # nanoseconds of a microsecond

Moves = Callable[[int, System | None], None]


class Heard(Enum):
    """What a phone hears of one packet."""

    ANSWER = auto()
    REFUSAL = auto()  # ICMP or a reset: nobody serves there, and it knows at once
    NOTHING = auto()


@dataclass(slots=True, eq=False)
class Phone:
    """One phone; `lim` is the LIM it belongs to in both systems, None for one that asks the master addresses."""

    number: int
    lim: int | None
    registered: System | None = None
    turn: int = 0  # counts its questions, so that an old patience ends nothing new


@dataclass(slots=True)
class Phones:
    """All phones of a fleet, and what they have seen."""

    fleet: Fleet
    moved: Moves
    phones: list[Phone] = field(default_factory=list)
    answers: dict[System, list[int]] = field(default_factory=lambda: {system: [] for system in System})
    """Every instant a packet was answered, in nanoseconds."""

    def begin(self) -> None:
        """One phone a LIM, and one at the master addresses; spread, so that they don't ask in one burst."""
        lims = range(1, self.fleet.setup.lims + 1)
        self.phones += [Phone(number, number) for number in lims]
        self.phones.append(Phone(len(self.phones) + 1, None))
        for place, phone in enumerate(self.phones):
            self._later(place * REGISTER_US // len(self.phones), lambda phone=phone: self._register(phone))  # type: ignore[misc]
            if phone.lim is not None:
                self._later(place * OPTIONS_US // len(self.phones), lambda phone=phone: self._options(phone))  # type: ignore[misc]

    def answering(self, within_ms: int) -> set[System]:
        """The systems that answered just now."""
        since = (self.fleet.timeline.now_us - within_ms * MS) * NS
        return {system for system, at in self.answers.items() if at and at[-1] >= since}

    def _later(self, us: int, happen: Callable[[], None]) -> None:
        self.fleet.timeline.plan(us, happen)

    def _options(self, phone: Phone) -> None:
        for system in System:
            self._ask(phone, system)
        self._later(OPTIONS_US, lambda: self._options(phone))

    def _register(self, phone: Phone) -> None:
        self._later(REGISTER_US, lambda: self._register(phone))
        phone.turn += 1
        self._register_at(phone, System.PRIMARY)

    def _register_at(self, phone: Phone, system: System) -> None:
        turn = phone.turn
        match self._ask(phone, system):
            case Heard.ANSWER:
                self._later(ANSWER_US, lambda: self._move(phone, system))
            case Heard.REFUSAL:
                self._unanswered(phone, system)
            case Heard.NOTHING:
                self._later(PATIENCE_US, lambda: self._unanswered(phone, system) if phone.turn == turn else None)

    def _unanswered(self, phone: Phone, system: System) -> None:
        if phone.registered is system:
            self._move(phone, None)
        if system is System.PRIMARY:
            self._register_at(phone, System.ALTERNATE)

    def _move(self, phone: Phone, system: System | None) -> None:
        if phone.registered is not system:
            phone.registered = system
            self.moved(phone.number, system)

    def _ask(self, phone: Phone, system: System) -> Heard:
        """One packet to a system, and what becomes of it."""
        place = self._server(phone, system)
        heard = Heard.NOTHING if place is None else self._heard(place)
        if heard is Heard.ANSWER:
            self.answers[system].append((self.fleet.timeline.now_us + ANSWER_US) * NS)
        return heard

    def _server(self, phone: Phone, system: System) -> Place | None:
        if phone.lim is None and system is System.PRIMARY:
            return self.fleet.master_on
        lim = 1 if phone.lim is None else phone.lim
        servers = [place for place in self.fleet.of(system) if place.server.lim == lim]
        return next((place for place in servers if place.lim.exchange == "running"), servers[0])

    def _heard(self, place: Place) -> Heard:
        site = SITES[place.server.system]
        gone = {Way(Site.PHONES, site), Way(site, Site.PHONES)} & self.fleet.cut
        if gone or place.unplugged or not (place.powered and place.up):
            return Heard.NOTHING
        if place.lim.rules[4] == BLOCKED:
            return Heard.REFUSAL if self.fleet.config.traffic.deny == "reject" else Heard.NOTHING
        if place.frozen:
            return Heard.NOTHING
        return Heard.ANSWER if place.lim.exchange == "running" else Heard.REFUSAL
