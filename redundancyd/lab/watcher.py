"""Watches a bed while a page is played: a thread reads the journal, the LIMs' disks and the phones, another the status.

Every fact has its instant, in milliseconds of the boot-time clock.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from redundancyd.lab.daemon_process import Daemon, Journal
from redundancyd.lab.lim import Lim, read_state
from redundancyd.lab.phone_line import PhoneState
from redundancyd.lab.system import LabError, at_of_wall, now_ms
from redundancyd.scenarios.evidence import Evidence, Happened, LetIn, Moved, Remembered, Seen, read_sample

LOOK_S = 0.02
STATUS_EVERY_S = 0.25
PHONES_EVERY = 3
LIM_STATE = "var/lib/redundancyd/lim/state"
SSHD_LOG = "var/log/redundancy-lab/sshd.log"
LET_IN = b"Accepted publickey"


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
