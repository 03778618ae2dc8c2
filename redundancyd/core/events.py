"""All that can happen to the core.  Every event carries `at`, boot-time milliseconds."""

from dataclasses import dataclass
from enum import StrEnum

from redundancyd.core.systems import Direction, Method, Pause, Reload, Server, Status, System


class Reply(StrEnum):
    """How one beat of one address ended."""

    ANSWERED = "answered"
    SILENT = "silent"
    UNSENT = "unsent"  # our own host could not send: says nothing of the other side


@dataclass(frozen=True, slots=True)
class Beat:
    """One beat: the master IP address and the network control address were asked at once."""

    primary: Reply
    control: Reply
    started_at: int  # when the first packet was sent
    at: int  # when it was answered, or its deadline passed


@dataclass(frozen=True, slots=True)
class ServersHeard:
    """These servers answered on their own addresses, in the beat that started at `started_at`."""

    servers: frozenset[Server]
    started_at: int
    at: int


@dataclass(frozen=True, slots=True)
class Connected:
    """A LIM's channel is open (its SSH handshake is complete); nothing is known of its traffic yet."""

    server: Server
    at: int


@dataclass(frozen=True, slots=True)
class ChannelLost:
    """A LIM's channel is gone; an order that was under way has an unknown outcome."""

    server: Server
    why: str
    at: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A LIM answered and did not do it."""

    error: str  # a word of redundancy-lim: stale_number, other_word, iptables_failed...
    detail: str = ""
    status: Status | None = None  # what it said of itself besides


@dataclass(frozen=True, slots=True)
class Unreached:
    """No answer within the deadline, or the channel broke: the outcome is unknown."""

    why: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What one server answered to the look or the order with this operation number."""

    op: int
    server: Server
    answer: Status | Refused | Unreached
    at: int


@dataclass(frozen=True, slots=True)
class FactsSeen:
    """What a LIM said beside its traffic; None where it could not say."""

    server: Server
    exchange_running: bool | None
    hears_control: bool | None  # asked of the primary's LIM 1 only
    lims: tuple[int, ...]  # the LIM numbers its exchange knows; empty when unknown
    at: int


@dataclass(frozen=True, slots=True)
class GoalSaved:
    """The goal of this operation is on disk."""

    op: int
    at: int


@dataclass(frozen=True, slots=True)
class GoalNotSaved:
    """The goal of this operation could not be written."""

    op: int
    why: str
    at: int


@dataclass(frozen=True, slots=True)
class OperatorAsked:
    """A manual takeover."""

    active: System
    request: int  # the answer goes there
    who: str
    at: int
    revert_after_ms: int | None = None
    accept: tuple[str, ...] = ()  # LIM numbers, server names, or "control"


@dataclass(frozen=True, slots=True)
class OperatorConfirmed:
    """A takeover that would revert by itself is kept."""

    request: int
    who: str
    at: int


@dataclass(frozen=True, slots=True)
class OperatorAdopted:
    """The operator makes us the supervisor of LIMs that another one ordered."""

    request: int
    who: str
    at: int


@dataclass(frozen=True, slots=True)
class LatchAcknowledged:
    """The operator has seen that automatic takeovers were too many."""

    request: int
    who: str
    at: int


@dataclass(frozen=True, slots=True)
class MethodSet:
    """A takeover method was changed, and saved."""

    direction: Direction
    method: Method
    at: int


@dataclass(frozen=True, slots=True)
class PauseSet:
    """Automatic takeovers were paused, or resumed with None, and that was saved."""

    pause: Pause | None
    at: int


@dataclass(frozen=True, slots=True)
class LoadAsked:
    """Exchange data was received by the alternate's LIMs, whole and translated; its load begins when the core says."""

    request: int  # the answer goes there
    who: str
    at: int


@dataclass(frozen=True, slots=True)
class LoadUnderWay:
    """A load that an earlier run of ours began may be going on still: the first event of a start."""

    reload: Reload
    at: int


@dataclass(frozen=True, slots=True)
class LoadEnded:
    """The load of this request has ended, well or not, or was never begun."""

    request: int
    at: int


@dataclass(frozen=True, slots=True)
class Woke:
    """An instant that `wake_at` named has come."""

    at: int


Event = (
    Beat
    | ServersHeard
    | Connected
    | ChannelLost
    | Answered
    | FactsSeen
    | GoalSaved
    | GoalNotSaved
    | OperatorAsked
    | OperatorConfirmed
    | OperatorAdopted
    | LatchAcknowledged
    | MethodSet
    | PauseSet
    | LoadAsked
    | LoadUnderWay
    | LoadEnded
    | Woke
)
