"""Plays a scenario page on a bed with the real daemon, and says whether what was promised was kept."""

import random
import time
from dataclasses import dataclass, field

from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.evidence import Watcher
from redundancyd.lab.facts import Judge
from redundancyd.lab.faults import World
from redundancyd.lab.settings import effective
from redundancyd.lab.system import LabError, now_ms
from redundancyd.lab.timeline import Entry, Timeline
from redundancyd.lab.verdict import FIGURES, Boot, Finding, Outcome, Run, figures, judge
from redundancyd.scenarios.pages import PROMISES, Do, Expect, Fact, Page, Repeat, Step, Until, Wait
from redundancyd.scenarios.spans import symbols
from redundancyd.scenarios.telling import teller, told

LOOK_S = 0.02
START_WITHIN_S = 20.0
SLACK_MS = 60  # what the lab itself adds: two looks and the reading of rules
TAIL_S = 0.3
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
    bed: Bed
    daemon: Daemon
    timeline: Timeline
    chance: random.Random
    world: World = field(init=False)
    watcher: Watcher = field(init=False)
    judge: Judge = field(init=False)
    outcomes: list[Outcome] = field(default_factory=list)
    boots: list[Boot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(self.bed, self.daemon)
        self.watcher = Watcher(list(self.bed.lims.values()), self.daemon, self.bed.phones.state)
        self.watcher.tell = self.timeline.fact
        self.judge = Judge(self.world, self.watcher, symbols(effective(self.bed.plan)), now_ms())

    def play(self) -> Result:
        """Start the daemon, wait until all is in order, play every step, and judge."""
        error = ""
        with self.watcher:
            try:
                self._start()
                self._steps(self.page.steps)
            except (Stopped, LabError) as stopped:
                error = str(stopped)
                self.timeline.add(now_ms(), "lab", f"STOPPED: {error.strip().splitlines()[-1]}")
            self._pause(TAIL_S)
            return self._conclude(error)

    def _start(self) -> None:
        """The ordinary state: the daemon runs, the primary is active, the alternate blocked, phones at the primary."""
        self.daemon.first_goal(System.PRIMARY)
        self.daemon.start()
        for fact in (Fact("settled", ("primary",)), Fact("registered", ("primary",)), Fact("ready", ())):
            if not self._comes_true(fact, START_WITHIN_S * 1000):
                raise Stopped(f"the bed does not get ready: not {fact}; {self.daemon.last_lines()}")
        give_up = now_ms() + START_WITHIN_S * 1000
        while not self._is_at_rest():
            if now_ms() >= give_up:
                raise Stopped(f"the first takeover is not done; {self.daemon.last_lines()}")
            self._pause(LOOK_S)
        self.timeline.add(
            now_ms(), "lab", "ready: the primary is active, the alternate is blocked, all phones are registered"
        )
        self._mark(now_ms())
        self.timeline.mark = None

    def _is_at_rest(self) -> bool:
        """The daemon rests, and every LIM has taken its first order."""
        sample = self.judge.status()
        ordered = {order.lim for order in self.watcher.evidence.remembered}
        return sample is not None and sample.phase == "resting" and ordered == set(self.bed.lims)

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
                    span = self.chance.uniform(step.shortest.ms(self.judge.symbols), longest.ms(self.judge.symbols))
                    self._pause(span / 1000)
                case Until():
                    if not self._comes_true(step.fact, step.within.ms(self.judge.symbols)):
                        self.outcomes.append(Outcome(str(step), met=False))
                        raise Stopped(f"line {step.line}: {step}: did not happen")
                case Expect():
                    self._expect(step)
                case Repeat():
                    for number in range(1, step.times + 1):
                        self.timeline.add(now_ms(), "lab", f"round {number} of {step.times}")
                        self._steps(step.steps)

    def _do(self, step: Do) -> None:
        """Let something happen; the first thing that happens is the mark."""
        at = now_ms()
        if step.verb == "mark" or self.timeline.mark is None:
            self._mark(at)
        if step.verb != "mark":
            self.timeline.add(at, teller(step), told(step) + self._meant(step))
        self.world.do(step.verb, step.words)
        if step.verb == "power-on":
            for lim in self.world.lims(step.words):
                self.boots.append(Boot(now_ms(), lim.name, lim.plan.system, lim.traffic()))
        if step.verb == "order":
            said = " / ".join(told_last(self.world.order_said))
            self.timeline.add(
                now_ms(), "operator", f"is told: {self.world.order_end} ({self.world.order_code}): {said}"
            )
        self.timeline.show(now_ms())

    def _meant(self, step: Do) -> str:
        """The LIMs that a system's name stands for, so that the timeline names what failed."""
        systems = [word for word in step.words if word in set(System)] if step.verb not in NOT_PLACES else []
        return f" ({', '.join(lim.name for word in systems for lim in self.bed.named(word))})" if systems else ""

    def _expect(self, step: Expect) -> None:
        """See whether it comes true in time, stays true, or is true now; go on in any case."""
        started = now_ms()
        if step.within is not None:
            met = self._comes_true(step.fact, step.within.ms(self.judge.symbols) + SLACK_MS)
        elif step.lasting is not None:
            met = self._stays_true(step.fact, step.lasting.ms(self.judge.symbols))
        else:
            self.watcher.settle()
            met = self.judge.holds(step.fact)
        took_ms = now_ms() - started
        detail = f"after {took_ms} ms" if step.within is not None else ""
        self.outcomes.append(Outcome(str(step), met, step.promise, detail))
        self.timeline.add(
            now_ms(), "expected", f"{'met' if met else 'NOT MET'}: {step} {f'({detail})' if detail else ''}".rstrip()
        )

    def _comes_true(self, fact: Fact, within_ms: float) -> bool:
        give_up = now_ms() + within_ms
        while not self.judge.holds(fact):
            if now_ms() >= give_up:
                return False
            self._pause(LOOK_S)
        return True

    def _stays_true(self, fact: Fact, lasting_ms: float) -> bool:
        until = now_ms() + lasting_ms
        while now_ms() < until:
            if not self.judge.holds(fact):
                return False
            self._pause(LOOK_S)
        return self.judge.holds(fact)

    def _pause(self, span_s: float) -> None:
        """Let time go by, and show the timeline meanwhile."""
        until = time.monotonic() + span_s
        while True:
            self.watcher.check()
            self.timeline.show(now_ms())
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.1))

    def _conclude(self, error: str) -> Result:
        since, until = self.judge.since, now_ms()
        answers = self.bed.phones.answers()
        run = Run(
            since=since,
            until=until,
            symbols=self.judge.symbols,
            promises=self.page.promises,
            evidence=self.watcher.evidence,
            answers=answers.at,
            boots=self.boots,
            outcomes=self.outcomes,
        )
        self.timeline.finish()
        if self.timeline.mark is None:  # nothing has happened yet that could be judged
            unknown: dict[str, Finding | None] = dict.fromkeys(PROMISES)
            return Result(self.page, False, unknown, dict.fromkeys(FIGURES), self.timeline.entries, [], error=error)
        promises = judge(run)
        broken = any(finding is not None and not finding.held for finding in promises.values())
        held = not error and not broken and all(outcome.met for outcome in self.outcomes)
        return Result(self.page, held, promises, figures(run), self.timeline.entries, self.outcomes, run, error)


def told_last(said: str) -> list[str]:
    """The end of what the utility said: what stands behind the events it followed."""
    lines = said.splitlines()
    followed = [number for number, line in enumerate(lines) if line.startswith("[")]
    return lines[followed[-1] + 1 if followed else -1 :][-3:]
