"""What can befall a fleet, one incident at a time: a few deeds that belong together, each at an instant."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from redundancyd.core.systems import System
from redundancyd.sim.deeds import Deed
from redundancyd.sim.setup import Setup

STEP_MS = 3_600_000
"""Wall clocks jump by no more."""
AGAIN_MS = 85_000

Incident = Callable[["Chance"], Sequence[Deed]]


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


def _nobody_allows(chance: Chance) -> list[Deed]:
    """Neither system can be allowed: a takeover goes back and forth, and then waits for the next look."""
    refused = chance.pair("refuse", "accept", "allow", "primary", "alternate", least=5000, most=20_000)
    return [*refused, Deed(chance.at_ms + 100, "order", ("manual-takeover", f"traffic-in-{chance.system()}"))]


def _cannot_be_put_back(chance: Chance) -> list[Deed]:
    """Somebody blocks all of a system that then cannot be allowed again."""
    system = chance.system()
    return [*chance.pair("refuse", "accept", "allow", system), Deed(chance.at_ms + 100, "by-hand", ("block", system))]


def _without_a_lim(chance: Chance) -> list[Deed]:
    """The operator has accepted that a LIM of the system he leaves cannot be blocked."""
    old, new = chance.lot.choice((("primary", "alternate"), ("alternate", "primary")))
    lim = str(chance.lot.randint(1, chance.setup.lims))
    words = ("manual-takeover", f"traffic-in-{new}", "--accept", lim)
    refused = chance.pair("refuse", "accept", "block", f"{old}-{lim}", least=10_000)
    return [*refused, Deed(chance.at_ms + 100, "order", words)]


def _confirms_too_early(chance: Chance) -> list[Deed]:
    """The operator confirms what is still on its way to a disk that hangs."""
    words = ("manual-takeover", f"traffic-in-{chance.system()}", "--revert-after", "60s")
    return [
        *chance.pair("hang-disk", "wake-disk", least=1000, most=5000),
        Deed(chance.at_ms + 100, "order", words),
        Deed(chance.at_ms + 300, "order", ("manual-takeover", "confirm")),
    ]


def _no_goal_can_be_kept(chance: Chance) -> list[Deed]:
    """The goal file is lost where the LIMs cannot tell, and what the operator orders then cannot be written."""
    lims = [word for lim in range(1, chance.setup.lims + 1) for word in ("--accept", str(lim))]
    order = ("manual-takeover", f"traffic-in-{chance.system()}", "--accept", "control", *lims)
    failed = chance.at_ms + 8000
    return [
        *chance.pair("cut", "heal", "inter-site", least=15_000, most=60_000),
        Deed(chance.at_ms + 500, "lose-goal"),
        Deed(failed, "fail-disk"),
        Deed(failed + 100, "order", order),
        Deed(failed + 4000, "mend-disk"),
    ]


def _blocks_itself_late(chance: Chance) -> list[Deed]:
    """A flushed LIM cannot block when it is ordered to, and does so by itself when it can."""
    lim = chance.lim()
    refused = chance.pair("refuse", "accept", "block", lim, least=3000)
    return [*refused, Deed(chance.at_ms + 100, "flush-rules", (lim,))]


def _loses_the_endpoints(chance: Chance) -> list[Deed]:
    """The primary comes back, and then we lose the network control address that it still hears."""
    lost = chance.pair("power-off", "power-on", "primary", least=25_000, most=40_000)
    cut = lost[1].at_ms + chance.span_ms(20_000, 30_000)
    end = cut + chance.span_ms(10_000, 60_000)
    return [*lost, Deed(cut, "cut", ("alternate-control",)), Deed(end, "heal", ("alternate-control",))]


def _again_and_again(chance: Chance) -> list[Deed]:
    """The primary is lost whenever the operator has moved the traffic back, until he is asked and acknowledges."""
    deeds = []
    for at_ms in range(chance.at_ms, chance.at_ms + 3 * AGAIN_MS, AGAIN_MS):
        deeds += [Deed(at_ms, "power-off", ("primary",)), Deed(at_ms + 30_000, "power-on", ("primary",))]
        deeds.append(Deed(at_ms + 75_000, "order", ("manual-takeover", "traffic-in-primary")))
    acknowledged = Deed(chance.at_ms + 3 * AGAIN_MS, "order", ("alarms", "acknowledge", "latched:takeovers"))
    return [*deeds, acknowledged]


def _stands_still_in_a_beat(chance: Chance) -> list[Deed]:
    """The daemon is frozen while it waits for an answer that does not come."""
    frozen = chance.at_ms + chance.span_ms(500, 3000)
    return [
        *chance.pair("cut", "heal", "inter-site", least=15_000, most=40_000),
        Deed(frozen, "freeze", ("daemon",)),
        Deed(frozen + chance.span_ms(5000, 10_000), "thaw", ("daemon",)),
    ]


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
    "nobody is able to allow": _nobody_allows,
    "a system cannot be put back": _cannot_be_put_back,
    "the operator goes on without a LIM": _without_a_lim,
    "the operator confirms too early": _confirms_too_early,
    "no goal can be kept": _no_goal_can_be_kept,
    "a LIM blocks itself late": _blocks_itself_late,
    "the endpoints are lost after a takeover": _loses_the_endpoints,
    "the primary is lost again and again": _again_and_again,
    "the daemon stands still in a beat": _stands_still_in_a_beat,
    "the operator looks": lambda chance: [*chance.now("look"), *chance.pair("look", "look")],
}
