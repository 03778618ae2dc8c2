"""Holds the truth against the promises, at every order, decision, answer and start.

Judged here is what can be said at one instant; what has to come about in time is in deadlines.py.  Nothing is taken
from the daemon's own accounts but its goal and its journal: beats, orders and acknowledgements are counted outside.
"""

from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redundancyd.adapters.slots import SlotFile
from redundancyd.core.state import Phase, State
from redundancyd.core.systems import Goal, Kind, Method, Methods, Pause, System
from redundancyd.core.takeover import TABLE, Trigger
from redundancyd.daemon import Daemon
from redundancyd.errors import StateUnreadable
from redundancyd.sim.accounts import Acknowledged, Beats
from redundancyd.sim.caller import Asked
from redundancyd.sim.deadlines import Deadlines
from redundancyd.sim.fleet import Fleet
from redundancyd.sim.place import Place
from redundancyd.sim.promises import Court
from redundancyd.sim.setup import MASTER
from redundancyd.sim.timeline import MS, SECOND

GOAL_SLOT = 32_768
HOUR_US = 3600 * SECOND
SILENT_RUN = 3
TRIGGERS = {row.number: trigger for (_, trigger), row in TABLE.items()}
BY_ORDER = {Trigger.ASKED, Trigger.ADOPTED, Trigger.BEHIND, Trigger.BY_HAND}
MISTAKES = {"effect_failed", "facts_failed"}


