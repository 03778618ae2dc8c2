"""
The manual's termination of system redundancy: its three examples, the other system up, dead, and dying in the middle.

Example 1: both systems run; the operator keeps one of them, here the alternate.  Example 2: the alternate is lost.
Example 3: the primary is lost.  *The other system* is the one that is given up.  By words here; by keys in
test_termination_by_keys.py.  Seen from outside: the rules as iptables-save prints them, and the disks of the LIMs.
"""

import os
from collections.abc import Iterator
from subprocess import Popen

import pytest

from redundancyd.core.systems import Traffic
from redundancyd.lab.bed import standing
from redundancyd.lab.plan import BedPlan
from redundancyd.scenarios.links import ways
from tests.lab.termination import ALLOWED, ALTERNATE, BLOCKED, PRIMARY, Site, by_hand

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]
ADD, REMOVE = ("more_configuration", "iptables", "add"), ("more_configuration", "iptables", "remove")


@pytest.fixture
def site() -> Iterator[Site]:
    """A pair in good order; the primary is active, a takeover to the alternate is automatic."""
    with standing(BedPlan(f"te-{os.getpid()}", lims=2)) as bed:
        found = Site(bed)
        found.settle()
        yield found


# --- example 1: both systems run, the alternate is kept ---------------------------------------------------------------


@pytest.mark.strict
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
    assert site.both_ms() == 0
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


@pytest.mark.strict
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
    assert site.both_ms() == 0


@pytest.mark.strict
def test_example_1_the_passive_system_dies_in_the_middle_of_the_takeover(site: Site):
    """
    The primary is lost while it is being blocked: neither blocked nor allowed again, so the alternate is active.
    """
    site.both_manual()
    site.bed.lims["primary-2"].freeze(frozen=True)  # so that blocking lasts until its deadline
    ordered = site.begin("manual-takeover", "traffic-in-alternate", "--yes")
    site.wait(lambda: site.page().get("phase") == "blocking", 10)
    site.bed.power_off(site.bed.of(PRIMARY))
    told, _ = ordered.communicate(timeout=30)
    assert (ordered.returncode, "Traffic in the alternate system." in told) == (1, True), told
    assert site.traffic(ALTERNATE) == ALLOWED
    told = site.say("remove", "--preview")
    assert "primary: it may carry traffic, too, so BOTH systems" in told
    site.wait(lambda: all(not lim["reach"] for lim in site.lims_of(PRIMARY)), 20)
    site.remove()
    site.bed.power_on(site.bed.of(PRIMARY))
    site.wait(lambda: site.left() == [], 30)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (BLOCKED, ALLOWED)
    assert site.both_ms() == 0


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
    assert site.both_ms() == 0


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
    ordered.communicate(timeout=10)
    for each in busy:
        each.wait(20)
    assert site.traffic(PRIMARY) == BLOCKED
    by_hand(primary, "remove")
    by_hand(primary, "allow", "--by-hand")
    assert site.traffic(PRIMARY) == ALLOWED
    assert {site.restart(lim) for lim in primary} == ALLOWED
    assert site.both_ms() == 0


def test_example_2_the_alternate_was_only_cut_off_and_goes_on_carrying_traffic(site: Site):
    """
    Whoever allows the primary by hand makes both carry; with the line back exactly one does.
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
    site.both_manual()
    site.remove()


# --- example 3: the primary is lost -----------------------------------------------------------------------------------


@pytest.mark.strict
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
    for lim in site.bed.of(PRIMARY):
        lim.run(["redundancy-lim", "hold"])
    assert site.traffic(PRIMARY) == BLOCKED
    assert site.ordered() == set()
    assert site.both_ms() == 0


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
    assert site.both_ms() == 0


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
    site.wait(lambda: site.both_ms() > 0, 10)
    site.bed.set_cuts(())
    site.wait(lambda: site.left() == [], 30)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (BLOCKED, ALLOWED)
    assert site.ordered() == set()


@pytest.mark.strict
def test_a_lim_of_the_system_that_is_kept_carries_traffic_again_after_it_had_no_power_at_the_removal(site: Site):
    """
    It comes up blocked, for it was ordered; the removal is finished there, and the hold with it.
    """
    site.both_manual()
    lim = site.bed.lims["primary-2"]
    site.bed.power_off([lim])
    site.wait(lambda: not site.lims_of(PRIMARY)[1]["reach"], 20)
    site.remove()
    site.bed.power_on([lim])
    assert lim.traffic() is Traffic.BLOCKED
    site.wait(lambda: site.left() == [], 30)
    assert (site.traffic(PRIMARY), site.traffic(ALTERNATE)) == (ALLOWED, BLOCKED)
    assert site.restart(lim) is Traffic.ALLOWED
    assert site.both_ms() == 0
