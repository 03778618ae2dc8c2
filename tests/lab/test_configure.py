"""The operator's way in and out, by command words on a bed where nothing is configured yet."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess, Popen
from typing import Any

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.daemon_process import Daemon
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
OURS = ("etc/redundancyd", "var/lib/redundancyd")


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
        """Every rule of every LIM, in both families."""
        return {
            f"{name} IPv{family}": "".join(
                line for line in lim.rules(family).splitlines(keepends=True) if line.startswith(("-", ":"))
            )
            for name, lim in self.bed.lims.items()
            for family in (4, 6)
        }

    def running(self) -> str:
        """What the alternate has loaded since it was set up."""
        return self.bed.supervisor.run(["cat", "/var/opt/eri_sn/running"], check=False).strip()

    def ordered(self) -> set[str]:
        """The LIMs that remember an order."""
        return {name for name, lim in self.bed.lims.items() if lim.ordered()}

    def files(self) -> dict[str, str]:
        """Every file of the state folder and of the settings, on every LIM: who may use it, and a checksum of it."""
        return {
            f"{name}:/{path.relative_to(lim.disk)}": f"{path.lstat().st_mode:o} {_checksum(path)}"
            for name, lim in self.bed.lims.items()
            for folder in OURS
            for path in sorted((lim.disk / folder).rglob("*"))
        }

    def all(self) -> dict[str, str]:
        """All that must not change where nothing is done."""
        return self.rules() | self.files()

    def reload(self, seconds: float, *outcomes: str | float) -> None:
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


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """What is not the same, by name: before, and after."""
    names = before.keys() | after.keys()
    return {name: (before.get(name), after.get(name)) for name in sorted(names) if before.get(name) != after.get(name)}


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "-"


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


def test_a_configuration_whose_load_fails_is_undone(site: Site):
    """
    Exit status 1 and why; the alternate is allowed as before, and runs what it ran.
    """
    before = site.traffic()
    site.reload(0.5, "fails")
    done = site.say(*WORDS, status=1)
    assert "NOT configured (failed): loading:" in done.stdout
    assert site.traffic() == before
    assert site.running() in {"", "20260307040000"}
    assert site.ordered() == set()


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
