"""A scenario page: what happens and what is to be seen, one directive a line, told before it is played.

    The primary loses its power; takeover is automatic.      what it is about, up to the first empty line

    set heartbeat.interval_ms 1000                           a setting of redundancyd.toml
    fleet lims 3                                             how the simulator is set up; not for the lab
    needs exchange-data                                      what a player has to have; the simulator has not
    promise S2 L1                                            what it exercises (DESIGN.md section 1)
    differs rows because it is killed by lot                 why lab and simulator differ in rows, verdicts, promises

    power-off primary                                        something happens (VERBS)
    wait 3s                                                  a span, or one by lot: 0s..2i
    wait until event takeover_done within 20s                it is no use going on before
    expect L1: active alternate within ki+t+F+U              a fact that must come true in time (FACTS)
    expect S4: no-takeover for 5s                            a fact that must stay true
    at 15s                                                   wait up to that instant of the run (simulator)
    repeat 20                                                the lines up to `end`, so many times
    end

Reading a page plays nothing and knows no machine: the lab plays it on namespaces, the simulator on a virtual clock.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from redundancyd.scenarios import exchange_words
from redundancyd.scenarios.spans import Span

FOLDER = Path(__file__).parent
PROMISES = ("S0", "S1", "S2", "S3", "S4", "S5", "S6", "L1", "L2", "L3", "D1", "D2", "D3", "D4")
WHERE = re.compile(r"(primary|alternate)(-[1-9][0-9]?(-standby)?)?")
PARTS = ("rows", "verdicts", "promises")
"""What is compared between two plays of a page, and may be said to differ."""
NEEDS = {"exchange-data": "real backups and exchanges that load them, which only the lab has"}
"""What a page may need of its player, and why not every player has it."""
ROW = re.compile(r"T[0-9]{2}")
KEPT_OF = {"goal": ("goal",), "state": ("goal", "methods", "pause", "supervisor")}
"""What `keep` and `restore` mean, as files of the daemon's state folder."""
NAME = re.compile(r"[a-z0-9_]+")
SETTING = re.compile(r"[a-z_]+\.[a-z_]+")
LARGEST_PAGE = 100_000

# What can happen: the words that may follow, for people; `_check_verb` knows them exactly.
VERBS = {
    "power-off": "WHERE…: silent at once; rules and everything in memory are gone, the disk stays",
    "power-on": "WHERE…: boots on the same disk",
    "freeze": "WHERE… or daemon: every process stops, the kernel still answers pings",
    "thaw": "WHERE… or daemon",
    "cut": "LINK…: packets vanish (inter-site, alternate-control, primary>phones, or a place alone)",
    "heal": "LINK…",
    "unplug": "WHERE…: the cable is pulled; the LIM lives on, and so do its connections for a while",
    "plug": "WHERE…",
    "kill": "daemon: kill -9",
    "start": "daemon",
    "restart": "daemon: an orderly stop, then a start",
    "keep": "goal|state: what the daemon has on its disk, its goal alone or all of it, is copied away",
    "restore": "goal|state: that copy comes back, as from an old backup; the daemon must not run",
    "step-clock": "+SPAN or -SPAN: the wall clock that the daemon sees jumps",
    "order": "WORDS…: what an operator says to redundancyctl",
    "begin": "WORDS…: the same, without waiting for its end",
    "by-hand": "allow|block WHERE…: root on the LIM, without the daemon",
    "flush-rules": "WHERE…: iptables -F and -X",
    "insert-rule": "WHERE…: somebody's ACCEPT before our chains",
    "refuse": "allow WHERE…: iptables-restore fails there from now on",
    "accept": "allow WHERE…: it works again",
    "fill-disk": "WHERE…",
    "empty-disk": "WHERE…",
    "stop-exchange": "WHERE…: the exchange alone ends, the LIM stays",
    "start-exchange": "WHERE…",
    "move-master": "LIM: the master address moves there",
    "drop-master": "SYSTEM: the master address dies alone",
    "mark": "(nothing): figures and `no-takeover` count from here; without it from the first thing that happens",
    **exchange_words.VERBS,
}
# What only the simulator can let happen; a page with one of these is not for the lab.
SIMULATED = {
    "silence-control": "(nothing): the network control address answers nobody",
    "restore-control": "(nothing)",
    "close-ssh": "WHERE…: its sshd lets nobody in",
    "open-ssh": "WHERE…",
    "break-channel": "WHERE…: the connections to it are reset",
    "slow": "SPAN WHERE…: it answers so much later",
    "lose-answers": "WHERE…: it does what it is told, and its next answers are lost",
    "garble": "WHERE…: its answers come mutilated",
    "speak-clearly": "WHERE…: neither slow, nor lost, nor garbled any more",
    "tear-state": "WHERE…: what it has on its disk of the last order is damaged",
    "stranger": "allow|block WHERE…: another supervisor orders it",
    "look": "(nothing): the operator reads the status page",
    "hang-disk": "(nothing): the daemon's disk takes nothing and says nothing",
    "wake-disk": "(nothing)",
    "fail-disk": "(nothing): the daemon's disk says input/output error",
    "mend-disk": "(nothing)",
    "lock-disk": "(nothing): the daemon's disk is read-only",
    "unlock-disk": "(nothing)",
    "roll-back-goal": "(nothing): the daemon is killed, and started on an older goal file",
    "lose-goal": "(nothing): the daemon is killed, and started without its goal file",
    "stop": "daemon: an orderly stop",
    "reload": "daemon: it reads its settings again",
    "mend-everything": "(nothing): every fault is mended at once",
}
FLEET = {
    "seed": "NUMBER: which of all possible runs",
    "lims": "NUMBER: LIMs in each system",
    "standby": "LIM…: those with a standby server",
    "watchdog": "(nothing): systemd kills a daemon that stands still, and starts it again",
    "boot": "SPAN SPAN: a host boots for a time between the two",
    "loss": "SHARE: of all pings, such as 0.01",
}
FACTS = {
    "ready": "a takeover would work now, says the daemon",
    "active": "SYSTEM|both|none: who answers the phones just now",
    "silent": "SYSTEM: not one answer from it just now",
    "registered": "SYSTEM: every phone is registered there",
    "blocked": "WHERE: its rules, as read from outside, stop endpoint traffic",
    "allowed": "WHERE: they let it through",
    "settled": "SYSTEM|any: it is the goal, all its LIMs with power are allowed, all of the other's blocked",
    "goal": "SYSTEM: the goal, as the daemon says",
    "event": "NAME [key=value key~word…]: a line of the daemon's journal since the mark; ~ is: has that word",
    "no-event": "NAME [key=value…]: no such line since the mark",
    "row": "T01 [TIMES]: that row of the takeover table was taken since the mark; exactly so many times",
    "no-row": "T01: it was not",
    "alarm": "WORD: an alarm with that word in its name or text stands",
    "no-alarm": "[WORD]: no alarm, or none with that word, stands",
    "unfenced": "WHERE: status says so of every LIM there",
    "fenced": "WHERE: it says so of none",
    "no-takeover": "(nothing): no takeover was decided and no LIM was ordered anything new, since the mark",
    "never-both-active": "(nothing): not one instant since the mark, by answered packets",
    "both-active-at-most": "SPAN in all since the mark",
    "none-active-at-most": "SPAN at a stretch since the mark",
    "no-later": "SPAN: the last automatic takeover came no more than that later, after the last answered beat, than the"
    " one before it",
    "order": "done|failed|refused: how the last order or begin ended; said WORD: what the operator was told has it",
    **exchange_words.FACTS,
}


