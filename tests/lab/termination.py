"""A pair that is ended, and what is looked at before and afterwards: the rules, the disks, the phones."""

import subprocess
from collections.abc import Sequence
from subprocess import Popen

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import Bed
from redundancyd.lab.lim import Lim
from redundancyd.scenarios import measure
from tests.lab.test_data_job import Pair

PRIMARY, ALTERNATE = System.PRIMARY, System.ALTERNATE
ALLOWED, BLOCKED = {Traffic.ALLOWED}, {Traffic.BLOCKED}


class Site(Pair):
    """Two LIMs in each system, under a daemon that settled; and somebody who types."""

    def __init__(self, bed: Bed) -> None:
        super().__init__(bed)
        self.settled_at = 0

    def settle(self) -> None:
        """Start it, and wait until every LIM has its order, and the phones have one system."""
        self.start()
        self.wait(lambda: len(self.ordered()) == len(self.bed.lims), 20)
        self.wait(lambda: not self.bed.phones.state().is_answering(ALTERNATE), 20)
        self.settled_at = self.bed.phones.state().at

    def both_ms(self) -> int:
        """How long both systems have answered phones since the pair was in order."""
        answers, state = self.bed.phones.answers(), self.bed.phones.state()
        window = measure.Interval(self.settled_at, state.at)
        primary, alternate = (measure.clipped(measure.activity(answers.at[each]), window) for each in System)
        return measure.total_ms(measure.overlap(primary, alternate))

    def say(self, *words: str, status: int = 0) -> str:
        """Type these words; what was told, in one line."""
        done = self.daemon.order(words, 60)
        told = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == status, f"{words}: {done.returncode}: {told}"
        return told

    def begin(self, *words: str) -> "Popen[str]":
        """Type these words, and do something else meanwhile."""
        return Popen(self.daemon.utility(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def both_manual(self) -> None:
        """Action 1 of the procedure."""
        self.say("settings", "takeover", "alternate-from-primary", "manual")
        self.say("settings", "takeover", "primary-from-alternate", "manual")

    def take(self, system: System, *words: str) -> None:
        """Action 2 of the procedure."""
        self.say("manual-takeover", f"traffic-in-{system}", "--yes", *words)

    def traffic(self, system: System) -> set[Traffic]:
        """What the rules of a system do, read from outside; without LIMs that have no power."""
        return {lim.traffic() for lim in self.bed.of(system) if lim.has_power()}

    def rules(self) -> dict[str, list[str]]:
        """Every rule of every LIM that has power, without what chains have counted."""
        return {
            lim.name: [
                " ".join(line.split()[:2]) if line.startswith(":") else line
                for family in (4, 6)
                for line in lim.rules(family).splitlines()
                if line.startswith(("-", ":"))
            ]
            for lim in self.bed.lims.values()
            if lim.has_power()
        }

    def page(self) -> dict[str, object]:
        """The status page; an empty one while a life gives way to the next."""
        return self.daemon.status() or {}

    def left(self) -> list[str]:
        """The LIMs that have not heard of the removal; before there was one, a word."""
        setup = self.page().get("setup")
        return list(setup["to_disarm"]) if isinstance(setup, dict) else ["supervised"]

    def ordered(self) -> set[str]:
        """The LIMs that remember an order."""
        return {name for name, lim in self.bed.lims.items() if lim.ordered()}

    def phones_in(self, system: System) -> bool:
        """Every phone is registered there."""
        return set(self.bed.phones.state().registered.values()) == {system}

    def restart(self, lim: Lim) -> Traffic:
        """Take its power, give it back; what its rules do when it is up."""
        self.bed.power_off([lim])
        self.bed.power_on([lim])
        return lim.traffic()

    def remove(self) -> str:
        """Action 5: the rules of every LIM are the same before and after, and those in reach forget the order."""
        before, dead = self.rules(), {name for name, lim in self.bed.lims.items() if not lim.has_power()}
        told = self.say("remove", "--yes")
        assert self.rules() == before
        assert self.page()["configured"] is False
        assert self.ordered() & set(before) == set()
        assert set(self.left()) == dead
        for name in dead:
            assert name in told.partition("Out of reach:")[2]
        return told

    def lims_of(self, system: System) -> list[dict[str, object]]:
        """The LIMs of a system, as the status page shows them."""
        systems = self.page()["systems"]
        assert isinstance(systems, dict)
        return list(systems[str(system)]["lims"])


def by_hand(lims: Sequence[Lim], *words: str) -> None:
    """What root types on each of these LIMs, with no daemon anywhere."""
    for lim in lims:
        assert lim.run(["redundancy-lim", *words]).startswith('{"ok":true')
