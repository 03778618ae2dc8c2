"""What must hold, one function with one sentence for each promise and for what mutants have taught.

A law is asked at every move of its kind, and says None when the move does not put it to the test, "" when it holds, and
a sentence when it is broken.  How often each was really put to the test is counted, and may never be 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from redundancyd.core.decision import Taken
from redundancyd.core.due import is_ready
from redundancyd.core.effects import Load, Order
from redundancyd.core.heartbeat import SILENT_RUN
from redundancyd.core.state import Phase
from redundancyd.core.systems import Goal, Kind, Method, Origin, Status, Traffic, Word
from redundancyd.core.takeover import Ask, Trigger
from redundancyd.sim.motion import active_of
from redundancyd.sim.since import HANDS_OFF
from redundancyd.sim.world import ALTERNATE, PRIMARY, Asked, Lim, World, answers, hold_ends

HOLDS = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One move of the world; `did` is what it performed."""

    before: World
    after: World
    did: Asked | None = None

    @property
    def decided(self) -> tuple[Taken, Goal] | None:
        """The goal that this move decided on, and the row that did."""
        goal = self.after.core.goal
        for row in reversed(self.after.rows):
            if row.row.ask is Ask.SAVE and goal is not None:
                return row, goal
        return None


Law = Callable[[Moment], str | None]


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
    """No LIM is ordered before the goal is on disk, or the disk has failed."""
    order, core, disk = moment.did, moment.before.core, moment.before.disk
    if not isinstance(order, Order) or moment.before.disk_full or core.goal_unsaved:
        return None
    number = disk.number if disk is not None else 0
    return HOLDS if order.number == number else f"ordered {order.number} while the disk has {number}"


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
    """What somebody allowed by hand in the primary becomes the goal only while no LIM of the alternate is seen allowed."""
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


# Asked at every move.


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
    """Where a LIM that may carry traffic can be reached, traffic stands still no longer than a takeover and its undoing."""
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


def _made_active(lim: Lim) -> object:
    return lim.server.system if lim.status.word is Word.ALLOW else lim.server.system.other


def _is_allowed(status: Status | None) -> bool:
    return status is not None and status.traffic is Traffic.ALLOWED


def _seen_blocked(world: World, name: str) -> bool:
    """Whether the last look at this server, which may be older than its change, said that it is blocked."""
    views = [view for view in world.core.views if view.server.name == name]
    return all(view.status is not None and view.status.traffic is Traffic.BLOCKED for view in views)


AT_DEEDS: dict[Law, str] = {
    s0_one_number_one_system: "S0",
    s0_saved_before_ordered: "S0",
    s4_hands_off_what_others_order: "S4",
    d3_loaded_only_into_a_passive_alternate: "D3",
    d4_loaded_only_away_from_the_active_system: "D4",
}
AT_ROWS: dict[Law, str] = {
    s1_planned_without_overlap: "S1",
    s4_only_a_real_loss_takes_over: "S4",
    s4_no_takeover_against_a_setting: "S4",
    s4_a_return_only_to_a_ready_primary: "S4",
    s6_orders_stand: "S6",
    s6_by_hand_is_adopted_only_while_nothing_is_active: "S6",
    l2_an_order_is_on_disk_before_it_is_carried_out: "L2",
    l1_no_takeover_during_a_load: "L1",
}
ALWAYS: dict[Law, str] = {
    s2_passive_is_blocked_in_time: "S2",
    s2_unfenced_is_said: "S2",
    s3_a_lim_that_booted_waits: "S3",
    s3_only_a_lim_that_was_allowed_allows_itself: "S3",
    s5_both_blocked_is_not_left_standing: "S5",
    l1_a_loss_is_taken_over_in_time: "L1",
    l2_after_a_start_everybody_follows_in_time: "L2",
    l3_everybody_follows_in_time: "L3",
}
LAWS = {**AT_DEEDS, **AT_ROWS, **ALWAYS}


@dataclass(slots=True)
class Court:
    """Asks the laws, and counts how often each was put to the test."""

    tried: dict[str, int] = field(default_factory=lambda: {law.__name__: 0 for law in LAWS})

    def judge(self, moment: Moment) -> tuple[str, str] | None:
        """The promise and the sentence of the first law that is broken."""
        if moment.did is not None and (broken := self._ask(AT_DEEDS, moment)):
            return broken
        if moment.after.rows and (broken := self._ask(AT_ROWS, moment)):
            return broken
        return self._ask(ALWAYS, moment)

    def _ask(self, laws: dict[Law, str], moment: Moment) -> tuple[str, str] | None:
        for law, promise in laws.items():
            said = law(moment)
            if said is None:
                continue
            self.tried[law.__name__] += 1
            if said:
                return f"{promise} {law.__name__}", said
        return None
