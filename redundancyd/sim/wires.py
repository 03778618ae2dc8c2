"""What carries lines between the daemon and a LIM: a connection with any number of `serve`s on it.

Nothing that was sent is lost while the connection lives: what meets a cut way waits and comes late, as TCP has it.  A
daemon that gives a connection up may have left an order on its way, and that is obeyed late, too.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from redundancyd.adapters.serve import Serve
from redundancyd.sim.lim import Lim
from redundancyd.sim.timeline import MS, Planned, Timeline

LATENCY_US = 300
KEEPALIVE_US = (3000 * MS, 4000 * MS)
RESET_US = 1000 * MS
RESENT_US = 200 * MS
WORK_US = {"status": 12 * MS, "block": 30 * MS, "allow": 30 * MS, "facts": 120 * MS, "observe": 20 * MS}
UNHEARD_US = 1000 * MS
LOST_WITH_ITS_CALLER = 0.5


class Ways(Protocol):
    """What a wire has to know of the world around it."""

    @property
    def timeline(self) -> Timeline:
        """The world's clock."""

    def goes_there(self) -> bool:
        """Whether a packet reaches the LIM's host."""

    def comes_back(self) -> bool:
        """Whether one of its packets reaches us."""

    def works(self) -> bool:
        """Whether processes run there."""

    def later(self, callback: Callable[[], None]) -> None:
        """Hand something to the daemon's process."""

    def told(self, line: str, reply: str) -> None:
        """The LIM has done what a line says."""

    def noticed(self) -> None:
        """A connection was opened or given up."""


@dataclass(slots=True)
class Manner:
    """How the process on a LIM answers just now."""

    slow_us: int = 0  # longer than usual, each request
    deaf: int = 0  # so many answers are lost after the deed
    garbles: bool = False


class Hearer(Protocol):
    """The daemon's end of one `serve`."""

    def feed(self, data: bytes, /) -> None:
        """Bytes came."""

    def end(self, why: str, /) -> None:
        """Nothing more will come."""


@dataclass(slots=True, eq=False)
class Session:
    """One `serve`."""

    hearer: Hearer | None = None
    busy_until_us: int = 0


@dataclass(slots=True, eq=False)
class Wire:
    """One connection, from its handshake to its end."""

    lim: Lim
    manner: Manner
    ways: Ways
    lot: Random
    local: bool = False
    opened_us: int = 0
    sessions: list[Session] = field(default_factory=list)
    held_there: deque[tuple[Session, bytes]] = field(default_factory=deque)
    held_back: deque[tuple[Session, bytes]] = field(default_factory=deque)
    caller_holds: bool = True  # the daemon's end
    called_holds: bool = True  # the LIM's end
    _alarm: Planned | None = None

    def open(self, name: str) -> Serve:
        """One more `serve` on it."""
        session = Session()
        serve = Serve(name, lambda data: self.send(session, data), lambda: self.close_session(session))
        session.hearer = serve
        self.sessions.append(session)
        self.ways.noticed()
        return serve

    def attach(self, hearer: Hearer) -> Session:
        """The same, for who is no Serve."""
        session = Session(hearer)
        self.sessions.append(session)
        self.ways.noticed()
        return session

    def close_session(self, session: Session) -> None:
        """The daemon ends one `serve`; what it had sent may be obeyed still."""
        if session in self.sessions:
            self.sessions.remove(session)

    def close(self) -> None:
        """The daemon gives the connection up."""
        self.caller_holds = False
        self.ways.later(lambda: self._end("the connection was closed"))  # whoever still waits on it is told
        self.ways.noticed()
        if self.lot.random() < LOST_WITH_ITS_CALLER:
            self.held_there.clear()
        if self._alarm:
            self._alarm.call_off()

    def send(self, session: Session, data: bytes) -> None:
        """Bytes from the daemon set out."""
        if not self.caller_holds or not self.called_holds:
            return
        if self._waits_there():
            self.held_there.append((session, data))
        else:
            self.ways.timeline.plan(0 if self.local else LATENCY_US, lambda: self._arrive(session, data))

    def changed(self) -> None:
        """Something about the ways is otherwise: what waited goes on, what stands still is noticed."""
        timeline = self.ways.timeline
        if not self._waits_there():
            while self.held_there:
                session, data = self.held_there.popleft()
                timeline.plan(RESENT_US, lambda session=session, data=data: self._arrive(session, data))  # type: ignore[misc]
        if self.ways.comes_back():
            while self.held_back:
                session, data = self.held_back.popleft()
                timeline.plan(RESENT_US, lambda session=session, data=data: self._come_back(session, data))  # type: ignore[misc]
        if not self.caller_holds:
            return
        stands = self.called_holds and self.ways.goes_there() and self.ways.comes_back() and self.ways.works()
        if stands and self._alarm:
            self._alarm.call_off()
            self._alarm = None
        elif not stands and self._alarm is None:
            self._alarm = timeline.plan(self.lot.randint(*KEEPALIVE_US), self._give_up)
        if not self.called_holds and self.ways.goes_there() and self.ways.comes_back():
            timeline.plan(self.lot.randint(0, RESET_US), self._give_up)

    def lose_far_end(self) -> None:
        """The LIM's host lost its power, or its process was ended."""
        self.called_holds = False
        self.held_there.clear()
        self.held_back.clear()
        self.changed()

    def break_(self) -> None:
        """Both ends are reset."""
        self.called_holds = False
        self._give_up()

    def _give_up(self) -> None:
        """The daemon's side notices that nobody is there."""
        if self.caller_holds:
            self.ways.later(lambda: self._end("the connection broke"))

    def _end(self, why: str) -> None:
        for session in tuple(self.sessions):
            if session.hearer:
                session.hearer.end(why)

    def _waits_there(self) -> bool:
        return not (self.ways.goes_there() and self.ways.works())

    def _arrive(self, session: Session, data: bytes) -> None:
        if not self.called_holds:
            return
        if self._waits_there():
            self.held_there.append((session, data))
            return
        now_us = self.ways.timeline.now_us
        for line in data.decode("ascii").splitlines():
            session.busy_until_us = max(session.busy_until_us, now_us) + self._takes_us(line)
            wait_us = session.busy_until_us - now_us
            self.ways.timeline.plan(wait_us, lambda line=line: self._do(session, line))  # type: ignore[misc]

    def _takes_us(self, line: str) -> int:
        word = line.partition(" ")[0]
        work_us = UNHEARD_US if word == "observe" and not self.lim.hears_control else WORK_US.get(word, MS)
        return work_us + self.manner.slow_us

    def _do(self, session: Session, line: str) -> None:
        if not self.called_holds:
            return
        if not self.ways.works():  # frozen in the middle: done when it goes on
            self.held_there.append((session, f"{line}\n".encode()))
            return
        reply = self.lim.hear(line)
        self.ways.told(line, reply)
        if self.manner.deaf:
            self.manner.deaf -= 1
            return
        if self.manner.garbles:
            reply = reply[: len(reply) // 2]
        data = reply.encode() + b"\n"
        if self.ways.comes_back():
            self.ways.timeline.plan(0 if self.local else LATENCY_US, lambda: self._come_back(session, data))
        else:
            self.held_back.append((session, data))

    def _come_back(self, session: Session, data: bytes) -> None:
        if not self.ways.comes_back():
            self.held_back.append((session, data))
        elif self.caller_holds and session in self.sessions and session.hearer:
            feed = session.hearer.feed
            self.ways.later(lambda: feed(data))
