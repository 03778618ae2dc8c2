"""The laws of a run: each can come out kept and broken, from evidence alone."""

from dataclasses import replace

from redundancyd.core.systems import System, Traffic
from redundancyd.scenarios.evidence import Evidence, Happened, LetIn, Moved, Remembered, Sample
from redundancyd.scenarios.measure import MS
from redundancyd.scenarios.pages import PROMISES
from redundancyd.scenarios.verdict import Boot, Finding, Outcome, Run, figures, judge

SYMBOLS = {"i": 1000, "k": 3, "w": 3000, "t": 800, "F": 1000, "U": 3000, "R": 20_000, "l": 5000}
END = 20_000


def order(at: int, lim: str, number: int, word: str, origin: str = "order") -> Remembered:
    """What a LIM has on its disk from then on."""
    traffic = "allowed" if word == "allow" else "blocked"
    return Remembered(at, lim, System(lim.split("-", 1)[0]), number, word, origin, traffic)


def line(at: int, event: str, **fields: object) -> Happened:
    """A line of the journal."""
    return Happened(at, event, {"event": event, **fields})


def decided(at: int, number: int, active: str) -> Happened:
    """A takeover was decided."""
    return line(at, "takeover_decided", takeover=number, active=active)


def answers(*stretches: tuple[int, int]) -> list[int]:
    """An answer every 20 ms in each stretch, in nanoseconds."""
    return [at * MS for start, end in stretches for at in range(start, end + 1, 20)]


def run(
    *, primary: list[int] | None = None, alternate: list[int] | None = None, evidence: Evidence | None = None
) -> Run:
    """A run that exercises everything: the primary is lost at 0, the alternate takes over at 3 s."""
    return Run(
        since=0,
        until=END,
        symbols=SYMBOLS,
        promises=PROMISES,
        evidence=evidence or Evidence(),
        answers={
            System.PRIMARY: answers((0, 100)) if primary is None else primary,
            System.ALTERNATE: answers((3000, END)) if alternate is None else alternate,
        },
    )


def verdict(promise: str, of: Run) -> bool | None:
    """Kept, broken, or not exercised."""
    finding: Finding | None = judge(of)[promise]
    return finding.held if finding else None


def test_every_goal_with_its_own_number_keeps_s0():
    """
    Number 1 allows the primary, number 2 the alternate.
    """
    orders = [
        order(0, "primary-1", 1, "allow"),
        order(0, "alternate-1", 1, "block"),
        order(9, "alternate-1", 2, "allow"),
    ]
    assert verdict("S0", run(evidence=Evidence(remembered=orders))) is True


def test_one_number_that_allows_both_systems_breaks_s0():
    """
    Both systems were ordered allowed by one goal.
    """
    orders = [order(0, "primary-1", 2, "allow"), order(9, "alternate-2", 2, "allow")]
    assert verdict("S0", run(evidence=Evidence(remembered=orders))) is False


def test_a_lim_that_goes_back_to_an_older_number_breaks_s0():
    """
    It should have refused.
    """
    orders = [order(0, "primary-1", 3, "block"), order(9, "primary-1", 2, "allow")]
    assert verdict("S0", run(evidence=Evidence(remembered=orders))) is False


def test_a_lim_that_changes_its_word_under_the_same_number_breaks_s0():
    """
    An equal number with another word is refused.
    """
    orders = [order(0, "primary-1", 3, "block"), order(9, "primary-1", 3, "allow")]
    assert verdict("S0", run(evidence=Evidence(remembered=orders))) is False


def test_an_order_that_no_lim_took_still_counts_for_s0():
    """
    The journal says both systems were ordered allowed under one number, though one LIM was out of reach.
    """
    sent = line(5, "order_sent", word="allow", takeover=2, lims="primary-1 primary-2")
    evidence = Evidence(remembered=[order(9, "alternate-1", 2, "allow")], journal=[sent])
    assert verdict("S0", run(evidence=evidence)) is False


def test_no_overlap_keeps_s1_and_one_packet_breaks_it():
    """
    A single answer of the wrong system is enough.
    """
    assert verdict("S1", run()) is True
    assert verdict("S1", run(primary=[5000 * MS])) is False


def test_the_old_system_blocked_in_time_after_its_handshake_keeps_s2():
    """
    Handshake at 9 s, blocked 200 ms later, UNFENCED in between.
    """
    assert verdict("S2", run(evidence=_came_back(blocked_at=9200, unfenced=True))) is True


def test_the_old_system_blocked_too_late_breaks_s2():
    """
    The bound is 2i+F after the handshake.
    """
    assert verdict("S2", run(evidence=_came_back(blocked_at=12_500, unfenced=True))) is False


def test_the_old_system_never_blocked_breaks_s2():
    """
    It can be reached and nobody blocks it.
    """
    assert verdict("S2", run(evidence=_came_back(blocked_at=None, unfenced=True))) is False


