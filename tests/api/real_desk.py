"""A desk behind which the real core decides, in a small world where LIMs obey at once unless told otherwise."""

import asyncio
from dataclasses import replace
from typing import Any

from redundancyd.actions import Action
from redundancyd.core.decision import start, step
from redundancyd.core.effects import Effect, Look, Order, Refuse, SaveGoal
from redundancyd.core.events import (
    Answered,
    Beat,
    ChannelLost,
    Connected,
    Event,
    FactsSeen,
    GoalSaved,
    LatchAcknowledged,
    MethodSet,
    OperatorAdopted,
    OperatorAsked,
    OperatorConfirmed,
    PauseSet,
    Refused,
    Reply,
    Unreached,
    Woke,
)
from redundancyd.core.state import State
from redundancyd.core.systems import (
    Goal,
    Kind,
    Methods,
    Origin,
    Pause,
    Server,
    Settings,
    Status,
    Supervisor,
    System,
    Traffic,
    Word,
)
from redundancyd.records import Line, Records, Subscription
from redundancyd.requests import (
    AcknowledgeAlarm,
    Adopt,
    ConfirmTakeover,
    Done,
    ManualTakeover,
    Problem,
    Request,
    Resume,
    SetMethod,
    SetPause,
)
from redundancyd.status import About, status

SERVERS = tuple(
    Server(system, lim, f"{net}.{10 + lim}")
    for system, net in ((System.PRIMARY, "192.0.2"), (System.ALTERNATE, "198.51.100"))
    for lim in (1, 2)
)
SETTINGS = Settings(SERVERS, interval_ms=1000, timeout_ms=750, missed=3)
US = Supervisor("site", ("run1",))


class RealDesk:
    """The core, its LIMs and its disk; `heal` plays until nothing is left to do."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.records_kept = Records()
        self.late: list[str] = []
        self.translation_page: dict[str, Any] = {}
        self.refusing: set[Server] = set()
        self.cut: set[Server] = set()
        self.primary_answers = True
        self.control_answers = True
        self.slow_s = 0.0
        self.asked: list[tuple[str, Request, str]] = []
        self._requests = 0
        self._answers: dict[int, Done | Problem] = {}
        self._lims = {
            server: Status(
                Traffic.ALLOWED if server.system is System.PRIMARY else Traffic.BLOCKED,
                1,
                Word.ALLOW if server.system is System.PRIMARY else Word.BLOCK,
                US.name,
                Origin.ORDER,
            )
            for server in settings.servers
        }
        goal = Goal(System.PRIMARY, 1, Kind.FORCED, by_operator=True, reason="configured", decided_at=0, done=True)
        first = start(settings, US, Methods(), goal, None, 1000)
        self._state = first.state
        for effect in first.effects:
            self._perform(effect)
        for server in settings.servers:
            self.feed(Connected(server, self._state.now))
        self.beats(1)

    # --- what the socket wants ---

    def state(self) -> State:
        """The state now."""
        return self._state

    def status(self) -> dict[str, Any]:
        """The status page."""
        return status(self._state, About("0.0.test", 1000), self._state.now)

    def configuration(self) -> dict[str, Any]:
        """Some settings."""
        return {"primary": {"master_ip": "192.0.2.10"}}

    def mirrors(self) -> list[dict[str, Any]]:
        """One, as a daemon tells it."""
        return [{"stamp": "20260309031502", "condition": "whole", "detail": "", "size_bytes": 1000}]

    def translation(self) -> dict[str, Any]:
        """What the test put there."""
        return self.translation_page

    def records(self, since: int) -> list[Line]:
        """What was put in since."""
        return self.records_kept.since(since)

    def subscribe(self) -> Subscription:
        """What is put in from now on."""
        return self.records_kept.subscribe()

    def health(self) -> list[str]:
        """What the test says."""
        return self.late

    async def act(self, action: Action, request: Request, who: str) -> Done | Problem:
        """Feed the core with it; done, or what it refused."""
        self.asked.append((action.name, request, who))
        await asyncio.sleep(self.slow_s)
        self._requests += 1
        ours, now = self._requests, self._state.now
        match request:
            case ManualTakeover(active, revert_after_ms, accept):
                self.feed(OperatorAsked(active, ours, who, now, revert_after_ms, accept))
            case ConfirmTakeover():
                self.feed(OperatorConfirmed(ours, who, now))
            case Adopt():
                self.feed(OperatorAdopted(ours, who, now))
            case AcknowledgeAlarm():
                self.feed(LatchAcknowledged(ours, who, now))
            case SetMethod(direction, method):
                self.feed(MethodSet(direction, method, now))
            case SetPause(for_ms, reason):
                self.feed(PauseSet(Pause(now + for_ms, reason), now))
            case Resume():
                self.feed(PauseSet(None, now))
        return self._answers.pop(ours, Done("done"))

    # --- the world ---

    def feed(self, event: Event) -> None:
        """One event, and everything that follows from it."""
        taken = step(self._state, event)
        self._state = taken.state
        for row in taken.rows:
            fields = {"row": row.row.number, "why": row.row.why, "takeover": row.takeover}
            fields |= {"from_phase": str(row.phase), "phase": str(row.row.phase)}
            self.records_kept.put("row_taken", row.at, fields)
        for effect in taken.effects:
            self._perform(effect)

    def beats(self, count: int) -> None:
        """So many beats, an interval apart, with facts from whoever is in reach."""
        for _ in range(count):
            at = self._state.now + SETTINGS.interval_ms
            primary = Reply.ANSWERED if self.primary_answers else Reply.SILENT
            control = Reply.ANSWERED if self.control_answers else Reply.SILENT
            for server in self._lims.keys() - self.cut:
                self.feed(FactsSeen(server, True, True, (1, 2), at))
            self.feed(Beat(primary, control, at, at))
            self.feed(Woke(at))

    def lose(self, system: System) -> None:
        """The whole system loses its power."""
        for server in [server for server in self._lims if server.system is system]:
            self.cut.add(server)
            self.feed(ChannelLost(server, "no answer", self._state.now))
        if system is System.PRIMARY:
            self.primary_answers = False

    def _perform(self, effect: Effect) -> None:
        now = self._state.now
        match effect:
            case SaveGoal(op=op, goal=goal, request=request):
                if request is not None:
                    self._answers[request] = Done(f"takeover {goal.number} is saved", goal.number)
                self.feed(GoalSaved(op, now))
            case Refuse(request=request, code=code, why=why):
                self._answers[request] = Problem(code, why, "do something about it")
            case Look(op=op, servers=servers):
                for server in servers:
                    self.feed(Answered(op, server, Unreached("cut") if server in self.cut else self._lims[server], now))
            case Order(op=op, word=word, number=number, servers=servers):
                for server in servers:
                    self.feed(Answered(op, server, self._obey(server, word, number), now))

    def _obey(self, server: Server, word: Word, number: int) -> Status | Refused | Unreached:
        if server in self.cut:
            return Unreached("cut")
        if server in self.refusing:
            return Refused("iptables_failed", "no such chain")
        self._lims[server] = replace(
            self._lims[server], traffic=word.traffic, number=number, word=word, supervisor=US.name, origin=Origin.ORDER
        )
        return self._lims[server]
