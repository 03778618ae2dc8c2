"""From evidence to a verdict: each promise a page exercises, held or broken, with a sentence that says what was seen.

A law looks at what the LIMs have on their disks, at answered packets and at completed handshakes, and believes the
daemon only where it speaks of itself (what it decided, what its status said).  Where a law has nothing to look at it
says None: not exercised.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from redundancyd.core.systems import System, Traffic
from redundancyd.scenarios import measure
from redundancyd.scenarios.evidence import Evidence, Happened, Remembered, Sample
from redundancyd.scenarios.measure import MS, Interval
from redundancyd.scenarios.pages import PROMISES

ALIVE_MS = 1000  # at the end of a page somebody answered phones within this time
LOADING_ROW = "D20"
"""of the table of core/data_job.py: the load begins"""
FIGURES = (
    "detected_ms",
    "decided_ms",
    "blocked_ms",
    "allowed_ms",
    "first_registered_ms",
    "both_active_ms",
    "none_active_ms",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One expectation of the page, met or not."""

    text: str
    met: bool
    promise: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Boot:
    """A LIM came up, and what its rules did at that instant."""

    at: int
    lim: str
    system: System
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class Finding:
    """What a law says of a run."""

    held: bool
    why: str


@dataclass(slots=True)
class Run:
    """All that is known of a run when it is over; `since` is the mark, `until` the end."""

    since: int
    until: int
    symbols: Mapping[str, int]
    promises: Sequence[str]
    evidence: Evidence
    answers: Mapping[System, Sequence[int]]
    boots: list[Boot] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    began: int = 0
    """Since when its course counts: the first instant after all was in order."""

    @property
    def window(self) -> Interval:
        """From the mark to the end, in nanoseconds."""
        return Interval(self.since * MS, max(self.until, self.since + 1) * MS)

    def active(self, system: System) -> list[Interval]:
        """When a system was active within the window."""
        return measure.clipped(measure.activity(self.answers[system]), self.window)

    def both_active(self) -> list[Interval]:
        """When both were."""
        return measure.overlap(self.active(System.PRIMARY), self.active(System.ALTERNATE))

    def none_active(self) -> list[Interval]:
        """When none was."""
        return measure.gaps(self.window, self.active(System.PRIMARY), self.active(System.ALTERNATE))


def judge(run: Run) -> dict[str, Finding | None]:
    """Each promise: what its law and the page's own expectations under its name say; None when not exercised."""
    found: dict[str, Finding | None] = {}
    for promise in PROMISES:
        law = LAWS.get(promise)
        findings = [law(run)] if law and (promise in run.promises or promise == "S0") else []
        tagged = [outcome for outcome in run.outcomes if outcome.promise == promise]
        findings += [
            Finding(outcome.met, f"{outcome.text}{': ' if outcome.detail else ''}{outcome.detail}")
            for outcome in tagged
        ]
        found[promise] = _all([finding for finding in findings if finding is not None])
    return found


def _all(findings: list[Finding]) -> Finding | None:
    if not findings:
        return None
    broken = [finding for finding in findings if not finding.held]
    return Finding(not broken, "; ".join(finding.why for finding in broken or findings[:1]))


def no_number_for_both(run: Run) -> Finding | None:
    """S0: no takeover number allows both systems, and no LIM goes back to an older number or changes its word."""
    allowed: dict[int, set[System]] = defaultdict(set)
    last: dict[str, Remembered] = {}
    for order in run.evidence.remembered:
        if order.word == "allow":
            allowed[order.number].add(order.system)
        before = last.get(order.lim)
        if before is not None and order.number < before.number:
            return Finding(held=False, why=f"{order.lim} went back from number {before.number} to {order.number}")
        if before is not None and order.number == before.number and order.word != before.word:
            return Finding(held=False, why=f"{order.lim} changed its word under number {order.number}")
        last[order.lim] = order
    for line in run.evidence.happened("order_sent", 0, word="allow"):
        names = str(line.fields.get("lims", "")).split()
        allowed[int(line.fields.get("takeover", 0))] |= {System(name.split("-")[0]) for name in names}
    for number, systems in allowed.items():
        if len(systems) > 1:
            return Finding(held=False, why=f"takeover number {number} allowed both systems")
    numbers = sorted(allowed)
    return (
        Finding(held=True, why=f"numbers {', '.join(map(str, numbers))}, each allowed one system") if numbers else None
    )


def no_overlap(run: Run) -> Finding | None:
    """S1: by answered packets the two systems were never active at the same time."""
    both_ms = measure.total_ms(run.both_active())
    return Finding(both_ms == 0, f"both were active for {both_ms} ms")


def old_is_blocked(run: Run) -> Finding | None:
    """S2: an old active LIM that could not be reached is blocked in time once it can be, and is UNFENCED until then."""
    seen = False
    slowest_ms = 0
    bound_ms = 2 * run.symbols["i"] + run.symbols["F"]
    for decided in run.evidence.happened("takeover_decided", run.since):
        old = System(str(decided.fields["active"])).other
        number = int(decided.fields["takeover"])
        for lim in sorted({boot.lim for boot in run.evidence.remembered if boot.system is old}):
            finding = _blocked_in_time(run, decided, lim, number, bound_ms)
            if finding is not None and not finding[0].held:
                return finding[0]
            if finding is not None:
                seen, slowest_ms = True, max(slowest_ms, finding[1])
    if not seen:
        return None
    return Finding(held=True, why=f"blocked at most {slowest_ms} ms after the first handshake (bound {bound_ms} ms)")


