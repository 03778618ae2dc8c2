"""Every example of the table of actions, typed as it is shown into a shell on LIM 1 of the alternate of a bed.

Each has a bed on which it makes sense, and where that is not enough something that is prepared.  It has done what it
shows when it has said what belongs to it, has ended with status 0, and is so: read from the daemon, the rules, files.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from redundancyd.actions import ACTIONS
from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import standing
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.exchange_data import FOREIGN, PROXY
from redundancyd.lab.plan import BedPlan
from tests.lab import examples
from tests.lab.administrator import with_administrator
from tests.lab.examples import ENTRY, NEWEST, calm
from tests.lab.place import Case, Place, does_what_it_shows, said
from tests.lab.prompt import HOME, prompt

EDITOR = f"{HOME}/editor"
LAB = (pytest.mark.lab, pytest.mark.timeout(180))


@contextmanager
def place_of(plan: BedPlan) -> Iterator[Place]:
    """A bed, and a shell on it."""
    with standing(plan) as bed, prompt(plan.prefix) as shell:
        yield Place(bed, Daemon(bed), shell)


PAIR: Mapping[str, Case] = {
    "list": Case("192.0.2.10"),
    "status": Case("ACTIVE: PRIMARY SYSTEM"),
    "settings-takeover": Case(
        "alternate-from-primary is automatic",
        lambda place: place.page("methods", "alternate-from-primary") == "automatic",
        said("settings", "takeover", "alternate-from-primary", "manual"),
    ),
    "cluster-fallback": Case("the fallback type of the primary's clusters is automatic"),
    "pause": Case(
        "no automatic takeover for 7200 s", lambda place: place.page("pause", "reason") == "work on the routers"
    ),
    "resume": Case(
        "automatic takeovers are possible again",
        lambda place: place.page("pause") is None,
        said("settings", "pause", "--for", "1h", "--reason", "work"),
    ),
    "settings-adopt": Case("primary active, adopted", examples.is_adopted, examples.strange),
    "manual-takeover": Case(
        "done: traffic in the alternate system.",
        lambda place: place.page("goal", "active") == "alternate" and place.page("goal", "revert_in_ms") is not None,
    ),
    "manual-takeover-confirm": Case(
        "alternate active",
        lambda place: place.page("goal", "active") == "alternate" and place.page("goal", "revert_in_ms") is None,
        said("manual-takeover", "traffic-in-alternate", "--revert-after", "15m", "--yes"),
    ),
    "translation": Case("192.0.2.11 -> 198.51.100.11", before=examples.with_mirror),
    "translation-list": Case("192.0.2.11 -> 198.51.100.11", before=examples.with_mirror),
    "translation-edit": Case("the table has", examples.has_entry, examples.without_entry),
    "translation-set": Case("192.0.2.11 becomes 198.51.100.11", examples.has_entry, examples.without_entry),
    "translation-import": Case("the table has", examples.has_entry, examples.with_file),
    "translation-export": Case("table.txt has the table", examples.is_exported, examples.without_file),
    "translation-confirm": Case(
        "1 address confirmed", lambda place: PROXY in place.addresses("foreign"), examples.with_mirror
    ),
    "data-copy": Case("begun", examples.has_mirror),
    "data-load": Case("begun", examples.is_loaded, examples.all_confirmed),
    "data-list": Case(NEWEST, before=examples.with_mirror),
    "data-verify": Case("begun", examples.is_verified, examples.with_mirror),
    "data-auto-create": Case("daily at 02:30", lambda place: place.page("exchange_data", "auto") == "02:30 local"),
    "data-auto-list": Case("03:45", before=said("data", "auto", "create", "--at", "03:45")),
    "data-auto-remove": Case(
        "no automatic copy any more",
        lambda place: place.page("exchange_data", "auto") is None,
        said("data", "auto", "create", "--at", "03:45"),
    ),
    "alarms": Case("another supervisor orders these LIMs", before=examples.strange_and_adopted),
    "alarms-acknowledge": Case("alternate active", lambda place: "latched" not in place.alarms(), examples.latched),
    "explain": Case("the primary is heard, and it is the active system"),
    "events": Case("daemon_started"),
    "inspect-table": Case("T01 resting + due -> saving"),
    "inspect-state": Case("goal.active = primary"),
    "inspect-row": Case("T07"),
}
"""On a pair that is supervised."""


SETUP: Mapping[str, Case] = {
    "more-configuration-iptables-add": Case(
        "alternate-2 traffic blocked (by hand)",
        lambda place: examples.traffic(place, System.ALTERNATE) == {Traffic.BLOCKED},
        examples.unconfigured,
    ),
    "more-configuration-iptables-remove": Case(
        "primary-2 traffic allowed (by hand)",
        lambda place: examples.traffic(place, System.PRIMARY) == {Traffic.ALLOWED},
        examples.blocked_by_hand,
    ),
    "more-configuration-iptables-status": Case("primary-1 traffic allowed", before=examples.unconfigured),
    "configure": Case("Configured: the primary system is active", examples.is_configured, examples.unconfigured),
    "remove": Case("Removed: nobody supervises any more.", examples.is_unconfigured, examples.configured),
}
"""Where redundancy-lim is on every LIM, and no pair was made of them."""
BARE: Mapping[str, Case] = {
    "lim-key": Case("ssh-ed25519 ", lambda place: place.bed.supervisor.path("/etc/redundancyd/supervision").exists()),
    "lim-install": Case("answers to the supervision, traffic is allowed", examples.is_installed),
    "lim-check": Case(
        "mended: /etc/redundancyd/lim.conf has mode 0666", examples.is_installed, examples.installed_and_opened
    ),
}
"""Where nothing of ours is on any LIM."""


@pytest.fixture(scope="module")
def pair() -> Iterator[Place]:
    """One LIM in each system under a daemon; one address of somebody else that nobody has confirmed yet."""
    settings = {"takeover.takeovers_per_hour": "1", "ssh.connect_timeout_ms": "500"}
    with place_of(BedPlan(f"ex-pair-{os.getpid()}", lims=1, settings=settings)) as place:
        confirmed = "".join(f"{address}\n" for address in FOREIGN if address != PROXY)
        place.write("/var/lib/redundancyd/translation-confirmed", confirmed, 0o600)
        place.write(EDITOR, f"#!/bin/sh\nprintf '{ENTRY.strip()}\\n' >>\"$1\"\n", 0o755)
        place.at.type(f"export EDITOR={EDITOR}")
        place.daemon.first_goal("primary")
        place.daemon.start()
        place.daemon.wait_answering()
        yield place


@pytest.fixture(scope="module")
def unconfigured() -> Iterator[Place]:
    """Two LIMs in each system, and a daemon that nobody has configured."""
    with place_of(BedPlan(f"ex-new-{os.getpid()}", lims=2, configured=False)) as place:
        place.daemon.start()
        place.daemon.wait_answering()
        yield place


@pytest.fixture(scope="module")
def bare() -> Iterator[Place]:
    """One LIM in each system; an administrator may log in by password and become root, and that is all."""
    with place_of(BedPlan(f"ex-bare-{os.getpid()}", lims=1, installed=False)) as place:
        for lim in place.bed.lims.values():
            with_administrator(lim, "mxone_admin")
        yield place


def cases(found: Mapping[str, Case], *marks: pytest.MarkDecorator) -> list[object]:
    """
    Each by its name, all of them on one bed.
    """
    return [pytest.param(name, case, id=name, marks=(*LAB, *marks)) for name, case in found.items()]


@pytest.mark.parametrize(("name", "case"), cases(PAIR, pytest.mark.strict))
def test_an_example_does_to_a_supervised_pair_what_it_shows(pair: Place, name: str, case: Case):
    """
    The primary is active and nothing goes on when it is typed, unless the example needs it otherwise.
    """
    calm(pair)
    does_what_it_shows(pair, name, case)


@pytest.mark.parametrize(("name", "case"), cases(SETUP, pytest.mark.xdist_group("examples of setup")))
def test_an_example_does_before_and_after_a_pair_what_it_shows(unconfigured: Place, name: str, case: Case):
    """
    By hand while nothing is configured; the way in, and the way out.
    """
    does_what_it_shows(unconfigured, name, case)


@pytest.mark.parametrize(("name", "case"), cases(BARE, pytest.mark.xdist_group("examples on bare LIMs")))
def test_an_example_does_without_a_daemon_what_it_shows(bare: Place, name: str, case: Case):
    """
    The key, and what the supervision needs on each LIM; host keys are compared, and a password is typed.
    """
    does_what_it_shows(bare, name, case)


def test_no_example_of_the_table_is_left_out():
    """
    Each is typed here, on exactly one of the beds.
    """
    assert sorted([*PAIR, *SETUP, *BARE]) == sorted(action.name for action in ACTIONS)
