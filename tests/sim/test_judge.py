"""The judge finds what is put there: a mistake in the product for each law, a few deeds that show it."""

from dataclasses import replace

import pytest

from redundancyd.adapters import goal_file
from redundancyd.core import due, fold, heartbeat, results, takeover
from redundancyd.core.effects import SaveGoal
from redundancyd.core.heartbeat import Heartbeat, Verdict
from redundancyd.core.state import State
from redundancyd.core.systems import Goal, Settings
from redundancyd.core.takeover import Trigger
from redundancyd.orders import Orders
from redundancyd.requests import Done
from redundancyd.sim.deadlines import Deadlines
from redundancyd.sim.deeds import Deed
from redundancyd.sim.lim import Lim
from redundancyd.sim.seeds import Outcome, Run
from redundancyd.sim.setup import Setup, Value
from redundancyd.sim.swarm import BOOT_US, MEND, Plan

SETTINGS: dict[str, Value] = {
    "heartbeat.interval_ms": 500,
    "heartbeat.timeout_ms": 400,
    "heartbeat.missed": 3,
    "takeover.boot_hold": "15s",
}
TO_ALTERNATE = Deed(15_000, "order", ("manual-takeover", "traffic-in-alternate"))
CUT = Deed(15_000, "cut", ("inter-site",))
HEAL = Deed(45_000, "heal", ("inter-site",))
ALL = (CUT, HEAL, Deed(60_000, MEND))


def play(*deeds: Deed, seconds: int = 90, **settings: str | int) -> Outcome:
    """What becomes of a fleet to which this is done."""
    values = SETTINGS | {name.replace("__", "."): value for name, value in settings.items()}
    setup = Setup(1, 2, (), values, watchdog=True, boot_us=BOOT_US)
    return Run(Plan(1, setup, deeds, seconds * 1000, ())).play()


def broken_by(*deeds: Deed, seconds: int = 90, **settings: str | int) -> str:
    """The law that is broken by this, or nothing."""
    broken = play(*deeds, seconds=seconds, **settings).broken
    return broken.law if broken else ""


@pytest.mark.parametrize(
    "deeds",
    [(TO_ALTERNATE,), ALL, (Deed(15_000, "power-off", ("primary",)), Deed(40_000, "power-on", ("primary",)))],
    ids=["order", "cut", "power"],
)
def test_the_product_breaks_nothing(deeds: tuple[Deed, ...]):
    """
    What the mutants below are shown by is harmless without them.
    """
    outcome = play(*deeds)
    assert outcome.broken is None
    assert outcome.tried["L3 put right"] or outcome.tried["S1 no overlap"] or outcome.tried["L1 taken over"]


@pytest.mark.parametrize(
    "words", [("pause", "--for", "60s", "--reason", "work"), ("takeover", "alternate-from-primary", "manual")]
)
def test_a_takeover_that_is_held_back_while_it_is_awaited_is_not_missed(words: tuple[str, ...]):
    """
    The operator says so after the loss, before the daemon is sure of it; nothing else happens afterwards.
    """
    deeds = Deed(30_000, "power-off", ("primary",)), Deed(36_000, "order", ("settings", *words))
    assert broken_by(*deeds, heartbeat__interval_ms=2000, heartbeat__timeout_ms=1500, heartbeat__missed=4) == ""


def test_a_takeover_against_the_method_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    Nothing holds an automatic takeover any more.
    """
    monkeypatch.setattr(due, "held", lambda _state, _active: "")
    assert broken_by(CUT, takeover__alternate_from_primary="manual") == "S4 nothing speaks against it"


def test_a_takeover_a_beat_too_early_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    Lost after k - 1 beats.
    """
    real = heartbeat.judge

    def judge(heart: Heartbeat, settings: Settings) -> Verdict:
        return Verdict.LOST if heart.missed == settings.missed - 1 else real(heart, settings)

    monkeypatch.setattr(heartbeat, "judge", judge)
    assert broken_by(CUT) == "S4 a true loss"


def test_an_overlap_of_a_planned_takeover_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    The alternate is allowed without waiting for the block.
    """
    monkeypatch.setattr(fold, "block_result", lambda _state, _goal: Trigger.BLOCKED)
    assert broken_by(TO_ALTERNATE) == "S1 no overlap"


def test_a_number_used_twice_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    An undone takeover takes the number of what it undoes.
    """
    real = takeover._undone

    def undone(state: State) -> Goal:
        assert state.goal is not None
        return replace(real(state), number=state.goal.number)

    monkeypatch.setattr(takeover, "_undone", undone)
    refuse = Deed(14_000, "refuse", ("allow", "alternate"))
    assert broken_by(refuse, TO_ALTERNATE) == "S0 one number, one system"


