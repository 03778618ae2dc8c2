"""The operator's way in and out, by command words on a bed where nothing is configured yet."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.daemon_process import Daemon, Journal
from redundancyd.lab.disk import OPERATORS_TABLE
from redundancyd.lab.plan import CONTROL, BedPlan, master_address

pytestmark = [pytest.mark.lab, pytest.mark.strict, pytest.mark.timeout(240)]
WORDS = (
    "configure",
    "--master-ip",
    master_address(System.PRIMARY),
    "--network-control-address",
    CONTROL,
    "--translation",
    f"/{OPERATORS_TABLE}",
    "--accept",
    "foreign",
    "--yes",
)
RELOAD = "/etc/opt/eri_sn/reload.json"
STATE = "/var/lib/redundancyd"


class Site:
    """A bed of 2 + 2 LIMs, its daemon, and somebody who types."""

    def __init__(self, bed: Bed) -> None:
        self.bed, self.daemon = bed, Daemon(bed)
        self.daemon.start()
        self.daemon.wait_answering()
        self.wait(lambda: all(lim["reach"] for lim in self.lims()), 20)

    def wait(self, is_so: Callable[[], bool], seconds: float) -> None:
        """Wait for it; what the daemon said is the message if it does not come."""
        give_up = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < give_up, self.daemon.last_lines()
            time.sleep(0.05)

    def page(self) -> dict[str, Any]:
        """The status page; an empty one while a life gives way to the next."""
        return self.daemon.status() or {}

    def lims(self) -> list[dict[str, Any]]:
        """Every LIM, as the status page shows it."""
        systems = self.page().get("systems", {})
        return [lim for system in systems.values() for lim in system["lims"]] or [{"reach": False}]

    def say(self, *words: str, status: int | None = 0, seconds: float = 90) -> CompletedProcess[str]:
        """Type these words, to their end."""
        done = self.daemon.order(words, seconds)
        assert status is None or done.returncode == status, done.stdout + done.stderr + self.daemon.last_lines()
        return done

    def type(self, *words: str) -> Popen[bytes]:
        """Type these words and go on."""
        return Popen(self.daemon.utility(words))

    def is_supervised(self) -> bool:
        """The primary is active by our order, the alternate is blocked, and a takeover would work."""
        return bool(self.page().get("configured")) and self.daemon.is_ready()

    def traffic(self) -> dict[str, Traffic]:
        """What the rules of each LIM do, read from outside."""
        return {name: lim.traffic() for name, lim in self.bed.lims.items()}

    def rules(self) -> dict[str, str]:
        """Every rule of every LIM."""
        return {
            name: "".join(line for line in lim.rules().splitlines(keepends=True) if line.startswith(("-", ":")))
            for name, lim in self.bed.lims.items()
        }

    def running(self) -> str:
        """What the alternate has loaded since it was set up."""
        return self.bed.supervisor.run(["cat", "/var/opt/eri_sn/running"], check=False).strip()

    def ordered(self) -> set[str]:
        """The LIMs that remember an order."""
        return {name for name, lim in self.bed.lims.items() if lim.ordered()}

    def files(self) -> dict[str, str]:
        """What the state folder says, but for what is no statement: who we are, the lock, empty slots."""
        found = {}
        for name in ("setup", "translation-table", "translation", "translation-confirmed", "data-job"):
            path = self.bed.supervisor.path(f"{STATE}/{name}")
            if path.exists():
                found[name] = path.read_text()
        return found

    def reload(self, seconds: float, *outcomes: str) -> None:
        """How the alternate's next reloads go."""
        self.bed.supervisor.path(RELOAD).write_text(json.dumps({"seconds": seconds, "outcomes": list(outcomes)}))

    def step(self) -> str:
        """What a configuration is at."""
        return str(self.page().get("setup", {}).get("step", ""))


@pytest.fixture
def site() -> Iterator[Site]:
    """Two LIMs in each system, and a daemon that nobody has configured."""
    with standing(BedPlan(f"cf-{os.getpid()}", lims=2, configured=False)) as bed:
        yield Site(bed)


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    """The same for tests that leave it as they found it."""
    with standing(BedPlan(f"cfs-{os.getpid()}", lims=2, configured=False)) as bed:
        yield Site(bed)


