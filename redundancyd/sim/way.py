"""A way through the world of values as a page: what happened, and under each line what the core made of it.

    explored way: S1 s1_planned_without_overlap: allowed while primary-1 carries traffic

    grain fine
    methods automatic manual        at failure, at recovery
    on 3                            three samplings
    cut inter-site                  what happens before the next one (faults.py, walk.py)
    calm                            everything mended, nothing further

`redundancy-sim explore` writes one when a law is broken; `redundancy-sim play FILE` walks it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from redundancyd.core.systems import Method, Methods
from redundancyd.sim.explore import COARSE, FINE, Broken, Grain
from redundancyd.sim.walk import CALM, ON, Walk, happen, is_settled, warmed_up
from redundancyd.sim.world import START, World

FIRST_WORDS = "explored way:"
CALM_SAMPLINGS = 60
LONGEST = 10_000
GRAINS = {grain.name: grain for grain in (FINE, COARSE)}


@dataclass(frozen=True, slots=True)
class WayPage:
    """A way that was read."""

    methods: Methods
    grain: Grain
    names: tuple[str, ...]


def written(broken: Broken, methods: Methods, grain: Grain) -> str:
    """The page of a counter-example."""
    lines = [f"{FIRST_WORDS} {broken.law}: {broken.said}", "", f"grain {grain.name}"]
    lines.append(f"methods {methods.alternate_from_primary} {methods.primary_from_alternate}")
    for name, same in groupby(broken.way):
        times = len(list(same))
        lines += [f"{ON} {times}"] if name == ON else [name] * times
    return "\n".join(lines) + "\n"


def read(text: str) -> WayPage:
    """The way on a page; ValueError names the line that cannot be read."""
    methods, grain, names = Methods(), FINE, list[str]()
    lines = text.splitlines()
    if not lines or not lines[0].startswith(FIRST_WORDS):
        raise ValueError(f"a way begins with {FIRST_WORDS!r}")
    for number, line in enumerate(lines[1:], 2):
        match line.split():
            case []:
                continue
            case ["grain", name] if name in GRAINS:
                grain = GRAINS[name]
            case ["methods", ("manual" | "automatic") as failure, ("manual" | "automatic") as recovery]:
                methods = Methods(Method(failure), Method(recovery))
            case ["on", times] if times.isdecimal() and len(names) + int(times) <= LONGEST:
                names += [ON] * int(times)
            case ["grain" | "methods" | "on", *_]:
                raise ValueError(f"line {number}: {line!r} cannot be read")
            case words:
                names.append(" ".join(words))
    return WayPage(methods, grain, tuple(names))


def walked(page: WayPage) -> Iterator[str]:
    """What happens on a way, line by line; LawBroken, or ValueError where something cannot happen."""
    walk, world = Walk(), warmed_up(page.methods, page.grain.settings)
    yield from _told("at rest", world)
    for name in page.names:
        if name == CALM:
            yield CALM
            for _ in range(CALM_SAMPLINGS):
                world = walk.calm(world) or world
                if is_settled(world):
                    break
                world = walk.on(world)
                yield from _told(ON, world)
            continue
        world = walk.on(world) if name == ON else _happened(walk, world, name)
        yield from _told(name, world)


def _happened(walk: Walk, world: World, name: str) -> World:
    quiet = replace(world, rows=())
    return walk.changed(quiet, happen(quiet, name))


def _told(name: str, world: World) -> Iterator[str]:
    core = world.core
    goal = "none" if core.goal is None else f"{core.goal.active} {core.goal.number}"
    lims = " ".join(
        f"{lim.server.name} {lim.status.traffic if lim.powered else 'off'}({lim.status.number})" for lim in world.lims
    )
    yield f"{world.now - START:6} ms  {name:32} {core.phase}, {core.verdict}, goal {goal}; {lims}"
    for row in world.rows:
        yield f"              {row.row.number} {row.phase} -> {row.row.phase}: {row.row.ask}; {row.row.why}"
