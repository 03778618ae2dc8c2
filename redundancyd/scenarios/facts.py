"""Whether what a page expects is so: each fact of a page, judged by the evidence and by looking at the stage."""

from dataclasses import dataclass

from redundancyd.core.systems import System, Traffic
from redundancyd.scenarios import exchange_words, measure
from redundancyd.scenarios.copy_words import percent
from redundancyd.scenarios.evidence import Happened, Sample
from redundancyd.scenarios.measure import MS, Interval
from redundancyd.scenarios.pages import Fact
from redundancyd.scenarios.spans import Span
from redundancyd.scenarios.stage import Stage, system_of

JUST_NOW_MS = 250  # a phone asks every 20 ms; a busy machine may hold one answer back for a while
FRESH_MS = 2000  # an older status says nothing about now


@dataclass(slots=True)
class Judge:
    """Judges facts; `since` is the mark that figures count from."""

    stage: Stage
    since: int

    def holds(self, fact: Fact) -> bool:
        """The fact is so now."""
        match fact.name, fact.words:
            case (("active" | "silent" | "registered"), [who]):
                return self._of_phones(fact.name, who)
            case (("blocked" | "allowed"), [where]):
                return all(self.stage.traffic(lim) is Traffic(fact.name) for lim in self.stage.named(where))
            case "settled", [who]:
                return any(self.is_settled(system) for system in System if who in {system, "any"})
            case (("goal" | "alarm" | "no-alarm" | "unfenced" | "fenced" | "copied"), words):
                return self._of_status(fact.name, list(words))
            case (("event" | "no-event"), [event, *pairs]):
                wanted = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
                parts = dict(pair.split("~", 1) for pair in pairs if "=" not in pair)
                found = [line for line in self.stage.evidence.happened(event, self.since, **wanted) if line.has(parts)]
                return bool(found) is (fact.name == "event")
            case (("both-active-at-most" | "none-active-at-most" | "no-later"), [span]):
                return self._is_within(fact.name, Span(span).ms(self.stage.symbols))
            case (("row" | "no-row"), [row, *times]):
                taken = len(self.stage.evidence.happened("row_taken", self.since, row=row))
                return taken == int(times[0]) if times else (taken > 0) is (fact.name == "row")
            case "order", [*_, word]:
                ordered = self.stage.last_order()
                return word in ordered.said if fact.words[0] == "said" else word == ordered.end
        if fact.name in exchange_words.FACTS:
            return self.stage.data_is_so(fact.name, fact.words)
        return self._bare(fact.name)

    def _bare(self, name: str) -> bool:
        match name:
            case "ready":
                return self.stage.is_ready()
            case "no-takeover":
                return not self.takeovers()
            case "never-both-active":
                return self.active_ms()[0] == 0
        raise AssertionError(name)

    def _of_phones(self, name: str, who: str) -> bool:
        answering = self.stage.answering(JUST_NOW_MS)
        if answering is None:
            return False
        match name:
            case "silent":
                return System(who) not in answering
            case "registered":
                return all(system == who for system in self.stage.registered())
        wanted = {"both": set(System), "none": set()}.get(who) if who in {"both", "none"} else {System(who)}
        return set(answering) == wanted

    def _of_status(self, name: str, words: list[str]) -> bool:
        sample = self.status()
        if sample is None:
            return False
        word = words[0].lower() if words else ""
        alarmed = [text for alarm in sample.alarms if word in (text := " ".join(alarm).lower())]
        match name:
            case "copied":
                return sample.copied is not None and sample.copied >= percent(word)
            case "goal":
                return sample.goal == word
            case "alarm":
                return bool(alarmed)
            case "no-alarm":
                return not alarmed
        lims = set(self.stage.named(word))
        return lims <= sample.unfenced if name == "unfenced" else not lims & sample.unfenced

    def status(self) -> Sample | None:
        """The last status; None when it is too old to say anything."""
        samples = self.stage.evidence.samples
        return samples[-1] if samples and self.stage.now() - samples[-1].at <= FRESH_MS else None

    def is_settled(self, system: System) -> bool:
        """Traffic is where the goal wants it, and the goal is this system."""
        sample = self.status()
        if sample is None or sample.goal is not system:
            return False
        with_power = [lim for lim in self.stage.named("all") if self.stage.has_power(lim)]
        wanted = {lim: Traffic.ALLOWED if system_of(lim) is system else Traffic.BLOCKED for lim in with_power}
        return all(self.stage.traffic(lim) is wanted[lim] for lim in with_power)

    def is_at_rest(self) -> bool:
        """The daemon rests, and every LIM has taken its first order."""
        sample = self.status()
        ordered = {order.lim for order in self.stage.evidence.remembered}
        return sample is not None and sample.phase == "resting" and ordered == set(self.stage.named("all"))

    def takeovers(self) -> list[Happened]:
        """Every takeover that was decided since the mark, by the journal; a LIM that took a new number counts too."""
        evidence = self.stage.evidence
        decided = evidence.happened("takeover_decided", self.since)
        before = max((order.number for order in evidence.remembered if order.at < self.since), default=0)
        newer = [order for order in evidence.remembered if order.at >= self.since and order.number > before]
        return decided or [Happened(order.at, "number_taken", {"lim": order.lim}) for order in newer]

    def _is_within(self, name: str, span_ms: int) -> bool:
        if name == "no-later":
            return self._is_no_later(span_ms)
        both_ms, longest_gap_ms = self.active_ms()
        return (both_ms if name.startswith("both") else longest_gap_ms) <= span_ms

    def _is_no_later(self, span_ms: int) -> bool:
        """Of the last two automatic takeovers to the alternate, each from the last answered beat to its end."""
        evidence, took = self.stage.evidence, []
        for decided in evidence.happened("takeover_decided", 0, active="alternate", by_operator="false"):
            done = evidence.happened("takeover_done", decided.at)
            lost = [line for line in evidence.happened("verdict_changed", 0, verdict="lost") if line.at <= decided.at]
            if done and lost:
                took.append(done[0].at - lost[-1].at + int(lost[-1].fields["last_answer_ago_ms"]))
        return len(took) > 1 and took[-1] <= took[-2] + span_ms

    def active_ms(self) -> tuple[int, int]:
        """By answered packets since the mark: how long both were active in all, how long none was at a stretch."""
        answers = self.stage.answers()
        window = Interval(self.since * MS, max(self.stage.now(), self.since + 1) * MS)
        primary, alternate = (measure.activity(answers[system]) for system in System)
        both = measure.clipped(measure.overlap(primary, alternate), window)
        return measure.total_ms(both), measure.longest_ms(measure.gaps(window, primary, alternate))
