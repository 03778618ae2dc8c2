"""Laws that are asked at every move: what must not last, and what must be said as long as it does."""

from redundancyd.core.effects import Order
from redundancyd.core.state import Phase
from redundancyd.core.systems import Origin, Word
from redundancyd.sim.moment import HOLDS, Moment
from redundancyd.sim.world import ALTERNATE, World, hold_ends


def s2_passive_is_blocked_in_time(moment: Moment) -> str | None:
    """A server of the passive system that can be reached is blocked within 2 i + F."""
    settings = moment.after.settings
    return _astray_within(moment.after, 2 * settings.interval_ms + settings.block_deadline_ms, passive=True)


def s2_unfenced_is_said(moment: Moment) -> str | None:
    """At rest, a server of the passive system that has not confirmed the goal is said to be UNFENCED."""
    core = moment.after.core
    goal = core.goal
    if goal is None or core.phase is not Phase.RESTING:
        return None
    open_views = [
        view.server.name
        for view in core.views
        if view.server.system is not goal.active and not view.is_as_wanted(goal, core.us)
    ]
    if not open_views:
        return None
    said = {server.name for server in core.unfenced()}  # status and alarms ask just this
    missing = set(open_views) - said
    return f"{', '.join(sorted(missing))} is not said to be UNFENCED" if missing else HOLDS


def s3_a_lim_that_booted_waits(moment: Moment) -> str | None:
    """A LIM that came up carries nothing before it was ordered to, or its hold is over."""
    waiting = [lim for lim in moment.before.lims if lim.booted_at is not None and not lim.carries]
    if not waiting:
        return None
    ordered = moment.did.servers if isinstance(moment.did, Order) else ()
    for lim in waiting:
        now = moment.after.lims[moment.before.lims.index(lim)]
        end = hold_ends(lim)
        held = end is None or end > moment.after.now
        if now.carries and held and now.status.origin is not Origin.ORDER and lim.server not in ordered:
            return f"{lim.server.name} allowed itself before its hold was over"
    return HOLDS


def s3_only_a_lim_that_was_allowed_allows_itself(moment: Moment) -> str | None:
    """Only a LIM of the primary whose last order was to allow allows itself when its hold is over."""
    released = [
        after
        for before, after in zip(moment.before.lims, moment.after.lims, strict=True)
        if before.booted_at is not None and after.booted_at is None and after.status.origin is Origin.HOLD
    ]
    wrong = [lim for lim in released if lim.server.system is ALTERNATE or lim.status.word is not Word.ALLOW]
    if wrong:
        return f"{wrong[0].server.name} allowed itself"
    return HOLDS if any(lim.carries for lim in released) else None


def s5_both_blocked_is_not_left_standing(moment: Moment) -> str | None:
    """Where a LIM that may carry traffic is in reach, it stands still no longer than a takeover and its undoing."""
    dark, settings = moment.after.since.dark, moment.after.settings
    if dark is None or moment.after.core.phase is Phase.LOOKING:
        return None
    orders = settings.block_deadline_ms + settings.allow_deadline_ms
    took, bound = moment.after.now - dark, 3 * orders + settings.look_interval_ms + 2 * settings.interval_ms
    return f"nobody has carried traffic for {took} ms" if took > bound else HOLDS


def l1_a_loss_is_taken_over_in_time(moment: Moment) -> str | None:
    """A primary that is wholly gone, with us connected and nothing held, is taken over within its bound."""
    since, settings, core = moment.after.since, moment.after.settings, moment.after.core
    if since.lost is None or core.phase is Phase.SAVING:
        return None
    window = (settings.missed + 1) * settings.interval_ms + settings.timeout_ms
    orders = settings.block_deadline_ms + settings.allow_deadline_ms
    took = moment.after.now - max(since.lost, core.started_at)
    bound = 2 * (window + orders) + (settings.reload_deadline_ms if moment.after.load else 0)
    return f"lost for {took} ms, and not taken over" if took > bound else HOLDS


def l2_after_a_start_everybody_follows_in_time(moment: Moment) -> str | None:
    """After a start, a server that can be reached is as the goal wants within 2 i + F + U of the first look."""
    world = moment.after
    core, settings, goal = world.core, world.settings, world.core.goal
    if len(world.us.runs) < 3 or goal is None:  # noqa: PLR2004 - the first world was made with one, and started with two
        return None
    orders = settings.block_deadline_ms + settings.allow_deadline_ms
    bound = 4 * settings.interval_ms + orders + settings.block_deadline_ms
    old = [since for since in world.since.astray if since is not None and since <= core.started_at]
    if not old:
        return None
    took = world.now - core.started_at
    return f"started {took} ms ago, and a LIM is still astray" if took > bound else HOLDS


def l3_everybody_follows_in_time(moment: Moment) -> str | None:
    """A server that can be reached and is otherwise than the goal wants is put right within a look and its orders."""
    settings = moment.after.settings
    orders = 2 * (settings.block_deadline_ms + settings.allow_deadline_ms)
    return _astray_within(moment.after, settings.look_interval_ms + 2 * settings.interval_ms + orders, passive=False)


def _astray_within(world: World, bound_ms: int, *, passive: bool) -> str | None:
    goal = world.core.goal
    if goal is None:
        return None
    tried = False
    for lim, since in zip(world.lims, world.since.astray, strict=True):
        if since is None or (lim.server.system is goal.active) == passive:
            continue
        tried = True
        if world.now - since > bound_ms:
            return f"{lim.server.name} has been astray for {world.now - since} ms"
    return HOLDS if tried else None


def l2_what_is_done_is_noted(moment: Moment) -> str | None:
    """At rest, a takeover whose active LIMs have all confirmed it is noted as done."""
    core = moment.after.core
    goal = core.goal
    if goal is None or core.phase is not Phase.RESTING or not moment.after.rows:
        return None
    views = [view for view in core.views if view.server.system is goal.active]
    if not all(view.is_as_wanted(goal, core.us) for view in views):
        return None
    return HOLDS if goal.done else f"takeover {goal.number} was confirmed by all and is not done"