def test_from_nothing_to_a_supervised_pair_and_out_again(site: Site):
    """
    Looking works before; supervising does not, and says why.  Then a pair; then none, traffic as it was, nobody holds.
    """
    assert "NOT CONFIGURED" in site.say("status").stdout
    assert site.say("settings", "translation").returncode == 0
    refused = site.say("settings", "resume", status=3)
    assert "redundancyctl configure" in refused.stderr
    told = site.say(*WORDS).stdout
    assert [told.index(word) for word in ("Prerequisites:", "Will do:", "C01", "C03", "C05", "Configured:")] == sorted(
        told.index(word) for word in ("Prerequisites:", "Will do:", "C01", "C03", "C05", "Configured:")
    )
    site.wait(site.is_supervised, 20)
    assert site.running() == "20260309031502"
    site.wait(lambda: bool(site.page()["exchange_data"]["mirrors"]), 20)
    assert site.say("settings", "translation").stdout.count("missing") == 0
    data = site.page()["exchange_data"]
    assert (data["missing"], data["unconfirmed"], data["differences"]) == ([], [], [])  # nothing holds back a load
    assert site.traffic() == {
        "primary-1": Traffic.ALLOWED,
        "primary-2": Traffic.ALLOWED,
        "alternate-1": Traffic.BLOCKED,
        "alternate-2": Traffic.BLOCKED,
    }
    assert site.page()["accepted"] == ["foreign"]
    for lim in site.bed.of(System.PRIMARY):
        assert (lim.disk / "var/lib/redundancyd/lim/control").read_text() == f"{CONTROL}\n"
    assert "remove" in site.say(*WORDS, status=3).stdout + site.say(*WORDS[:-1], "--preview", status=3).stdout
    site.daemon.stop()
    site.daemon.start()
    site.wait(site.is_supervised, 20)
    before = site.rules()
    told = site.say("remove", "--yes").stdout
    assert "primary system: allowed" in told
    assert "alternate system: blocked" in told
    assert site.rules() == before
    assert site.ordered() == set()
    assert not site.page()["configured"]
    site.daemon.stop()
    site.daemon.start()
    site.daemon.wait_answering()
    assert not site.page()["configured"]
    site.say(*WORDS)
    site.wait(site.is_supervised, 20)


BROKEN = {
    "version": (
        lambda bed: bed.supervisor.path("/etc/opt/eri_sn/about").write_text("Version: 7.9\n"),
        (),
        ("LIM 1: primary 7.8.1.0.19, alternate 7.9", "Bring both systems to the same version."),
    ),
    "gateway": (
        lambda bed: bed.lims["alternate-2"].path("/etc/opt/eri_sn/media_gateways").write_text("Mgw\n"),
        (),
        ("primary: 1A, 2A", "alternate: 1A", "Add the media gateway that is missing"),
    ),
    "lim": (
        lambda bed: bed.supervisor.path("/etc/opt/eri_sn/mxone_data").write_text("Lim servers\n1 regular\n"),
        (),
        ("its exchange has LIM 1, the settings list LIM 1, 2", "Add the LIM that is missing"),
    ),
    "standby": (
        lambda bed: _add_setting(bed, "primary-1", "standby=yes"),
        (),
        ("runs on its standby server", "Bring LIM 1 back to its regular server first."),
    ),
    "blocked": (
        lambda bed: bed.lims["primary-2"].run(["redundancy-lim", "block", "--by-hand"]),
        (),
        ("primary: allowed, blocked", "the alternate carries the traffic", "more_configuration iptables remove"),
    ),
    "clock": (
        lambda bed: _replace(bed, "alternate-2", "date", "echo $(($(/usr/bin/date +%s) + 3600))"),
        (),
        ("alternate-2: 3600 s before our clock", "the same NTP servers"),
    ),
    "processors": (
        lambda bed: _replace(bed, "primary-2", "nproc", "echo 999"),
        (),
        ("LIM 2: processors 999 against", "less (processors)", "--accept capacity"),
    ),
    "slow": (
        lambda bed: bed.lims["primary-1"].run(f"tc qdisc add dev eth0 root {SLOW}".split()),
        (),
        ("kB a second from the primary's LIM 1", "Look at the line between the two places", "--accept rate"),
    ),
    "mask": (None, ("--master-ip", "192.0.2.10/24"), ("192.0.2.10/24 has a mask", "without the slash: 192.0.2.10")),
    "wrong-master": (None, ("--master-ip", "192.0.2.99"), ("192.0.2.99 does not answer", "itself reports: 192.0.2.10")),
    "control": (None, ("--network-control-address", "203.0.113.99"), ("203.0.113.99 does not answer", "always on")),
}
UNDO = {
    "blocked": lambda bed: bed.lims["primary-2"].run(["redundancy-lim", "allow", "--by-hand"]),
    "clock": lambda bed: bed.lims["alternate-2"].run(["rm", "/usr/local/sbin/date"]),
    "processors": lambda bed: bed.lims["primary-2"].run(["rm", "/usr/local/sbin/nproc"]),
    "slow": lambda bed: bed.lims["primary-1"].run(["tc", "qdisc", "del", "dev", "eth0", "root"]),
}
SLOW = "tbf rate 1mbit burst 16kb latency 400ms"
FILES = (
    "/etc/opt/eri_sn/about",
    "/etc/opt/eri_sn/mxone_data",
    "/etc/opt/eri_sn/media_gateways",
    "/etc/redundancyd/lim.conf",
)


