"""What must hold, one function with one sentence for each promise and for what else was learnt.

A law is asked at every moment it knows of, and says None when the moment does not put it to the test, "" when it holds,
and a sentence when it is broken.  How often each was really put to the test is counted, and never may be 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from redundancyd.core.alarms import alarms
from redundancyd.core.decision import Taken
from redundancyd.core.effects import Order
from redundancyd.core.state import Phase
from redundancyd.core.systems import Goal, Kind, Method, Word
from redundancyd.core.takeover import Ask, Trigger
from redundancyd.sim.world import ALTERNATE, PRIMARY, World, reachable

HOLDS = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One advance of the world; `ordered` is what it sent to LIMs."""

    before: World
    after: World
    ordered: Order | None = None

    @property
    def decided(self) -> tuple[Taken, Goal] | None:
        """The goal that this advance decided on, and the row that did."""
        core = self.after.core
        saves = [row for row in self.after.rows if row.row.ask is Ask.SAVE]
        return (saves[-1], core.goal) if saves and core is not None and core.goal is not None else None


Law = Callable[[Moment], str | None]


def s0_one_number_one_system(moment: Moment) -> str | None:
    """No two orders of one takeover number make different systems active."""
    if moment.ordered is None:
        return None
    made = moment.ordered.servers[0].system
    made = made if moment.ordered.word is Word.ALLOW else made.other
    known = dict(moment.before.goals).get(moment.ordered.number, made)
    return HOLDS if known is made else f"takeover {moment.ordered.number} allowed both systems"


def s0_saved_before_ordered(moment: Moment) -> str | None:
    """No LIM is ordered before the goal is on disk, or the disk has failed."""
    if moment.ordered is None:
        return None
    disk, core = moment.before.disk, moment.before.core
    if moment.before.disk_full or (core is not None and core.goal_unsaved):
        return None
    number = disk.number if disk is not None else 0
    return HOLDS if moment.ordered.number == number else f"ordered {moment.ordered.number} while the disk has {number}"


def s1_planned_without_overlap(moment: Moment) -> str | None:
    """A planned takeover allows nobody while a server of the other system that can be reached carries traffic."""
    core = moment.after.core
    if core is None or core.goal is None or not any(row.row.ask is Ask.ALLOW for row in moment.after.rows):
        return None
    if core.goal.kind is not Kind.PLANNED or core.goal.done:
        return None
    goal = core.goal
    open_still = [  # who confirmed the block and was meddled with afterwards is for looking to mend
        lim
        for lim in moment.after.lims
        if lim.server.system is goal.active.other and lim.carries and lim.status.number != goal.number
    ]
    known = [
        lim
        for lim in open_still
        if reachable(moment.after, lim)
        and any(seen.view(lim.server).fresh for seen in (moment.before.core, core) if seen)
    ]
    names = [lim.server.name for lim in known]
    return f"allowed while {', '.join(names)} carries traffic" if names else HOLDS


def s2_passive_is_blocked_in_time(moment: Moment) -> str | None:
    """A server of the passive system that can be reached is blocked within 2 i + F."""
    settings = moment.after.settings
    return _astray_within(moment.after, 2 * settings.interval_ms + settings.block_deadline_ms, passive=True)


def s2_unfenced_is_said(moment: Moment) -> str | None:
    """At rest, a server of the passive system that has not confirmed the goal is said to be UNFENCED."""
    core = moment.after.core
    if core is None or core.goal is None or core.phase is not Phase.RESTING:
        return None
    said = {alarm.subject for alarm in alarms(core) if alarm.name == "unfenced"}
    missing = [
        view.server.name
        for view in core.views
        if view.server.system is core.goal.active.other
        and not view.is_as_wanted(core.goal, core.us)
        and view.server.name not in said
    ]
    return f"{', '.join(missing)} is not said to be UNFENCED" if missing else (HOLDS if said else None)


def s4_only_a_real_loss_takes_over(moment: Moment) -> str | None:
    """An automatic takeover to the alternate had a whole window of silence, while the control address answered."""
    if moment.decided is None:
        return None
    row, goal = moment.decided
    if row.trigger is not Trigger.DUE or goal.active is not ALTERNATE or goal.kind is not Kind.AUTOMATIC:
        return None
    since, settings = moment.after.since, moment.after.settings
    if since.beats < settings.missed or since.silent < settings.missed:
        return f"taken over after {since.silent} silent beats of {since.beats} since the start"
    if since.control_silent:
        return "taken over while the control address was silent"
    return HOLDS


