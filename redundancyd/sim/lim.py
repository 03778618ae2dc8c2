"""One LIM: what redundancy-lim does on it, word for word, and what can be wrong with it.

The shell file stays the truth (tests/sim hold this model against it).  Rules are kept for each family as what they
amount to; `carries` is whether an endpoint would get through.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from redundancyd.core.systems import Server, System
from redundancyd.sim.timeline import SECOND, Timeline

BLOCKED, ALLOWED, TAMPERED = "blocked", "allowed", "tampered"
WORDS = {"block": BLOCKED, "allow": ALLOWED}
POLICY = "policy"
NUMBER_DIGITS = 12
ID_MOST = 40


@dataclass(frozen=True, slots=True)
class Kept:
    """The last order, as a LIM keeps it."""

    number: int = 0
    word: str = "none"
    supervisor: str = ""
    origin: str = "none"
    traffic: str = "none"
    since: str = ""
    boot_id: str = ""

    @property
    def key(self) -> tuple[int, str, str, str, str]:
        """What a repeated order has in common with it."""
        return (self.number, self.word, self.supervisor, self.origin, self.traffic)


NOTHING = Kept()
TORN = Kept(-1)
"""A file that is there and cannot be read."""


@dataclass(slots=True)
class Lim:
    """A LIM and its redundancy-lim."""

    server: Server
    timeline: Timeline
    boot_hold_s: int = 180
    orphan_hold_s: int | None = None
    hears_control: bool = True  # the truth, set by whoever knows the lines
    exchange: str = "running"
    known_lims: tuple[int, ...] = ()
    # what is wrong with it
    refuses: set[str] = field(default_factory=set)  # block, allow: iptables-restore fails
    disk_full: bool = False
    # what it keeps
    rules: dict[int, str] = field(default_factory=lambda: {4: ALLOWED, 6: ALLOWED})
    disk: Kept | None = None
    memory: Kept | None = None
    boots: int = 1
    booted_us: int = 0
    marks: dict[str, int] = field(default_factory=dict)  # boot, contact: seconds of uptime
    torn_mark: bool = False
    boot_failed: bool = False  # its boot unit could not block; hold does
    repairs: int = 0

    # The truth.

    @property
    def carries(self) -> bool:
        """Whether its rules let endpoint traffic through."""
        return any(rules != BLOCKED for rules in self.rules.values())

    @property
    def traffic(self) -> str:
        """What the rules amount to."""
        found = set(self.rules.values())
        if TAMPERED in found:
            return TAMPERED
        return found.pop() if len(found) == 1 else "mixed"

    @property
    def last_number(self) -> int:
        """The number of the order that it keeps; 0 where it keeps none."""
        return self._load()[1].number

    @property
    def last_word(self) -> str:
        """Its word."""
        return self._load()[1].word

    @property
    def last_supervisor(self) -> str:
        """Who gave it."""
        return self._load()[1].supervisor

    @property
    def boot_id(self) -> str:
        """Another one after each boot."""
        return f"{self.server.name}-boot-{self.boots}"

    @property
    def uptime_s(self) -> int:
        """Whole seconds since the boot."""
        return (self.timeline.now_us - self.booted_us) // SECOND

    # Power.

    def lose_power(self) -> None:
        """Rules and everything in memory are gone."""
        self.rules = {4: ALLOWED, 6: ALLOWED}
        self.memory, self.marks, self.torn_mark, self.repairs = None, {}, False, 0

    def boot(self) -> None:
        """From the boot unit, before the network is up."""
        self.boots += 1
        self.booted_us = self.timeline.now_us
        self.boot_failed = False
        known, kept, _ = self._load()
        if known == "no" or (kept.word, kept.traffic) == ("none", ALLOWED):
            return
        if known == "yes":
            origin = "hand" if (kept.origin, kept.traffic) == ("hand", BLOCKED) else "hold"
            self._save(replace(kept, origin=origin, traffic=BLOCKED))
        self.torn_mark = known == "torn"
        self.boot_failed = not self._put(BLOCKED)
        self.marks["boot"] = self.uptime_s

    # What others do to its rules.

    def flush(self) -> None:
        """Root runs iptables -F and -X."""
        self.rules = {4: ALLOWED, 6: self.rules[6]}

    def tamper(self) -> None:
        """Somebody's own rule stands before our chains."""
        self.rules = {4: TAMPERED if self.rules[4] == BLOCKED else self.rules[4], 6: self.rules[6]}

    def tear(self) -> None:
        """The file on its disk is damaged."""
        if self.disk is not None:
            self.disk = TORN

    # Words.

    def by_hand(self, word: str) -> str:
        """Root on the spot: block or allow --by-hand."""
        known, kept, remembered = self._load()
        return self._order(word, replace(kept, origin="hand"), known, remembered)

    def hold(self) -> bool:
        """From the timer unit, every few seconds; true when it changed the rules."""
        known, kept, remembered = self._load()
        if (known, kept.traffic) != ("yes", BLOCKED) and not (known == "torn" and self.torn_mark):
            return False
        if self._is_due(known, kept) and self.hears_control:
            before = self.carries
            self._allow(replace(kept, origin="hold"), known, remembered)
            return self.carries != before
        if self.traffic == BLOCKED:
            return False
        self._put(BLOCKED)
        self.repairs += 1
        return True

    def hear(self, line: str) -> str:
        """The reply to one line on its channel."""
        self.marks["contact"] = self.uptime_s
        match line.split():
            case ["status"]:
                known, kept, remembered = self._load()
                error = "state_torn" if known == "torn" else ""
                return self._reply(kept, remembered, error)
            case [("block" | "allow") as word, number, supervisor]:
                if not _is_positive(number):
                    return _bad_request("the number is 1 to 999999999999")
                if not _is_id(supervisor):
                    return _bad_request("the id is two words joined by a dot")
                return self._remote(word, int(number), supervisor)
            case ["facts"]:
                return self._facts()
            case ["observe", address]:
                heard = "true" if self.hears_control else "false"
                return f'{{"ok":true,"address":"{address}","heard":{heard}}}'
        return _bad_request("not a request: status, block N ID, allow N ID, facts, observe ADDRESS")

    # Inside redundancy-lim.

    def _load(self) -> tuple[str, Kept, bool]:
        """Known (yes, no, torn), the newest whole copy, and whether the disk has it."""
        if self.memory is not None:
            return "yes", self.memory, self.disk == self.memory
        if self.disk is not None and self.disk is not TORN:
            return "yes", self.disk, True
        return ("no" if self.disk is None else "torn"), NOTHING, False

    def _save(self, kept: Kept) -> None:
        known, old, remembered = self._load()
        if known == "yes" and remembered and kept.key == old.key:
            return
        same = known == "yes" and (kept.word, kept.origin, kept.traffic) == (old.word, old.origin, old.traffic)
        since = old.since if same else _stamp(self.timeline.now_us)
        self.memory = replace(kept, since=since, boot_id=self.boot_id)
        self.torn_mark = False
        if not self.disk_full:
            self.disk = self.memory

    def _put(self, wanted: str) -> bool:
        """Both families by one restore each; false when iptables-restore fails."""
        if ("block" if wanted == BLOCKED else "allow") in self.refuses:
            return False
        self.rules = {4: wanted, 6: wanted}
        return True

    def _remote(self, word: str, number: int, supervisor: str) -> str:
        known, kept, remembered = self._load()
        refusal = ""
        if known == "torn" and word == "allow":
            refusal = "state_torn"
        elif number < kept.number:
            refusal = "stale_number"
        elif number == kept.number and word != kept.word:
            refusal = "other_word"
        if refusal:
            return self._reply(kept, remembered, refusal, f"{kept.number} was ordered already")
        return self._order(word, Kept(number, word, supervisor, "order"), known, remembered)

    def _order(self, word: str, kept: Kept, known: str, remembered: bool) -> str:  # noqa: FBT001 - what was loaded
        if word == "allow":
            return self._allow(replace(kept, traffic=ALLOWED), known, remembered)
        self._save(replace(kept, traffic=BLOCKED))
        done = self.traffic == BLOCKED or self._put(BLOCKED)
        _, now, remembered = self._load()
        return self._reply(now, remembered, "" if done else "iptables_failed")

    def _allow(self, kept: Kept, known: str, remembered: bool) -> str:  # noqa: FBT001
        _, old, _ = self._load()
        is_open = old.traffic != BLOCKED and self.traffic == ALLOWED
        if not is_open and not self._put(ALLOWED):
            return self._reply(old if known == "yes" else NOTHING, remembered, "ipv6_failed")  # IPv6 comes first
        self._save(replace(kept, traffic=ALLOWED))
        _, now, remembered = self._load()
        return self._reply(now, remembered)

    def _is_due(self, known: str, kept: Kept) -> bool:
        if (known, self.server.system, kept.traffic) != ("yes", System.PRIMARY, BLOCKED):
            return False
        if (kept.word, kept.origin) == ("allow", "hold") and self._elapsed("boot", self.boot_hold_s):
            return True
        hold_s = self.orphan_hold_s
        return hold_s is not None and kept.origin != "hand" and self._elapsed("contact", hold_s)

    def _elapsed(self, name: str, seconds: int) -> bool:
        return self.uptime_s - self.marks.setdefault(name, self.uptime_s) >= seconds

    def _reply(self, kept: Kept, remembered: bool, error: str = "", detail: str = "") -> str:  # noqa: FBT001
        ok = '"ok":true,' if not error else f'"ok":false,"error":"{error}","detail":"{detail}",'
        return (
            f'{{{ok}"lim":{self.server.lim},"system":"{self.server.system.value}","traffic":"{self.traffic}",'
            f'"number":{kept.number},"word":"{kept.word}","supervisor":"{kept.supervisor}","origin":"{kept.origin}",'
            f'"remembered":{"true" if remembered else "false"},"since":"{kept.since}","boot_id":"{self.boot_id}",'
            f'"policy":"{POLICY}","ipv6":true,"repairs":{self.repairs}}}'
        )

    def _facts(self) -> str:
        lims = ",".join(map(str, self.known_lims))
        standby = "true" if self.server.standby else "false"
        return (
            f'{{"ok":true,"lim":{self.server.lim},"version":"7.8.1.0.19","processors":2,"memory_kib":4000000,'
            f'"disk_free_kib":9000000,"standby":{standby},"master":"","exchange":"{self.exchange}","measure":"",'
            f'"lims":[{lims}],"media_servers":[]}}'
        )


def _bad_request(detail: str) -> str:
    return f'{{"ok":false,"error":"bad_request","detail":"{detail}"}}'


def _is_positive(number: str) -> bool:
    return number.isdecimal() and number[0] != "0" and len(number) <= NUMBER_DIGITS


def _is_id(words: str) -> bool:
    left, dot, right = words.partition(".")
    sound = all(part and len(part) <= ID_MOST and part.replace("-", "").isalnum() for part in (left, right))
    return bool(dot) and sound


def _stamp(now_us: int) -> str:
    return datetime.fromtimestamp(1_700_000_000 + now_us // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
