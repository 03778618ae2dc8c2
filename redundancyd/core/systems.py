"""The nouns of system redundancy: systems, servers, traffic, methods, the goal and the settings of the decision.

All instants are milliseconds of the boot-time clock, all spans are milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class System(StrEnum):
    """One telephone exchange made of several servers (LIMs)."""

    PRIMARY = "primary"
    ALTERNATE = "alternate"

    @property
    def other(self) -> "System":
        """The system that is blocked when this one is allowed."""
        return System.ALTERNATE if self is System.PRIMARY else System.PRIMARY


class Traffic(StrEnum):
    """What the rules that were last read on a LIM do to its endpoint traffic."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    MIXED = "mixed"
    TAMPERED = "tampered"
    UNKNOWN = "unknown"


class Word(StrEnum):
    """What a LIM was last ordered."""

    BLOCK = "block"
    ALLOW = "allow"
    NONE = "none"

    @property
    def traffic(self) -> Traffic:
        """What is seen when the word has been obeyed."""
        return _OBEYED[self]


_OBEYED = {Word.BLOCK: Traffic.BLOCKED, Word.ALLOW: Traffic.ALLOWED, Word.NONE: Traffic.UNKNOWN}


class Origin(StrEnum):
    """Who brought about the traffic a LIM has now: our order, somebody by hand, its own hold after a boot."""

    ORDER = "order"
    HAND = "hand"
    HOLD = "hold"
    NONE = "none"


class Method(StrEnum):
    """Whether a takeover in one direction waits for the operator."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class Fallback(StrEnum):
    """How a cluster (1+1) goes back from its standby server to its regular one: its fallback type."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"


class Direction(StrEnum):
    """The two directions of a takeover, in the manual's words."""

    ALTERNATE_FROM_PRIMARY = "alternate-from-primary"
    PRIMARY_FROM_ALTERNATE = "primary-from-alternate"

    @classmethod
    def to(cls, system: System) -> "Direction":
        """The direction that makes `system` the active one."""
        return cls.ALTERNATE_FROM_PRIMARY if system is System.ALTERNATE else cls.PRIMARY_FROM_ALTERNATE


class Kind(StrEnum):
    """How a goal deals with a LIM that does not follow."""

    PLANNED = "planned"  # both systems reachable: one LIM that does not follow undoes it
    AUTOMATIC = "automatic"  # the active system is lost: go on with what follows; undone when nothing does
    FORCED = "forced"  # undoing, adopting: whatever can be reached, as soon as possible


@dataclass(frozen=True, slots=True, order=True)
class Server:
    """One server of one LIM; a standby server has the LIM's number and an address of its own."""

    system: System
    lim: int
    address: str
    standby: bool = False

    def __hash__(self) -> int:
        """An address is one server's own, and its hash costs nothing."""
        return hash(self.address)

    @property
    def name(self) -> str:
        """How the server is written for people: `primary-1`, `primary-1-standby`."""
        return f"{self.system}-{self.lim}" + ("-standby" if self.standby else "")


@dataclass(frozen=True, slots=True)
class Status:
    """What a LIM says of itself (`redundancy-lim status`)."""

    traffic: Traffic
    number: int
    word: Word
    supervisor: str
    origin: Origin
    remembered: bool = True
    boot_id: str = ""
    policy: str = ""
    repairs: int = 0  # how often it put its own rules back since its boot


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Who we are to the LIMs: an id made at configuration and the runs that ordered under it, this one last."""

    id: str
    runs: tuple[str, ...]

    @property
    def name(self) -> str:
        """What goes out with every order: `id.run`."""
        return f"{self.id}.{self.runs[-1]}"

    def is_own(self, name: str) -> bool:
        """Whether an order under this name was one of ours; nobody's order is nobody else's."""
        known, _, run = name.partition(".")
        return not name or (known == self.id and run in self.runs)


@dataclass(frozen=True, slots=True)
class Goal:
    """The saved intention: which system is active, under which takeover number, and why."""

    active: System
    number: int
    kind: Kind
    by_operator: bool
    reason: str
    decided_at: int
    other_by_operator: bool = False  # whether the operator had ordered the system active that we leave
    done: bool = False  # the takeover was completed: traffic was read back where it should be
    flips: int = 0  # how often in a row it was undone or sent forward
    accepted: tuple[str, ...] = ()  # LIMs, or "control", that the operator lets be missing
    revert_at: int | None = None
    former_revert_at: int | None = None  # what the goal before it had; an undone takeover gives it back
    former_accepted: tuple[str, ...] = ()
    recent: tuple[int, ...] = ()  # instants of the automatic takeovers of the last hour
    latched: bool = False

    def wanted(self, server: Server) -> Word:
        """The word that brings a server to this goal."""
        return Word.ALLOW if server.system is self.active else Word.BLOCK

    def rebased(self, by_ms: int) -> Self:
        """The same goal on a clock that reads `by_ms` more; used after a reboot."""
        return replace(
            self,
            decided_at=self.decided_at + by_ms,
            revert_at=None if self.revert_at is None else self.revert_at + by_ms,
            former_revert_at=None if self.former_revert_at is None else self.former_revert_at + by_ms,
            recent=tuple(at + by_ms for at in self.recent),
        )


@dataclass(frozen=True, slots=True)
class Pause:
    """No automatic takeover before `until`; looking and repairing go on."""

    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reload:
    """The alternate is loading exchange data: that cannot be broken off, and a takeover to it waits up to `until`."""

    request: int
    until: int


@dataclass(frozen=True, slots=True)
class Methods:
    """The takeover method of each direction."""

    alternate_from_primary: Method = Method.AUTOMATIC
    primary_from_alternate: Method = Method.MANUAL

    def to(self, system: System) -> Method:
        """The method of the direction that makes `system` active."""
        return self.alternate_from_primary if system is System.ALTERNATE else self.primary_from_alternate

    def with_method(self, direction: Direction, method: Method) -> Self:
        """The methods with one direction changed."""
        if direction is Direction.ALTERNATE_FROM_PRIMARY:
            return replace(self, alternate_from_primary=method)
        return replace(self, primary_from_alternate=method)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the decision needs to know of the settings file; DESIGN names the symbols."""

    servers: tuple[Server, ...]
    interval_ms: int = 2000  # i
    timeout_ms: int = 1500  # t
    missed: int = 10  # k
    return_after_ms: int = 600_000
    look_interval_ms: int = 5000  # l
    block_deadline_ms: int = 1000  # F
    allow_deadline_ms: int = 3000  # U
    reload_deadline_ms: int = 900_000  # R
    takeovers_per_hour: int = 4
    orphan_hold_ms: int | None = None  # after so long without a word a blocked primary allows itself

    @property
    def window_ms(self) -> int:
        """How long the last k beats take."""
        return self.missed * self.interval_ms

    def of(self, system: System) -> Iterable[Server]:
        """The servers of one system."""
        return (server for server in self.servers if server.system is system)

    def lims(self, system: System) -> tuple[int, ...]:
        """The LIM numbers of one system, in order, each once."""
        return tuple(sorted({server.lim for server in self.of(system)}))
