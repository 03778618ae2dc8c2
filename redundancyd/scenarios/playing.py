"""Plays a scenario page on a stage, step by step, and says whether what was promised was kept."""

import random
from dataclasses import dataclass, field

from redundancyd.core.systems import System
from redundancyd.scenarios.facts import Judge
from redundancyd.scenarios.likeness import Course, course
from redundancyd.scenarios.pages import PROMISES, At, Do, Expect, Fact, Page, Repeat, Step, Until, Wait
from redundancyd.scenarios.spans import Span
from redundancyd.scenarios.stage import Stage, StageError, system_of
from redundancyd.scenarios.telling import teller, told, told_last
from redundancyd.scenarios.timeline import Entry, Timeline
from redundancyd.scenarios.verdict import FIGURES, Boot, Finding, Outcome, Run, figures, judge

LOOK_MS = 20
SHOW_MS = 100
START_WITHIN_MS = 20_000
TAIL_MS = 300
NOT_PLACES = {"cut", "heal", "order", "begin", "drop-master"}


@dataclass(slots=True)
class Result:
    """What came of a page."""

    page: Page
    held: bool
    promises: dict[str, Finding | None]
    figures: dict[str, int | None]
    timeline: list[Entry]
    outcomes: list[Outcome]
    run: Run | None = None
    error: str = ""

    def course(self) -> Course:
        """How it went, times aside."""
        assert self.run is not None
        kept = (f"{name} {finding.held}" for name, finding in self.promises.items() if finding is not None)
        return course(self.run.evidence, self.run.began, kept)

    def as_json(self) -> dict[str, object]:
        """As DESIGN.md section 7 has it."""
        since = self.run.since if self.run else 0
        return {
            "scenario": self.page.name,
            "held": self.held,
            "promises": {name: finding.held if finding else None for name, finding in self.promises.items()},
            "figures": self.figures,
            "timeline": [{"at_ms": entry.at - since, "what": f"{entry.who}: {entry.what}"} for entry in self.timeline],
        }


class Stopped(Exception):
    """It is no use going on with the page."""


