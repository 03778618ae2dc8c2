"""What the judge counts outside of the daemon: beats as they were truly answered, and what was acknowledged."""

from dataclasses import dataclass

from redundancyd.core.systems import Direction, Method, Methods
from redundancyd.sim.caller import Asked
from redundancyd.sim.timeline import SECOND


@dataclass(slots=True)
class Beats:
    """One address, beat by beat, as it was truly asked and answered."""

    sequence: int = -1
    begun_us: int = 0
    answered: bool = False
    unsent: bool = False  # a packet of the present beat could not be sent: the beat says nothing of the other side
    silent: int = 0  # whole beats in a row without an answer, before the present one

    def ask(self, sequence: int, now_us: int, *, sent: bool = True) -> None:
        """One packet more; with another number it is the first of a beat."""
        if sequence != self.sequence:
            worthless = self.answered or self.unsent or self.sequence < 0
            self.silent = 0 if worthless else self.silent + 1
            self.sequence, self.begun_us, self.answered, self.unsent = sequence, now_us, False, False
        self.unsent = self.unsent or not sent

    def answer(self, sequence: int) -> None:
        """It was answered."""
        if sequence == self.sequence:
            self.answered, self.silent = True, 0

    def run(self, now_us: int, timeout_us: int) -> int:
        """Beats in a row without an answer, the present one among them once its time is over."""
        if self.answered or self.sequence < 0 or now_us - self.begun_us < timeout_us:
            return self.silent
        return 0 if self.unsent else self.silent + 1


@dataclass(slots=True)
class Acknowledged:
    """What the operators were told to be done."""

    methods: Methods
    doubtful_methods: bool = False  # one was asked for, and the answer did not come or was no
    paused_until_us: int = 0
    number: int = 0

    def take(self, asked: Asked, now_us: int) -> None:
        """One answer that says done."""
        match asked.words.split():
            case ["settings", "takeover", direction, method]:
                self.methods = self.methods.with_method(Direction(direction), Method(method))
            case ["settings", "pause", "--for", span, *_]:
                self.paused_until_us = now_us + int(span.removesuffix("s")) * SECOND
            case ["manual-takeover", *_]:
                self.number = max(self.number, asked.page.get("takeover") or 0)
