"""Since when things are so that must not last; the laws compare it with the promises' bounds."""

from dataclasses import replace

from redundancyd.core.state import Phase
from redundancyd.core.systems import Goal, Method, Word
from redundancyd.core.takeover import Ask
from redundancyd.sim.world import PRIMARY, Lim, Line, Since, World, answers, master_answers

HANDS_OFF = {Phase.WATCHING, Phase.ASKING}


def marked(world: World) -> Since:
    """The marks after a move."""
    since, core = world.since, world.core
    goal = core.goal
    if goal is None or core.phase in HANDS_OFF:
        if since.lost is None and since.dark is None and not any(since.astray):
            return since
        return replace(since, astray=(None,) * len(world.lims), lost=None, dark=None)
    astray = tuple(
        (world.now if old is None else old) if _is_astray(world, goal, lim) else None
        for lim, old in zip(world.lims, since.astray, strict=True)
    )
    lost = _mark(since.lost, world.now, _is_lost(world, goal))
    dark = _mark(since.dark, world.now, _is_dark(world, goal))
    if any(row.row.ask is Ask.SAVE for row in world.rows):  # a new goal: everything starts anew
        astray, dark = (None,) * len(world.lims), None
    if (astray, lost, dark) == (since.astray, since.lost, since.dark):
        return since
    return replace(since, astray=astray, lost=lost, dark=dark)


def _mark(old: int | None, now: int, so: bool) -> int | None:  # noqa: FBT001 - a fact, not a switch
    return (now if old is None else old) if so else None


def _is_astray(world: World, goal: Goal, lim: Lim) -> bool:
    word = goal.wanted(lim.server)
    if lim.status.traffic is word.traffic:
        return False
    return answers(world, lim) and not lim.slow and word is not lim.refuses and not world.disk_full


def _is_lost(world: World, goal: Goal) -> bool:
    """The primary is gone while we are connected, and nothing holds us."""
    if goal.active is not PRIMARY or goal.latched or world.methods.to(PRIMARY.other) is not Method.AUTOMATIC:
        return False
    if Line.CONTROL in world.silent or master_answers(world):
        return False
    return not any(answers(world, lim) for lim in world.lims if lim.server.system is PRIMARY)


def _is_dark(world: World, goal: Goal) -> bool:
    """Nobody carries traffic, though a LIM that may could be allowed: of the goal's system, or by undoing it.

    Who is isolated cannot tell that the primary is gone, and leaves it the traffic (promise S4).
    """
    if any(lim.carries for lim in world.lims) or world.disk_full:
        return False
    undoing = not goal.done and (goal.active is not PRIMARY or Line.CONTROL not in world.silent)
    return any(
        answers(world, lim)
        and lim.refuses is not Word.ALLOW
        and not lim.slow
        and (lim.server.system is goal.active or undoing)
        for lim in world.lims
    )
