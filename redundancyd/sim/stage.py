"""A fleet as the stage of a scenario page: the whole daemon on a virtual clock, and a watch over what truly happens."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Self

from redundancyd.core.systems import System, Traffic
from redundancyd.scenarios.evidence import Seen
from redundancyd.scenarios.ordinary import ORDINARY, setting_value
from redundancyd.scenarios.pages import KEPT_OF, Page
from redundancyd.scenarios.spans import Span, symbols
from redundancyd.scenarios.stage import Ordered, StageError
from redundancyd.sim import deeds
from redundancyd.sim.fleet import Fleet
from redundancyd.sim.judge import Judge
from redundancyd.sim.lim import TAMPERED
from redundancyd.sim.operator import Operator
from redundancyd.sim.phones import Phones
from redundancyd.sim.place import Place
from redundancyd.sim.power import places
from redundancyd.sim.seeds import calm, mend
from redundancyd.sim.setup import Setup
from redundancyd.sim.timeline import MS
from redundancyd.sim.watch import STATUS_EVERY_US, Watch
from redundancyd.status import hindrances

BOOTS_WITHIN_MS = 20_000
ORDER_WITHIN_MS = 60_000
STEP_MS = 10


class SimStage:
    """A fleet made for one page; `seed` is its chance."""

    slack_ms = 20  # how often it is looked

    def __init__(self, page: Page, *, seed: int, lims: int = 2) -> None:
        settings = {**ORDINARY, **{name: setting_value(written) for name, written in page.settings}}
        self.symbols: Mapping[str, int] = symbols(settings)
        self.fleet = Fleet(fleet_setup(page, Setup(seed=seed, lims=lims, settings=settings)))
        # The run of a seed goes by its instants, and is judged as the seeds are.
        self._judge = Judge(self.fleet) if page.fleet else None
        self._watch = Watch(self.fleet)
        self.evidence = self._watch.evidence
        self._operator = Operator(self.fleet)
        self._phones = Phones(self.fleet, self._watch.moved)
        self._copies: dict[str, dict[str, bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.fleet.service.kill()

    @property
    def tell(self) -> Callable[[Seen], None]:
        """Told of each new piece of evidence."""
        return self._watch.tell

    @tell.setter
    def tell(self, tell: Callable[[Seen], None]) -> None:
        self._watch.tell = tell

    def now(self) -> int:
        """Milliseconds since the beginning of the fleet."""
        return self.fleet.now_ms

    def start(self) -> None:
        """Start the daemon, whose first goal is on its disk, and the phones."""
        self._phones.begin()
        self._watch.begin()
        self.fleet.service.start()

    def do(self, verb: str, words: Sequence[str]) -> None:
        """Let it happen, and wait where the lab waits: for a boot, for the end of an order."""
        match verb:
            case "order" | "begin":
                self._order(" ".join(words), to_its_end=verb == "order")
            case "keep":
                self._keep(words[0])
            case "restore":
                self._restore(words[0])
            case "mark":
                pass
            case "mend-everything" if self._judge is not None:
                calm(self.fleet, self._judge, self.let_pass)
            case "mend-everything":
                mend(self.fleet)
            case _:
                try:
                    deeds.do(self.fleet, verb, words)
                except ValueError as error:
                    raise StageError(str(error)) from error
        if self._judge is not None:
            return
        if verb == "power-on":
            booting = list(places(self.fleet, words))
            self._wait(lambda: all(place.up for place in booting), BOOTS_WITHIN_MS, "does not come up")
        if verb in {"start", "restart"}:
            self._wait(lambda: self.fleet.service.daemon is not None, BOOTS_WITHIN_MS, "does not start")

    def _order(self, words: str, *, to_its_end: bool) -> None:
        try:
            self._operator.say(words)
        except ValueError as error:
            raise StageError(str(error)) from error
        if to_its_end:
            self._wait(lambda: not self._operator.waits, ORDER_WITHIN_MS, "the order does not end")

    def _keep(self, what: str) -> None:
        files = self.fleet.service.host.disk.files
        self._copies[what] = {path: data for path, data in files.items() if path.rpartition("/")[2] in KEPT_OF[what]}

    def _restore(self, what: str) -> None:
        if self.fleet.service.process is not None:
            raise StageError("the daemon runs: nobody restores a disk under a living process; say `kill daemon` before")
        if what not in self._copies:
            raise StageError(f"nothing was kept: say `keep {what}` before")
        files = self.fleet.service.host.disk.files
        for path in [path for path in files if path.rpartition("/")[2] in KEPT_OF[what]]:
            del files[path]
        files.update(self._copies[what])

    def _wait(self, done: Callable[[], bool], within_ms: int, why_not: str) -> None:
        give_up = self.now() + within_ms
        while not done():
            if self.now() >= give_up:
                raise StageError(f"{why_not} within {within_ms} ms; {self.last_lines()}")
            self.let_pass(STEP_MS)

    def let_pass(self, span_ms: float) -> None:
        """Let virtual time go by, up to a whole millisecond."""
        now_us = self.fleet.timeline.now_us
        until_us = (now_us + round(span_ms * MS)) // MS * MS
        self.fleet.advance(max(1, until_us - now_us))
        if self._judge is not None and (broken := self._judge.court.first) is not None:
            raise StageError(f"a promise was broken: {broken}")
        if self.fleet.service.crashes:
            raise StageError(f"the daemon failed: {self.fleet.service.crashes[0]!r}")

    def settle(self) -> None:
        """What the daemon says of itself is as old as its last sample."""
        self.let_pass(STATUS_EVERY_US / MS)

    def named(self, where: str) -> Sequence[str]:
        """The LIMs that a word means."""
        if where == "all":
            return [place.name for place in self.fleet.places.values()]
        return [place.name for place in places(self.fleet, [where])]

    def _place(self, lim: str) -> Place:
        return next(place for place in self.fleet.places.values() if place.name == lim)

    def has_power(self, lim: str) -> bool:
        """It is on."""
        return self._place(lim).powered

    def traffic(self, lim: str) -> Traffic:
        """What its rules do."""
        place = self._place(lim)
        if not place.powered:
            return Traffic.UNKNOWN
        traffic = place.lim.traffic
        return Traffic.MIXED if traffic == TAMPERED else Traffic(traffic)

    def answering(self, within_ms: int) -> Collection[System] | None:
        """The systems that answered a phone just now."""
        return self._phones.answering(within_ms)

    def registered(self) -> Collection[System | None]:
        """Where each phone is registered."""
        return [phone.registered for phone in self._phones.phones]

    def answers(self) -> Mapping[System, Sequence[int]]:
        """Every instant a packet was answered."""
        return self._phones.answers

    def is_ready(self) -> bool:
        """As `/readyz` says it."""
        daemon = self.fleet.service.daemon if self.fleet.service.runs else None
        return daemon is not None and not daemon.health() and not hindrances(daemon.state())

    def data_is_so(self, fact: str, words: Sequence[str]) -> bool:
        """Nothing here has exchange data."""
        raise StageError(f"{fact} {' '.join(words)}: the simulator has no exchange data")

    def last_order(self) -> Ordered:
        """How the last order ended."""
        return self._operator.ordered

    def last_lines(self) -> str:
        """The end of the daemon's journal."""
        return "\n".join(self.journal()[-12:])

    def journal(self) -> list[str]:
        """The daemon's journal, as it writes it."""
        return self.fleet.service.host.book.lines()


def fleet_setup(page: Page, setup: Setup) -> Setup:
    """The setup with what the page says of its fleet."""
    for key, *words in page.fleet:
        match key:
            case "seed":
                setup = replace(setup, seed=int(words[0]))
            case "lims":
                setup = replace(setup, lims=int(words[0]))
            case "standby":
                pairs = (word.split("-") for word in words)
                setup = replace(setup, standby=tuple((System(system), int(lim)) for system, lim in pairs))
            case "watchdog":
                setup = replace(setup, watchdog=True)
            case "boot":
                least, most = (Span(word).ms({}) * MS for word in words)
                setup = replace(setup, boot_us=(least, most))
            case "loss":
                setup = replace(setup, loss=float(words[0]))
    return setup
