"""What has to come about in time: a clock runs while its case stands, and a law is broken when it runs out.

A case has a premise (the daemon runs, the LIM can be reached and follows orders...) and something that is wrong.  A
clock begins when both hold; when the wrong is righted the law was tried and held; when the premise goes, it was not
tried at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Goal, Method, System, Word
from redundancyd.daemon import Daemon
from redundancyd.sim.fleet import Fleet
from redundancyd.sim.lim import ALLOWED, TORN
from redundancyd.sim.place import Place
from redundancyd.sim.promises import SLACK_MS, Court
from redundancyd.sim.setup import CONTROL, MASTER
from redundancyd.sim.timeline import MS, Planned

ORDERLY = {Phase.RESTING, Phase.SAVING, Phase.BLOCKING, Phase.ALLOWING}
JUST_NOW_US = 50 * MS
BOTH = (Word.BLOCK, Word.ALLOW)


@dataclass(slots=True)
class Running:
    """One clock that runs."""

    law: str
    since_us: int
    ends: Planned


class Deadlines:
    """All clocks of one run."""

    def __init__(self, fleet: Fleet, court: Court) -> None:
        self._fleet = fleet
        self._court = court
        self._clocks: dict[str, Running] = {}
        self._reach: dict[str, int] = {}
        self._orders_since_us: int | None = None  # None while our hands are off: another supervisor, or no goal
        self._settings = fleet.config.core_settings()
        self._connect_ms = fleet.config.ssh.connect_timeout_ms
        self.confirmed: dict[str, int] = {}  # the number of the last order that each LIM obeyed
        self._said: dict[str, int] = {}  # for which goal each was told to be UNFENCED, and was
        self.goal_since_us = 0
        self._goal_number: int | None = None
        self._began: tuple[Daemon, int] | None = None
        self._daemon: Daemon | None = None

    # Spans of the promises, in milliseconds.

    @property
    def _i(self) -> int:
        return self._settings.interval_ms

    @property
    def _f_u(self) -> int:
        return self._settings.block_deadline_ms + self._settings.allow_deadline_ms

    @property
    def _put_right_ms(self) -> int:
        return self._settings.look_interval_ms + 2 * self._i + 2 * self._f_u + SLACK_MS

    @property
    def _blocked_ms(self) -> int:
        return 2 * self._i + self._settings.block_deadline_ms + SLACK_MS

    def _taken_over_ms(self, *, most_answer: bool) -> int:
        window = self._settings.missed * self._i
        beats = window + 2 * self._i + self._settings.timeout_ms
        return beats + self._f_u + SLACK_MS + (window if most_answer else 0)

    # What is told.

    def begin(self, daemon: Daemon) -> None:
        """A life of the daemon has begun."""
        goal = daemon.state().goal
        self._call_off("L2")
        self._began = (daemon, goal.number) if goal else None
        self.look(daemon)

    def in_reach_since(self, place: Place, at_us: int) -> bool:
        """Whether a server could be talked to all the time since an instant."""
        return self._reach.get(place.name, at_us + 1) <= at_us

    def held_out(self, place: Place, goal: Goal | None) -> None:
        """A LIM allowed itself."""
        law = "S3 waits for a word"
        if place.server.system is System.ALTERNATE:
            self._court.broken(law, f"{place.name} allowed itself")
        self._court.held(law)
        state = self._state(self._daemon)
        waited_us = MS * (self._i + self._blocked_ms + self._connect_ms)
        if goal is None or not goal.done or state is None or goal.active is System.PRIMARY:
            return
        begun_us = self._fleet.timeline.now_us - waited_us
        ours = self._orders_since_us is not None and self._orders_since_us <= begun_us
        if ours and self.in_reach_since(place, begun_us):
            self._court.broken(law, f"{place.name} allowed itself while the alternate is active and could order it")

    def look(self, daemon: Daemon | None) -> None:
        """Something is otherwise: begin and end clocks."""
        self._daemon = daemon
        fleet, now_us = self._fleet, self._fleet.timeline.now_us
        state = self._state(daemon)
        goal = state.goal if state else None
        number = goal.number if goal else None
        if state is None or state.phase not in ORDERLY:
            self._orders_since_us = None
        elif self._orders_since_us is None:
            self._orders_since_us = now_us
        if number != self._goal_number:
            self._goal_number, self.goal_since_us = number, now_us
            for place in fleet.places.values():
                self._call_off(place.name)
                self._call_off(f"{place.name} said")
            if goal is not None and goal.active is System.PRIMARY:
                self._call_off("L1 True")
                self._call_off("L1 False")
        for place in fleet.places.values():
            if _is_sound(place):
                self._reach.setdefault(place.name, now_us)
            else:
                self._reach.pop(place.name, None)
        if state is None or goal is None:
            for key in tuple(self._clocks):
                self._call_off(key)
            return
        orderly = state.phase in ORDERLY and fleet.service.host.disk.is_well
        for place in fleet.places.values():
            self._look_at_place(place, state, goal, orderly=orderly)
        self._look_at_systems(state, goal, orderly=orderly)
        self._look_at_start(state, goal)

    # The cases.

    def _look_at_place(self, place: Place, state: State, goal: Goal, *, orderly: bool) -> None:
        word = goal.wanted(place.server)
        astray = place.lim.carries if word is Word.BLOCK else place.lim.traffic != ALLOWED
        premise = orderly and _follows(place, word, state)
        connected_now = any(wire.opened_us > place.timeline.now_us - JUST_NOW_US for wire in place.wires)
        key = place.name
        fast = word is Word.BLOCK and (connected_now or self._law(key) == "S2 blocked in time")
        law, bound = ("S2 blocked in time", self._blocked_ms) if fast else ("L3 put right", self._put_right_ms)
        said = f"{place.name} is {place.lim.traffic}, takeover {goal.number} wants it to {word}"
        self._clock(key, law, bound, premise=premise, wrong=astray, said=lambda: said)
        if word is Word.BLOCK:
            confirmed = self.confirmed.get(place.name) == goal.number
            settled = state.phase is Phase.RESTING and goal.done
            open_still = astray and not confirmed and settled and place.powered
            hidden = open_still and place.server not in state.unfenced()
            if open_still and not hidden and self._said.get(place.name) != goal.number:
                self._said[place.name] = goal.number
                self._court.held("S2 said")
            premise = settled and place.powered and not confirmed
            said = f"{place.name} carries traffic, and status does not say UNFENCED"
            bound = self._i + SLACK_MS
            self._clock(f"{key} said", "S2 said", bound, premise=premise, wrong=hidden, said=lambda: said)

    def _look_at_systems(self, state: State, goal: Goal, *, orderly: bool) -> None:
        fleet = self._fleet
        nobody = not any(place.powered and place.up and place.lim.carries for place in fleet.places.values())
        able = self._able(goal.active, state)
        whole = len(able) == len(self._settings.lims(goal.active))
        self._call_off(f"S5 {goal.active.other}")
        self._clock(
            f"S5 {goal.active}",
            "S5 somebody carries",
            self._put_right_ms,
            premise=orderly and whole,
            wrong=nobody,
            said=lambda: f"nobody carries traffic, and takeover {goal.number} wants the {goal.active}",
        )
        stuck = goal.active is System.ALTERNATE and not goal.done and not able
        undone = goal.active is System.PRIMARY and bool(self._law("S5 undone"))
        self._clock(
            "S5 undone",
            "S5 undone",
            self._put_right_ms,
            premise=orderly and (stuck or undone) and bool(self._able(System.PRIMARY, state)),
            wrong=nobody,
            said=lambda: f"nobody carries traffic, and takeover {goal.number} is not undone",
        )
        others = self._able(System.ALTERNATE, state)
        answering = {
            place.server.lim for place in fleet.of(System.PRIMARY) if place.goes_there() and place.comes_back()
        }
        most = 2 * len(answering) > len(self._settings.lims(System.PRIMARY))
        held = state.methods.alternate_from_primary is Method.MANUAL or state.paused() or goal.latched
        at_primary = goal.active is System.PRIMARY
        premise = orderly and fleet.answers(CONTROL) and not fleet.loss and bool(others) and not (at_primary and held)
        allowed = [any(place.lim.traffic == ALLOWED for place in servers) for servers in others.values()]
        # Done in part is done: a LIM that could not follow and can again is put right by a look (L3).
        arrived = not at_primary and (all(allowed) or (goal.done and any(allowed)))
        self._call_off(f"L1 {not most}")
        self._clock(
            f"L1 {most}",
            "L1 taken over",
            # LIMs of the alternate that refused and follow again are asked by the next look (L3).
            max(self._taken_over_ms(most_answer=most), 0 if at_primary else self._put_right_ms),
            premise=premise,
            wrong=not fleet.answers(MASTER) and not arrived,
            said=lambda: f"the primary is gone, and takeover {goal.number} is where we stand",
        )

    def _look_at_start(self, state: State, goal: Goal) -> None:
        if self._began is None:
            return
        daemon, number = self._began
        places = self._fleet.places.values()
        sound = all(place.reachable and _has_good_manners(place) for place in places)
        follows = all(_would_follow(place, word, state) for place in places for word in BOTH)
        premise = daemon is self._daemon and goal.number == number and sound and follows
        premise = premise and self._fleet.service.host.disk.is_well
        astray = [place.name for place in places if not _is_at(place, goal)]
        bound = 2 * self._i + self._f_u + SLACK_MS
        said = f"{' '.join(astray)} is not at the goal of takeover {goal.number}"
        self._clock("L2", "L2 goes on", bound, premise=premise, wrong=bool(astray), said=lambda: said)
        if not premise or not astray:
            self._began = None

    def _able(self, system: System, state: State) -> dict[int, list[Place]]:
        """The servers that would allow, by LIM number."""
        able: dict[int, list[Place]] = {}
        for place in self._fleet.of(system):
            if _follows(place, Word.ALLOW, state):
                able.setdefault(place.server.lim, []).append(place)
        return able

    # Clocks.

    def _law(self, key: str) -> str:
        return self._clocks[key].law if key in self._clocks else ""

    def _clock(self, key: str, law: str, bound_ms: int, *, premise: bool, wrong: bool, said: Callable[[], str]) -> None:
        running = self._clocks.get(key)
        if premise and wrong:
            if running is None:
                since_us = self._fleet.timeline.now_us
                ends = self._fleet.timeline.plan(bound_ms * MS, lambda: self._runs_out(key, said))
                self._clocks[key] = Running(law, since_us, ends)
        elif running is not None:
            self._end(key, held=premise)

    def _end(self, key: str, *, held: bool) -> None:
        running = self._clocks[key]
        if held:
            self._court.held(running.law)
        self._call_off(key)

    def _runs_out(self, key: str, said: Callable[[], str]) -> None:
        running = self._clocks.pop(key)
        after_ms = (self._fleet.timeline.now_us - running.since_us) // MS
        self._court.broken(running.law, f"{said()}, for {after_ms} ms")

    def _call_off(self, key: str) -> None:
        running = self._clocks.pop(key, None)
        if running is not None:
            running.ends.call_off()

    def _state(self, daemon: Daemon | None) -> State | None:
        """The daemon's state, while it runs."""
        return daemon.state() if daemon is not None and self._fleet.service.runs else None


def _has_good_manners(place: Place) -> bool:
    manner = place.manner
    return not (manner.slow_us or manner.deaf or manner.garbles)


def _is_sound(place: Place) -> bool:
    """Whether the daemon has an open channel to a server that answers as it should."""
    connected = any(wire.caller_holds and wire.called_holds and wire.sessions for wire in place.wires)
    return connected and place.reachable and _has_good_manners(place)


def _would_follow(place: Place, word: Word, state: State) -> bool:
    """Whether redundancy-lim there would obey, once it hears."""
    lim = place.lim
    goal = state.goal
    assert goal is not None
    if str(word) in lim.refuses or (lim.disk is TORN and lim.memory is None and word is Word.ALLOW):
        return False
    wanted = goal.wanted(place.server)
    against = lim.last_number > goal.number or (lim.last_number == goal.number and lim.last_word != str(wanted))
    return not against and (not lim.last_number or state.us.is_own(lim.last_supervisor))


def _follows(place: Place, word: Word, state: State) -> bool:
    return _is_sound(place) and _would_follow(place, word, state)


def _is_at(place: Place, goal: Goal) -> bool:
    if goal.wanted(place.server) is Word.BLOCK:
        return not place.lim.carries
    return place.lim.traffic == ALLOWED
