"""The three examples of the manual's termination of system redundancy, by keys in a real pseudo-terminal."""

import os
import sys
from collections.abc import Iterator

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import standing
from redundancyd.lab.plan import BedPlan
from tests.lab.termination import ALLOWED, ALTERNATE, BLOCKED, PRIMARY, Site
from tests.utility.terminal import Terminal, terminal

pytestmark = [pytest.mark.lab, pytest.mark.timeout(150)]


@pytest.fixture
def site() -> Iterator[Site]:
    """A pair in good order; the primary is active, a takeover to the alternate is automatic."""
    with standing(BedPlan(f"tek-{os.getpid()}", lims=2)) as bed:
        found = Site(bed)
        found.settle()
        yield found


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
    for title in ("more_configuration > iptables", "more_configuration", "Redundancy Utility"):
        await screen.at(title)
        await screen.press("escape")


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
    assert site.both_ms() == 0


async def test_example_2_by_keys(site: Site):
    """
    The daemon burnt with its LIM; root types two words on each LIM of the primary, and reads that it carries traffic.
    """
    site.take(ALTERNATE)
    site.bed.power_off(site.bed.of(ALTERNATE))
    for lim in site.bed.of(PRIMARY):
        assert lim.traffic() is Traffic.BLOCKED
        async with terminal(command=shell(site, lim.name)) as screen:
            await screen.see("#", within_s=20)
            await screen.press("redundancy-lim remove", "enter")
            await screen.see(f'{{"ok":true,"lim":{lim.plan.number},"system":"primary","traffic":"blocked"')
            await screen.press("redundancy-lim allow --by-hand", "enter")
            await screen.see(f'{{"ok":true,"lim":{lim.plan.number},"system":"primary","traffic":"allowed"')
            await screen.press("echo status=$?", "enter")
            await screen.see("status=0")
            await screen.press("exit 0", "enter")
            assert await screen.ended() == 0
    assert site.traffic(PRIMARY) == ALLOWED
    assert {site.restart(lim) for lim in site.bed.of(PRIMARY)} == ALLOWED
    assert site.both_ms() == 0


@pytest.mark.strict
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
    assert site.both_ms() == 0
