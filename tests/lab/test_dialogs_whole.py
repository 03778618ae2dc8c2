"""The whole way of a technician with nothing but the dialogs: from LIMs that are no pair to one, and out again."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from redundancyd.actions import ACTIONS
from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import standing
from redundancyd.lab.disk import OPERATORS_TABLE
from redundancyd.lab.exchange_data import FOREIGN
from redundancyd.lab.plan import CONTROL, BedPlan, master_address
from redundancyd.utility.words import find, tree, typed
from tests.lab.technician import go_on, home, takeover, technician
from tests.lab.test_configure import BROKEN, WORDS, Site
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
Page = Mapping[str, Any]


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """LIMs of which nobody has made a pair, and the daemon."""
    with standing(BedPlan(f"dl-{os.getpid()}", lims=getattr(request, "param", 1), configured=False)) as bed:
        yield Site(bed)


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
    await screen.press("enter")
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
        before = site.rules(), site.files()
        await refused_then_failed(screen)
        assert (site.rules(), site.files()) == before
        await home(screen)
        await edit_table(screen, f"{MASTER} {master_address(System.ALTERNATE)}")
        await screen.choose("configure")
        await configure(screen, MASTER, CONTROL, "", "capacity")
        await screen.see("NOT configured (failed)", "foreign addresses", within_s=60)
        await screen.press("enter")
        await configure(screen, "", "", "", " foreign")  # what was typed stands there still
        await screen.see("C04 loading", within_s=60)
        await screen.see("Configured: the primary system is active, and supervised.", within_s=90)
        await screen.press("enter")
        assert screen.title in {"configure", "Redundancy Utility"}
        await screen.at("Redundancy Utility")
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
    damage, _, _ = BROKEN["processors"]
    assert damage is not None
    damage(site.bed)


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
    await screen.see("?   capacity", "Or accept it: --accept capacity")
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
    await screen.see("#? own, and not in the table", f"#? {MASTER} ->", "one more line: ", within_s=20)
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
    await screen.at("data > load")
    await go_on(screen)
    await screen.see("data_job_ended", "loaded", "<  OK  >", within_s=60)
    await screen.press("enter")
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


@dataclass(frozen=True, slots=True)
class Change:
    """One setting: the words that lead to it, what is filled in there, and where the daemon shows it."""

    path: str
    is_so: Callable[[Site], bool]
    lines: tuple[str, ...] = ()
    asks: bool = False

    def words(self) -> list[str]:
        """The same as it is typed on the command line."""
        *path, last = self.path.split()
        node = find(tree(), (*path, last))
        values = dict(zip([argument.name for argument in node.asked], self.lines, strict=False))
        rest = self.path.split()[len(node.words) :]
        said = typed(node, values)
        return [*said[: len(node.words)], *rest, *said[len(node.words) :], *(["--yes"] if self.asks else [])]


def method(direction: str, word: str) -> Change:
    """A takeover method."""
    return Change(f"settings takeover {direction} {word}", lambda site: site.page()["methods"][direction] == word)


def fallback(word: str) -> Change:
    """What is said of the clusters."""
    return Change(f"settings cluster-fallback {word}", lambda site: site.page()["cluster_fallback"] == word)


def table(site: Site) -> str:
    """The table that the daemon has."""
    found = site.daemon.ask("GET", "/v1/translation")
    assert found is not None
    return str(found["table"])


def alarms(site: Site) -> set[str]:
    """The names of those that stand."""
    return {alarm["name"] for alarm in site.page()["alarms"]}


CHANGES = (
    method("alternate-from-primary", "manual"),
    method("primary-from-alternate", "automatic"),
    method("alternate-from-primary", "automatic"),
    method("primary-from-alternate", "manual"),
    fallback("automatic"),
    fallback("manual"),
    Change("settings pause", lambda site: (site.page()["pause"] or {}).get("reason") == "routers", ("2h", "routers")),
    Change("settings resume", lambda site: site.page()["pause"] is None),
    Change(
        "settings translation set",
        lambda site: "192.0.2.98 -> 198.51.100.98" in table(site),
        ("192.0.2.98", "198.51.100.98"),
    ),
    Change("settings translation import", lambda site: "192.0.2.98" not in table(site), (TABLE,)),
    Change("data auto create", lambda site: site.page()["exchange_data"]["auto"] == "02:30", ("02:30",)),
    Change("data auto remove", lambda site: site.page()["exchange_data"]["auto"] is None),
    Change("settings adopt", lambda site: "foreign_supervisor" not in alarms(site), asks=True),
)
"""Each undoes what one before it did, so that all of them change something once more."""
ELSEWHERE = {
    "translation-edit": "above, before there is a pair",
    "translation-confirm": "in test_addresses_that_a_try_has_found_are_confirmed_and_the_next_one_configures",
}


def test_every_setting_of_the_table_of_actions_is_changed_here():
    """
    One that is added later is added here, too.
    """
    groups = ("settings", "data auto ")
    there = {a.name for a in ACTIONS if a.changes and " ".join((*a.words, "")).startswith(groups)}
    changed = [find(tree(), tuple(change.path.split())).action for change in CHANGES]
    assert there == {action.name for action in changed if action is not None} | ELSEWHERE.keys()


async def in_dialogs(screen: Terminal, change: Change) -> None:
    """From the first menu to where it is said that it is done, and back."""
    await screen.choose(*change.path.split())
    if change.lines:
        await screen.see("to fill in")
        await screen.fill(*change.lines, *([""] if "import" in change.path else []))
    if change.asks:
        await go_on(screen)
    await screen.see("Done", "<  OK  >")
    await screen.press("enter")
    await home(screen)


def make_foreign(site: Site, number: int) -> None:
    """Somebody else orders a LIM, with a higher number than ours."""
    lim = site.bed.lims["primary-1"]
    lim.run(["redundancy-lim", "allow", str(number), f"somebody.else{number}"])
    site.wait(lambda: "foreign_supervisor" in alarms(site), 20)


async def test_every_setting_is_changed_in_its_dialog_and_by_words_and_the_daemon_shows_it(site: Site):
    """
    On the console of Linux; then once more on the command line, with --yes where it asks.
    """
    site.say(*WORDS)
    site.wait(site.is_supervised, 20)
    async with technician(site.bed, "linux") as screen:
        for change in CHANGES:
            if change.asks:
                make_foreign(site, 500)
            assert not change.is_so(site), change.path
            await in_dialogs(screen, change)
            site.wait(partial(change.is_so, site), 10)
        await screen.choose("list")
        await screen.see("cluster-fallback          manual")
    for change in CHANGES:
        if change.asks:
            make_foreign(site, 900)
        assert not change.is_so(site), change.path
        site.say(*change.words())
        site.wait(partial(change.is_so, site), 10)


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
        await screen.press("enter")
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
    before = site.rules(), site.files()
    async with technician(site.bed, "linux") as screen:
        await screen.choose("configure")
        await screen.fill(MASTER, CONTROL, TABLE, "foreign")
        await screen.see("[<  Cancel  >]", within_s=40)
        await screen.press("left")
        await screen.see("[<  Go on  >]")
        screen.hang_up()
    assert (site.rules(), site.files(), site.ordered()) == (before[0], before[1], set())
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
    assert not site.page()["configured"]
    site.wait(site.is_supervised, 60)
    async with technician(site.bed, "vt100") as screen:
        await screen.choose("status")
        await screen.see("ACTIVE: PRIMARY SYSTEM")