def _replace(bed: Bed, name: str, command: str, script: str) -> None:
    path = bed.lims[name].path(f"/usr/local/sbin/{command}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _add_setting(bed: Bed, name: str, line: str) -> None:
    with bed.lims[name].path("/etc/redundancyd/lim.conf").open("a") as file:
        file.write(f"{line}\n")


@pytest.mark.parametrize("case", BROKEN)
def test_a_prerequisite_that_is_not_met_is_told_with_its_remedy_and_nothing_is_changed(shared: Site, case: str):
    """
    Exit status 3 and the words that help; the rules of all LIMs and the files are as they were.
    """
    damage, words, told = BROKEN[case]
    kept = {(name, path): lim.path(path).read_text() for name, lim in shared.bed.lims.items() for path in FILES}
    if damage is not None:
        damage(shared.bed)
    before = shared.rules(), shared.files()
    try:
        done = shared.say(*_instead(words), status=3)
    finally:
        for (name, path), text in kept.items():
            shared.bed.lims[name].path(path).write_text(text)
        after = shared.rules(), shared.files()
        if case in UNDO:
            UNDO[case](shared.bed)
    flat = " ".join((done.stdout + done.stderr).split())
    assert [word for word in told if word not in flat] == []
    assert after == before
    assert not shared.page()["configured"]


def test_a_lim_that_shows_another_host_key_is_told_apart_from_one_that_is_away(site: Site):
    """
    Reinstalled, or somebody else: the remedy is to compare, and nothing was changed.
    """
    known = site.bed.supervisor.path("/etc/redundancyd/known_hosts")
    lines = known.read_text().splitlines()
    other = next(line.split(" ", 1)[1] for line in lines if line.startswith("192.0.2.11 "))
    known.write_text(
        "".join(
            f"{each} {other}\n" if each == "192.0.2.12" else f"{line}\n" for line in lines for each in [line.split()[0]]
        )
    )
    site.daemon.stop()
    site.daemon.start()
    site.daemon.wait_answering()
    site.wait(lambda: sum(lim["reach"] for lim in site.lims()) == 3, 20)
    before = site.rules(), site.files()
    flat = " ".join(site.say(*WORDS, status=3).stdout.split())
    assert "primary-2: its host key is not the one that is pinned" in flat
    assert "Compare the key at the console of the LIM" in flat
    assert (site.rules(), site.files()) == before


def _instead(words: tuple[str, ...]) -> tuple[str, ...]:
    """The ordinary words, with another value for one of them."""
    typed = list(WORDS)
    if words:
        typed[typed.index(words[0]) + 1] = words[1]
    return tuple(typed)


@pytest.mark.parametrize("step", ["copying", "translating", "blocking", "loading"])
def test_a_daemon_killed_at_a_step_is_as_before_at_the_next_start_and_configures_again(site: Site, step: str):
    """
    Killed, started: rules, data and files as before.  The same words once more: a supervised pair.
    """
    before = site.traffic(), site.running(), site.files().keys() - {"setup"}
    site.reload(2)
    typed = site.type(*WORDS, "--no-wait")
    site.wait(lambda: _has_begun(site, step), 40)
    site.daemon.kill()
    typed.wait(30)
    site.daemon.start()
    site.daemon.wait_answering()
    site.wait(lambda: site.page().get("setup", {}).get("undoing") is False and site.step() == "resting", 60)
    assert (site.traffic(), site.running() or "", site.files().keys() - {"setup"}) == before
    site.say(*WORDS)
    site.wait(site.is_supervised, 20)


def _has_begun(site: Site, step: str) -> bool:
    lines = Journal(site.daemon.journal).new()
    return any(line["event"] == "setup_step" and line["step"] == step for line in lines)


@pytest.mark.parametrize("how", ["stopped", "fails"])
def test_a_configuration_that_is_stopped_or_fails_while_it_loads_is_undone(site: Site, how: str):
    """
    Exit status 1 and why; the alternate is allowed as before, and runs what it ran.
    """
    before = site.traffic()
    site.reload(*((0.5, "fails") if how == "fails" else (4,)))
    typed = site.type(*WORDS)
    if how == "stopped":
        site.wait(lambda: site.step() == "loading", 40)
        site.say("remove", "--yes")
    assert typed.wait(60) == 1
    assert site.traffic() == before
    assert site.running() in {"", "20260307040000"}
    assert site.ordered() == set()
    assert site.page()["setup"]["last"]["result"] == ("stopped" if how == "stopped" else "failed")


def test_the_utility_killed_in_the_middle_does_not_stop_the_daemon(site: Site):
    """
    The terminal is gone; the pair is configured all the same.
    """
    site.reload(1)
    typed = site.type(*WORDS)
    site.wait(lambda: site.step() == "loading", 40)
    typed.send_signal(signal.SIGKILL)
    typed.wait(5)
    site.wait(site.is_supervised, 40)


def test_a_removal_works_when_a_lim_of_the_alternate_is_lost_and_is_finished_when_it_comes_back(site: Site):
    """
    The LIM without power is named; the others hear of it at once, and that one as soon as it answers.
    """
    site.say(*WORDS)
    site.wait(site.is_supervised, 20)
    gone = site.bed.named("alternate-2")
    site.bed.power_off(gone)
    site.wait(lambda: not any(lim["reach"] for lim in site.lims() if lim["name"] == "alternate-2"), 20)
    done = site.say("remove", "--yes")
    assert "alternate-2" in done.stdout.split("Out of reach:")[1]
    assert site.ordered() == {"alternate-2"}
    site.bed.power_on(gone)
    site.wait(lambda: not site.ordered(), 30)
    site.wait(lambda: site.page()["setup"]["to_disarm"] == [], 5)


def test_a_removal_works_when_the_primary_is_lost_and_the_alternate_goes_on(site: Site):
    """
    The alternate took over; removed, it still carries the traffic, and the primary is left to be dealt with there.
    """
    site.say(*WORDS)
    site.wait(site.is_supervised, 20)
    site.bed.power_off(site.bed.of(System.PRIMARY))
    site.wait(lambda: bool(site.page()["goal"]["active"] == "alternate" and site.page()["goal"]["done"]), 60)
    told = site.say("remove", "--yes").stdout
    assert "primary: out of reach; on its LIMs, as root: redundancy-lim allow --by-hand" in " ".join(told.split())
    assert "alternate system: allowed" in told
    assert {site.traffic()[name] for name in ("alternate-1", "alternate-2")} == {Traffic.ALLOWED}
    assert site.ordered() == {"primary-1", "primary-2"}


def test_without_the_alternate_the_primary_is_let_carry_traffic_by_hand(site: Site):
    """
    The site of the alternate burnt while it was active, the daemon with it: two words on each LIM of the primary.
    """
    site.say(*WORDS)
    site.wait(site.is_supervised, 20)
    site.say("manual-takeover", "traffic-in-alternate", "--yes")
    site.bed.power_off(site.bed.of(System.ALTERNATE))
    for lim in site.bed.of(System.PRIMARY):
        assert lim.traffic() is Traffic.BLOCKED
        lim.run(["redundancy-lim", "allow", "--by-hand"])
        lim.run(["redundancy-lim", "remove"])
        assert lim.traffic() is Traffic.ALLOWED
    assert site.ordered() <= {"alternate-1", "alternate-2"}
