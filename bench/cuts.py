"""Silent cut of the active side at a random phase of its beat, to the first SIP packet that the other side answers."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.figures import Goal, Spread, next_at, phases
from bench.helper import Helper, probing
from bench.pair import QUICK, ROUTERS, USUAL, Pair
from bench.stage import MS, Beats, Knife, Stage, now, sleep_until
from redundancyd.core.systems import System
from redundancyd.lab.plan import LimPlan

ANSWER_WITHIN_S = 15.0
MISSED = 3  # beats in a row; in both paces
LEAD_NS = 60 * MS  # between arming a cut and making it


@dataclass(slots=True)
class Cuts:
    """All cuts of one pace."""

    beats: Beats
    at_most: float
    phases: list[float] = field(default_factory=list)
    ours: list[dict[str, float]] = field(default_factory=list)
    theirs: list[dict[str, float]] = field(default_factory=list)

    def spread(self, rows: Sequence[Mapping[str, float]], name: str) -> Spread:
        """One column."""
        return Spread(tuple(row[name] for row in rows))

    @property
    def ratio(self) -> float:
        """Our median to that of keepalived with its usual priorities."""
        return self.spread(self.ours, "answer_ms").median / self.spread(self.theirs, "usual_ms").median

    @property
    def strict_ratio(self) -> float:
        """Our median to that of keepalived with the least skew it knows."""
        return self.spread(self.ours, "answer_ms").median / self.spread(self.theirs, "quick_ms").median

    @property
    def goals(self) -> list[Goal]:
        """What this part is to show."""
        pace = f"{self.beats.interval_ms / 1000:g} s x {self.beats.missed}"
        return [Goal(f"cut to answer at {pace}, of keepalived's", self.ratio, self.at_most, " x")]


def run_cuts(
    stage: Stage, pair: Pair, cuts: Cuts, runs: int, chance: random.Random, tell: Callable[[str], None]
) -> None:
    """Cut ours, mend it, cut theirs, mend it, as often as asked."""
    ours, theirs = phases(runs, chance), phases(runs, chance)
    cuts.phases = [*ours, *theirs]
    for number, (our_phase, their_phase) in enumerate(zip(ours, theirs, strict=True), 1):
        mine = _cut_ours(stage, cuts.beats, our_phase)
        cuts.ours.append(mine)
        _mend_ours(stage)
        its = _cut_theirs(stage, pair, cuts.beats, their_phase)
        cuts.theirs.append(its)
        pair.master.power_on()
        tell(
            f"{number} of {runs}: redundancyd {mine['answer_ms']:.0f} ms, keepalived {its['usual_ms']:.0f} ms"
            f" (least skew {its['quick_ms']:.0f} ms)"
        )


def _cut_ours(stage: Stage, beats: Beats, phase: float) -> dict[str, float]:
    """One cut of the primary; where the time went."""
    lims = [LimPlan(System.ALTERNATE, number) for number in (1, 2)]
    primary = LimPlan(System.PRIMARY, 1)
    page = stage.wait_settled(System.PRIMARY)
    with probing(stage.bed, [primary.address, *(lim.address for lim in lims)]) as probe:
        probe.wait(_answers(primary.address), ANSWER_WITHIN_S)
        page = stage.status()
        list(stage.journal.new())
        knife = Knife(stage.bed, [lim.name for lim in stage.bed.plan.of(System.PRIMARY)])
        last = (page["at"] - page["heartbeat"]["beats"][-1]["started_ago_ms"]) * MS
        sleep_until(next_at(last, beats.interval_ms * MS, phase, now() + LEAD_NS))
        at = knife.cut()
        stage.bed.power_off(stage.bed.of(System.PRIMARY))
        answers = _first_answers(probe, [lim.address for lim in lims], at)
    lines: list[Mapping[str, Any]] = []
    stage.wait_event("takeover_done", ANSWER_WITHIN_S, lines)
    return {"answer_ms": min(answers) / MS, "all_lims_ms": max(answers) / MS, **breakdown(lines, at / MS)}


def breakdown(lines: Sequence[Mapping[str, Any]], cut_ms: float) -> dict[str, float]:
    """Where the time went, from the journal: each part in milliseconds, and in order."""

    def when(event: str, **fields: object) -> float:
        found = (line for line in lines if line.get("event") == event)
        return float(next(line["at_ms"] for line in found if all(line.get(key) == fields[key] for key in fields)))

    decided, saved, allow = when("takeover_decided"), when("goal_saved"), when("order_sent", word="allow")
    missed = [float(line["sent_at_ms"]) for line in lines if line.get("event") == "beat_missed"]
    first, *_, last = [sent for sent in missed if sent <= decided][-MISSED:]
    return {
        "to_first_missed_ms": first - cut_ms,
        "missing_ms": last - first,
        "timeout_ms": decided - last,
        "saving_ms": saved - decided,
        "blocking_ms": allow - saved,
        "allowing_ms": when("traffic_allowed", system="alternate") - allow,
    }


def _mend_ours(stage: Stage) -> None:
    """Power back in the primary, and the operator's word to return."""
    stage.bed.power_on(stage.bed.of(System.PRIMARY))
    stage.wait_settled(System.ALTERNATE)
    stage.order(System.PRIMARY)
    stage.wait_settled(System.PRIMARY)


def _cut_theirs(stage: Stage, pair: Pair, beats: Beats, phase: float) -> dict[str, float]:
    """One cut of keepalived's master."""
    pair.wait_settled()
    with (
        Helper(stage.bed, pair.backup.name, "adverts.py", [pair.master.address]) as adverts,
        probing(stage.bed, [USUAL, QUICK]) as probe,
    ):
        probe.wait(_answers(USUAL), ANSWER_WITHIN_S)
        knife = Knife(stage.bed, [pair.master.name])
        last = adverts.wait(lambda line: bool(line["router"] == ROUTERS[USUAL]), ANSWER_WITHIN_S)["at_ns"]
        sleep_until(next_at(last, beats.interval_ms * MS, phase, now() + LEAD_NS))
        at = knife.cut()
        pair.master.power_off()
        usual, quick = _first_answers(probe, [USUAL, QUICK], at)
    return {"usual_ms": usual / MS, "quick_ms": quick / MS}


def _answers(address: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda line: bool(line["address"] == address)


def _first_answers(probe: Helper, addresses: Sequence[str], since: int) -> list[int]:
    """How long after an instant each address first answered again, in nanoseconds."""
    found: dict[str, int] = {}

    def complete(line: Mapping[str, Any]) -> bool:
        if line["at_ns"] > since and line["address"] in addresses:
            found.setdefault(line["address"], line["at_ns"] - since)
        return len(found) == len(addresses)

    probe.wait(complete, ANSWER_WITHIN_S)
    return [found[address] for address in addresses]
