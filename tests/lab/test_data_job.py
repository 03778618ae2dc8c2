"""The jobs of exchange data by the real daemon on a bed: from the primary's backup to what the alternate runs."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.daemon_process import Daemon, Journal
from redundancyd.lab.plan import BedPlan

pytestmark = [pytest.mark.lab, pytest.mark.strict, pytest.mark.timeout(180)]  # seconds of loads and copies
NEWEST = "20260309031502"
OLDER = "20260307040000"
RELOAD = "/etc/opt/eri_sn/reload.json"
ANSWER_S = 20
"""On a busy machine the daemon waits seconds for a core; what it answers is checked here, and not how fast"""


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
        status = self.daemon.status(ANSWER_S)
        assert status is not None
        found = status["exchange_data"]
        assert isinstance(found, dict)
        return found

    def alarms(self) -> set[str]:
        """The names of the alarms that stand."""
        status = self.daemon.status(ANSWER_S)
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
        """What the alternate's exchange has loaded since it was set up; empty for nothing."""
        return self.bed.supervisor.run(["cat", "/var/opt/eri_sn/running"], check=False).strip()

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
    with standing(BedPlan(f"datajob-{os.getpid()}", lims=2)) as bed:
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


@pytest.fixture
def narrow() -> Iterator[Pair]:
    """A pair that copies over a narrow line: it takes about ten seconds."""
    settings = {"exchange_data.rate_limit": "3Mbit/s"}
    with standing(BedPlan(f"narrow-{os.getpid()}", lims=2, settings=settings)) as bed:
        pair = Pair(bed)
        pair.start()
        yield pair


@pytest.fixture
def settled(pair: Pair) -> Pair:
    """The same, with a mirror of the newest backup."""
    pair.start()
    pair.order("data", "copy")
    pair.assert_ended("copied")
    return pair


@pytest.mark.D3
def test_a_reload_that_fails_is_rolled_back(settled: Pair):
    """
    The alternate runs what it ran before; an alarm stands; a takeover would work.
    """
    settled.reload(0.5, "fails")
    settled.order("data", "load", "--yes")
    settled.assert_ended("rolled back")
    assert settled.running() == OLDER
    assert "data_rolled_back" in settled.alarms()
    assert settled.daemon.is_ready()
    settled.order("data", "load", "--yes")
    settled.assert_ended("loaded")
    assert settled.running() == NEWEST
    assert "data_rolled_back" not in settled.alarms()


@pytest.mark.D3
def test_an_own_address_that_the_table_does_not_know_is_not_loaded(settled: Pair):
    """
    Nothing was sent; the line is shown, and an alarm stands.
    """
    table = settled.bed.supervisor.path("/var/lib/redundancyd/translation")
    table.write_text(table.read_text().replace("192.0.2.11 198.51.100.11\n", ""))
    settled.order("data", "load", "--yes")
    settled.assert_ended("not applied")
    missing = settled.data()["missing"]
    assert "192.0.2.11 in LIM 1, cql/" in missing[0]
    assert "data_untranslated" in settled.alarms()
    assert settled.running() == ""
    found = settled.bed.supervisor.run(["sh", "-c", "ls -a /var/opt/eri_sn/*/xdata"])
    assert NEWEST not in found


@pytest.mark.D3
def test_a_new_address_holds_back_a_load_until_it_is_confirmed(settled: Pair):
    """
    An alarm and the list say where it stands; the operator confirms, and the next load is done.
    """
    settled.bed.supervisor.path("/var/lib/redundancyd/translation-confirmed").write_text("203.0.113.9\n")
    settled.order("data", "load", "--yes")
    settled.assert_ended("not applied")
    assert "203.0.113.40 in LIM 1, cql/" in settled.data()["unconfirmed"][0]
    assert "data_unconfirmed" in settled.alarms()
    settled.order("settings", "translation", "confirm", "--yes")
    assert settled.data()["unconfirmed"] == []
    assert "data_unconfirmed" not in settled.alarms()
    settled.order("settings", "translation", "set", "192.0.2.98", "198.51.100.98")
    settled.order("data", "load", "--yes")
    settled.assert_ended("loaded")


@pytest.mark.D3
def test_a_media_gateway_that_was_added_to_the_primary_holds_back_loads(settled: Pair):
    """
    Noticed before the load; an alarm names it and the remedy; the supervision goes on, and copies are made.
    """
    settled.reload(0.5, "fails")
    settled.order("data", "load", "--yes")
    settled.assert_ended("rolled back")  # before a load it is asked what the systems are made of, and remembered
    gateways = settled.bed.of(System.PRIMARY)[0].path("/etc/opt/eri_sn/media_gateways")
    gateways.write_text(gateways.read_text() + "1B    192.0.2.31      255.255.255.0   192.0.2.1\n")
    settled.order("data", "load", "--yes")
    settled.assert_ended("not applied")
    assert settled.data()["differences"] == [
        "media gateway 1B is in the primary alone",
        "media gateway 1B of the primary was added since the configuration",
    ]
    assert "systems_differ" in settled.alarms()
    assert settled.running() == OLDER
    assert settled.daemon.is_ready()
    settled.order("data", "copy")
    settled.assert_ended("nothing to do")
    untold = settled.data()["layout"]["untold"]
    assert "clusters of the primary" in untold


