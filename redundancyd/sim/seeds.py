"""One seed, one run: the plan is played to its end, or to the first promise that is broken."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from redundancyd.core.state import Phase
from redundancyd.core.systems import System, Word
from redundancyd.sim import deeds
from redundancyd.sim.deeds import Deed
from redundancyd.sim.fleet import Fleet
from redundancyd.sim.judge import Judge
from redundancyd.sim.lim import ALLOWED, TORN
from redundancyd.sim.promises import Broken
from redundancyd.sim.swarm import MEND, Plan, calm_ms
from redundancyd.sim.timeline import MS

SETTLES_MS = 200


@dataclass(slots=True)
class Outcome:
    """What became of a run."""

    plan: Plan
    ran_ms: int = 0
    broken: Broken | None = None
    tried: Counter[str] = field(default_factory=Counter)
    incidents: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0
    journal: list[str] = field(default_factory=list)


class Run:
    """A plan that is being played."""

    def __init__(self, plan: Plan, *, keep: bool = False) -> None:
        self.plan = plan
        self.fleet = Fleet(plan.setup)
        self.judge = Judge(self.fleet)
        self.outcome = Outcome(plan)
        self._keep = keep
        self._incident = ""

    def play(self) -> Outcome:
        """To the end, or to the first promise that is broken."""
        began = time.process_time()
        self.fleet.service.start()
        for deed in self.plan.deeds:
            self._until(deed.at_ms)
            if self.fleet.halted:
                break
            self._do(deed)
        self._until(self.plan.until_ms)
        if not self.fleet.halted:
            self.judge.court.held("no mistake of ours")
        self.outcome.broken = self.judge.court.first
        self.outcome.ran_ms = self.fleet.now_ms
        self.outcome.tried = self.judge.court.tried
        self.outcome.rows = self.judge.rows
        self.fleet.service.kill()
        self.outcome.cpu_s = time.process_time() - began
        if self._keep:
            self.outcome.journal = self.fleet.service.host.book.lines()
        return self.outcome

    def _until(self, at_ms: int) -> None:
        """Let time go by."""
        self.fleet.advance(max(0, at_ms * MS - self.fleet.timeline.now_us))
        if not self._keep:
            self.fleet.service.host.book.records.clear()

    def _do(self, deed: Deed) -> None:
        if deed.incident != self._incident:
            self.outcome.incidents[deed.incident] += 1
        self._incident = deed.incident
        record = {"event": "deed", "at_ms": self.fleet.service.host.clock.now(), "level": "notice", "does": str(deed)}
        self.fleet.service.host.book.write(record)
        if deed.verb == MEND:
            calm(self.fleet, self.judge, self._pass)
        else:
            deeds.do(self.fleet, deed.verb, deed.words)

    def _pass(self, span_ms: int) -> None:
        self._until(self.fleet.now_ms + span_ms)


def calm(fleet: Fleet, judge: Judge, let_pass: Callable[[int], None]) -> None:
    """Everything is mended; after a while traffic has to be at the goal."""
    mend(fleet)
    span_ms = calm_ms(fleet.setup)
    let_pass(span_ms // 2)
    help_out(fleet)
    let_pass(span_ms // 2)
    help_out(fleet)  # what the first order was is seen by now
    core = fleet.config.core_settings()
    until_ms = fleet.now_ms + core.look_interval_ms + 2 * (core.block_deadline_ms + core.allow_deadline_ms)
    while (why := astray(fleet)) and fleet.now_ms < until_ms and not fleet.halted:
        let_pass(SETTLES_MS)
    judge.court.judge("calm", holds=not why, said=why)


def help_out(fleet: Fleet) -> None:
    """The operator looks, and does what only he may do."""
    daemon = fleet.service.daemon
    state = daemon.state() if daemon else None
    if state is not None and state.phase is Phase.WATCHING:
        deeds.do(fleet, "order", ("settings", "adopt"))
    elif state is not None and state.phase is Phase.ASKING:
        everybody = [word for lim in range(1, fleet.setup.lims + 1) for word in ("--accept", str(lim))]
        words = ("manual-takeover", "traffic-in-primary", "--accept", "control", *everybody)
        deeds.do(fleet, "order", words)
    goal = state.goal if state else None
    for place in fleet.places.values():
        if goal and place.lim.disk is TORN and goal.wanted(place.server) is Word.ALLOW:
            place.lim.by_hand("allow")
    fleet.changed()


def mend(fleet: Fleet) -> None:
    """Everything is repaired at once."""
    fleet.cut, fleet.control_silent = frozenset(), False
    disk = fleet.service.host.disk
    disk.full = disk.fails = disk.read_only = False
    disk.wake()
    for place in fleet.places.values():
        place.unplugged = place.refuses_ssh = place.frozen = False
        place.manner.slow_us, place.manner.deaf, place.manner.garbles = 0, 0, False
        place.lim.refuses.clear()
        place.lim.disk_full = False
        if not place.server.standby:
            place.lim.exchange = "running"
    fleet.master_on = next(place for place in fleet.of(System.PRIMARY) if place.server.lim == 1)
    fleet.service.thaw()
    deeds.do(fleet, "power-on", [place.name for place in fleet.places.values()])
    deeds.do(fleet, "start", ("daemon",))


def astray(fleet: Fleet) -> str:
    """Why traffic is not where the goal wants it; empty when it is."""
    daemon = fleet.service.daemon
    state = daemon.state() if daemon is not None and fleet.service.runs else None
    if state is None or state.goal is None or not state.goal.done:
        return "there is no goal that was reached"
    return "; ".join(_astray(fleet, state.goal.active, [server.name for server in state.unfenced()]))


def _astray(fleet: Fleet, active: System, unfenced: list[str]) -> Iterator[str]:
    for place in fleet.places.values():
        wanted = place.server.system is active
        if wanted and place.lim.traffic != ALLOWED:
            yield f"{place.name} of the active system is {place.lim.traffic}"
        if not wanted and place.lim.carries:
            yield f"{place.name} of the passive system is {place.lim.traffic}"
    if unfenced:
        yield f"UNFENCED: {' '.join(unfenced)}"
