"""A failed seed becomes a page: what happened, cut down to what is needed, in the words of the scenario pages.

The page is played again exactly (`redundancy-sim seed FILE`): its first sentence says what was drawn by lot, its
settings and waits are those of the run.  Some of its verbs only a simulator can play.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from redundancyd.core.systems import System
from redundancyd.scenarios.pages import LARGEST_PAGE, PageError
from redundancyd.sim.deeds import DEEDS, Deed
from redundancyd.sim.promises import Broken
from redundancyd.sim.seeds import Run
from redundancyd.sim.setup import Setup, Value
from redundancyd.sim.swarm import BOOT_US, MEND, Plan

TRIES = 150
TRIES_S = 90.0
FIRST = re.compile(
    r"Seed (?P<seed>\d+) of the simulator, (?P<lims>\d+) LIMs? a system"
    r"(?:, standby servers (?P<standby>[a-z0-9 -]+))?(?:, (?P<loss>[0-9.]+) of the pings lost)?: "
)
AFTERWARDS_MS = 1000


def cut_down(plan: Plan, broken: Broken) -> Plan:
    """The plan with fewer deeds that breaks the same law; deeds are left out in ever smaller groups."""
    plan = replace(plan, deeds=tuple(deed for deed in plan.deeds if deed.at_ms <= broken.at_ms), until_ms=broken.at_ms)
    give_up, tries = time.monotonic() + TRIES_S, TRIES
    size = max(1, len(plan.deeds) // 2)
    while plan.deeds:
        shorter = None
        for first in range(0, len(plan.deeds), size):
            if tries <= 0 or time.monotonic() > give_up:
                return plan
            tries -= 1
            shorter = plan.without(plan.deeds[first : first + size])
            if _breaks(shorter, broken):
                break
            shorter = None
        if shorter is not None:
            plan = shorter
            size = min(size, max(1, len(plan.deeds) // 2))
        elif size == 1:
            return plan
        else:
            size //= 2
    return plan


def _breaks(plan: Plan, broken: Broken) -> bool:
    outcome = Run(replace(plan, until_ms=broken.at_ms + AFTERWARDS_MS)).play()
    return outcome.broken is not None and outcome.broken.law == broken.law


def write(plan: Plan, broken: Broken, of: int) -> str:
    """The text of the page."""
    setup, shown = plan.setup, len(plan.deeds)
    standby = " ".join(f"{system}-{lim}" for system, lim in setup.standby)
    first = f"Seed {plan.seed} of the simulator, {setup.lims} LIM{'s' if setup.lims > 1 else ''} a system"
    first += f", standby servers {standby}" if standby else ""
    first += f", {setup.loss} of the pings lost" if setup.loss else ""
    lines = [f"{first}: {_one_line(str(broken))}; {shown} of {of} deeds are needed.", ""]
    lines += [f"set {name} {value}" for name, value in setup.settings.items()]
    promise = broken.law.split(" ")[0]
    lines += [f"promise {promise}"] if re.fullmatch(r"[SL]\d", promise) else []
    return "\n".join([*lines, "", *_steps(plan.deeds, broken.at_ms + AFTERWARDS_MS)]) + "\n"


def _steps(deeds: Sequence[Deed], until_ms: int) -> Iterator[str]:
    at_ms = 0
    for deed in deeds:
        if deed.at_ms > at_ms:
            yield f"wait {deed.at_ms - at_ms}ms"
        at_ms = deed.at_ms
        yield str(deed)
    yield f"wait {max(1, until_ms - at_ms)}ms"


def _one_line(text: str) -> str:
    return " ".join(text.replace("#", "no.").split())


def is_one(text: str) -> bool:
    """Whether a text is the page of a seed."""
    return FIRST.match(text) is not None


def read(text: str) -> Plan:
    """The plan of such a page; PageError names the line that is none."""
    first = FIRST.match(text)
    if first is None or len(text) > LARGEST_PAGE:
        raise PageError("this is no page of a seed: it begins with `Seed 1 of the simulator, 2 LIMs a system: `")
    settings: dict[str, Value] = {}
    deeds: list[Deed] = []
    at_ms = 0
    for number, line in enumerate(text.splitlines()[1:], 2):
        match line.split():
            case [] | ["promise", *_] | ["expect", *_]:
                continue
            case ["set", name, value]:
                settings[name] = int(value) if value.isdecimal() else value
            case ["wait", span] if re.fullmatch(r"\d{1,9}ms", span):
                at_ms += int(span.removesuffix("ms"))
            case [verb, *words] if verb in DEEDS or verb == MEND:
                deeds.append(Deed(at_ms, verb, tuple(words)))
            case _:
                raise PageError(f"line {number}: {line[:80]!r} is nothing that happens on a page of a seed")
    standby = tuple(
        (System(system), int(lim))
        for system, _, lim in (word.partition("-") for word in (first["standby"] or "").split())
    )
    loss = float(first["loss"] or 0)
    setup = Setup(int(first["seed"]), int(first["lims"]), standby, settings, watchdog=True, boot_us=BOOT_US, loss=loss)
    return Plan(int(first["seed"]), setup, tuple(deeds), at_ms, ())
