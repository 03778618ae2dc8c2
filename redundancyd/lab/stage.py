"""A bed as the stage of a scenario page: real LIMs, the real daemon, real phones, and a watch over them."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Self

from redundancyd.core.systems import System, Traffic
from redundancyd.lab import faults
from redundancyd.lab.bed import Bed
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.data_look import DataLook
from redundancyd.lab.settings import effective
from redundancyd.lab.system import now_ms
from redundancyd.lab.watcher import Watcher
from redundancyd.lab.world import World
from redundancyd.scenarios.evidence import Seen
from redundancyd.scenarios.measure import MS
from redundancyd.scenarios.spans import symbols
from redundancyd.scenarios.stage import Ordered


class LabStage:
    """Watches from the beginning of a `with` to its end."""

    slack_ms = 60  # what the lab itself adds: two looks and the reading of rules

    def __init__(self, bed: Bed, daemon: Daemon) -> None:
        self.symbols: Mapping[str, int] = symbols(effective(bed.plan))
        self._bed = bed
        self._world = World(bed, daemon)
        self._data = DataLook(bed, self._world)
        self._watcher = Watcher(list(bed.lims.values()), daemon, bed.phones.state)
        self.evidence = self._watcher.evidence

    def __enter__(self) -> Self:
        self._watcher.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._watcher.__exit__(kind, error, at)

    @property
    def tell(self) -> Callable[[Seen], None]:
        """Told of each new piece of evidence."""
        return self._watcher.tell

    @tell.setter
    def tell(self, tell: Callable[[Seen], None]) -> None:
        self._watcher.tell = tell

    def now(self) -> int:
        """Milliseconds of the boot-time clock."""
        return now_ms()

    def start(self) -> None:
        """Give the daemon its first goal and start it."""
        self._data.note_all()
        self._world.daemon.first_goal(System.PRIMARY)
        self._world.daemon.start()

    def do(self, verb: str, words: Sequence[str]) -> None:
        """Let it happen for real."""
        faults.do(self._world, verb, words)

    def let_pass(self, span_ms: float) -> None:
        """Wait while the watch goes on."""
        self._watcher.check()
        time.sleep(span_ms / 1000)

    def settle(self) -> None:
        """Return when everything that is there by now has been looked at."""
        self._watcher.settle()

    def named(self, where: str) -> Sequence[str]:
        """The LIMs that a word means."""
        return [lim.name for lim in self._bed.named(where)]

    def has_power(self, lim: str) -> bool:
        """Somebody lives in it."""
        return self._bed.lims[lim].has_power()

    def traffic(self, lim: str) -> Traffic:
        """What its iptables do."""
        return self._bed.lims[lim].traffic()

    def answering(self, within_ms: int) -> Collection[System] | None:
        """By the phones' own state, if it is fresh."""
        state = self._watcher.phones
        if state is None or now_ms() - state.at // MS > within_ms:
            return None
        return {system for system in System if state.is_answering(system, within_ms)}

    def registered(self) -> Collection[System | None]:
        """Where each phone says that it is registered."""
        state = self._watcher.phones
        return list(state.registered.values()) if state else [None]

    def answers(self) -> Mapping[System, Sequence[int]]:
        """Every answered packet, as the phones saved them."""
        return self._bed.phones.answers().at

    def is_ready(self) -> bool:
        """The daemon says so over its socket."""
        return self._world.daemon.is_ready()

    def data_is_so(self, fact: str, words: Sequence[str]) -> bool:
        """By the files that are on the disks of LIMs."""
        return self._data.is_so(fact, words)

    def last_order(self) -> Ordered:
        """How the last order ended, and whether the one that was begun has."""
        self._world.notice_end()
        return self._world.ordered

    def last_lines(self) -> str:
        """The end of the daemon's journal."""
        return self._world.daemon.last_lines()
