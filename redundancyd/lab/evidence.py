"""What is gathered while a page is played, from four sides that do not know of one another.

The phones' answered packets; the daemon's journal and status; what each LIM has written on its disk of the last order;
each LIM's sshd, which knows when a handshake was completed.  A thread watches; every fact has its instant, in
milliseconds of the boot-time clock.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from redundancyd.core.systems import System
from redundancyd.lab.daemon_process import Daemon, Journal
from redundancyd.lab.lim import Lim, read_state
from redundancyd.lab.phone_line import PhoneState
from redundancyd.lab.system import LabError, at_of_wall, now_ms

LOOK_S = 0.02
STATUS_EVERY_S = 0.25
PHONES_EVERY = 3
LIM_STATE = "var/lib/redundancyd/lim/state"
SSHD_LOG = "var/log/redundancy-lab/sshd.log"
LET_IN = b"Accepted publickey"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a LIM had on its disk, from this instant on."""

    at: int
    lim: str
    system: System
    number: int
    word: str
    origin: str
    traffic: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the daemon's journal."""

    at: int
    event: str
    fields: Mapping[str, Any]

    def matches(self, event: str, pairs: Mapping[str, str]) -> bool:
        """It is this event, with these values."""
        return self.event == event and all(
            str(self.fields.get(key)).lower() == value.lower() for key, value in pairs.items()
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """What the daemon's status said at one instant."""

    at: int
    phase: str
    goal: System | None
    number: int
    unfenced: frozenset[str]
    alarms: tuple[tuple[str, str], ...]  # name, text


@dataclass(frozen=True, slots=True)
class LetIn:
    """A LIM's sshd completed a handshake."""

    at: int
    lim: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A phone registered at a system, or nobody serves it any more."""

    at: int
    phone: int
    system: System | None


Seen = Remembered | Happened | LetIn | Moved


@dataclass(slots=True)
class Evidence:
    """All that was gathered so far."""

    remembered: list[Remembered] = field(default_factory=list)
    journal: list[Happened] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    let_in: list[LetIn] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)

    def happened(self, event: str, since: int, **pairs: str) -> list[Happened]:
        """The journal's lines of one event since an instant."""
        return [line for line in self.journal if line.at >= since and line.matches(event, pairs)]


class Watcher:
    """Gathers evidence in a thread of its own until it is stopped; tells a listener of each new fact."""

    def __init__(self, lims: list[Lim], daemon: Daemon, ask_phones: Callable[[], PhoneState]) -> None:
        self.evidence = Evidence()
        self.phones: PhoneState | None = None
        self.tell: Callable[[Seen], None] = lambda _: None
        self._lims = lims
        self._daemon = daemon
        self._journal = Journal(daemon.journal)
        self._ask_phones = ask_phones
        self._stamps: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._moves = 0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, name="watcher", daemon=True),
            threading.Thread(target=self._ask_status, name="status", daemon=True),  # a frozen daemon holds up no look
        ]
        self.failure: Exception | None = None

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5)

    def _watch(self) -> None:
        looks = 0
        while not self._stop.wait(LOOK_S):
            try:
                self.look(phones=looks % PHONES_EVERY == 0)
            except Exception as error:  # noqa: BLE001 - told to the player, who fails the run
                self.failure = error
                return
            looks += 1

    def _ask_status(self) -> None:
        while not self._stop.wait(STATUS_EVERY_S):
            asked = now_ms()
            if (said := self._daemon.status(deadline_s=1)) is not None:
                self.evidence.samples.append(read_sample(asked, said))

    def look(self, *, phones: bool) -> None:
        """Look once at journal and LIMs, and at the phones when asked to."""
        for line in self._journal.new():
            at = line.get("at_ms")
            self._take(
                self.evidence.journal, Happened(at if isinstance(at, int) else now_ms(), str(line["event"]), line)
            )
        for lim in self._lims:
            self._look_at(lim)
        if phones:
            self._look_at_phones()

    def _look_at(self, lim: Lim) -> None:
        """See whether the LIM has another order on its disk, and whether its sshd let somebody in."""
        path = lim.disk / LIM_STATE
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            stamp = 0
        if stamp and stamp != self._stamps.get(lim.name):
            self._stamps[lim.name] = stamp
            if (order := read_remembered(lim, read_state(path), at_of_wall(stamp))) is not None:
                self._take(self.evidence.remembered, order)
        log = lim.disk / SSHD_LOG
        try:
            size = log.stat().st_size
        except OSError:
            return
        known = self._sizes.get(lim.name, 0)
        if size != known:
            self._sizes[lim.name] = size
            with log.open("rb") as file:
                file.seek(known)
                for _ in range(file.read(size - known).count(LET_IN)):
                    self._take(self.evidence.let_in, LetIn(now_ms(), lim.name))

    def _look_at_phones(self) -> None:
        self.phones = self._ask_phones()
        for at, phone, system in self.phones.moves[self._moves :]:
            self._take(self.evidence.moved, Moved(at // 1_000_000, phone, system))
        self._moves = len(self.phones.moves)

    def _take(self, kept: list[Any], fact: Seen) -> None:
        kept.append(fact)
        self.tell(fact)

    def check(self) -> None:
        """LabError when the watch has failed: nothing may be concluded from what it did not see."""
        if self.failure is not None:
            raise LabError(f"the watch over the bed failed: {self.failure!r}") from self.failure

    def settle(self) -> None:
        """Return when everything that is there by now has been looked at."""
        time.sleep(3 * LOOK_S)
        self.check()


def read_remembered(lim: Lim, state: Mapping[str, object], at: int) -> Remembered | None:
    """What a LIM's state file says; None when it is not whole."""
    number = str(state.get("number", ""))
    if not number.isdecimal():
        return None
    words = (str(state.get(key, "")) for key in ("word", "origin", "traffic"))
    return Remembered(at, lim.name, lim.plan.system, int(number), *words)


def read_sample(at: int, said: Mapping[str, Any]) -> Sample:
    """What `GET /v1/status` says, as far as the lab needs it."""
    goal = said.get("goal") or {}
    active = goal.get("active")
    alarms = [(str(alarm.get("name", "")), str(alarm.get("text", ""))) for alarm in said.get("alarms") or []]
    return Sample(
        at,
        str(said.get("phase", "")),
        System(active) if active in set(System) else None,
        int(goal.get("number") or 0),
        frozenset(_lim_name(entry) for entry in said.get("unfenced") or []),
        tuple(alarms),
    )


def _lim_name(entry: object) -> str:
    """`primary-1`, whether status gives the name or a table about the LIM."""
    if isinstance(entry, Mapping):
        return str(entry.get("server") or f"{entry.get('system')}-{entry.get('lim')}")
    return str(entry)
