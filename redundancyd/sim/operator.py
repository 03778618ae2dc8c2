"""The operator of a fleet: says an order, and follows it to its end as redundancyctl does."""

from dataclasses import dataclass, field

from redundancyd.scenarios.stage import Ordered
from redundancyd.sim import caller
from redundancyd.sim.fleet import Fleet
from redundancyd.sim.timeline import MS
from redundancyd.utility.follow import LOOK_S, LOOKS, end

LOOK_US = round(LOOK_S * 1_000_000)
NOT_REACHED, REFUSED = 4, 3


@dataclass(slots=True)
class Operator:
    """Has said at most one order whose end is not known yet."""

    fleet: Fleet
    ordered: Ordered = field(default_factory=Ordered)
    _asked: caller.Asked | None = None
    _turn: int = 0

    @property
    def waits(self) -> bool:
        """The last order has not ended."""
        return self.ordered.end == "under way"

    def say(self, words: str) -> None:
        """Say an order; its end comes while time goes by."""
        self._turn += 1
        self.ordered = Ordered("under way")
        action, _ = caller.understood(words)
        asked = caller.order(self.fleet.service, words)
        self._follow(asked, self._turn, looks=LOOKS, followed=action.followed)

    def _follow(self, asked: caller.Asked, turn: int, *, looks: int, followed: bool) -> None:
        """Look whether it was answered, and then whether its takeover has ended."""
        if turn != self._turn:
            return
        gone = self.fleet.service.process is None and asked.status is None
        if gone or asked.status == 0:
            self.ordered = Ordered("failed", NOT_REACHED, "the daemon was not reached")
        elif asked.refused:
            self.ordered = Ordered("refused", REFUSED, f"{asked.page.get('detail', '')} {asked.page.get('remedy', '')}")
        elif asked.done and not (followed and asked.page.get("takeover")):
            self.ordered = Ordered("done", 0, str(asked.page.get("detail", "")))
        elif asked.done and (ended := self._ended(int(asked.page["takeover"]))):
            status, said = ended
            self.ordered = Ordered("failed" if status else "done", status, f"{asked.page.get('detail', '')}\n{said}")
        elif looks == 0:
            self.ordered = Ordered("failed", 1, "it has not ended yet")
        else:
            wait_us = 5 * MS if asked.status is None else LOOK_US
            again = looks - (asked.status is not None)
            self.fleet.timeline.plan(wait_us, lambda: self._follow(asked, turn, looks=again, followed=followed))

    def _ended(self, number: int) -> tuple[int, str] | None:
        daemon = self.fleet.service.daemon
        return end(daemon.status(), number) if daemon is not None and self.fleet.service.runs else None