def _blocked_in_time(run: Run, decided: Happened, lim: str, number: int, bound_ms: int) -> tuple[Finding, int] | None:
    """One LIM of the old system; None when it was in reach all along, or never came into reach."""
    evidence = run.evidence
    blocks = [
        order.at for order in evidence.remembered if (order.lim, order.number, order.word) == (lim, number, "block")
    ]
    handshakes = [entry.at for entry in evidence.let_in if entry.lim == lim and entry.at > decided.at]
    blocked_at = blocks[0] if blocks else None
    if not handshakes or (blocked_at is not None and blocked_at < handshakes[0]):
        return None
    took_ms = (blocked_at or run.until) - handshakes[0]
    if took_ms > bound_ms:
        return Finding(
            held=False, why=f"{lim} was not blocked {took_ms} ms after its handshake (bound {bound_ms})"
        ), took_ms
    silent = _not_unfenced(evidence.samples, evidence.happened("takeover_done", decided.at), lim, handshakes[0])
    if silent is not None:
        return Finding(held=False, why=f"{lim} was not reported UNFENCED at {silent.at - run.since} ms"), took_ms
    return Finding(held=True, why=""), took_ms


def _not_unfenced(samples: Sequence[Sample], done: Sequence[Happened], lim: str, until: int) -> Sample | None:
    """A status, given after the takeover and before the handshake, that does not say UNFENCED with an alarm."""
    start = done[0].at if done else until
    for sample in samples:
        alarmed = any("unfenced" in name.lower() and lim in text for name, text in sample.alarms)
        if start + 500 < sample.at < until and (lim not in sample.unfenced or not alarmed):
            return sample
    return None


def boots_blocked(run: Run) -> Finding | None:
    """S3: a primary LIM comes up blocked and answers not one packet while the alternate is active."""
    booted = [boot for boot in run.boots if boot.system is System.PRIMARY]
    if not booted:
        return None
    for boot in booted:
        if boot.traffic is not Traffic.BLOCKED:
            return Finding(held=False, why=f"{boot.lim} came up with traffic {boot.traffic}")
    since = min(boot.at for boot in booted) * MS
    alternate = run.active(System.ALTERNATE)
    leaked = [
        at for at in run.answers[System.PRIMARY] if at >= since and any(a.start <= at <= a.end for a in alternate)
    ]
    names = ", ".join(sorted({boot.lim for boot in booted}))
    return Finding(
        not leaked, f"{names} came up blocked; {len(leaked)} packets answered while the alternate was active"
    )


def somebody_is_active(run: Run) -> Finding | None:
    """S5: both blocked is never left standing: at the end of the page phones are answered."""
    last = max((max(at, default=0) for at in run.answers.values()), default=0) // MS
    return Finding(run.until - last <= ALIVE_MS, f"phones were last answered {run.until - last} ms before the end")


def in_time(run: Run) -> Finding | None:
    """L1: an automatic takeover is done within ki+t+F+U of the fault (the last answered beat lies before it), and R."""
    symbols = run.symbols
    bound_ms = symbols["w"] + symbols["t"] + symbols["F"] + symbols["U"] + (symbols["R"] if _was_loading(run) else 0)
    done = run.evidence.happened("takeover_done", run.since)
    allowed_ms = figures(run)["allowed_ms"]
    if not done or allowed_ms is None:
        return Finding(held=False, why="no takeover was done")
    return Finding(allowed_ms <= bound_ms, f"done {allowed_ms} ms after the fault (bound {bound_ms} ms)")


def _was_loading(run: Run) -> bool:
    """A load of exchange data, which nobody can break off, was under way at the fault."""
    begun = [line.at for line in run.evidence.happened("data_step", run.began, row=LOADING_ROW) if line.at <= run.since]
    ended = [line.at for line in run.evidence.happened("data_job_ended", run.began) if line.at <= run.since]
    return bool(begun) and max(begun) > max(ended, default=begun[0] - 1)


LAWS = {
    "S0": no_number_for_both,
    "S1": no_overlap,
    "S2": old_is_blocked,
    "S3": boots_blocked,
    "S5": somebody_is_active,
    "L1": in_time,
}


def figures(run: Run) -> dict[str, int | None]:
    """The figures of a run, in milliseconds from the mark; None where there is nothing to measure."""
    evidence = run.evidence
    lost = [line for line in evidence.happened("verdict_changed", run.since) if line.fields.get("verdict") == "lost"]
    decided = evidence.happened("takeover_decided", run.since)
    found: dict[str, int | None] = dict.fromkeys(FIGURES)
    found["detected_ms"] = _from(run, [line.at for line in lost[:1]])
    found["decided_ms"] = _from(run, [line.at for line in decided[:1]])
    if decided:
        active, number = System(str(decided[0].fields["active"])), str(decided[0].fields["takeover"])
        for word, system in (("blocked", active.other), ("allowed", active)):
            lines = evidence.happened(f"traffic_{word}", decided[0].at, takeover=number, system=str(system))
            first = {str(line.fields.get("lim")): line.at for line in reversed(lines)}
            found[f"{word}_ms"] = _from(run, list(first.values()))
        moved = [move.at for move in evidence.moved if move.at >= decided[0].at and move.system is active]
        found["first_registered_ms"] = _from(run, moved[:1])
    found["both_active_ms"] = measure.total_ms(run.both_active())
    found["none_active_ms"] = measure.total_ms(run.none_active())
    return found


def _from(run: Run, instants: Sequence[int]) -> int | None:
    """The last of some instants, counted from the mark."""
    return max(instants) - run.since if instants else None
