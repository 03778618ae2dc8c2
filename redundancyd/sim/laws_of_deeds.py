"""Laws that are asked when LIMs are ordered, a load begins, or rows of the table were taken."""

from redundancyd.core.due import is_ready
from redundancyd.core.effects import Load, Order
from redundancyd.core.heartbeat import SILENT_RUN
from redundancyd.core.state import Phase
from redundancyd.core.systems import Kind, Method, Status, Traffic, Word
from redundancyd.core.takeover import Ask, Trigger
from redundancyd.sim.moment import HOLDS, Moment
from redundancyd.sim.motion import active_of
from redundancyd.sim.since import HANDS_OFF
from redundancyd.sim.world import ALTERNATE, PRIMARY, Lim, World, answers

# Asked when LIMs are ordered, or a load begins.


def s0_one_number_one_system(moment: Moment) -> str | None:
    """No two orders of one takeover number make different systems active."""
    order = moment.did
    if not isinstance(order, Order):
        return None
    made = active_of(order)
    known = dict(moment.before.goals).get(order.number, made)
    others = {_made_active(lim) for lim in moment.after.lims if lim.status.number == order.number}
    return HOLDS if {known} | others <= {made} else f"takeover {order.number} allowed both systems"


def s0_saved_before_ordered(moment: Moment) -> str | None:
    """No LIM is ordered before the disk has answered that it holds the goal, or that it failed."""
    order, world = moment.did, moment.before
    if not isinstance(order, Order) or world.core.goal_unsaved:
        return None
    return (
        HOLDS if order.number == world.kept else f"ordered {order.number}, and the disk has answered for {world.kept}"
    )


def s4_hands_off_what_others_order(moment: Moment) -> str | None:
    """Nobody is ordered while a stranger's LIMs are being watched, or while there is no goal."""
    if not isinstance(moment.did, Order):
        return None
    phase = moment.before.core.phase
    return f"ordered while {phase}" if phase in HANDS_OFF else HOLDS


def d3_loaded_only_into_a_passive_alternate(moment: Moment) -> str | None:
    """A load begins only while the alternate carries nothing, and the last k beats of the primary were answered."""
    if not isinstance(moment.did, Load):
        return None
    carrying = [lim.server.name for lim in moment.before.lims if lim.server.system is ALTERNATE and lim.carries]
    seen_since = moment.before.now  # what changed after the last look cannot be known
    changed = [name for name in carrying if _seen_blocked(moment.before, name)]
    if set(carrying) - set(changed):
        return f"loaded at {seen_since} while {', '.join(carrying)} carries traffic"
    if moment.before.since.answered < moment.before.settings.missed:
        return f"loaded after {moment.before.since.answered} answered beats"
    return HOLDS


def d4_loaded_only_away_from_the_active_system(moment: Moment) -> str | None:
    """Data flows from the primary to the alternate: nothing is loaded while the goal is the alternate."""
    if not isinstance(moment.did, Load):
        return None
    goal = moment.before.core.goal
    return HOLDS if goal is not None and goal.active is PRIMARY else "loaded although the alternate is to be active"


# Asked when rows were taken.


def s1_planned_without_overlap(moment: Moment) -> str | None:
    """A planned takeover allows nobody while a server of the other system that can be reached carries traffic."""
    core = moment.after.core
    goal = core.goal
    if goal is None or not any(row.row.ask is Ask.ALLOW and row.takeover == goal.number for row in moment.after.rows):
        return None
    if goal.kind is not Kind.PLANNED or goal.done:
        return None
    open_still = [  # who confirmed the block and was meddled with afterwards is for looking to mend
        lim.server.name
        for lim in moment.after.lims
        if lim.server.system is goal.active.other
        and lim.carries
        and lim.status.number != goal.number
        and answers(moment.after, lim)
        and (core.view(lim.server).fresh or moment.before.core.view(lim.server).fresh)
    ]
    return f"allowed while {', '.join(open_still)} carries traffic" if open_still else HOLDS


def s4_only_a_real_loss_takes_over(moment: Moment) -> str | None:
    """An automatic takeover to the alternate had a whole window of silence, while the control address answered."""
    if moment.decided is None:
        return None
    row, goal = moment.decided
    if row.trigger is not Trigger.DUE or goal.active is not ALTERNATE or goal.kind is not Kind.AUTOMATIC:
        return None
    since, missed = moment.after.since, moment.after.settings.missed
    if since.beats < missed or since.silent < missed:
        return f"taken over after {since.silent} silent beats of {since.beats} since the start"
    return "taken over while the control address was silent" if since.control_silent else HOLDS


