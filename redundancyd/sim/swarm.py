"""A seed -> the whole plan of a run: how the fleet is set up, and every deed with its instant.

Each seed draws which faults it knows at all and how often they come, from a quiet night to a storm; few seeds are
alike, and what only happens when some faults are *absent* is found as well.  The plan is made before the run, so
a deed can be left out without changing the others.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from redundancyd.core.systems import System
from redundancyd.sim.deeds import Deed
from redundancyd.sim.setup import Setup, Value

MEND = "mend-everything"
"""Not a deed of one thing: everything is repaired, and the judge waits for traffic to be at the goal."""

FIRST_MS = 15_000
STEP_MS = 3_600_000
BOOT_US = (3_000_000, 20_000_000)
CLUSTER_FAILOVER_MS = 9_000
LIMS = (*(1,) * 5, *(2,) * 8, *(3,) * 3, 4, 4, 5, 6, 7, 8)
INTERVALS = (200, 300, 500, 500, *(1000,) * 4, *(2000,) * 6)
LOOKS = (1000, 2000, 2000, *(5000,) * 5, 10_000, 10_000)
KNOWN = 0.4  # of all faults, by one seed

Incident = Callable[["Chance"], Sequence[Deed]]


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


@dataclass(slots=True)
class Chance:
    """What an incident is made of: an instant, a span, places."""

    lot: Random
    setup: Setup
    at_ms: int = 0

    def span_ms(self, least: int = 300, most: int = 90_000) -> int:
        """Short ones are as likely as long ones."""
        return round(math.exp(self.lot.uniform(math.log(least), math.log(most))))

    def system(self) -> str:
        """One of the two."""
        return str(self.lot.choice(list(System)))

    def lim(self, system: str | None = None) -> str:
        """One server."""
        system = system or self.system()
        number = self.lot.randint(1, self.setup.lims)
        standby = (System(system), number) in self.setup.standby and self.lot.random() < 0.5  # noqa: PLR2004 - even
        return f"{system}-{number}" + ("-standby" if standby else "")

    def place(self, system: str | None = None) -> str:
        """One server, or now and then all of a system."""
        return (system or self.system()) if self.lot.random() < 0.25 else self.lim(system)  # noqa: PLR2004 - a quarter

    def pair(self, do: str, undo: str, *words: str, least: int = 300, most: int = 90_000) -> list[Deed]:
        """Something, and what mends it later."""
        end = self.at_ms + self.span_ms(least, most)
        return [Deed(self.at_ms, do, words), Deed(end, undo, words)]

    def now(self, verb: str, *words: str) -> list[Deed]:
        """Something at once."""
        return [Deed(self.at_ms, verb, words)]


def _order(chance: Chance) -> list[Deed]:
    words = ["manual-takeover", f"traffic-in-{chance.system()}"]
    for accept in ("control", str(chance.lot.randint(1, chance.setup.lims))):
        if chance.lot.random() < 0.2:  # noqa: PLR2004 - now and then
            words += ["--accept", accept]
    return chance.now("order", *words)


def _there_and_back(chance: Chance) -> list[Deed]:
    first = chance.lot.choice(("alternate", "primary"))
    second = "primary" if first == "alternate" else "alternate"
    back = Deed(chance.at_ms + chance.span_ms(3000, 60_000), "order", ("manual-takeover", f"traffic-in-{second}"))
    return [*chance.now("order", "manual-takeover", f"traffic-in-{first}"), back]


def _order_for_a_while(chance: Chance) -> list[Deed]:
    seconds = max(1, chance.span_ms(3000, 60_000) // 1000)
    words = ("manual-takeover", f"traffic-in-{chance.system()}", "--revert-after", f"{seconds}s")
    deeds = chance.now("order", *words)
    if chance.lot.random() < 0.3:  # noqa: PLR2004 - now and then
        deeds.append(Deed(chance.at_ms + chance.span_ms(300, seconds * 1000), "order", ("manual-takeover", "confirm")))
    return deeds


def _pause(chance: Chance) -> list[Deed]:
    seconds = max(1, chance.span_ms(5000, 300_000) // 1000)
    deeds = chance.now("order", "settings", "pause", "--for", f"{seconds}s", "--reason", "work")
    if chance.lot.random() < 0.5:  # noqa: PLR2004 - even
        deeds.append(Deed(chance.at_ms + chance.span_ms(300, seconds * 1000), "order", ("settings", "resume")))
    return deeds


def _method(chance: Chance) -> list[Deed]:
    direction = chance.lot.choice(("alternate-from-primary", "primary-from-alternate"))
    method = chance.lot.choice(("automatic", "automatic", "manual"))
    return chance.now("order", "settings", "takeover", direction, method)


def _killed(chance: Chance) -> list[Deed]:
    return chance.pair("kill", "start", "daemon", most=20_000)


def _clock(chance: Chance) -> list[Deed]:
    sign = chance.lot.choice("+-")
    return chance.now("step-clock", f"{sign}{chance.span_ms(500, STEP_MS)}ms")


def _stranger(chance: Chance) -> list[Deed]:
    adopt = Deed(chance.at_ms + chance.span_ms(1000, 60_000), "order", ("settings", "adopt"))
    return [*chance.now("stranger", chance.lot.choice(("block", "allow")), chance.place()), adopt]


def _slow(chance: Chance) -> list[Deed]:
    place = chance.place()
    end = chance.at_ms + chance.span_ms()
    return [Deed(chance.at_ms, "slow", (f"{chance.span_ms(50, 5000)}ms", place)), Deed(end, "speak-clearly", (place,))]


def _by_hand(chance: Chance) -> list[Deed]:
    return chance.now("by-hand", chance.lot.choice(("allow", "block")), chance.place())


def _master_dies(chance: Chance) -> list[Deed]:
    end = chance.at_ms + chance.span_ms()
    return [*chance.now("drop-master", "primary"), Deed(end, "move-master", ("primary-1",))]


def _master_moves(chance: Chance) -> list[Deed]:
    end = chance.at_ms + chance.span_ms()
    return [*chance.now("move-master", chance.lim("primary")), Deed(end, "move-master", ("primary-1",))]


INCIDENTS: dict[str, Incident] = {
    "a LIM loses its power": lambda chance: chance.pair("power-off", "power-on", chance.lim()),
    "a system loses its power": lambda chance: chance.pair("power-off", "power-on", chance.system()),
    "our host loses its power": lambda chance: chance.pair("power-off", "power-on", "alternate-1"),
    "a LIM loses its power behind a cut": lambda chance: [
        *chance.pair("cut", "heal", "inter-site", least=30_000, most=240_000),
        Deed(chance.at_ms + 1000, "power-off", ("primary-1",)),
        Deed(chance.at_ms + 2000, "power-on", ("primary-1",)),
    ],
    "the alternate refuses a takeover": lambda chance: [
        *chance.pair("refuse", "accept", "allow", "alternate", least=60_000, most=120_000),
        *chance.pair("power-off", "power-on", "primary", least=20_000, most=50_000),
    ],
    "the sites are cut": lambda chance: chance.pair("cut", "heal", "inter-site", most=240_000),
    "one way between the sites is cut": lambda chance: chance.pair(
        "cut", "heal", chance.lot.choice(("primary>alternate", "alternate>primary"))
    ),
    "we lose the control address": lambda chance: chance.pair("cut", "heal", "alternate-control"),
    "one way to the control address is cut": lambda chance: chance.pair(
        "cut", "heal", chance.lot.choice(("alternate>control", "control>alternate", "primary>control"))
    ),
    "the primary loses the control address": lambda chance: chance.pair("cut", "heal", "primary-control"),
    "the control address dies": lambda chance: chance.pair("silence-control", "restore-control"),
    "a LIM is unplugged": lambda chance: chance.pair("unplug", "plug", chance.lim()),
    "our host is unplugged": lambda chance: chance.pair("unplug", "plug", "alternate-1"),
    "the master address dies": _master_dies,
    "the master address moves": _master_moves,
    "a LIM freezes": lambda chance: chance.pair("freeze", "thaw", chance.lim("primary")),
    "LIMs refuse to allow": lambda chance: chance.pair("refuse", "accept", "allow", chance.place()),
    "LIMs refuse to block": lambda chance: chance.pair("refuse", "accept", "block", chance.place()),
    "LIMs are slow": _slow,
    "answers are lost": lambda chance: chance.pair("lose-answers", "speak-clearly", chance.place()),
    "LIMs answer garbage": lambda chance: chance.pair("garble", "speak-clearly", chance.lim()),
    "a channel breaks": lambda chance: chance.now("break-channel", chance.place()),
    "sshd is closed": lambda chance: chance.pair("close-ssh", "open-ssh", chance.lim()),
    "the daemon is frozen": lambda chance: chance.pair("freeze", "thaw", "daemon", most=30_000),
    "the daemon is killed": _killed,
    "the daemon is restarted": lambda chance: chance.now("restart", "daemon"),
    "the settings are read again": lambda chance: chance.now("reload", "daemon"),
    "our disk is full": lambda chance: chance.pair("fill-disk", "empty-disk", "alternate-1"),
    "our disk hangs": lambda chance: chance.pair("hang-disk", "wake-disk", most=20_000),
    "our disk fails": lambda chance: chance.pair("fail-disk", "mend-disk"),
    "our disk is read-only": lambda chance: chance.pair("lock-disk", "unlock-disk"),
    "the goal file is rolled back": lambda chance: chance.now("roll-back-goal"),
    "the goal file is lost": lambda chance: chance.now("lose-goal"),
    "rules are flushed": lambda chance: chance.now("flush-rules", chance.place()),
    "a rule is put before ours": lambda chance: chance.now("insert-rule", chance.place()),
    "traffic is changed by hand": _by_hand,
    "a LIM's state is torn": lambda chance: chance.now("tear-state", chance.lim()),
    "a LIM's disk is full": lambda chance: chance.pair("fill-disk", "empty-disk", chance.lim("primary")),
    "another supervisor orders": _stranger,
    "an exchange stops": lambda chance: chance.pair("stop-exchange", "start-exchange", chance.place()),
    "the wall clock jumps": _clock,
    "the operator orders": _order,
    "the operator orders there and back": _there_and_back,
    "the operator orders for a while": _order_for_a_while,
    "the operator pauses": _pause,
    "the operator changes a method": _method,
    "the operator acknowledges": lambda chance: chance.now("order", "alarms", "acknowledge", "latched:takeovers"),
}


def plan(seed: int, hours: float) -> Plan:
    """Everything that a seed means."""
    lot = Random(f"{seed}/swarm")
    setup = _setup(seed, lot)
    knows = tuple(name for name in INCIDENTS if lot.random() < KNOWN)
    until_ms = round(hours * STEP_MS)
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
        "takeover.takeovers_per_hour": lot.choice((4, 10, 30, 60)),
        "takeover.boot_hold": f"{lot.choice((15, 15, 60, 180))}s",
        "takeover.orphan_hold": f"{lot.choice((60, 180))}s" if lot.random() < 0.15 else "off",  # noqa: PLR2004
        "ssh.connect_timeout_ms": lot.choice((1500, 3000)),
    }
    loss = lot.choice((0.0, 0.0, 0.0, 0.01, 0.03))
    return Setup(seed, lims, standby, settings, watchdog=True, boot_us=BOOT_US, loss=loss)