class PageError(Exception):
    """A page says something that cannot be played; the text names the line."""


@dataclass(frozen=True, slots=True)
class Do:
    """Something happens."""

    line: int
    verb: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.verb, *self.words))


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that can be seen, and is true or not."""

    name: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.name, *self.words))


@dataclass(frozen=True, slots=True)
class Wait:
    """Time goes by; with a `longest`, by lot between the two."""

    line: int
    shortest: Span
    longest: Span | None

    def __str__(self) -> str:
        return f"wait {self.shortest}" + (f"..{self.longest}" if self.longest else "")


@dataclass(frozen=True, slots=True)
class At:
    """Time goes by up to an instant, counted from the beginning of the fleet."""

    line: int
    instant: Span

    def __str__(self) -> str:
        return f"at {self.instant}"


@dataclass(frozen=True, slots=True)
class Until:
    """It is no use going on before this is true."""

    line: int
    fact: Fact
    within: Span

    def __str__(self) -> str:
        return f"wait until {self.fact} within {self.within}"


@dataclass(frozen=True, slots=True)
class Expect:
    """The page is held only if this comes true within a span, stays true for one, or is true now."""

    line: int
    fact: Fact
    promise: str | None
    within: Span | None
    lasting: Span | None

    def __str__(self) -> str:
        promise = f"{self.promise}: " if self.promise else ""
        span = f" within {self.within}" if self.within else f" for {self.lasting}" if self.lasting else ""
        return f"expect {promise}{self.fact}{span}"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Some steps, several times."""

    line: int
    times: int
    steps: tuple["Step", ...]


Step: TypeAlias = Do | Wait | At | Until | Expect | Repeat


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read: what it is about, how the bed is set, what it exercises, what happens."""

    name: str
    about: str
    settings: tuple[tuple[str, str], ...]
    promises: tuple[str, ...]
    steps: tuple[Step, ...]
    fleet: tuple[tuple[str, ...], ...] = ()  # of FLEET, each with its words
    differs: tuple[tuple[str, str], ...] = ()  # what differs between simulator and lab, and why
    needs: tuple[str, ...] = ()  # of NEEDS: such a page is the lab's alone

    @property
    def only_simulated(self) -> str:
        """The first thing on it that the lab can't do; empty for a page that both can play."""
        if self.fleet:
            return f"fleet {self.fleet[0][0]}"
        steps = self.flat()
        return next((str(step) for step in steps if isinstance(step, At) or _is_simulated(step)), "")

    @property
    def untold_need(self) -> str:
        """The first thing on it that needs exchange data, where its head does not say so."""
        if "exchange-data" in self.needs:
            return ""
        return next((str(step) for step in self.flat() if _is_of_exchanges(step)), "")

    def flat(self) -> Iterator[Do | Wait | At | Until | Expect]:
        """Every step once, those inside `repeat` too."""
        yield from _flat(self.steps)


def _is_simulated(step: Step) -> bool:
    return isinstance(step, Do) and step.verb in SIMULATED


def _is_of_exchanges(step: Step) -> bool:
    if isinstance(step, Do):
        return step.verb in exchange_words.VERBS
    return isinstance(step, Expect | Until) and step.fact.name in exchange_words.FACTS


def _flat(steps: tuple[Step, ...]) -> Iterator[Do | Wait | At | Until | Expect]:
    for step in steps:
        if isinstance(step, Repeat):
            yield from _flat(step.steps)
        else:
            yield step
