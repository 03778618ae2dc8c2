"""A seed -> the whole plan of a run: how the fleet is set up, and every deed with its instant.

Each seed draws which faults it knows at all and how often they come, from a quiet night to a storm; few seeds are
alike, and what only happens when some faults are *absent* is found as well.  The plan is made before the run, so
a deed can be left out without changing the others.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from redundancyd.core.systems import System
from redundancyd.sim.deeds import Deed
from redundancyd.sim.incidents import INCIDENTS, Chance
from redundancyd.sim.setup import Setup, Value

MEND = "mend-everything"
"""Not a deed of one thing: everything is repaired, and the judge waits for traffic to be at the goal."""

FIRST_MS = 15_000
HOUR_MS = 3_600_000
BOOT_US = (3_000_000, 20_000_000)
CLUSTER_FAILOVER_MS = 9_000
LIMS = (*(1,) * 5, *(2,) * 8, *(3,) * 3, 4, 4, 5, 6, 7, 8)
INTERVALS = (200, 300, 500, 500, *(1000,) * 4, *(2000,) * 6)
LOOKS = (1000, 2000, 2000, *(5000,) * 5, 10_000, 10_000)
KNOWN = 0.4  # of all faults, by one seed


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, and to what."""

    seed: int
    setup: Setup
    deeds: tuple[Deed, ...]
    until_ms: int
    knows: tuple[str, ...]

    def without(self, dropped: Sequence[Deed]) -> "Plan":
        """The same with some deeds left out."""
        gone = {id(deed) for deed in dropped}
        return replace(self, deeds=tuple(deed for deed in self.deeds if id(deed) not in gone))


def plan(seed: int, hours: float, only: Sequence[str] = ()) -> Plan:
    """Everything that a seed means, or would mean if it knew these incidents only."""
    lot = Random(f"{seed}/swarm")
    setup = _setup(seed, lot)
    knows = tuple(only) or tuple(name for name in INCIDENTS if lot.random() < KNOWN)
    until_ms = round(hours * HOUR_MS)
    deeds = sorted(_deeds(lot, setup, knows, until_ms), key=lambda deed: deed.at_ms)
    return Plan(seed, setup, tuple(deeds), until_ms, knows)


def _deeds(lot: Random, setup: Setup, knows: Sequence[str], until_ms: int) -> Iterator[Deed]:
    """Storms of incidents, each followed by a calm in which everything is mended."""
    gap_ms = math.exp(lot.uniform(math.log(8_000), math.log(240_000)))
    storm_ms = math.exp(lot.uniform(math.log(120_000), math.log(1_500_000)))
    chance = Chance(lot, setup)
    at_ms: float = FIRST_MS
    while at_ms < until_ms:
        end = min(at_ms + storm_ms, until_ms)
        while (at_ms := at_ms + lot.expovariate(1 / gap_ms)) < end and knows:
            chance.at_ms = round(at_ms)
            incident = lot.choice(knows)
            for deed in INCIDENTS[incident](chance):
                if deed.at_ms < end:
                    yield replace(deed, incident=incident)
        yield Deed(round(end), MEND)
        at_ms = end + calm_ms(setup)


def calm_ms(setup: Setup) -> int:
    """In so long a mended fleet has to be where its goal wants it, whatever was wrong."""
    config = setup.config()
    beat, takeover = config.heartbeat, config.takeover
    window = beat.missed * beat.interval_ms + beat.timeout_ms
    orders = takeover.block_deadline_ms + takeover.allow_deadline_ms
    return setup.boot_us[1] // 1000 + 2 * window + 3 * takeover.look_interval_ms + 4 * orders + 20_000


def _setup(seed: int, lot: Random) -> Setup:
    interval = lot.choice(INTERVALS)
    missed = lot.randint(3, 10)
    lims = lot.choice(LIMS)
    clustered = missed * interval > CLUSTER_FAILOVER_MS
    standby = tuple(
        (system, lim)
        for system in (System if clustered else (System.ALTERNATE,))
        for lim in range(1, lims + 1)
        if lot.random() < (0.3 if seed % 4 == 0 else 0)
    )
    settings: dict[str, Value] = {
        "heartbeat.interval_ms": interval,
        "heartbeat.timeout_ms": round(interval * lot.choice((0.5, 0.75, 1.0))),
        "heartbeat.packets": lot.randint(1, 4),
        "heartbeat.missed": missed,
        "heartbeat.cluster_failover": f"{CLUSTER_FAILOVER_MS}ms",
        "takeover.alternate_from_primary": lot.choice(("automatic",) * 5 + ("manual",)),
        "takeover.primary_from_alternate": lot.choice(("automatic", "manual")),
        "takeover.return_after": f"{lot.choice((5, 15, 60, 180))}s",
        "takeover.look_interval_ms": lot.choice(LOOKS),
        "takeover.block_deadline_ms": lot.choice((300, 1000, 1000, 2000)),
        "takeover.allow_deadline_ms": lot.choice((500, 1000, 3000, 3000)),
        "takeover.takeovers_per_hour": lot.choice((2, 4, 10, 30, 60)),
        "takeover.boot_hold": f"{lot.choice((15, 15, 60, 180))}s",
        "takeover.orphan_hold": f"{lot.choice((60, 180))}s" if lot.random() < 0.15 else "off",  # noqa: PLR2004
        "ssh.connect_timeout_ms": lot.choice((1500, 3000)),
    }
    loss = lot.choice((0.0, 0.0, 0.0, 0.01, 0.03))
    return Setup(seed, lims, standby, settings, watchdog=True, boot_us=BOOT_US, loss=loss)
