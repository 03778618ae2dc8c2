"""What must hold, one function with one sentence for each promise and for what mutants have taught.

A law is asked at every move of its kind, and says None when the move does not put it to the test, "" when it holds, and
a sentence when it is broken.  How often each was really put to the test is counted, and may never be 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from redundancyd.sim import laws_of_deeds as deeds
from redundancyd.sim import laws_of_time as time
from redundancyd.sim.moment import Moment

Law = Callable[[Moment], str | None]
AT_DEEDS: dict[Law, str] = {
    deeds.s0_one_number_one_system: "S0",
    deeds.s0_saved_before_ordered: "S0",
    deeds.s4_hands_off_what_others_order: "S4",
    deeds.d3_loaded_only_into_a_passive_alternate: "D3",
    deeds.d4_loaded_only_away_from_the_active_system: "D4",
}
AT_ROWS: dict[Law, str] = {
    deeds.s1_planned_without_overlap: "S1",
    deeds.s4_only_a_real_loss_takes_over: "S4",
    deeds.s4_no_takeover_against_a_setting: "S4",
    deeds.s4_a_return_only_to_a_ready_primary: "S4",
    deeds.s6_orders_stand: "S6",
    deeds.s6_by_hand_is_adopted_only_while_nothing_is_active: "S6",
    deeds.l2_an_order_is_on_disk_before_it_is_carried_out: "L2",
    deeds.l1_no_takeover_during_a_load: "L1",
}
ALWAYS: dict[Law, str] = {
    time.s2_passive_is_blocked_in_time: "S2",
    time.s2_unfenced_is_said: "S2",
    time.s3_a_lim_that_booted_waits: "S3",
    time.s3_only_a_lim_that_was_allowed_allows_itself: "S3",
    time.s5_both_blocked_is_not_left_standing: "S5",
    time.l1_a_loss_is_taken_over_in_time: "L1",
    time.l2_after_a_start_everybody_follows_in_time: "L2",
    time.l2_what_is_done_is_noted: "L2",
    time.l3_everybody_follows_in_time: "L3",
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
