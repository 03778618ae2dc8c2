"""The daemon's process: the whole program on a loop of its own; started, frozen, killed, told by signals.

Systemd is here as far as it matters: a process that does not feed its watchdog is killed, and one that ended badly is
started again.
"""

import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from redundancyd import config
from redundancyd.adapters import journal
from redundancyd.adapters.goal_file import StateFolder
from redundancyd.adapters.probes import Beats
from redundancyd.core.systems import Fallback, Goal, Kind, System
from redundancyd.daemon import Daemon, Outside
from redundancyd.errors import NotSaved
from redundancyd.lives import lives
from redundancyd.records import Records
from redundancyd.sim import edges
from redundancyd.sim.timeline import SECOND, Planned, Timeline
from redundancyd.sim.virtual_disk import VirtualDisk
from redundancyd.sim.virtual_loop import VirtualLoop
from redundancyd.sim.wires import Wire
from redundancyd.socket_file import SocketFile

WATCHDOG_US = 10 * SECOND
RESTART_US = SECOND
SETTINGS_PATH = "/etc/redundancyd/redundancyd.toml"

Told = Callable[[str, int, dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Host:
    """What the process finds on its host."""

    timeline: Timeline
    clock: edges.HostClock
    disk: VirtualDisk
    book: edges.Book
    lot: Random


class Network(edges.Network, edges.Air, Protocol):
    """What the process finds outside of it."""

    def connect_local(self) -> Wire:
        """A connection to the LIM that we are."""

    def hang_up(self) -> None:
        """The process is gone, and its connections with it."""


class Process:
    """One process, from its start to its end."""

    def __init__(self, host: Host, network: Network, settings: Callable[[str], config.Config], told: Told) -> None:
        self.host = host
        self.network = network
        self.frozen = False
        self.daemon: Daemon | None = None
        self.watchdog = edges.Watchdog(lambda: host.timeline.now_us)
        self.records = Records()
        self.started_us = host.timeline.now_us
        self.loop = VirtualLoop(host.timeline)
        self.loop.dial = self._dial
        host.disk.post = self.post
        book = journal.open_journal(host.clock, sink=host.book)
        book.tap(self.records.put)
        book.tap(told)
        outside = Outside(
            host.clock,
            self.watchdog,
            self.records,
            channels=lambda settings, clock: edges.channels(settings, clock, network),
            beats=lambda settings, clock: Beats(settings, clock, self._target),
            listen=lambda _path, _group: SocketFile(socket.socket(socket.AF_UNIX)),
            data=None,
            exchange_alarms=None,
        )
        self.main = self.loop.create_task(lives(SETTINGS_PATH, self._folder, outside, load=settings, begun=self._begun))

    @property
    def ended(self) -> bool:
        """Whether the program has come to its end by itself."""
        return self.main.done()

    @property
    def failed(self) -> BaseException | None:
        """What it ended with, where that was a failure."""
        return self.main.exception() if self.main.done() and not self.main.cancelled() else None

    def post(self, callback: Callable[[], None]) -> None:
        """Something comes in from outside; a frozen process finds it when it goes on."""
        self.loop.call_soon(callback)

    def bury(self) -> None:
        """Nothing it still does is seen by anybody."""
        journal.open_journal(self.host.clock, sink=Nobody())
        self.loop.bury()

    def _folder(self, settings: config.Config) -> StateFolder:
        return _folder(self.host, settings.daemon.state_folder)

    def _begun(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def _target(self, address: str, heard: Callable[[], None]) -> edges.Echo:
        return edges.Echo(address, heard, self.network)

    def _dial(self, factory: Callable[[], Any], _path: str) -> tuple[Any, Any]:
        wire = self.network.connect_local()
        protocol = factory()
        transport = edges.LocalTransport(wire, protocol, self.loop)
        protocol.connection_made(transport)
        return transport, protocol


class Nobody(journal.Sink):
    """Hears nothing."""

    def write(self, _values: Any) -> bool:  # noqa: ANN401 - a record has any fields
        """Let it go."""
        return True

    def close(self) -> None:
        """Nothing to close."""


def _folder(host: Host, path: str) -> StateFolder:
    return StateFolder(path, host.clock, files=host.disk, token=lambda size: host.lot.randbytes(size).hex())


def first_goal(host: Host, path: str, active: System) -> None:
    """Write the first goal of a pair that was just set up, as `redundancyd --first-goal` does."""
    loop = VirtualLoop(host.timeline)

    async def write() -> None:
        folder = _folder(host, path)
        await folder.load()
        reason = "the first goal"
        await folder.save(Goal(active, 1, Kind.FORCED, by_operator=False, reason=reason, decided_at=host.clock.now()))
        await folder.save_fallback(Fallback.AUTOMATIC)  # as the operator said of clusters, where there are any
        folder.close()

    task = loop.create_task(write())
    while not task.done():
        loop.run_ready()
        if not loop.is_ready and not task.done():
            host.timeline.step()
    task.result()
    loop.bury()


class Service:
    """Systemd's unit of the daemon."""

    def __init__(
        self,
        host: Host,
        network: Network,
        settings: Callable[[str], config.Config],
        told: Told,
        *,
        watchdog: bool = True,
    ) -> None:
        self.host = host
        self._network, self._settings, self._told = network, settings, told
        self._watchdog = watchdog
        self.process: Process | None = None
        self.crashes: list[BaseException] = []
        self._again: Planned | None = None

    @property
    def daemon(self) -> Daemon | None:
        """The life that goes on now."""
        return self.process.daemon if self.process else None

    @property
    def runs(self) -> bool:
        """Whether there is a process, and it is not frozen."""
        return self.process is not None and not self.process.frozen

    def start(self) -> None:
        """Start it, unless it is there."""
        if self._again:
            self._again.call_off()
            self._again = None
        if self.process is None:
            self.process = Process(self.host, self._network, self._settings, self._told)

    def kill(self, *, power: bool = False) -> None:
        """End it at this instant: kill -9, or the power of its host."""
        process, self.process = self.process, None
        if self._again:
            self._again.call_off()
            self._again = None
        if process is not None:
            self.host.disk.crash(power=power)
            self._network.hang_up()
            process.bury()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal that it handles."""
        if self.process is not None and (handler := self.process.loop.signals.get(number)):
            self.process.post(handler)

    def freeze(self) -> None:
        """SIGSTOP."""
        if self.process is not None and not self.process.frozen:
            self.process.frozen = True
            if self._watchdog:
                process = self.process
                left_us = process.watchdog.fed_at + WATCHDOG_US - self.host.timeline.now_us
                self.host.timeline.plan(left_us, lambda: self._bite(process))

    def thaw(self) -> None:
        """SIGCONT."""
        if self.process is not None:
            self.process.frozen = False

    def _bite(self, process: Process) -> None:
        starved = self.host.timeline.now_us - process.watchdog.fed_at >= WATCHDOG_US
        if self.process is process and process.frozen and starved:
            self.kill()
            self._again = self.host.timeline.plan(RESTART_US, self.start)

    def look_after(self) -> None:
        """A process that ended is buried, and started again where it failed."""
        process = self.process
        if process is None or not process.ended:
            return
        failure = process.failed
        self.kill()
        if failure is not None:
            if not (process.daemon is None and isinstance(failure, NotSaved)):  # a start that can't read its disk ends
                self.crashes.append(failure)
            self._again = self.host.timeline.plan(RESTART_US, self.start)
