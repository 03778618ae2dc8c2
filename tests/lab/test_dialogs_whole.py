"""The whole way of a technician with nothing but the dialogs: from LIMs that are no pair to one, and out again."""

import os
from collections.abc import Iterator

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import standing
from redundancyd.lab.disk import OPERATORS_TABLE
from redundancyd.lab.exchange_data import FOREIGN
from redundancyd.lab.plan import CONTROL, BedPlan, master_address
from tests.lab.technician import go_on, home, ok, takeover, technician
from tests.lab.test_configure import Site
from tests.utility.terminal import Terminal

pytestmark = [pytest.mark.lab, pytest.mark.strict, pytest.mark.timeout(240)]
MASTER = master_address(System.PRIMARY)
TABLE = f"/{OPERATORS_TABLE}"
NEWEST = "20260309031502"
PAIR = {
    "primary-1": Traffic.ALLOWED,
    "primary-2": Traffic.ALLOWED,
    "alternate-1": Traffic.BLOCKED,
    "alternate-2": Traffic.BLOCKED,
}


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """LIMs of which nobody has made a pair, and the daemon."""
    with standing(BedPlan(f"dl-{os.getpid()}", lims=getattr(request, "param", 1), configured=False)) as bed:
        yield Site(bed)


STATEMENTS = {"redundancyd.toml", "lim.conf", "translation-table", "translation", "translation-confirmed", "data-job"}


def as_it_is(site: Site) -> tuple[object, ...]:
    """What has to be as before where nothing was done, or all was undone; mirrors stay, and that it was tried."""
    files = {name: text for name, text in site.files().items() if name.rpartition("/")[2] in STATEMENTS}
    return site.rules(), files, site.ordered()


async def configure(screen: Terminal, *lines: str) -> None:
    """Fill in the form, which is on the screen, and go on from what is shown then."""
    await screen.see("4 lines to fill in")
    await screen.fill(*lines)
    await screen.see("Prerequisites:", within_s=40)
    await go_on(screen)


async def import_table(screen: Terminal, name: str) -> None:
    """By the dialog of its file."""
    await screen.choose("settings", "translation", "import")
    await screen.fill(name, "")
    await screen.see("Done", "the table has")
    await ok(screen)
    await home(screen)


@pytest.mark.parametrize("site", [2], indirect=True)
async def test_from_lims_that_are_no_pair_to_a_supervised_one_and_out_again(site: Site):
    """
    Each question is answered in a dialog: what hinders is mended or accepted, the table imported, edited; then the
    pair, a load, a takeover there and back, and the removal.
    """
    make_alternate_smaller(site)
    short = site.bed.supervisor.path("/root/short.txt")
    whole = site.bed.supervisor.path(TABLE).read_text()
    short.write_text("".join(line for line in whole.splitlines(True) if not line.startswith(f"{MASTER} ")))
    async with technician(site.bed, "vt100") as screen:
        await screen.choose("status")
        await screen.see("NOT CONFIGURED: nobody supervises the primary", "redundancyctl configure")
        await home(screen)
        await screen.choose("list")
        await screen.see("none yet; it is said to configure")
        await home(screen)
        await import_table(screen, "/root/short.txt")
        before = as_it_is(site)
        await refused_then_failed(screen)
        assert as_it_is(site) == before
        await home(screen)
        await edit_table(screen, f"{MASTER} {master_address(System.ALTERNATE)}")
        await screen.choose("configure")
        await configure(screen, MASTER, CONTROL, "", "capacity")
        await screen.see("NOT configured (failed)", "foreign addresses", within_s=60)
        await screen.press("enter")
        await configure(screen, "", "", "", " foreign")  # what was typed stands there still
        await screen.see("C04 loading", within_s=60)
        await screen.see("Configured: the primary system is active, and supervised.", within_s=90)
        await ok(screen)
        site.wait(site.is_supervised, 20)
        assert site.page()["accepted"] == ["capacity", "foreign"]
        assert (site.running(), site.traffic()) == (NEWEST, PAIR)
        await look_at_the_pair(screen)
        await load(screen)
        await takeover(screen, "alternate")
        assert {site.traffic()[name] for name in ("primary-1", "primary-2")} == {Traffic.BLOCKED}
        await takeover(screen, "primary")
        assert site.traffic() == PAIR
        await remove(screen, site)
        await screen.press("escape")
        assert await screen.ended() == 0


def make_alternate_smaller(site: Site) -> None:
    """Which may be accepted."""
    path = site.bed.lims["primary-2"].path("/usr/local/sbin/nproc")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho 999\n")
    path.chmod(0o755)


async def refused_then_failed(screen: Terminal) -> None:
    """A mistake that is refused before anything is done; then one that only the data shows, which is undone."""
    await screen.choose("configure")
    await screen.fill(f"{MASTER}/24", CONTROL, "", "")
    shown = await screen.see("It would be refused: prerequisites not met: addresses", "<  Back  >", within_s=40)
    flat = " ".join(shown.split())
    assert f"without the slash: {MASTER}" in flat
    assert "--accept is its line 'accept'" in flat
    await screen.press("end")
    await screen.see("ok  rate")
    await screen.press("home")
    await screen.see("?   capacity        to be accepted")
    await screen.press("enter")
    await screen.see("4 lines to fill in")
    await screen.press("backspace", "backspace", "backspace")
    await screen.fill("", "", "", "capacity")
    await screen.see("Prerequisites:", "[<  Cancel  >]", within_s=40)
    await screen.press("enter")  # Cancel has the focus
    await configure(screen, "", "", "", "")
    await screen.see("NOT configured (failed)", "Everything is as before.", within_s=60)
    assert f"own addresses that the table does not translate: {MASTER}" in " ".join(screen.text.split())
    await screen.press("enter")
    await screen.see(f"[{MASTER}", "[capacity")