def s4_no_takeover_against_a_setting(moment: Moment) -> str | None:
    """No automatic takeover against a manual method or a latch."""
    before = moment.before.core
    if moment.decided is None or before.goal is None or before.goal.revert_at is not None:
        return None
    row, goal = moment.decided
    if row.trigger is not Trigger.DUE:
        return None
    if moment.after.methods.to(goal.active) is Method.MANUAL:
        return f"taken over to the {goal.active} although that is manual"
    return "taken over although latched" if before.goal.latched else HOLDS


def s4_a_return_only_to_a_ready_primary(moment: Moment) -> str | None:
    """Traffic returns by itself only to a primary that answers its beats and is ready."""
    if moment.decided is None:
        return None
    row, goal = moment.decided
    if row.trigger is not Trigger.DUE or goal.active is not PRIMARY or goal.revert_at is not None:
        return None
    if moment.before.core.goal is not None and moment.before.core.goal.revert_at is not None:
        return None
    if moment.after.since.silent >= SILENT_RUN:
        return "returned to a primary that does not answer"
    return HOLDS if is_ready(moment.after.core, PRIMARY) else "returned to a primary that is not ready"


def s6_orders_stand(moment: Moment) -> str | None:
    """What the operator ordered, and what was carried out, is left only for a loss, or by an order."""
    old = moment.before.core.goal
    if moment.decided is None or old is None:
        return None
    row, goal = moment.decided
    if not (old.by_operator and old.done) or goal.active is old.active:
        return None
    by_order = row.trigger in {Trigger.ASKED, Trigger.ADOPTED, Trigger.BEHIND, Trigger.BY_HAND}
    lost = row.trigger is Trigger.DUE and (old.active is PRIMARY or old.revert_at is not None)
    return HOLDS if by_order or lost else f"the order of takeover {old.number} was reversed by {row.row.number}"


def s6_by_hand_is_adopted_only_while_nothing_is_active(moment: Moment) -> str | None:
    """What was allowed by hand in the primary becomes the goal only while no LIM of the alternate is seen allowed."""
    if moment.decided is None or moment.decided[0].trigger is not Trigger.BY_HAND:
        return None
    seen = [
        view.server.name
        for view in moment.before.core.views
        if view.server.system is ALTERNATE and view.status is not None and view.status.traffic is Traffic.ALLOWED
    ]
    known = [view for view in moment.after.core.views if view.server.name in seen and _is_allowed(view.status)]
    return f"adopted although {seen[0]} is allowed" if known else HOLDS


def l2_an_order_is_on_disk_before_it_is_carried_out(moment: Moment) -> str | None:
    """An operator's takeover goes on only when its goal is on disk."""
    rows = [row for row in moment.after.rows if row.phase is Phase.SAVING and row.row.ask is Ask.BLOCK]
    before, disk = moment.before.core, moment.after.disk
    if not rows or not before.saving_order or before.phase is not Phase.SAVING:
        return None
    on_disk = disk is not None and disk.number == rows[0].takeover
    return HOLDS if on_disk else f"takeover {rows[0].takeover} was begun and is not on disk"


def l1_no_takeover_during_a_load(moment: Moment) -> str | None:
    """A takeover to the alternate waits until the load has ended or its deadline is over."""
    if moment.decided is None or moment.before.load is None:
        return None
    row, goal = moment.decided
    if goal.active is not ALTERNATE or row.trigger not in {Trigger.DUE, Trigger.ASKED}:
        return None
    over = moment.after.load is None or moment.after.now >= moment.before.load.until
    return HOLDS if over else "taken over in the middle of a load"


def _made_active(lim: Lim) -> object:
    return lim.server.system if lim.status.word is Word.ALLOW else lim.server.system.other


def _is_allowed(status: Status | None) -> bool:
    return status is not None and status.traffic is Traffic.ALLOWED


def _seen_blocked(world: World, name: str) -> bool:
    """Whether the last look at this server, which may be older than its change, said that it is blocked."""
    views = [view for view in world.core.views if view.server.name == name]
    return all(view.status is not None and view.status.traffic is Traffic.BLOCKED for view in views)
