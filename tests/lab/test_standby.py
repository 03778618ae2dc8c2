"""1+1: a standby server beside LIM 1 of a system, by the real daemon on a bed."""

import json
import os
from collections.abc import Iterator

import pytest

from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.plan import BedPlan
from tests.lab.test_data_job import NEWEST, Pair

pytestmark = [pytest.mark.lab, pytest.mark.strict, pytest.mark.timeout(180)]  # seconds of loads and copies
SETTINGS = "/etc/redundancyd/redundancyd.toml"
TABLES = "/etc/opt/eri_sn/mxone_data"


def make_standby(bed: Bed, system: System) -> None:
    """The second LIM of this system becomes the standby server of its LIM 1; the other system has LIM 1 alone."""
    settings = bed.supervisor.path(SETTINGS)
    text = settings.read_text()
    for each in System:
        one, two = bed.of(each)
        listed, row = "", f"1    regular  {one.plan.address}\n"
        if each is system:
            listed = f', {{lim = 1, address = "{two.plan.address}", standby = true}}'
            row += f"1    standby  {two.plan.address}\n"
            two.run(["sed", "-i", "s/^lim=2$/lim=1/; $ a standby=yes", "/etc/redundancyd/lim.conf"])
            two.run(
                ["sh", "-c", 'cd /var/opt/eri_sn/*/xdata && for each in *; do mv "$each" "xdata_1_${each##*_}"; done']
            )
        text = text.replace(f', {{lim = 2, address = "{two.plan.address}"}}', listed)
        for lim in (one, two):
            lim.path(TABLES).write_text(f"Lim servers\nLim  Server   IP address\n{row}")
    settings.write_text(text)
    exchange = bed.supervisor.path("/etc/opt/eri_sn/exchange.json")  # a reload is asked of LIM 1 alone
    exchange.write_text(json.dumps({**json.loads(exchange.read_text()), "system": [bed.supervisor.plan.address]}))


@pytest.fixture
def clustered(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A pair, one system of which has its LIM on two servers."""
    settings = {"heartbeat.cluster_failover": "500ms"}
    with standing(BedPlan(f"tr-{os.getpid()}", lims=2, settings=settings)) as bed:
        make_standby(bed, request.param)
        pair = Pair(bed)
        pair.start()
        yield pair


@pytest.mark.parametrize("clustered", [System.ALTERNATE], indirect=True)
def test_a_standby_server_is_given_its_lim_s_data_and_the_load_does_not_hang_on_it(clustered: Pair):
    """
    It has the translated files; once it can't take them, the load is done all the same, and an alarm names it.
    """
    standby = clustered.bed.of(System.ALTERNATE)[1]
    clustered.order("data", "copy")
    clustered.assert_ended("copied")
    clustered.order("data", "load", "--yes")
    clustered.assert_ended("loaded")
    assert clustered.running() == NEWEST
    (folder,) = standby.run(["sh", "-c", f"ls -d /var/opt/eri_sn/*/xdata/xdata_1_{NEWEST}"]).split()
    text = standby.run(["cat", f"{folder}/cql/lim_server.csv"])
    assert "198.51.100.11" in text
    assert "192.0.2." not in text
    assert clustered.data()["differences"] == []
    assert not {"data_not_everywhere", "on_standby"} & clustered.alarms()
    standby.run(["sh", "-c", "rm -r /var/opt/eri_sn/*/xdata"])
    clustered.order("data", "load", "--yes")
    clustered.assert_ended("loaded")
    assert "data_not_everywhere" in clustered.alarms()
    assert "alternate-1-standby: no_folder" in clustered.data()["behind"][0]


@pytest.mark.parametrize("clustered", [System.PRIMARY], indirect=True)
def test_a_primary_that_runs_on_its_standby_server_is_told_and_copied_from_there(clustered: Pair):
    """
    The regular server's exchange has stopped: an alarm says where LIM 1 runs; the backup comes from the standby server.
    """
    regular, _ = clustered.bed.of(System.PRIMARY)
    assert "on_standby" not in clustered.alarms()
    regular.run(["kill", regular.path("/run/eri_sn/exchange.pid").read_text().strip()])
    clustered.wait(lambda: "on_standby" in clustered.alarms(), 20)
    clustered.order("data", "copy")
    clustered.assert_ended("copied")
    assert [line["lim"] for line in clustered.events("data_from_standby")] == [1]
    mirrors = clustered.bed.supervisor.run(["sh", "-c", f"ls /var/lib/redundancyd/mirrors/{NEWEST}"])
    assert mirrors.split() == ["lim-1", "manifest.json"]


@pytest.mark.parametrize("clustered", [System.PRIMARY], indirect=True)
def test_the_return_to_a_primary_with_clusters_waits_for_what_the_operator_says_of_them(clustered: Pair):
    """
    Refused with the reason; said once, it outlives the daemon, and the return may be automatic.
    """
    automatic = ("settings", "takeover", "primary-from-alternate", "automatic")
    done = clustered.daemon.order(automatic, 20)
    assert (done.returncode, "nobody has said" in done.stderr) == (3, True)
    clustered.order("settings", "cluster-fallback", "automatic")
    clustered.daemon.stop()
    clustered.daemon.start()
    clustered.daemon.wait_answering()
    clustered.order(*automatic)
    done = clustered.daemon.order(("settings", "cluster-fallback", "manual"), 20)
    assert (done.returncode, "primary-from-alternate manual" in done.stderr) == (3, True)
