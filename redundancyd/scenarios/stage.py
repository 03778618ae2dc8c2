"""Where a page is played: what the player needs of it, whether it is a bed of namespaces or a simulated fleet."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from redundancyd.core.systems import System, Traffic
from redundancyd.scenarios.evidence import Evidence, Seen


class StageError(Exception):
    """It cannot be played any further; the text says why."""


@dataclass(slots=True)
class Ordered:
    """How the operator's last order ended."""

    end: str = ""  # done, failed, refused; under way while it is
    code: int = 0
    said: str = ""


class Stage(Protocol):
    """Things happen on it, time goes by on it, and it can be looked at; LIMs go by their names, `primary-1`."""

    evidence: Evidence
    symbols: Mapping[str, int]
    """i, t, F, U, R, l, w in milliseconds, and k."""
    slack_ms: int
    """What looking itself adds to a span."""
    tell: Callable[[Seen], None]
    """Told of each new piece of evidence."""

    def now(self) -> int:
        """Milliseconds of its clock."""

    def start(self) -> None:
        """Give the daemon its first goal, the primary, and start it."""

    def do(self, verb: str, words: Sequence[str]) -> None:
        """Let something happen; StageError when it can't."""

    def let_pass(self, span_ms: float) -> None:
        """Time goes by; StageError when nothing more can be concluded from what is gathered."""

    def settle(self) -> None:
        """Return when everything that is there by now has been gathered."""

    def named(self, where: str) -> Sequence[str]:
        """The LIMs that `primary`, `primary-1` or `all` mean."""

    def has_power(self, lim: str) -> bool:
        """The LIM is on."""

    def traffic(self, lim: str) -> Traffic:
        """What its rules do to endpoint traffic, read without its help."""

    def answering(self, within_ms: int) -> Collection[System] | None:
        """The systems that answered a phone just now; None when the phones were not heard of since."""

    def registered(self) -> Collection[System | None]:
        """Where each phone is registered."""

    def answers(self) -> Mapping[System, Sequence[int]]:
        """Every instant a packet was answered, in nanoseconds."""

    def is_ready(self) -> bool:
        """The daemon says that a takeover would work now."""

    def data_is_so(self, fact: str, words: Sequence[str]) -> bool:
        """A fact about exchange data (exchange_words.py), looked at on the disks; StageError where there is none."""

    def last_order(self) -> Ordered:
        """How the last order ended."""

    def last_lines(self) -> str:
        """The end of the daemon's journal, for an error message."""


def system_of(lim: str) -> System:
    """The system of a LIM by its name."""
    return System(lim.partition("-")[0])
