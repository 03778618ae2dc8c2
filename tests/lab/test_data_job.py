"""The jobs of exchange data by the real daemon on a bed: from the primary's backup to what the alternate runs."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.daemon_process import Daemon, Journal
from redundancyd.lab.plan import BedPlan

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]
NEWEST = "20260309031502"
OLDER = "20260307040000"
RELOAD = "/etc/opt/eri_sn/reload.json"


class Pair:
    """A bed of 2 + 2 LIMs under a daemon that settled."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.daemon = Daemon(bed)
        self.journal: list[Mapping[str, Any]] = []
        self._reader = Journal(self.daemon.journal)

    def start(self) -> None:
        """The primary is active, every LIM is ordered, a takeover would work."""
        self.daemon.first_goal("primary")
        self.daemon.start()
        self.wait(self.daemon.is_ready, 20)

    def wait(self, is_so: Callable[[], bool], seconds: float) -> None:
        """Wait for it; what the daemon said is the message if it does not come."""
        give_up = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < give_up, self.daemon.last_lines()
            time.sleep(0.1)

    def data(self) -> dict[str, Any]:
        """What the daemon shows of exchange data."""
        status = self.daemon.status()
        assert status is not None
        found = status["exchange_data"]
        assert isinstance(found, dict)
        return found

    def alarms(self) -> set[str]:
        """The names of the alarms that stand."""
        status = self.daemon.status()
        assert status is not None
        return {alarm["name"] for alarm in status["alarms"]}

    def order(self, *words: str) -> None:
        """What an operator says, and the daemon takes."""
        done = self.daemon.order(words, 20)
        assert done.returncode == 0, done.stdout + done.stderr

    def ended(self) -> dict[str, Any]:
        """How the job ended that was asked for just now, once it has."""
        lines = self.events("data_job_ended")
        self.wait(lambda: len(self.events("data_job_ended")) > len(lines), 60)
        self.wait(lambda: self.data()["step"] == "resting", 10)
        last = self.data()["last"]
        assert isinstance(last, dict)
        return last

    def assert_ended(self, result: str) -> None:
        """It ended so."""
        last = self.ended()
        assert last["result"] == result, last["why"]

    def events(self, name: str) -> list[Mapping[str, Any]]:
        """The lines of the journal of this kind, so far."""
        self.journal += self._reader.new()
        return [line for line in self.journal if line["event"] == name]

    def running(self) -> str:
        """What the alternate's exchange runs."""
        return self.bed.supervisor.path("/var/opt/eri_sn/running").read_text().strip()

    def reload(self, seconds: float, *outcomes: str) -> None:
        """How the alternate's next reloads go."""
        text = json.dumps({"seconds": seconds, "outcomes": list(outcomes)})
        self.bed.supervisor.path(RELOAD).write_text(text)

    def look_at_primary(self) -> str:
        """Every name, size and instant of change below the exchange's folder of the primary."""
        look = ["find", "/var/opt/eri_sn", "-printf", "%p %s %T@ %C@\\n"]
        return "".join(lim.run(look) for lim in self.bed.of(System.PRIMARY))


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two LIMs in each system, and no daemon yet."""
    with standing(BedPlan("datajob", lims=2, settings={"exchange_data.auto": "off"})) as bed:
        yield Pair(bed)


@pytest.mark.D3
@pytest.mark.D4
def test_the_primary_s_backup_runs_in_the_alternate_translated_and_nothing_changed_in_the_primary(pair: Pair):
    """
    Copied, kept, loaded on every LIM; not an address of the primary in it; its phones stay where they are.
    """
    before = pair.look_at_primary()
    pair.start()
    pair.order("data", "copy")
    pair.assert_ended("copied")
    pair.order("data", "load", "--yes")
    pair.assert_ended("loaded")
    assert pair.running() == NEWEST
    for lim in pair.bed.of(System.ALTERNATE):
        text = lim.path("/var/opt/eri_sn/live/cql/lim_server.csv").read_text()
        assert "198.51.100.11" in text
        assert "192.0.2." not in text
    assert pair.look_at_primary() == before
    assert set(pair.bed.phones.state().registered.values()) == {System.PRIMARY}
    found = pair.data()
    assert [mirror["condition"] for mirror in found["mirrors"]] == ["whole"]
    assert found["findings"]["missing"] == 0
    pair.order("data", "verify")
    pair.wait(lambda: [line["condition"] for line in pair.events("mirror_verified")] == ["whole"], 20)
