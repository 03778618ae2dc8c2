"""
The manual's termination of system redundancy: its three examples, the other system up, dead, and dying in the middle.

Example 1: both systems run; the operator keeps one of them, here the alternate.  Example 2: the alternate is lost.
Example 3: the primary is lost.  *The other system* is the one that is given up.  By words here; each example by keys
in a pseudo-terminal at the end.  Seen from outside: the rules as iptables-save prints them, and the disks of the LIMs.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from subprocess import Popen

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import standing
from redundancyd.lab.lim import Lim
from redundancyd.lab.plan import BedPlan
from redundancyd.scenarios.links import ways
from tests.lab.test_data_job import Pair
from tests.utility.terminal import Terminal, terminal

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]
ADD, REMOVE = ("more_configuration", "iptables", "add"), ("more_configuration", "iptables", "remove")
PRIMARY, ALTERNATE = System.PRIMARY, System.ALTERNATE
ALLOWED, BLOCKED = {Traffic.ALLOWED}, {Traffic.BLOCKED}


class Site(Pair):
    """Two LIMs in each system, under a daemon that settled; and somebody who types."""

    def say(self, *words: str, status: int = 0) -> str:
        """Type these words; what was told, in one line."""
        done = self.daemon.order(words, 60)
        told = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == status, f"{words}: {done.returncode}: {told}"
        return told

    def begin(self, *words: str) -> "Popen[bytes]":
        """Type these words, and do something else meanwhile."""
        return Popen(self.daemon.utility(words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

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


@pytest.fixture
def site() -> Iterator[Site]:
    """A pair in good order; the primary is active, a takeover to the alternate is automatic."""
    with standing(BedPlan(f"te-{os.getpid()}", lims=2)) as bed:
        found = Site(bed)
        found.start()
        yield found


def by_hand(lims: Sequence[Lim], *words: str) -> None:
    """What root types on each of these LIMs, with no daemon anywhere."""
    for lim in lims:
        assert lim.run(["redundancy-lim", *words]).startswith('{"ok":true')


# --- example 1: both systems run, the alternate is kept ---------------------------------------------------------------


@pytest.mark.S1
def test_example_1_both_systems_run_one_of_them_is_kept_and_the_rules_stay(site: Site):
    """
    While configured the maintenance words are refused; afterwards they block and allow, one LIM or a system.
    """
    for words in ((*ADD, "--system", "alternate"), (*REMOVE, "--lim", "primary-1")):
        before = site.rules()
        assert "system redundancy is configured, and the supervision decides" in site.say(*words, "--yes", status=3)
        assert site.rules() == before
    site.both_manual()
    site.take(ALTERNATE)
    told = site.say("remove", "--preview")
    assert "primary: stays blocked until a LIM of it restarts; to keep it blocked: redundancyctl" in told
    assert "alternate: goes on carrying its traffic" in told
    told = site.remove()
    assert "primary system: blocked alternate system: allowed" in told
    for said in (("settings", "resume"), ("manual-takeover", "traffic-in-primary", "--yes"), ("data", "copy")):
        assert "redundancyctl configure" in site.say(*said, status=3)
    site.wait(lambda: site.phones_in(ALTERNATE), 20)
    # Nothing holds any more: the LIM that carries comes up carrying, and so does the one that was only blocked.
    assert site.restart(site.bed.lims["alternate-2"]) is Traffic.ALLOWED
    assert site.restart(site.bed.lims["primary-2"]) is Traffic.ALLOWED
    site.wait(lambda: "BOTH systems carry traffic: primary-2, alternate-1, alternate-2" in site.say("status"), 20)
    # Maintenance: one LIM, then the system; what was blocked by hand stays so.
    site.say(*ADD, "--lim", "primary-2", "--yes")
    assert site.traffic(PRIMARY) == BLOCKED
    site.say(*ADD, "--system", "primary", "--yes")
    assert {site.restart(lim) for lim in site.bed.of(PRIMARY)} == BLOCKED
    site.wait(lambda: "BOTH" not in site.say("status"), 20)
    told = site.say(*REMOVE, "--lim", "primary-1", "--yes")
    assert "alternate-1, alternate-2 let traffic through, too: then BOTH systems carry it." in told
    assert site.bed.lims["primary-1"].traffic() is Traffic.ALLOWED
    site.say(*ADD, "--system", "alternate", "--yes")
    assert "BOTH" not in site.say(*REMOVE, "--system", "primary", "--yes")
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (ALLOWED, BLOCKED)


def test_example_1_the_passive_system_is_uninstalled_before_the_removal_and_comes_back_blocked(site: Site):
    """
    Action 4 before action 5: its LIMs are named; switched on once more they hear of it, and stay blocked.
    """
    site.both_manual()
    site.take(ALTERNATE)
    site.bed.power_off(site.bed.of(PRIMARY))
    told = site.remove()
    assert "alternate system: allowed" in told
    site.bed.power_on(site.bed.of(PRIMARY))
    site.wait(lambda: site.left() == [], 30)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (BLOCKED, ALLOWED)
    assert site.ordered() == set()


def test_example_1_the_passive_system_dies_in_the_middle_of_the_takeover(site: Site):
    """
    The primary is lost while it is being blocked: the takeover goes on, and so does the procedure.
    """
    site.both_manual()
    site.bed.lims["primary-2"].freeze(frozen=True)  # so that blocking lasts until its deadline
    ordered = site.begin("manual-takeover", "traffic-in-alternate", "--yes")
    site.wait(lambda: site.page().get("phase") == "blocking", 10)
    site.bed.power_off(site.bed.of(PRIMARY))
    assert ordered.wait(30) == 0
    assert site.traffic(ALTERNATE) == ALLOWED
    told = site.say("remove", "--preview")
    assert "primary: it may carry traffic, too, so BOTH systems" in told
    site.wait(lambda: all(not lim["reach"] for lim in lims_of(site, PRIMARY)), 20)
    site.remove()
    site.bed.power_on(site.bed.of(PRIMARY))
    site.wait(lambda: site.left() == [], 30)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (BLOCKED, ALLOWED)


def lims_of(site: Site, system: System) -> list[dict[str, object]]:
    """The LIMs of a system, as the status page shows them."""
    systems = site.page()["systems"]
    assert isinstance(systems, dict)
    return list(systems[str(system)]["lims"])


# --- example 2: the alternate is lost, and the daemon with it ---------------------------------------------------------


def test_example_2_the_alternate_burnt_while_it_was_active_and_the_primary_is_allowed_by_hand(site: Site):
    """
    On each LIM of the primary, by root: it carries traffic, also after a restart.  The dead one comes back blocked.
    """
    site.take(ALTERNATE)
    site.bed.power_off(site.bed.of(ALTERNATE))
    assert site.traffic(PRIMARY) == BLOCKED
    before = site.rules()
    by_hand(site.bed.of(PRIMARY), "remove")
    assert site.rules() == before
    by_hand(site.bed.of(PRIMARY), "allow", "--by-hand")
    assert {site.restart(lim) for lim in site.bed.of(PRIMARY)} == ALLOWED
    site.wait(lambda: site.phones_in(PRIMARY), 20)
    by_hand(site.bed.of(PRIMARY)[:1], "block", "--by-hand")
    assert site.restart(site.bed.of(PRIMARY)[0]) is Traffic.BLOCKED
    by_hand(site.bed.of(PRIMARY)[:1], "allow", "--by-hand")
    # Somebody switches it on again after all: its daemon finds the primary carrying by hand, and leaves it so.
    site.bed.power_on(site.bed.of(ALTERNATE))
    assert site.traffic(ALTERNATE) == BLOCKED
    site.daemon.start()
    site.wait(site.daemon.is_ready, 30)
    assert site.page()["goal"]["active"] == "primary"  # type: ignore[index]
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (ALLOWED, BLOCKED)


def test_example_2_the_alternate_dies_in_the_middle_of_the_takeover_back(site: Site):
    """
    Both are blocked, and nobody is left to allow: two words by root on each LIM of the primary.
    """
    site.both_manual()
    site.take(ALTERNATE)
    primary = site.bed.of(PRIMARY)
    busy = [Popen(lim.inside(["flock", "/run/redundancyd-lim", "sleep", "8"])) for lim in primary]
    ordered = site.begin("manual-takeover", "traffic-in-primary", "--yes")
    site.wait(lambda: site.traffic(ALTERNATE) == BLOCKED, 10)
    site.bed.power_off(site.bed.of(ALTERNATE))
    ordered.wait(10)
    for each in busy:
        each.wait(20)
    assert site.traffic(PRIMARY) == BLOCKED
    by_hand(primary, "remove")
    by_hand(primary, "allow", "--by-hand")
    assert site.traffic(PRIMARY) == ALLOWED
    assert {site.restart(lim) for lim in primary} == ALLOWED


def test_example_2_the_alternate_was_only_cut_off_and_goes_on_carrying_traffic(site: Site):
    """
    Whoever allows the primary by hand makes both carry; with the line back exactly one does, and it is said.
    """
    site.take(ALTERNATE)
    site.wait(site.daemon.is_ready, 20)
    site.bed.set_cuts(ways("inter-site"))
    by_hand(site.bed.of(PRIMARY), "remove")
    by_hand(site.bed.of(PRIMARY), "allow", "--by-hand")
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (ALLOWED, ALLOWED)
    site.bed.set_cuts(())
    site.wait(lambda: site.traffic(PRIMARY) == BLOCKED, 30)
    assert site.traffic(ALTERNATE) == ALLOWED
    assert "was changed by hand: allowed" in site.say("alarms", "--all")
    site.both_manual()
    site.remove()


# --- example 3: the primary is lost -----------------------------------------------------------------------------------


def test_example_3_the_primary_burnt_and_the_alternate_is_made_the_active_system(site: Site):
    """
    By a manual takeover; removed, it carries traffic, also after a restart.  The primary comes back blocked.
    """
    site.both_manual()
    site.bed.power_off(site.bed.of(PRIMARY))
    site.wait(lambda: site.page().get("verdict") == "lost", 20)
    assert site.traffic(ALTERNATE) == BLOCKED
    site.take(ALTERNATE)
    told = site.remove()
    assert "primary: out of reach; on its LIMs, as root: redundancy-lim allow --by-hand" in told
    assert site.restart(site.bed.lims["alternate-2"]) is Traffic.ALLOWED
    site.wait(lambda: site.phones_in(ALTERNATE), 20)
    # Its LIMs were allowed when they lost their power: they hold, and the hold ends without traffic.
    site.bed.power_on(site.bed.of(PRIMARY))
    assert site.traffic(PRIMARY) == BLOCKED
    site.wait(lambda: site.left() == [], 30)
    by_hand(site.bed.of(PRIMARY), "hold")
    assert site.traffic(PRIMARY) == BLOCKED
    assert site.ordered() == set()


def test_example_3_the_primary_dies_in_the_middle_of_the_removal(site: Site):
    """
    It has not heard of it; the alternate, passive, is allowed by the maintenance words, and the primary stays blocked.
    """
    site.both_manual()
    for lim in site.bed.of(PRIMARY):
        lim.freeze(frozen=True)
    before = site.rules()
    site.say("remove", "--yes", "--no-wait")
    site.bed.power_off(site.bed.of(PRIMARY))
    site.wait(lambda: site.left() == ["primary-1", "primary-2"], 20)
    assert {name: rules for name, rules in before.items() if name.startswith("alternate")} == site.rules()
    told = site.say(*REMOVE, "--system", "alternate", "--yes")
    assert "primary-1, primary-2 did not say: they may carry traffic, too." in told
    assert site.traffic(ALTERNATE) == ALLOWED
    site.bed.power_on(site.bed.of(PRIMARY))
    site.wait(lambda: site.left() == [], 30)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (BLOCKED, ALLOWED)


def test_example_3_the_primary_was_only_cut_off_and_is_blocked_when_it_answers(site: Site):
    """
    Taken for lost it went on carrying traffic: said before the removal, and blocked as soon as the line is back.
    """
    site.both_manual()
    site.bed.set_cuts(ways("inter-site"))
    site.wait(lambda: site.page().get("verdict") == "lost", 20)
    site.take(ALTERNATE)
    assert "UNFENCED" in site.say("status")
    assert "primary: it may carry traffic, too, so BOTH systems" in site.say("remove", "--preview")
    site.say("remove", "--yes", "--no-wait")
    site.wait(lambda: site.left() == ["primary-1", "primary-2"], 20)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (ALLOWED, ALLOWED)
    site.bed.set_cuts(())
    site.wait(lambda: site.left() == [], 30)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (BLOCKED, ALLOWED)
    assert site.ordered() == set()


def test_a_lim_of_the_system_that_is_kept_carries_traffic_again_after_it_had_no_power_at_the_removal(site: Site):
    """
    It comes up blocked, for it was ordered; the removal is finished there, and the hold with it.
    """
    site.both_manual()
    lim = site.bed.lims["primary-2"]
    site.bed.power_off([lim])
    site.wait(lambda: not lims_of(site, PRIMARY)[1]["reach"], 20)
    site.remove()
    site.bed.power_on([lim])
    assert lim.traffic() is Traffic.BLOCKED
    site.wait(lambda: site.left() == [], 30)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (ALLOWED, BLOCKED)
    assert site.restart(lim) is Traffic.ALLOWED


# --- by keys, in a pseudo-terminal ------------------------------------------------------------------------------------


def shell(site: Site, lim: str, *words: str) -> tuple[str, ...]:
    """What a technician types who logs in on this LIM."""
    return (sys.executable, "-m", "redundancyd.lab", "shell", "--prefix", site.bed.plan.prefix, lim, *words)


async def methods_to_manual(screen: Terminal) -> None:
    """Action 1, from the first menu and back to it."""
    await screen.at("Redundancy Utility")
    await screen.press("home", "s", "s", "enter")
    for direction, keys in (("alternate-from-primary", ()), ("primary-from-alternate", ("down",))):
        await screen.at("settings")
        await screen.press("home", "enter", *keys, "enter")
        await screen.at(f"settings > takeover > {direction}")
        await screen.press("enter")
        await screen.see(f"{direction} is manual")
        await screen.press("enter")
    await screen.at("settings")
    await screen.press("escape")


async def take_by_keys(screen: Terminal, system: System) -> None:
    """Action 2."""
    await screen.at("Redundancy Utility")
    await screen.press("home", "m", "enter")
    await screen.at("manual-takeover")
    await screen.press("home", *(("down",) if system is PRIMARY else ()))
    await screen.see(f"> traffic-in-{system}")
    await screen.press("enter")
    await screen.see("revert-after")
    await screen.press("enter", "enter")
    await screen.see("Now:", "Will do:", "Go on", within_s=20)
    await screen.press("left", "enter")
    await screen.see(f"done: traffic in the {system} system.", within_s=30)
    await screen.press("enter")
    await screen.at("manual-takeover")
    await screen.press("escape")


async def remove_by_keys(site: Site, screen: Terminal) -> None:
    """Action 5: the traffic in both systems, then the question, then its end."""
    await screen.at("Redundancy Utility")
    await screen.press("home", "r", "enter")
    await screen.see("Now:", "primary-1", "alternate-1", "Go on", "Cancel", within_s=20)
    before = site.rules()
    await screen.press("left", "enter")
    await screen.see("supervis", within_s=30)
    site.wait(lambda: not set(site.left()) - {name for name, lim in site.bed.lims.items() if not lim.has_power()}, 20)
    assert site.rules() == before
    await screen.see("<  OK  >", within_s=30)
    await screen.press("enter")
    await screen.at("Redundancy Utility")


async def status_by_keys(screen: Terminal, *told: str) -> None:
    """What the status page says."""
    await screen.press("home", "down", "enter")
    await screen.see(*told, within_s=20)
    await screen.press("escape")
    await screen.at("Redundancy Utility")


async def allow_by_keys(screen: Terminal, system: System, question: str) -> None:
    """The maintenance words, from the first menu of mxone_maintenance and back to it."""
    await screen.see("more_configuration", "<  Help  >", within_s=20)
    await screen.press("enter")
    await screen.at("more_configuration")
    await screen.press("enter")
    await screen.at("more_configuration > iptables")
    await screen.press("r", "enter")
    await screen.at("more_configuration > iptables > remove")
    await screen.press(str(system)[0], "enter")
    await screen.see("lim", "config")
    await screen.press("enter", "enter")
    await screen.see(question, "Go on? [y/N]", within_s=20)
    await screen.press("y", "enter")
    await screen.see("Exit status 0", within_s=20)
    await screen.press("enter")
    await screen.at("more_configuration > iptables")
    await screen.press("escape", "escape", "escape")


async def test_example_1_by_keys(site: Site):
    """
    Methods, takeover, removal and what is so afterwards, on 80 columns and 24 lines.
    """
    async with terminal(command=shell(site, "alternate-1", "mxone_system_redundancy"), term="vt100") as screen:
        await screen.see("Redundancy Utility", "<  Help  >", within_s=20)
        await methods_to_manual(screen)
        await take_by_keys(screen, ALTERNATE)
        await remove_by_keys(site, screen)
        await status_by_keys(screen, "NOT CONFIGURED", "primary system: blocked", "alternate system: allowed")
        await screen.press("escape")
        assert await screen.ended() == 0
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (BLOCKED, ALLOWED)
    assert site.ordered() == set()


async def test_example_2_by_keys(site: Site):
    """
    The daemon burnt with its LIM; root types two words on each LIM of the primary, and reads that it carries traffic.
    """
    site.take(ALTERNATE)
    site.bed.power_off(site.bed.of(ALTERNATE))
    for lim in site.bed.of(PRIMARY):
        assert lim.traffic() is Traffic.BLOCKED
        async with terminal(command=shell(site, lim.name, "sh")) as screen:
            await screen.see("#", within_s=20)
            await screen.press("redundancy-lim remove", "enter")
            await screen.see(f'{{"ok":true,"lim":{lim.plan.number},"system":"primary","traffic":"blocked"')
            await screen.press("redundancy-lim allow --by-hand", "enter")
            await screen.see(f'{{"ok":true,"lim":{lim.plan.number},"system":"primary","traffic":"allowed"')
            await screen.press("exit", "enter")
            assert await screen.ended() == 0
    assert site.traffic(PRIMARY) == ALLOWED
    assert {site.restart(lim) for lim in site.bed.of(PRIMARY)} == ALLOWED


async def test_example_3_by_keys(site: Site):
    """
    The manual's own way: the alternate, passive when the primary was lost, is allowed by the Maintenance Utility.
    """
    site.both_manual()
    site.bed.power_off(site.bed.of(PRIMARY))
    site.wait(lambda: site.page().get("verdict") == "lost", 20)
    async with terminal(command=shell(site, "alternate-1", "mxone_system_redundancy"), term="linux") as screen:
        await screen.see("Redundancy Utility", "<  Help  >", within_s=20)
        await methods_to_manual(screen)
        await remove_by_keys(site, screen)
        await status_by_keys(
            screen, "NOT CONFIGURED", "Left to do", "primary-1, primary-2", "alternate system: blocked"
        )
        await screen.press("escape")
        assert await screen.ended() == 0
    async with terminal(command=shell(site, "alternate-1", "mxone_maintenance"), term="linux") as screen:
        await allow_by_keys(screen, ALTERNATE, "did not say: they may carry traffic, too.")
        assert await screen.ended() == 0
    assert site.traffic(ALTERNATE) == ALLOWED
    assert site.restart(site.bed.lims["alternate-2"]) is Traffic.ALLOWED
