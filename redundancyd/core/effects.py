"""All that the core can ask for.  Each is tried once, within its deadline, and answered with an event."""

from dataclasses import dataclass

from redundancyd.core.systems import Goal, Server, Word


@dataclass(frozen=True, slots=True)
class SaveGoal:
    """Put the goal on disk; answered by GoalSaved or GoalNotSaved.  A request is answered once it is there."""

    op: int
    goal: Goal
    request: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Send `word number` to each of these servers at once; each is answered by an Answered of its own."""

    op: int
    word: Word
    number: int
    servers: tuple[Server, ...]
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Look:
    """Read the traffic of each of these servers; answered like an order.  Facts are asked beside it."""

    op: int
    servers: tuple[Server, ...]
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell the operator why a request was not done, and what to do."""

    request: int
    code: str  # a word for programs: not_ready, under_way, ...
    why: str


@dataclass(frozen=True, slots=True)
class Load:
    """Load the exchange data of this request into the alternate now; answered by LoadEnded."""

    request: int
    until: int  # a takeover waits for it so long


Effect = SaveGoal | Order | Look | Refuse | Load
