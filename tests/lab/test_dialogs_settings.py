"""Every setting: changed in its dialog, and by words with --yes, and shown by the daemon."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from redundancyd.actions import ACTIONS
from redundancyd.lab.bed import standing
from redundancyd.lab.disk import OPERATORS_TABLE
from redundancyd.lab.plan import BedPlan
from redundancyd.utility.words import find, tree, typed
from tests.lab.technician import go_on, home, ok, technician
from tests.lab.test_configure import WORDS, Site
from tests.utility.terminal import Terminal

pytestmark = [pytest.mark.lab, pytest.mark.strict, pytest.mark.timeout(240)]
TABLE = f"/{OPERATORS_TABLE}"


@pytest.fixture
def site() -> Iterator[Site]:
    """A pair of one LIM in each system."""
    with standing(BedPlan(f"dls-{os.getpid()}", lims=1, configured=False)) as bed:
        found = Site(bed)
        found.say(*WORDS)
        found.wait(found.is_supervised, 20)
        yield found


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
    Change("data auto create", lambda site: "02:30" in str(site.page()["exchange_data"]["auto"]), ("02:30",)),
    Change("data auto remove", lambda site: site.page()["exchange_data"]["auto"] is None),
    Change("settings adopt", lambda site: "foreign_supervisor" not in alarms(site), asks=True),
)
"""Each undoes what one before it did, so that all of them change something once more."""
ELSEWHERE = {"translation-confirm"}
"""There has to be something new: in tests/lab/test_dialogs_whole.py, where the table is edited, too."""


def test_every_setting_of_the_table_of_actions_is_changed_here():
    """
    One that is added later is added here, too.
    """
    groups = ("settings", "data auto ")
    there = {a.name for a in ACTIONS if a.changes and " ".join((*a.words, "")).startswith(groups)}
    changed = [find(tree(), tuple(change.path.split())).action for change in CHANGES]
    assert there == {action.name for action in changed if action is not None} | ELSEWHERE


async def in_dialogs(screen: Terminal, change: Change) -> None:
    """From the first menu to where it is said that it is done, and back."""
    await screen.choose(*change.path.split())
    if change.lines:
        await screen.see("to fill in")
        await screen.fill(*change.lines, *([""] if "import" in change.path else []))
    if change.asks:
        await go_on(screen)
    await screen.see("Done", "<  OK  >")
    await ok(screen)
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
