"""What can go wrong, one fault at a time, and what mends it.

A fault comes in right before the sampling that can see it, and only there: earlier would look the same.  One that
changes nothing, or that the sampling cannot see, is None.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from redundancyd.core.events import OperatorAdopted, OperatorAsked
from redundancyd.core.state import Phase
from redundancyd.core.systems import Origin, System, Traffic, Word
from redundancyd.sim import harm
from redundancyd.sim.motion import (
    break_channel,
    tell,
)
from redundancyd.sim.world import (
    A1,
    A2,
    ALTERNATE,
    P1,
    P2,
    PRIMARY,
    Lim,
    Line,
    Sampling,
    World,
    boot,
)

REVERT_AFTER_MS = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can happen to the world; before which samplings it can be seen."""

    name: str
    at: frozenset[Sampling]
    happen: Callable[[World], World | None]


BEAT, LOOK, ORDER, SAVE, LOAD = (
    frozenset({each}) for each in (Sampling.BEAT, Sampling.LOOK, Sampling.ORDER, Sampling.SAVE, Sampling.LOAD)
)
ANY_DEED = ORDER | SAVE
TALK = BEAT | ORDER


def _fault(name: str, at: frozenset[Sampling], happen: Callable[..., World | None], *words: object) -> Fault:
    return Fault(name, at, lambda world: happen(world, *words))


FAULTS: tuple[Fault, ...] = (
    _fault("power-off primary", TALK, harm.power_off, P1, P2),
    _fault("power-off primary-2", TALK, harm.power_off, P2),
    _fault("power-off alternate-2", TALK, harm.power_off, A2),
    _fault("power-on primary", BEAT, harm.power_on, PRIMARY),
    _fault("power-on alternate", BEAT, harm.power_on, ALTERNATE),
    _fault("cut inter-site", TALK, harm.silence, Line.THERE, Line.BACK),
    _fault("cut primary>alternate", TALK, harm.silence, Line.BACK),
    _fault("heal inter-site", TALK, harm.restore, Line.THERE, Line.BACK),
    _fault("cut control", BEAT, harm.silence, Line.CONTROL),
    _fault("heal control", BEAT, harm.restore, Line.CONTROL),
    _fault("cut primary-control", LOOK, harm.silence, Line.PRIMARY_CONTROL),
    _fault("drop-master primary", BEAT, harm.silence, Line.MASTER),
    _fault("unsent", BEAT, harm.unsent),
    _fault("drop primary-2", ORDER, harm.drop, P2),
    _fault("drop alternate-1", ORDER, harm.drop, A1),
    _fault("refuse block primary-2", ORDER, harm.refuse, P2, Word.BLOCK),
    _fault("refuse block alternate-2", ORDER, harm.refuse, A2, Word.BLOCK),
    _fault("refuse allow alternate-1", ORDER, harm.refuse, A1, Word.ALLOW),
    _fault("refuse allow alternate-2", ORDER, harm.refuse, A2, Word.ALLOW),
    _fault("accept alternate-2", ORDER, harm.accept, A2, Word.ALLOW),
    _fault("slow block primary-1", ORDER, harm.slow, P1, Word.BLOCK),
    _fault("slow allow alternate-2", ORDER, harm.slow, A2, Word.ALLOW),
    _fault("lose answer block primary-2", ORDER, harm.lose_answer, P2, Word.BLOCK),
    _fault("lose answer allow alternate-2", ORDER, harm.lose_answer, A2, Word.ALLOW),
    _fault("too late block primary-2", ORDER, harm.too_late, P2, Word.BLOCK),
    _fault("too late allow alternate-2", ORDER, harm.too_late, A2, Word.ALLOW),
    _fault("overtaken primary-2", LOOK, harm.overtaken, P2),
    _fault("flush alternate-2", LOOK, harm.rules, A2, Traffic.ALLOWED),
    _fault("tamper primary-1", LOOK, harm.rules, P1, Traffic.TAMPERED),
    _fault("by-hand allow primary-1", LOOK, harm.rules, P1, Traffic.ALLOWED, Origin.HAND),
    _fault("by-hand block alternate-1", LOOK, harm.rules, A1, Traffic.BLOCKED, Origin.HAND),
    _fault("stranger orders", LOOK, harm.stranger),
    Fault("fill disk", SAVE, partial(harm.disk, full=True)),
    Fault("free disk", SAVE, partial(harm.disk, full=False)),
    Fault("freeze daemon", BEAT | ANY_DEED, harm.freeze),
    Fault("roll back goal", BEAT, harm.rolled_back),
    Fault("lose goal", BEAT, harm.lost_goal),
    Fault("load exchange data", BEAT, harm.begin_load),
    Fault("load hangs", BEAT, harm.hang),
    Fault("load exchange data again", BEAT, harm.load_again),
)


ALL_FAULTS = {each: tuple(fault for fault in FAULTS if each in fault.at) for each in Sampling}
"""Those that the next sampling can see."""
ONE_OF_EACH_KIND = {
    "power-off primary",
    "power-off alternate-2",
    "power-on primary",
    "cut inter-site",
    "cut primary>alternate",
    "heal inter-site",
    "cut control",
    "heal control",
    "drop-master primary",
    "refuse block primary-2",
    "refuse allow alternate-2",
    "lose answer allow alternate-2",
    "too late block primary-2",
    "flush alternate-2",
    "by-hand allow primary-1",
    "stranger orders",
    "fill disk",
    "free disk",
    "accept alternate-2",
    "freeze daemon",
    "roll back goal",
    "load exchange data",
    "load hangs",
}
COARSE_FAULTS = {
    each: tuple(fault for fault in faults if fault.name in ONE_OF_EACH_KIND) for each, faults in ALL_FAULTS.items()
}
"""The fewer ones, where more of them happen in a run."""


# What is no fault.


def order(world: World, active: System, revert_after_ms: int | None = None) -> World:
    """The operator orders a manual takeover."""
    return tell(replace(world, rows=()), OperatorAsked(active, 1, "operator", world.now, revert_after_ms))


def mend(world: World) -> World:
    """Everything is repaired at once; who waits for the operator gets him."""
    if any(not lim.powered or lim.slow or lim.refuses is not Word.NONE for lim in world.lims):
        world = replace(world, lims=tuple(_mended(lim, world.now) for lim in world.lims))
    if world.silent or world.disk_full or world.unsent:
        world = replace(world, silent=frozenset(), disk_full=False, unsent=False)
    for lim, view in zip(world.lims, world.core.views, strict=True):
        if view.connected and lim.booted_at == world.now:
            world = break_channel(world, lim.server, "reset")
    if not world.todo and world.core.phase is Phase.WATCHING:
        return tell(world, OperatorAdopted(1, "operator", world.now))
    if not world.todo and world.core.phase is Phase.ASKING:
        return order(world, PRIMARY)
    return world


def _mended(lim: Lim, now: int) -> Lim:
    whole = replace(lim, refuses=Word.NONE, slow=False)
    return whole if lim.powered else boot(whole, now)