async def edit_table(screen: Terminal, line: str) -> None:
    """What is missing stands in the editor; one line more, and back to the menus."""
    await screen.choose("settings", "translation")
    await screen.at("settings > translation")
    await screen.go_to("edit")
    await screen.press("enter")
    await screen.see("#? own, and not in the table", f"#? {MASTER} ->", "one more line:", within_s=20)
    await screen.press(line, "enter")
    await screen.see("the table has", "Exit status 0.  Enter goes back.", within_s=20)
    await screen.press("enter")
    await screen.at("settings > translation")
    await home(screen)


async def look_at_the_pair(screen: Terminal) -> None:
    """As the technician is shown it."""
    await screen.choose("status")
    await screen.see("ACTIVE: PRIMARY SYSTEM", "accepted at configure", "capacity, foreign")
    await home(screen)
    await screen.choose("list")
    await screen.see("master IP address", MASTER, CONTROL)
    await home(screen)


async def load(screen: Terminal) -> None:
    """The mirror by its stamp, from the list."""
    await screen.choose("data", "load", NEWEST)
    await screen.see(f"stamp: {NEWEST}")
    await go_on(screen)
    await screen.see("data_job_ended", "loaded", "<  OK  >", within_s=60)
    await ok(screen)
    await home(screen)


async def remove(screen: Terminal, site: Site) -> None:
    """The traffic in both systems first; then continue or cancel; afterwards it is as it was."""
    before = site.rules()
    await screen.choose("remove")
    await screen.see("primary: primary-1 allowed, primary-2 allowed", "alternate: alternate-1 blocked", within_s=20)
    await screen.press("enter")  # Cancel has the focus
    await screen.at("Redundancy Utility")
    assert site.page()["configured"]
    await screen.choose("remove")
    await go_on(screen)
    await screen.see("Removed: nobody supervises any more.", "alternate system: blocked", within_s=40)
    await screen.press("enter")
    await screen.at("Redundancy Utility")
    assert (site.rules(), site.ordered()) == (before, set())
    await screen.choose("status")
    await screen.see("NOT CONFIGURED")
    await home(screen)


async def test_addresses_that_a_try_has_found_are_confirmed_and_the_next_one_configures(site: Site):
    """
    Nothing was accepted then: each address of somebody else was on the screen before it was confirmed.
    """
    async with technician(site.bed, "xterm") as screen:
        await screen.choose("configure")
        await configure(screen, MASTER, CONTROL, TABLE, "")
        await screen.see("NOT configured (failed)", "foreign addresses", within_s=60)
        await screen.press("enter", "escape")
        await screen.at("Redundancy Utility")
        await import_table(screen, TABLE)
        await screen.choose("settings", "translation", "confirm")
        await screen.fill("")
        await screen.see("NEW: nothing is loaded before each is confirmed", FOREIGN[0])
        await go_on(screen)
        await screen.see(f"{len(FOREIGN)} addresses confirmed")
        await ok(screen)
        await home(screen)
        await screen.choose("configure")
        await configure(screen, MASTER, CONTROL, "", "")
        await screen.see("Configured:", within_s=90)
    site.wait(site.is_supervised, 20)
    assert site.page()["accepted"] == []


async def test_a_terminal_lost_before_the_last_answer_leaves_everything_as_before(site: Site):
    """
    Go on has the focus and was not pressed: no rule, no file, no step.
    """
    before = as_it_is(site)
    async with technician(site.bed, "linux") as screen:
        await screen.choose("configure")
        await screen.fill(MASTER, CONTROL, TABLE, "foreign")
        await screen.see("[<  Cancel  >]", within_s=40)
        await screen.press("left")
        await screen.see("[<  Go on  >]")
        screen.hang_up()
    assert as_it_is(site) == before
    page = site.page()
    assert (page["configured"], page["setup"]["step"], page["setup"]["last"]) == (False, "resting", None)


async def test_a_terminal_lost_while_the_daemon_configures_stops_nothing(site: Site):
    """
    The line breaks in the middle of the load; whoever looks next sees a supervised pair.
    """
    site.reload(3)
    async with technician(site.bed, "vt100") as screen:
        await screen.choose("configure")
        await configure(screen, MASTER, CONTROL, TABLE, "foreign")
        await screen.see("C04 loading", within_s=60)
        screen.hang_up()
    program = ["pgrep", "-f", "mxone_system_redundancy"]
    site.wait(lambda: not site.bed.supervisor.run(program, check=False).strip(), 10)
    assert not site.page()["configured"]
    site.wait(site.is_supervised, 60)
    async with technician(site.bed, "vt100") as screen:
        assert site.bed.supervisor.run(program).strip()  # is found while it is there
        await screen.choose("status")
        await screen.see("ACTIVE: PRIMARY SYSTEM")
