"""The end of a run, for somebody who has read nothing else: what happened, the verdict, the figures."""

from collections.abc import Iterator

from redundancyd.core.systems import System
from redundancyd.scenarios.evidence import Happened
from redundancyd.scenarios.playing import Result
from redundancyd.scenarios.verdict import Run

PROMISES_SAY = {
    "S0": "never both systems ordered allowed; every goal has its own number",
    "S1": "no overlap when both systems can be reached",
    "S2": "the old system is blocked as soon as it can be, UNFENCED until then",
    "S3": "a primary LIM that lost its power comes up blocked",
    "S4": "no takeover while we are the isolated, starting or stalled ones",
    "S5": "a takeover that cannot be completed is undone; never both blocked for good",
    "S6": "what the operator ordered stands",
    "L1": "an automatic takeover is done in time",
    "L2": "killed and started again, it converges in time",
    "L3": "rules that somebody changed are put back within one look",
    "D1": "a mirror that is torn, changed or half written does not count",
    "D2": "three whole mirrors are kept, and the newest never goes",
    "D3": "data is loaded only where that is safe, and rolled back if it fails",
    "D4": "nothing is changed in the primary",
}


def report(result: Result) -> Iterator[str]:
    """The lines of the report."""
    if result.run is not None:
        yield ""
        yield "What happened"
        for name, text in story(result.run, result):
            yield f"  {name:<14}{text}"
    yield ""
    yield "Promises (by answered packets, the LIMs' disks, completed handshakes)"
    for name, finding in result.promises.items():
        if finding is not None:
            yield f"  {name} {'kept  ' if finding.held else 'BROKEN'}  {PROMISES_SAY[name]}"
            yield f"             {finding.why}"
    idle = [name for name, finding in result.promises.items() if finding is None]
    yield f"  not exercised by this page: {' '.join(idle)}"
    if unmet := [outcome for outcome in result.outcomes if not outcome.met]:
        yield ""
        yield "Not as the page expects"
        yield from (f"  {outcome.text}" for outcome in unmet)
    yield ""
    told = "  ".join(f"{name} {'-' if value is None else value}" for name, value in result.figures.items())
    yield f"Figures, in ms from the first fault: {told}"
    if result.error:
        yield f"Stopped: {result.error}"
    yield f"{result.page.name}: {'HELD' if result.held else 'NOT HELD'}"


def story(run: Run, result: Result) -> Iterator[tuple[str, str]]:
    """The run in a few sentences."""
    figures = result.figures
    faults = [
        entry
        for entry in result.timeline
        if entry.who in {"FAULT", "operator"} and not entry.what.startswith("is told")
    ]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        yield "first", f"{faults[0].what}{more}"
    if (detected := figures["detected_ms"]) is not None:
        yield "noticed", f"by redundancyd on LIM 1 of the alternate, {_s(detected)} later"
    decided = run.evidence.happened("takeover_decided", run.since)
    if not decided:
        yield "takeover", "none"
    for takeover in decided:
        yield from _takeover(run, takeover)
    yield (
        "not served",
        f"no system answered any phone for {_s(figures['none_active_ms'] or 0)} in all, by OPTIONS every 20 ms",
    )
    both_ms = figures["both_active_ms"] or 0
    yield "both active", "never" if both_ms == 0 else f"for {_s(both_ms)}"
    end = {move.phone: move.system for move in run.evidence.moved}
    served = ", ".join(f"phone {phone} at {system or 'no system'}" for phone, system in sorted(end.items()))
    yield "at the end", served


def _takeover(run: Run, decided: Happened) -> Iterator[tuple[str, str]]:
    """One takeover: decided, blocked, allowed, and what the phones did."""
    number = str(decided.fields["takeover"])
    active = System(str(decided.fields["active"]))
    after = _s(decided.at - run.since)
    yield f"takeover {number}", f"decided after {after}: the {active} is to be active ({decided.fields.get('reason')})"
    for word, system in (("blocked", active.other), ("allowed", active)):
        orders = [
            order
            for order in run.evidence.remembered
            if order.system is system and str(order.number) == number and order.traffic == word
        ]
        first = {order.lim: order.at for order in reversed(orders)}
        told = ", ".join(
            f"{lim} after {_s(at - run.since)} ({at - decided.at} ms after the decision)"
            for lim, at in sorted(first.items())
        )
        yield f"  {word}", told or f"no LIM of the {system}: none could be reached"
    moves = [move for move in run.evidence.moved if move.at >= decided.at and move.system is active]
    if moves:
        phones = {move.phone for move in moves}
        last = max(min(move.at for move in moves if move.phone == phone) for phone in phones)
        soonest = _s(moves[0].at - run.since)
        yield "  phones", f"first at the {active} after {soonest}, {len(phones)} of them by {_s(last - run.since)}"


def _s(ms: int) -> str:
    return f"{ms / 1000:.3f} s"
