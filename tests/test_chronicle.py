"""What the journal is told of a step."""

from collections.abc import Iterator

from redundancyd.chronicle import Chronicle, Record
from redundancyd.core import decision
from redundancyd.core.events import ChannelLost, Event
from redundancyd.core.systems import Word
from tests.core.table_top import A2, ALTERNATE, P1, PRIMARY, TableTop


class Told(TableTop):
    """A table top whose every step is told to a chronicle."""

    def start(self) -> None:
        """A start begins a chronicle of its own."""
        self.chronicle, self.records = Chronicle(), list[Record]()
        super().start()

    def happen(self, event: Event) -> None:
        """Step, and tell."""
        before = self.state
        self.records += self.chronicle.tell(before, event, decision.step(before, event))
        super().happen(event)

    def of(self, event: str) -> Iterator[dict[str, object]]:
        """The fields of every record of this event."""
        return (record.fields for record in self.records if record.event == event)


def rested() -> Told:
    """At rest, and what led there forgotten."""
    top = Told()
    top.beat(2)
    top.records.clear()
    return top


def test_a_quiet_daemon_says_nothing():
    """
    Beats that are answered and looks that find the goal leave no line.
    """
    top = rested()
    top.beat(30)
    assert top.records == []


def test_a_takeover_has_one_summary_with_the_time_of_each_part():
    """
    Decided, saved, blocked, allowed: how long each took, what each LIM answered, and that nothing overlapped.
    """
    top = rested()
    top.order(ALTERNATE)
    top.beat(2)
    (done,) = top.of("takeover_done")
    assert done == {
        "takeover": 2,
        "active": "alternate",
        "reason": "ordered by tester",
        "complete": True,
        "saving_ms": 5,
        "blocking_ms": 5,
        "allowing_ms": 5,
        "all_ms": 15,
        "both_active_ms": 0,
        "results": "alternate-1=allowed alternate-2=allowed primary-1=blocked primary-2=blocked",
    }


def test_every_row_has_a_line_with_its_number_and_its_reason():
    """
    The rows of a takeover, in the order they were taken.
    """
    top = rested()
    top.order(ALTERNATE)
    top.beat(2)
    assert [fields["row"] for fields in top.of("row_taken")] == ["T02", "T04", "T07", "T12"]
    assert all(fields["why"] for fields in top.of("row_taken"))


def test_a_loss_is_told_in_the_order_it_happened():
    """
    Beats missed, verdict, takeover, orders, traffic, done.
    """
    top = rested()
    top.power_off(PRIMARY)
    top.beat(6)
    told = [record.event for record in top.records]
    wanted = ["beat_missed", "verdict_changed", "takeover_decided", "goal_saved", "order_sent", "traffic_allowed"]
    assert [told.index(event) for event in wanted] == sorted(told.index(event) for event in wanted)
    assert told.count("takeover_done") == 1


def test_an_undone_takeover_says_which_lim_and_why():
    """
    The line names the LIM that refused.
    """
    top = rested()
    top.lims[A2].refuses.add(Word.ALLOW)
    top.order(ALTERNATE)
    top.beat(3)
    (undone,) = top.of("takeover_undone")
    assert A2.name in str(undone["why"])
    (refused,) = top.of("lim_refused")
    assert (refused["server"], refused["error"]) == (A2.name, "iptables_failed")


def test_a_lost_channel_is_told_once_and_its_alarm_raised_and_cleared():
    """
    Out of reach, an alarm; in reach again, the alarm is over.
    """
    top = rested()
    top.happen(ChannelLost(P1, "reset", top.now))
    top.beat(3)
    assert [fields["server"] for fields in top.of("lim_out_of_reach")] == [P1.name]
    assert "lim_out_of_reach:primary-1" in {fields["handle"] for fields in top.of("alarm_raised")}