@pytest.mark.D3
def test_a_takeover_that_is_due_while_the_alternate_reloads_waits_for_its_end(settled: Pair):
    """
    The primary loses its power during the reload: an alarm says what is waited for; then the alternate takes over.
    """
    settled.reload(8)
    settled.order("data", "load", "--yes")
    settled.wait(lambda: bool(settled.data()["exchange"]), 30)
    settled.bed.power_off(settled.bed.of(System.PRIMARY))
    settled.wait(lambda: "takeover_awaits_load" in settled.alarms(), 8)
    assert settled.events("takeover_decided") == []
    settled.wait(lambda: bool(settled.events("takeover_done")), 20)
    assert settled.running() == NEWEST
    names = [line["event"] for line in settled.journal]
    assert names.index("takeover_decided") > len(names) - 1 - names[::-1].index("data_job_ended")


def test_nothing_is_copied_or_loaded_while_the_alternate_is_active(settled: Pair):
    """
    Refused to the operator, with the reason.
    """
    settled.order("manual-takeover", "traffic-in-alternate", "--yes")
    for words in (("data", "copy"), ("data", "load", "--yes")):
        done = settled.daemon.order(words, 20)
        assert done.returncode == 3
        assert "the alternate is active" in done.stderr
    assert settled.running() == ""


@pytest.mark.L1
def test_a_takeover_stops_a_copy_at_once(narrow: Pair):
    """
    It is decided while the copy goes on, and does not wait for it.
    """
    narrow.order("data", "copy")
    narrow.wait(lambda: bool((narrow.data()["progress"] or {}).get("done_bytes")), 10)
    narrow.order("manual-takeover", "traffic-in-alternate", "--yes")
    narrow.wait(lambda: narrow.data()["step"] == "resting", 10)
    assert narrow.data()["last"]["result"] == "tried again later"
    assert "alternate is active" in narrow.data()["last"]["why"]
    assert narrow.data()["mirrors"][0]["condition"] == "incoming"


@pytest.mark.L2
@pytest.mark.D3
def test_a_daemon_killed_during_a_load_watches_it_to_its_end(settled: Pair):
    """
    The new run finds the load on its disk, waits for the reload that goes on, and knows what runs.
    """
    settled.reload(10)
    settled.order("data", "load", "--yes")
    settled.wait(lambda: bool(settled.data()["exchange"]), 30)
    settled.daemon.kill()
    settled.daemon.start()
    settled.daemon.wait_answering()
    settled.assert_ended("loaded")
    assert [line["stamp"] for line in settled.events("load_found")] == [NEWEST]
    assert settled.data()["loaded"] == NEWEST
    assert settled.running() == NEWEST
    settled.wait(settled.daemon.is_ready, 20)


@pytest.mark.D1
def test_a_backup_that_vanishes_while_it_is_copied_is_no_mirror(narrow: Pair):
    """
    The exchange made room for a newer one: said, and tried again later; no mirror of it.
    """
    narrow.order("data", "copy")
    narrow.wait(lambda: bool((narrow.data()["progress"] or {}).get("done_bytes")), 10)
    for lim in narrow.bed.of(System.PRIMARY):
        lim.run(["sh", "-c", "sed -i '1s/.*/20260308031501/;/^20260309031502$/d' /var/opt/eri_sn/database"])
    narrow.assert_ended("tried again later")
    assert "deleted" in narrow.data()["last"]["why"]
    assert [mirror["condition"] for mirror in narrow.data()["mirrors"]] == ["incoming"]


def test_the_daily_time_is_set_shown_and_ended_by_the_operator(settled: Pair):
    """
    It outlives the daemon, and goes before the settings file.
    """
    settled.order("data", "auto", "create", "--at", "02:30")
    assert settled.data()["auto"] == "02:30 local"
    settled.daemon.stop()
    settled.daemon.start()
    settled.daemon.wait_answering()
    assert settled.data()["auto"] == "02:30 local"
    assert settled.data()["last"]["result"] == "copied"
    settled.order("data", "auto", "remove")
    assert settled.data()["auto"] is None


@pytest.mark.D4
def test_the_daily_job_begins_by_itself_when_it_is_time(pair: Pair):
    """
    Five minutes from now, and the clock goes on by six: copied and loaded; a minute later there is no second one.
    """
    pair.daemon = Daemon(pair.bed, steppable_clock=True)
    before = pair.look_at_primary()
    pair.start()
    hour, minute = pair.bed.supervisor.run(["date", "-d", "+5 minutes", "+%H %M"]).split()
    pair.order("data", "auto", "create", "--at", f"{hour}:{minute}")
    assert pair.data()["last"]["result"] is None
    pair.daemon.step_clock(360_000)
    pair.wait(lambda: pair.data()["last"]["result"] is not None, 60)
    assert pair.data()["last"]["result"] == "loaded", pair.data()["last"]["why"]
    assert pair.running() == NEWEST
    assert pair.look_at_primary() == before
    pair.daemon.step_clock(420_000)
    time.sleep(20)
    assert [line["result"] for line in pair.events("data_job_ended")] == ["loaded"]