@dataclass(slots=True)
class Player:
    """Plays one page, step by step."""

    page: Page
    stage: Stage
    timeline: Timeline
    chance: random.Random
    judge: Judge = field(init=False)
    outcomes: list[Outcome] = field(default_factory=list)
    boots: list[Boot] = field(default_factory=list)
    began: int = 0  # since when the course of the play counts

    def __post_init__(self) -> None:
        self.stage.tell = self.timeline.fact
        self.judge = Judge(self.stage, self.stage.now())

    def play(self) -> Result:
        """Start the daemon, wait until all is in order, play every step, and judge."""
        error = ""
        try:
            self._start()
            self._steps(self.page.steps)
        except (Stopped, StageError) as stopped:
            error = str(stopped)
            self.timeline.add(self.stage.now(), "player", f"STOPPED: {error.strip().splitlines()[-1]}")
        else:
            self._pause(TAIL_MS)
        return self._conclude(error)

    def _start(self) -> None:
        """The ordinary state: the daemon runs, the primary is active, the alternate blocked, phones at the primary."""
        self.began = self.stage.now()
        self.stage.start()
        if self.page.fleet:
            return  # the run of a seed: it begins with the start of the daemon
        for fact in (Fact("settled", ("primary",)), Fact("registered", ("primary",)), Fact("ready", ())):
            if not self._comes_true(fact, START_WITHIN_MS):
                raise Stopped(f"the bed does not get ready: not {fact}; {self.stage.last_lines()}")
        give_up = self.stage.now() + START_WITHIN_MS
        while not self.judge.is_at_rest():
            if self.stage.now() >= give_up:
                raise Stopped(f"the first takeover is not done; {self.stage.last_lines()}")
            self._pause(LOOK_MS)
        text = "ready: the primary is active, the alternate is blocked, all phones are registered"
        self.timeline.add(self.stage.now(), "player", text)
        self._mark(self.stage.now())
        self.began = self.stage.now()
        self.timeline.mark = None

    def _mark(self, at: int) -> None:
        self.judge.since = at
        self.timeline.mark = at

    def _steps(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            match step:
                case Do():
                    self._do(step)
                case Wait():
                    longest = step.longest or step.shortest
                    self._pause(self.chance.uniform(self._ms(step.shortest), self._ms(longest)))
                case At():
                    self._pause(self._ms(step.instant) - self.stage.now())
                case Until():
                    if not self._comes_true(step.fact, self._ms(step.within)):
                        self.outcomes.append(Outcome(str(step), met=False))
                        raise Stopped(f"line {step.line}: {step}: did not happen")
                case Expect():
                    self._expect(step)
                case Repeat():
                    for number in range(1, step.times + 1):
                        self.timeline.add(self.stage.now(), "player", f"round {number} of {step.times}")
                        self._steps(step.steps)

    def _ms(self, span: Span) -> int:
        return span.ms(self.stage.symbols)

    def _do(self, step: Do) -> None:
        """Let something happen; the first thing that happens is the mark."""
        at = self.stage.now()
        if step.verb == "mark" or self.timeline.mark is None:
            self._mark(at)
        if step.verb != "mark":
            self.timeline.add(at, teller(step), told(step) + self._meant(step))
        self.stage.do(step.verb, step.words)
        if step.verb == "power-on":
            for lim in (lim for word in step.words for lim in self.stage.named(word)):
                self.boots.append(Boot(self.stage.now(), lim, system_of(lim), self.stage.traffic(lim)))
        if step.verb == "order":
            ordered = self.stage.last_order()
            said = " / ".join(told_last(ordered.said))
            self.timeline.add(self.stage.now(), "operator", f"is told: {ordered.end} ({ordered.code}): {said}")
        self.timeline.show(self.stage.now())

    def _meant(self, step: Do) -> str:
        """The LIMs that a system's name stands for, so that the timeline names what failed."""
        systems = [word for word in step.words if word in set(System)] if step.verb not in NOT_PLACES else []
        return f" ({', '.join(lim for word in systems for lim in self.stage.named(word))})" if systems else ""

    def _expect(self, step: Expect) -> None:
        """See whether it comes true in time, stays true, or is true now; go on in any case."""
        started = self.stage.now()
        if step.within is not None:
            met = self._comes_true(step.fact, self._ms(step.within) + self.stage.slack_ms)
        elif step.lasting is not None:
            met = self._stays_true(step.fact, self._ms(step.lasting))
        else:
            self.stage.settle()
            met = self.judge.holds(step.fact)
        now = self.stage.now()
        detail = f"after {now - started} ms" if step.within is not None else ""
        self.outcomes.append(Outcome(str(step), met, step.promise, detail))
        told_met = f"{'met' if met else 'NOT MET'}: {step} {f'({detail})' if detail else ''}".rstrip()
        self.timeline.add(now, "expected", told_met)

    def _comes_true(self, fact: Fact, within_ms: float) -> bool:
        give_up = self.stage.now() + within_ms
        while not self.judge.holds(fact):
            if self.stage.now() >= give_up:
                return False
            self._pause(LOOK_MS)
        return True

    def _stays_true(self, fact: Fact, lasting_ms: float) -> bool:
        until = self.stage.now() + lasting_ms
        while self.stage.now() < until:
            if not self.judge.holds(fact):
                return False
            self._pause(LOOK_MS)
        return self.judge.holds(fact)

    def _pause(self, span_ms: float) -> None:
        """Let time go by, and show the timeline meanwhile."""
        until = self.stage.now() + span_ms
        while (left := until - self.stage.now()) > 0:
            self.stage.let_pass(min(left, SHOW_MS))
            self.timeline.show(self.stage.now())

    def _conclude(self, error: str) -> Result:
        run = Run(
            since=self.judge.since,
            until=self.stage.now(),
            symbols=self.stage.symbols,
            promises=self.page.promises,
            evidence=self.stage.evidence,
            answers=self.stage.answers(),
            boots=self.boots,
            outcomes=self.outcomes,
            began=self.began,
        )
        self.timeline.finish()
        if self.timeline.mark is None:  # nothing has happened yet that could be judged
            unknown: dict[str, Finding | None] = dict.fromkeys(PROMISES)
            return Result(self.page, False, unknown, dict.fromkeys(FIGURES), self.timeline.entries, [], error=error)
        promises = judge(run)
        broken = any(finding is not None and not finding.held for finding in promises.values())
        held = not error and not broken and all(outcome.met for outcome in self.outcomes)
        return Result(self.page, held, promises, figures(run), self.timeline.entries, self.outcomes, run, error)