def s4_no_takeover_against_a_setting(moment: Moment) -> str | None:
    """No automatic takeover against a manual method or a latch."""
    if moment.decided is None:
        return None
    row, goal = moment.decided
    before = moment.before.core
    if row.trigger is not Trigger.DUE or before is None or before.goal is None or before.goal.revert_at is not None:
        return None
    if moment.after.methods.to(goal.active) is Method.MANUAL:
        return f"taken over to the {goal.active} although that is manual"
    return "taken over although latched" if before.goal.latched else HOLDS


def s6_orders_stand(moment: Moment) -> str | None:
    """What the operator ordered, and what was carried out, is left only for a loss, or by an order."""
    before = moment.before.core
    if moment.decided is None or before is None or before.goal is None:
        return None
    row, goal = moment.decided
    old = before.goal
    if not (old.by_operator and old.done) or goal.active is old.active:
        return None
    by_order = row.trigger in {Trigger.ASKED, Trigger.ADOPTED, Trigger.BEHIND, Trigger.BY_HAND}
    lost = row.trigger is Trigger.DUE and (old.active is PRIMARY or old.revert_at is not None)
    return HOLDS if by_order or lost else f"the order of takeover {old.number} was reversed by {row.row.number}"


def l1_a_loss_is_taken_over_in_time(moment: Moment) -> str | None:
    """A primary that is wholly gone, with us connected and nothing held, is taken over within its bound."""
    since, settings, core = moment.after.since, moment.after.settings, moment.after.core
    if since.lost is None or core is None or core.phase is Phase.SAVING or moment.after.todo:
        return None
    window = (settings.missed + 1) * settings.interval_ms + settings.timeout_ms
    orders = settings.block_deadline_ms + settings.allow_deadline_ms
    took = moment.after.now - max(since.lost, core.started_at)
    bound = 2 * window + orders + settings.block_deadline_ms + settings.allow_deadline_ms
    return f"lost for {took} ms, and not taken over" if took > bound else HOLDS


def l3_everybody_follows_in_time(moment: Moment) -> str | None:
    """A server that can be reached and is otherwise than the goal wants is put right within a look and its orders."""
    settings = moment.after.settings
    orders = 2 * (settings.block_deadline_ms + settings.allow_deadline_ms)
    return _astray_within(moment.after, settings.look_interval_ms + 2 * settings.interval_ms + orders, passive=False)


def _astray_within(world: World, bound_ms: int, *, passive: bool) -> str | None:
    core = world.core
    if core is None or core.goal is None:
        return None
    tried = False
    for lim, since in zip(world.lims, world.since.astray, strict=True):
        if since is None or (lim.server.system is core.goal.active) == passive:
            continue
        tried = True
        if world.now - since > bound_ms:
            return f"{lim.server.name} has been astray for {world.now - since} ms"
    return HOLDS if tried else None


LAWS: dict[str, tuple[Law, ...]] = {
    "S0": (s0_one_number_one_system, s0_saved_before_ordered),
    "S1": (s1_planned_without_overlap,),
    "S2": (s2_passive_is_blocked_in_time, s2_unfenced_is_said),
    "S4": (s4_only_a_real_loss_takes_over, s4_no_takeover_against_a_setting),
    "S6": (s6_orders_stand,),
    "L1": (l1_a_loss_is_taken_over_in_time,),
    "L3": (l3_everybody_follows_in_time,),
}


@dataclass(slots=True)
class Court:
    """Asks every law, and counts how often each was put to the test."""

    tried: dict[str, int] = field(default_factory=lambda: {law.__name__: 0 for laws in LAWS.values() for law in laws})

    def judge(self, moment: Moment) -> tuple[str, str] | None:
        """The promise and the sentence of the first law that is broken."""
        for promise, laws in LAWS.items():
            for law in laws:
                said = law(moment)
                if said is None:
                    continue
                self.tried[law.__name__] += 1
                if said:
                    return f"{promise} {law.__name__}", said
        return None
