"""Two systems on a table top: the real core, obedient LIMs with knobs to break them, and a clock moved by hand.

An answer comes `DELAY_MS` after its effect, in order of time.  Every check of "never both" is made at each instant.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from redundancyd.core import decision
from redundancyd.core.effects import Effect, Load, Look, Order, Refuse, SaveGoal
from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Connected,
    Event,
    FactsSeen,
    GoalNotSaved,
    GoalSaved,
    OperatorAsked,
    Refused,
    Reply,
    ServersHeard,
    Unreached,
    Woke,
)
from redundancyd.core.state import State
from redundancyd.core.systems import (
    Goal,
    Kind,
    Methods,
    Origin,
    Server,
    Settings,
    Status,
    Supervisor,
    System,
    Traffic,
    Word,
)

DELAY_MS = 5
RECONNECT_MS = 100
PRIMARY, ALTERNATE = System.PRIMARY, System.ALTERNATE
SERVERS = tuple(
    Server(system, lim, f"{net}.{10 + lim}")
    for system, net in ((PRIMARY, "192.0.2"), (ALTERNATE, "198.51.100"))
    for lim in (1, 2)
)
P1, P2, A1, A2 = SERVERS
SETTINGS = Settings(SERVERS, interval_ms=1000, timeout_ms=800, missed=3, return_after_ms=20_000)
US = Supervisor("us", ("run1",))


def first_goal(active: System = PRIMARY, number: int = 1, **changes: object) -> Goal:
    """A goal that was reached before the test begins."""
    goal = Goal(active, number, Kind.FORCED, by_operator=False, reason="first", decided_at=0, done=True)
    return replace(goal, **changes)  # type: ignore[arg-type]


@dataclass
class Lim:
    """One LIM: its rules, what it remembers, and how it is broken."""

    server: Server
    status: Status
    up: bool = True
    refuses: set[Word] = field(default_factory=set)
    mute: set[Word] = field(default_factory=set)  # these orders are never answered, nor done
    deaf: bool = False  # the channel stands, nothing answers
    exchange: bool = True
    slow_ms: int = 0  # how much later than others it answers orders
    silent: bool = False  # it answers orders, and no looks
    unreadable: bool = False  # it refuses looks, and says what its rules do all the same

    def says(self) -> Status | Refused:
        """What it answers to a look."""
        return Refused("state_torn", status=self.status) if self.unreadable else self.status

    def obey(self, order: Order, supervisor: str) -> Status | Refused | Unreached:
        """What redundancy-lim does with an order (DESIGN, section 3)."""
        status = self.status
        if order.number < status.number:
            return Refused("stale_number", status=status)
        if order.number == status.number and order.word is not status.word:
            return Refused("other_word", status=status)
        if order.word in self.refuses:
            return Refused("iptables_failed", "broken on purpose", status)
        self.status = Status(order.word.traffic, order.number, order.word, supervisor, Origin.ORDER)
        return self.status


class TableTop:
    """The whole: step the core with what happens, let time pass, read what it did."""

    def __init__(self, goal: Goal | None = None, settings: Settings = SETTINGS, methods: Methods | None = None) -> None:
        goal = first_goal() if goal is None else goal
        self.us = US
        self.now = 1_000_000
        self.lims = {server: Lim(server, _as(goal, server, self.us)) for server in settings.servers}
        self.settings, self.methods = settings, methods or Methods()
        self.disk: Goal | None = goal
        self.disk_full = False
        self.primary_answers = self.control_answers = True
        self.primary_hears_control = True
        self.inter_site = True  # the line between the systems
        self.queue: list[tuple[int, int, Event]] = []
        self.seq = 0
        self.rows: list[str] = []
        self.steps: list[decision.Step] = []
        self.refused: list[Refuse] = []
        self.loads: list[Load] = []
        self.saved: list[Goal] = []
        self.overlap_ms = 0
        self.next_beat = self.now
        self.start()

    def start(self) -> None:
        """Start the daemon, as after a kill: only the disk remembers."""
        self.queue.clear()
        self.us = Supervisor(self.us.id, (*self.us.runs, f"run{len(self.us.runs) + 1}"))
        first = decision.start(self.settings, self.us, self.methods, self.disk, None, self.now)
        self.state: State = first.state
        self._perform(first.effects)
        for server in self.settings.servers:
            if self._reaches(server):
                self.happen(Connected(server, self.now))

    def happen(self, event: Event) -> None:
        """One event, now."""
        taken = decision.step(self.state, event)
        self.state = taken.state
        self.rows += [row.row.number for row in taken.rows]
        self.steps += [taken] if taken.rows else []
        self._perform(taken.effects)

    def run(self, ms: int, until: Callable[[], bool] = lambda: False) -> None:
        """Let time pass; beats come by themselves."""
        end = self.now + ms
        while self.now < end and not until():
            soonest = min(end, self.next_beat, decision.wake_at(self.state), *(at for at, _, _ in self.queue[:1]))
            self._tick(max(self.now, soonest))

    def beat(self, count: int = 1) -> None:
        """Let so many beats pass, to the end of the last."""
        self.run(count * self.settings.interval_ms)

    def order(self, active: System, **more: object) -> None:
        """The operator orders a manual takeover."""
        self.happen(OperatorAsked(active, request=1, who="tester", at=self.now, **more))  # type: ignore[arg-type]

    def lose_goal(self) -> None:
        """The goal file is gone."""
        self.disk = None

    def power_off(self, system: System, *lims: int) -> None:
        """Silent power loss: rules gone, nothing answers, channels not even closed."""
        for lim in self._of(system, lims):
            lim.up = False
            allowed = Origin.NONE if lim.status.word is Word.NONE else Origin.HOLD
            lim.status = replace(lim.status, traffic=Traffic.BLOCKED, origin=allowed)
        if system is PRIMARY and (not lims or 1 in lims):
            self.primary_answers = False

    def power_on(self, system: System) -> None:
        """They boot blocked (S3) and answer again."""
        for lim in self._of(system, ()):
            lim.up = True
            self.happen(ChannelLost(lim.server, "reset", self.now))
            self.happen(Connected(lim.server, self.now))
        self.primary_answers = self.primary_answers or system is PRIMARY

    def cut(self) -> None:
        """The line between the systems is cut; endpoints reach both."""
        self.inter_site = False
        self.primary_answers = False

    def heal(self) -> None:
        """The line is back; channels open again."""
        self.inter_site = True
        self.primary_answers = True
        for lim in self._of(PRIMARY, ()):
            self.happen(ChannelLost(lim.server, "keepalive", self.now))
            self.happen(Connected(lim.server, self.now))

    def traffic(self, system: System) -> set[Traffic]:
        """What the rules of a system's running LIMs do."""
        return {lim.status.traffic for lim in self._of(system, ()) if lim.up}

    def active(self) -> set[System]:
        """The systems that carry traffic anywhere."""
        return {s for s in System if Traffic.ALLOWED in self.traffic(s)}

    def _of(self, system: System, lims: tuple[int, ...]) -> list[Lim]:
        return [
            lim for lim in self.lims.values() if lim.server.system is system and (not lims or lim.server.lim in lims)
        ]

    def _reaches(self, server: Server) -> bool:
        lim = self.lims[server]
        return lim.up and not lim.deaf and (self.inter_site or server.system is ALTERNATE)

    def _tick(self, at: int) -> None:
        if len(self.active()) == 2:
            self.overlap_ms += at - self.now
        self.now = at
        if self.now >= self.next_beat:
            self._beat()
        while self.queue and self.queue[0][0] <= self.now:
            self.happen(heapq.heappop(self.queue)[2])
        if decision.wake_at(self.state) <= self.now:
            self.happen(Woke(self.now))

    def _beat(self) -> None:
        start, settings = self.now, self.settings
        self.next_beat += settings.interval_ms
        primary = Reply.ANSWERED if self.primary_answers else Reply.SILENT
        control = Reply.ANSWERED if self.control_answers else Reply.SILENT
        both = primary is control is Reply.ANSWERED
        at = start + (DELAY_MS if both else settings.timeout_ms)
        self._later(at, Beat(primary, control, start, at))
        heard = frozenset(server for server in self.settings.servers if self._reaches(server))
        if heard:
            self._later(at, ServersHeard(heard, start, at))

    def _later(self, at: int, event: Event) -> None:
        self.seq += 1
        heapq.heappush(self.queue, (at, self.seq, event))

    def _perform(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case SaveGoal(op, goal):
                    self._save(op, goal)
                case Order(op, word, _, servers, deadline_ms):
                    for server in servers:
                        obeys = self._reaches(server) and word not in self.lims[server].mute
                        answer = self.lims[server].obey(effect, self.us.name) if obeys else None
                        self._answer(op, server, answer, deadline_ms, self.lims[server].slow_ms)
                case Look(op, servers, deadline_ms):
                    for server in servers:
                        says = self._reaches(server) and not self.lims[server].silent
                        answer = self.lims[server].says() if says else None
                        self._answer(op, server, answer, deadline_ms)
                        self._facts(server)
                case Refuse():
                    self.refused.append(effect)
                case Load():
                    self.loads.append(effect)

    def _save(self, op: int, goal: Goal) -> None:
        at = self.now + DELAY_MS
        if self.disk_full:
            self._later(at, GoalNotSaved(op, "disk broken on purpose", at))
            return
        self.disk = goal
        self.saved.append(goal)
        self._later(at, GoalSaved(op, at))

    def _answer(
        self, op: int, server: Server, answer: Status | Refused | Unreached | None, deadline_ms: int, slow_ms: int = 0
    ) -> None:
        at = self.now + (deadline_ms if answer is None else DELAY_MS + slow_ms)
        self._later(at, Answered(op, server, answer or Unreached("no answer"), at))
        if answer is None:
            self._later(at, ChannelLost(server, "no answer", at))
            if self._reaches(server):
                self._later(at + RECONNECT_MS, Connected(server, at + RECONNECT_MS))

    def _facts(self, server: Server) -> None:
        if self._reaches(server):
            hears = self.primary_hears_control if server == P1 else None
            at = self.now + DELAY_MS
            self._later(at, FactsSeen(server, self.lims[server].exchange, hears, (1, 2), at))


def _as(goal: Goal, server: Server, us: Supervisor) -> Status:
    word = goal.wanted(server)
    return Status(word.traffic, goal.number, word, us.name, Origin.ORDER)
