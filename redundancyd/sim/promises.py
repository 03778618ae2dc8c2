"""What a run is held against: one sentence for each law, with the slack that it grants, and how often each was tried.

i beat interval, t probe deadline, k missed beats, F and U the deadlines of block and allow, l look interval
(DESIGN, "Promises").  A law is tried when its case came about and ended; one that was never tried has shown nothing.
"""

from collections import Counter
from dataclasses import dataclass, field

from redundancyd.sim.fleet import Fleet

SLACK_MS = 600
"""For what the promises leave out: a handshake, a disk's write, the work of a LIM on one order."""

LAWS: dict[str, str] = {
    "S0 one number, one system": (
        "orders of one takeover number make one system active, as long as nobody takes a goal from the disk"
    ),
    "S0 no older order": "a LIM obeys no number older than one it has obeyed, as long as its disk keeps it",
    "S0 saved before ordered": "a LIM is ordered only what is on disk, unless the disk has failed",
    "S1 no overlap": (
        "a planned takeover allows nobody while a server of the other system carries traffic that was in reach, "
        "connected and not meddled with since the takeover was decided"
    ),
    "S2 blocked in time": "a passive server that carries traffic is blocked 2i+F after its connection, +600 ms",
    "S2 said": (
        "a passive server that carries traffic and never confirmed this goal, by an order or a look, is told UNFENCED "
        "within i+600 ms"
    ),
    "S3 comes up blocked": "a LIM that was ever ordered has blocked rules before its network is up",
    "S3 waits for a word": (
        "no LIM of the alternate allows itself, and none of the primary while the alternate is active and, its "
        "hands not off, could order it for i + 2i + F + the connect timeout, +600 ms"
    ),
    "S4 a true loss": (
        "an automatic takeover to the alternate follows k beats, sent since our start, stall or isolation, none of "
        "which the master address answered, while the control address did"
    ),
    "S4 nothing speaks against it": "no automatic takeover against an acknowledged method or pause (but its last 1 s)",
    "S4 not too many": "no more automatic takeovers within an hour than the settings allow, unless acknowledged",
    "S5 somebody carries": (
        "while the goal's system can be reached and follows orders, it does not stay blocked together with the other "
        "for longer than l + 2i + 2(F+U), +600 ms"
    ),
    "S5 undone": (
        "while a takeover to the alternate is not done, none of its LIMs can be allowed and one of the primary follows "
        "orders, nobody carries traffic for no longer than l + 2i + 2(F+U), +600 ms"
    ),
    "S6 orders stand": "an order that was carried out is left only for a loss, by an order, or as it says itself",
    "S6 orders survive": "what was acknowledged is there after every kill, as long as nobody takes it from the disk",
    "L1 taken over": (
        "a primary that is wholly gone while nothing holds us is taken over (k+1)i + t + F + U after the last beat it "
        "may have answered, +600 ms; a window later while more than half of its LIMs answer"
    ),
    "L2 goes on": "started again over sound LIMs, traffic is at the goal within 2i + F + U, +600 ms",
    "L3 put right": (
        "a server that can be reached, follows orders and is otherwise than the goal wants it is put right within "
        "l + 2i + 2(F+U), +600 ms"
    ),
    "calm": "a fleet in which everything was mended is at its goal after the span that swarm.calm_ms states",
    "no mistake of ours": "the daemon never ends by itself, and the journal tells of no exception",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A law that was broken."""

    law: str
    said: str
    at_ms: int

    def __str__(self) -> str:
        return f"{self.law}: {self.said} (at {self.at_ms} ms)"


@dataclass(slots=True)
class Court:
    """Counts, and ends the run at the first law that is broken."""

    fleet: Fleet
    tried: Counter[str] = field(default_factory=Counter)
    first: Broken | None = None

    def held(self, law: str) -> None:
        """It was tried, and it held."""
        assert law in LAWS, law
        self.tried[law] += 1

    def broken(self, law: str, said: str) -> None:
        """It was tried, and it did not: the world stands still."""
        assert law in LAWS, law
        self.first = self.first or Broken(law, said, self.fleet.now_ms)
        self.fleet.halted = True

    def judge(self, law: str, *, holds: bool, said: str) -> None:
        """It was tried at this instant."""
        self.held(law)
        if not holds:
            self.broken(law, said)