def test_a_goal_that_never_reaches_the_disk_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    Saving says yes and does nothing.
    """

    async def save(_self: goal_file.GoalFile, goal: Goal) -> None:
        assert goal.number > 1

    plan = (TO_ALTERNATE,)
    run = Run(Plan(1, Setup(1, 2, (), SETTINGS), plan, 60_000, ()))
    monkeypatch.setattr(goal_file.GoalFile, "save", save)
    broken = run.play().broken
    assert broken is not None
    assert broken.law == "S0 saved before ordered"


@pytest.mark.parametrize(("row", "law"), [("T05", ""), ("T04", "S0 saved before ordered")])
def test_what_went_out_without_the_disk_may_be_obeyed_when_it_is_well_again(row: str, law: str):
    """
    A slow LIM is late; an order that nobody said would go without is found.
    """
    run = Run(Plan(1, Setup(1, 2, (), SETTINGS), (), 60_000, ()))
    run.fleet.service.start()
    run.fleet.advance(5_000_000)
    run.judge.recorded("row_taken", {"row": row, "takeover": 9})
    run.judge.obeyed(run.fleet.own, "block 9 us.run1", '{"ok":false}')
    run.fleet.service.kill()
    broken = run.judge.court.first
    assert (broken.law if broken else "") == law


def test_an_order_acknowledged_before_it_is_saved_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    The answer comes while the disk hangs, and the kill takes the order.
    """
    real = Orders.saving

    def saving(self: Orders, effect: SaveGoal) -> None:
        real(self, effect)
        if effect.request is not None:
            self._resolve(effect.request, Done("at once", effect.goal.number))

    monkeypatch.setattr(Orders, "saving", saving)
    deeds = (Deed(14_999, "hang-disk"), TO_ALTERNATE, Deed(15_500, "lock-disk"), Deed(16_000, "wake-disk"))
    restart = (Deed(19_000, "unlock-disk"), Deed(19_000, "kill", ("daemon",)), Deed(19_100, "start", ("daemon",)))
    assert broken_by(*deeds, *restart) == "S6 orders survive"


def test_who_is_not_put_right_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    The daemon orders nobody whom looking finds otherwise.
    """
    monkeypatch.setattr(fold, "differing", lambda _state, _goal: ())
    assert broken_by(Deed(15_000, "by-hand", ("allow", "alternate-2"))) == "L3 put right"


def test_who_comes_back_and_is_not_blocked_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    The line is back, the primary carries traffic, and nothing is done about it.
    """
    real = fold.differing
    monkeypatch.setattr(fold, "differing", lambda state, goal: () if goal.number > 1 else real(state, goal))
    assert broken_by(*ALL) == "S2 blocked in time"


def test_unfenced_that_is_not_said_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    The status page knows of no server that may carry traffic.
    """
    monkeypatch.setattr(State, "unfenced", lambda _self: ())
    assert broken_by(CUT) == "S2 said"


def test_a_loss_that_is_not_taken_over_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    The primary is gone, and nothing is due.
    """
    monkeypatch.setattr(due, "_loss", lambda _state: None)
    assert broken_by(CUT) == "L1 taken over"


REFUSED = (
    Deed(14_000, "refuse", ("allow", "alternate")),
    Deed(15_000, "power-off", ("primary",)),
    Deed(35_000, "power-on", ("primary",)),
)


def test_a_takeover_that_the_alternate_refuses_is_undone():
    """
    The primary is back, and traffic with it.
    """
    outcome = play(*REFUSED)
    assert outcome.broken is None
    assert outcome.tried["S5 undone"]


def test_a_takeover_that_is_not_undone_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    The alternate cannot allow, the primary is back and blocked, and nobody goes back.
    """
    monkeypatch.setattr(results, "_may_go_back", lambda _state, _goal: False)
    assert broken_by(*REFUSED) == "S5 undone"


def test_both_blocked_for_good_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    Somebody blocks the active system by hand, and nothing is done about it.
    """
    monkeypatch.setattr(fold, "differing", lambda _state, _goal: ())
    monkeypatch.setattr(Deadlines, "_look_at_place", lambda *_, **__: None)  # which would find it, too
    assert broken_by(Deed(15_000, "by-hand", ("block", "primary"))) == "S5 somebody carries"


def test_a_lim_that_comes_up_open_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    Its boot unit does nothing.
    """
    monkeypatch.setattr(Lim, "boot", lambda _self: None)
    deeds = (Deed(15_000, "power-off", ("primary-2",)), Deed(16_000, "power-on", ("primary-2",)))
    assert broken_by(*deeds) == "S3 comes up blocked"


def test_a_daemon_that_ends_by_itself_is_found(monkeypatch: pytest.MonkeyPatch):
    """
    An exception in the corridor reaches the top.
    """

    def fail(_state: State, _goal: Goal) -> tuple[str, ...]:
        raise ZeroDivisionError

    real = fold.differing
    monkeypatch.setattr(
        fold, "differing", lambda state, goal: fail(state, goal) if goal.number > 1 else real(state, goal)
    )
    assert broken_by(TO_ALTERNATE) == "no mistake of ours"


def test_a_cable_that_is_pulled_between_two_beats_makes_no_beat_worthless():
    """
    Nothing was to be sent meanwhile: the takeover after k silent beats is a rightful one.
    """
    cable = (Deed(19_200, "unplug", ("alternate-1",)), Deed(19_700, "plug", ("alternate-1",)))
    outcome = play(CUT, *cable, seconds=40, heartbeat__interval_ms=2000)
    assert outcome.broken is None
    assert outcome.tried["S4 a true loss"] == 1


def test_hands_that_are_off_order_nobody_and_break_nothing():
    """
    Another supervisor blocked the alternate; a LIM of the primary that boots allows itself, and that is right.
    """
    outcome = play(
        CUT,
        Deed(25_000, "stranger", ("block", "alternate")),
        Deed(45_000, "heal", ("inter-site",)),
        Deed(60_000, "power-off", ("primary",)),
        Deed(75_000, "power-on", ("primary",)),
        seconds=150,
        takeover__boot_hold="30s",
    )
    assert outcome.broken is None
    assert outcome.tried["S3 waits for a word"]