def test_a_status_that_does_not_say_unfenced_breaks_s2():
    """
    Until it is blocked, status and an alarm must say so.
    """
    assert verdict("S2", run(evidence=_came_back(blocked_at=9200, unfenced=False))) is False


def _came_back(*, blocked_at: int | None, unfenced: bool) -> Evidence:
    remembered = [order(0, "primary-1", 1, "allow"), order(3100, "alternate-1", 2, "allow")]
    if blocked_at is not None:
        remembered.append(order(blocked_at, "primary-1", 2, "block"))
    alarms = (("unfenced", "UNFENCED: primary-1 has not confirmed"),) if unfenced else ()
    lims = frozenset({"primary-1"}) if unfenced else frozenset()
    return Evidence(
        remembered=remembered,
        journal=[decided(3000, 2, "alternate"), line(3100, "takeover_done", takeover=2)],
        samples=[Sample(at, "resting", System.ALTERNATE, 2, lims, alarms) for at in range(4000, 9000, 250)],
        let_in=[LetIn(9000, "primary-1")],
    )


def test_a_lim_that_boots_blocked_and_silent_keeps_s3():
    """
    Its rules were read right after the boot, and no packet came from it.
    """
    of = run()
    of.boots.append(Boot(6000, "primary-1", System.PRIMARY, Traffic.BLOCKED))
    assert verdict("S3", of) is True


def test_a_lim_that_boots_allowed_breaks_s3():
    """
    The rules say so, even if no phone happened to ask.
    """
    of = run()
    of.boots.append(Boot(6000, "primary-1", System.PRIMARY, Traffic.ALLOWED))
    assert verdict("S3", of) is False


def test_one_answered_packet_after_the_boot_breaks_s3():
    """
    The alternate is active, and the primary takes phones away from it.
    """
    of = run(primary=[*answers((0, 100)), 6100 * MS])
    of.boots.append(Boot(6000, "primary-1", System.PRIMARY, Traffic.BLOCKED))
    assert verdict("S3", of) is False


def test_phones_that_are_answered_at_the_end_keep_s5_and_silence_breaks_it():
    """
    Both blocked is never left standing.
    """
    assert verdict("S5", run()) is True
    assert verdict("S5", run(alternate=answers((3000, 9000)))) is False


def test_a_takeover_in_time_keeps_l1_a_late_one_and_none_break_it():
    """
    The bound is ki+t+F+U = 7.8 s after the fault.
    """
    assert verdict("L1", run(evidence=_taken_over(7000))) is True
    assert verdict("L1", run(evidence=_taken_over(7900))) is False
    assert verdict("L1", run()) is False


def test_a_takeover_waits_for_a_load_that_was_under_way_and_for_no_other():
    """
    The reload deadline is added where a load had begun and not ended at the fault.
    """
    waited = _taken_over(27_000)
    begun, ended = line(0, "data_step", row="D20"), line(0, "data_job_ended", result="loaded")
    assert verdict("L1", run(evidence=replace(waited, journal=[begun, *waited.journal]))) is True
    assert verdict("L1", run(evidence=replace(waited, journal=[begun, ended, *waited.journal]))) is False
    late = _taken_over(27_900)
    assert verdict("L1", run(evidence=replace(late, journal=[begun, *late.journal]))) is False


def _taken_over(allowed_at: int) -> Evidence:
    journal = [
        line(3000, "verdict_changed", verdict="lost"),
        decided(3001, 2, "alternate"),
        line(3100, "traffic_allowed", takeover=2, system="alternate", lim=1),
        line(allowed_at, "traffic_allowed", takeover=2, system="alternate", lim=2),
        line(allowed_at + 9000, "traffic_allowed", takeover=2, system="alternate", lim=2),
        line(allowed_at, "takeover_done", takeover=2),
    ]
    return Evidence(journal=journal, moved=[Moved(50, 1, System.PRIMARY), Moved(7500, 1, System.ALTERNATE)])


def test_figures_count_from_the_fault_to_the_last_lim_read_back():
    """
    A LIM that is read again later does not make it later.
    """
    assert figures(run(evidence=_taken_over(7000))) == {
        "detected_ms": 3000,
        "decided_ms": 3001,
        "blocked_ms": None,
        "allowed_ms": 7000,
        "first_registered_ms": 7500,
        "both_active_ms": 0,
        "none_active_ms": 2900,
    }


def test_an_expectation_under_a_promise_decides_it():
    """
    S4 has no law of its own: the page says when nothing may happen.
    """
    of = run()
    assert verdict("S4", of) is None
    of.outcomes.append(Outcome("expect S4: no-takeover for 5s", met=True, promise="S4"))
    assert verdict("S4", of) is True
    of.outcomes.append(Outcome("expect S4: silent alternate", met=False, promise="S4"))
    assert verdict("S4", of) is False


def test_a_promise_that_the_page_does_not_exercise_is_neither_kept_nor_broken():
    """
    None, whatever the packets say; S0 alone is always looked at.
    """
    of = replace(run(primary=answers((0, END))), promises=())
    assert judge(of) == dict.fromkeys(PROMISES)
