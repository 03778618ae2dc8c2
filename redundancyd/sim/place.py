"""One server of the fleet: its LIM, and all that can happen to the host and to the way there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from redundancyd.core.systems import Server
from redundancyd.sim.lim import Lim
from redundancyd.sim.timeline import Timeline
from redundancyd.sim.wires import Manner, Wire


class Watcher(Protocol):
    """Who is told what truly happens."""

    def changed(self) -> None:
        """Something about the truth is otherwise now."""

    def stepped(self) -> None:
        """The daemon has run."""

    def obeyed(self, place: "Place", line: str, reply: str) -> None:
        """A LIM has done what a line from the daemon says."""

    def recorded(self, event: str, fields: dict[str, Any]) -> None:
        """The daemon has written a line into its journal."""

    def asked(self, target: str, sequence: int, *, sent: bool) -> None:
        """An echo request to the master or the control address was sent, or could not be."""

    def answered(self, target: str, sequence: int) -> None:
        """It was answered, and the answer has come to our host."""

    def held(self, place: "Place") -> None:
        """A LIM allowed itself."""

    def booted(self, place: "Place") -> None:
        """A LIM's network is up."""

    def done(self, verb: str) -> None:
        """Somebody is about to do something to the fleet."""


class Around(Protocol):
    """What a place has to know of the world."""

    timeline: Timeline
    own: "Place"

    def reaches(self, place: "Place", *, there: bool) -> bool:
        """Whether the way between our host and another one is open in one direction."""

    def post(self, callback: Callable[[], None]) -> None:
        """Hand something to the daemon's process."""

    def obeyed(self, place: "Place", line: str, reply: str) -> None:
        """A LIM has done what a line says."""

    def noticed(self) -> None:
        """A connection was opened or given up."""


@dataclass(slots=True, eq=False)
class Place:
    """One server and all that can happen to it; also what a wire has to know of the way there."""

    around: Around
    server: Server
    lim: Lim
    manner: Manner = field(default_factory=Manner)
    powered: bool = True
    up: bool = True  # its network and its sshd
    frozen: bool = False
    unplugged: bool = False
    refuses_ssh: bool = False
    wires: list[Wire] = field(default_factory=list)
    name: str = field(init=False)  # for people; kept, for it is asked for millions of times

    def __post_init__(self) -> None:
        self.name = self.server.name

    @property
    def is_own(self) -> bool:
        """Whether the daemon runs here."""
        return self is self.around.own

    @property
    def timeline(self) -> Timeline:
        """The world's clock."""
        return self.around.timeline

    def goes_there(self) -> bool:
        """Whether a packet of ours reaches this host."""
        return self.powered and self.up and self.around.reaches(self, there=True)

    def comes_back(self) -> bool:
        """Whether a packet from here reaches us."""
        return self.powered and self.up and self.around.reaches(self, there=False)

    def works(self) -> bool:
        """Whether processes run here."""
        return self.powered and self.up and not self.frozen

    def later(self, callback: Callable[[], None]) -> None:
        """Hand something to the daemon's process."""
        self.around.post(callback)

    def told(self, line: str, reply: str) -> None:
        """The LIM has done what a line says."""
        self.around.obeyed(self, line, reply)

    def noticed(self) -> None:
        """A connection was opened or given up."""
        self.around.noticed()

    @property
    def reachable(self) -> bool:
        """Whether words can go both ways, and somebody is there to hear them."""
        return self.goes_there() and self.comes_back() and self.works() and not self.refuses_ssh