@dataclass(slots=True)
class Judge:
    """One run's judge."""

    fleet: Fleet
    court: Court = field(init=False)
    deadlines: Deadlines = field(init=False)
    acknowledged: Acknowledged = field(init=False)
    daemon: Daemon | None = None
    goal: Goal | None = None
    phase: Phase | None = None
    holds: tuple[Methods, Pause | None] | None = None
    master: Beats = field(default_factory=Beats)
    control: Beats = field(default_factory=Beats)
    made: dict[int, System] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    automatic: deque[int] = field(default_factory=deque)
    frozen_us: int | None = None
    open_orders: list[Asked] = field(default_factory=list)
    seen_orders: int = 0
    lost_goal: bool = False
    host_boots: int = 1
    rows: Counter[str] = field(default_factory=Counter)
    saved: int = 0  # the highest number that was ever on disk
    unsaved: set[int] = field(default_factory=set)  # those that went on without; a slow LIM may obey them much later

    def __post_init__(self) -> None:
        self.court = Court(self.fleet)
        self.deadlines = Deadlines(self.fleet, self.court)
        self.acknowledged = Acknowledged(self.fleet.config.methods())
        self.fleet.watchers.append(self)

    # What the fleet tells.

    def done(self, verb: str) -> None:
        """A deed that the judge has to know of will be done."""
        if verb in {"roll-back-goal", "lose-goal"}:
            self._read_disk()
            self.lost_goal = True
            self.automatic.clear()
            self._forget_goals()
        if verb == "stranger":
            self.acknowledged.number = 0

    def asked(self, target: str, sequence: int, *, sent: bool) -> None:
        """An echo request to one of the two addresses that decide."""
        if target == MASTER:
            self.master.ask(sequence, self.fleet.timeline.now_us, sent=sent)
        else:
            self.control.ask(sequence, self.fleet.timeline.now_us)

    def answered(self, target: str, sequence: int) -> None:
        """An answer came."""
        if target == MASTER:
            self.master.answer(sequence)
            return
        if self.control.silent >= SILENT_RUN:
            self.master.silent = 0  # we were isolated: the window begins anew
        self.control.answer(sequence)

    def changed(self) -> None:
        """The truth is otherwise."""
        service, now_us = self.fleet.service, self.fleet.timeline.now_us
        frozen = service.process is not None and service.process.frozen
        if frozen and self.frozen_us is None:
            self.frozen_us = now_us
        elif not frozen and self.frozen_us is not None:
            beat = self.fleet.config.heartbeat
            if now_us - self.frozen_us > 1000 * (2 * beat.interval_ms + beat.timeout_ms):
                self.master, self.control = Beats(), Beats()
            self.frozen_us = None
        if (
            self.host_boots != service.host.clock.boots
        ):  # spans that outlive a boot go by the wall clock, and that jumps
            self.host_boots = service.host.clock.boots
            self.acknowledged.paused_until_us = 0
            self.automatic.clear()
        for place in self.fleet.places.values():
            self.highest[place.name] = min(self.highest.get(place.name, 0), place.lim.last_number)
        if service.daemon is not self.daemon:
            self._new_life(service.daemon)
        self.deadlines.look(self.daemon)

    def stepped(self) -> None:
        """The daemon has run."""
        daemon = self.fleet.service.daemon
        if daemon is not self.daemon:
            self._new_life(daemon)
        if len(self.fleet.orders) > self.seen_orders or self.open_orders:
            self._hear_answers()
        state = daemon.state() if daemon else None
        goal, phase = (state.goal, state.phase) if state else (None, None)
        holds = (state.methods, state.pause) if state else None  # what may hold a takeover back
        if goal is not self.goal or phase is not self.phase or holds != self.holds:
            self.goal, self.phase, self.holds = goal, phase, holds
            self.deadlines.look(daemon)
        if self.fleet.service.crashes:
            self.court.broken("no mistake of ours", f"the daemon ended: {self.fleet.service.crashes[0]!r}")

    def held(self, place: Place) -> None:
        """A LIM allowed itself."""
        self.deadlines.held_out(place, self.goal)

    def booted(self, place: Place) -> None:
        """A LIM's network is up."""
        if place.lim.last_number and not place.lim.boot_failed:
            said = f"{place.name} has {place.lim.traffic} rules after its boot"
            self.court.judge("S3 comes up blocked", holds=not place.lim.carries, said=said)

    def obeyed(self, place: Place, line: str, reply: str) -> None:
        """A LIM has heard a line of the daemon's."""
        word, *rest = line.split()
        lim = place.lim
        if word == "status" and '"word":"block"' in reply and '"origin":"order"' in reply and not lim.carries:
            self.deadlines.confirmed[place.name] = lim.last_number  # it has put its rules back by itself
        if word not in {"block", "allow"}:
            return
        number, system = int(rest[0]), place.server.system
        made = system if word == "allow" else system.other
        known = self.made.setdefault(number, made)
        said = f"takeover {number} makes the {known} and the {made} active"
        self.court.judge("S0 one number, one system", holds=known is made, said=said)
        self._saved_first(number)
        if reply.startswith('{"ok":true'):
            highest = self.highest.get(place.name, 0)
            said = f"{place.name} obeyed {number} after {highest}"
            self.court.judge("S0 no older order", holds=number >= highest, said=said)
            self.highest[place.name] = number
            self.deadlines.confirmed[place.name] = number
            if word == "allow":
                self._no_overlap(number)
        self.deadlines.look(self.daemon)

    def recorded(self, event: str, fields: dict[str, Any]) -> None:
        """The daemon has written a line."""
        if event == "takeover_decided":
            self._decided(fields)
        elif event == "row_taken":
            self.rows[fields["row"]] += 1
            if TRIGGERS[fields["row"]] is Trigger.NOT_SAVED:
                self.unsaved.add(fields["takeover"])
        elif event == "goal_not_saved":
            self._forget_goals()
        elif event in MISTAKES or (event == "library_said" and fields.get("level") == "error"):
            self.court.broken("no mistake of ours", f"{event}: {fields}")

    # Judgements.

    def _saved_first(self, number: int) -> None:
        state = self._state()
        disk = self.fleet.service.host.disk
        if state is None or state.goal_unsaved or number in self.unsaved or not disk.is_well:
            return
        self._read_disk()
        said = f"{number} ordered, {self.saved} on disk"
        self.court.judge("S0 saved before ordered", holds=self.saved >= number, said=said)

    def _read_disk(self) -> None:
        folder, disk = Path(self.fleet.config.daemon.state_folder), self.fleet.service.host.disk
        with suppress(StateUnreadable):
            value = SlotFile(folder / "goal", "goal", GOAL_SLOT, files=disk).read() or {}
            self.saved = max(self.saved, value.get("goal", {}).get("number", 0))

    def _no_overlap(self, number: int) -> None:
        goal = self.goal
        if goal is None or goal.number != number or goal.kind is not Kind.PLANNED or goal.done:
            return
        open_still = [
            place.name
            for place in self.fleet.of(goal.active.other)
            if place.powered
            and place.lim.carries
            and place.lim.last_number != number
            and self.deadlines.in_reach_since(place, self.deadlines.goal_since_us)
            and not {str(place.server.lim), f"{goal.active.other}-{place.server.lim}"} & set(goal.accepted)
        ]
        said = f"takeover {number} allowed somebody while {' '.join(open_still)} carries traffic"
        self.court.judge("S1 no overlap", holds=not open_still, said=said)

    def _decided(self, fields: dict[str, Any]) -> None:
        trigger, active = TRIGGERS[fields["row"]], System(fields["active"])
        old = self.goal
        if trigger is Trigger.DUE:
            if fields["kind"] == Kind.AUTOMATIC:
                self._true_loss()
            if old is not None and old.revert_at is None:
                self._may(active)
        if old is not None and old.by_operator and old.done and old.active is not active:
            lost = trigger is Trigger.DUE and (old.active is System.PRIMARY or old.revert_at is not None)
            said = f"the order of takeover {old.number} was reversed by {fields['row']}"
            self.court.judge("S6 orders stand", holds=trigger in BY_ORDER or lost, said=said)

    def _true_loss(self) -> None:
        beat, now_us = self.fleet.config.heartbeat, self.fleet.timeline.now_us
        master, control = (beats.run(now_us, beat.timeout_ms * MS) for beats in (self.master, self.control))
        said = f"after {master} silent beats, the control address silent for {control}"
        self.court.judge("S4 a true loss", holds=master >= beat.missed and control == 0, said=said)

    def _may(self, active: System) -> None:
        now_us = self.fleet.timeline.now_us
        acknowledged = self.acknowledged
        manual = acknowledged.methods.to(active) is Method.MANUAL and not acknowledged.doubtful_methods
        paused = now_us < acknowledged.paused_until_us - SECOND
        said = f"taken over to the {active} although {'that is manual' if manual else 'it is paused'}"
        self.court.judge("S4 nothing speaks against it", holds=not (manual or paused), said=said)
        while self.automatic and now_us - self.automatic[0] >= HOUR_US:
            self.automatic.popleft()
        self.automatic.append(now_us)
        most = self.fleet.config.takeover.takeovers_per_hour
        said = f"{len(self.automatic)} automatic takeovers within an hour"
        self.court.judge("S4 not too many", holds=len(self.automatic) <= most, said=said)

    # Operators.

    def _hear_answers(self) -> None:
        self.open_orders += self.fleet.orders[self.seen_orders :]
        self.seen_orders = len(self.fleet.orders)
        for asked in self.open_orders:
            if "takeover" in asked.words and asked.words.startswith("settings"):
                self.acknowledged.doubtful_methods |= not asked.done
            if asked.words.startswith("settings resume"):
                self.acknowledged.paused_until_us = 0
            if asked.words.startswith("alarms"):
                self.automatic.clear()
            if asked.done:
                self._acknowledge(asked)
        self.open_orders = [asked for asked in self.open_orders if asked.status is None]

    def _acknowledge(self, asked: Asked) -> None:
        self.acknowledged.take(asked, self.fleet.timeline.now_us)
        if asked.words.startswith("manual-takeover"):
            self.lost_goal = False

    def _new_life(self, daemon: Daemon | None) -> None:
        self.daemon = daemon
        self.master, self.control = Beats(), Beats()
        self.goal, self.frozen_us = None, None
        if daemon is None:
            self._give_up_answers()
            return
        state, acknowledged = daemon.state(), self.acknowledged
        if not acknowledged.doubtful_methods:
            said = f"{acknowledged.methods} was acknowledged, {state.methods} is there"
            self.court.judge("S6 orders survive", holds=state.methods == acknowledged.methods, said=said)
        acknowledged.methods, acknowledged.doubtful_methods = state.methods, False
        if acknowledged.number and not self.lost_goal:
            number = state.goal.number if state.goal else 0
            said = f"takeover {acknowledged.number} was acknowledged, {number} is on disk"
            self.court.judge("S6 orders survive", holds=number >= acknowledged.number, said=said)
        self.deadlines.begin(daemon)

    def _give_up_answers(self) -> None:
        for asked in self.open_orders:
            if asked.status is None:
                asked.status = 0
        self._hear_answers()

    def _forget_goals(self) -> None:
        self.made.clear()

    def _state(self) -> State | None:
        return self.daemon.state() if self.daemon else None
