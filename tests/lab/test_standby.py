"""1+1 in the alternate: a standby server beside LIM 1, by the real daemon on a bed."""

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


def make_standby(bed: Bed) -> None:
    """The second LIM of the alternate becomes the standby server of LIM 1; the primary's second one is nobody's."""
    (p1, p2), (a1, a2) = bed.of(System.PRIMARY), bed.of(System.ALTERNATE)
    settings = bed.supervisor.path(SETTINGS)
    text = settings.read_text()
    for lim, more in ((p2, ""), (a2, f', {{lim = 1, address = "{a2.plan.address}", standby = true}}')):
        text = text.replace(f', {{lim = 2, address = "{lim.plan.address}"}}', more)
    settings.write_text(text)
    exchange = bed.supervisor.path("/etc/opt/eri_sn/exchange.json")
    exchange.write_text(json.dumps({**json.loads(exchange.read_text()), "system": [a1.plan.address]}))
    a2.run(["sed", "-i", "s/^lim=2$/lim=1/; s/^standby=.*//; $ a standby=yes", "/etc/redundancyd/lim.conf"])
    head = "Lim servers\nLim  Server   IP address\n"
    for lim in (p1, p2):
        lim.path(TABLES).write_text(f"{head}1    regular  {p1.plan.address}\n")
    for lim in (a1, a2):
        lim.path(TABLES).write_text(f"{head}1    regular  {a1.plan.address}\n1    standby  {a2.plan.address}\n")


@pytest.fixture
def clustered() -> Iterator[Pair]:
    """A pair with a mirror, whose alternate has one LIM on two servers."""
    with standing(BedPlan(f"tr-{os.getpid()}", lims=2)) as bed:
        make_standby(bed)
        pair = Pair(bed)
        pair.start()
        pair.order("data", "copy")
        pair.assert_ended("copied")
        yield pair


def test_a_standby_server_is_given_its_lim_s_data_and_the_load_does_not_hang_on_it(clustered: Pair):
    """
    It has the translated files; once it can't take them, the load is done all the same, and an alarm names it.
    """
    standby = clustered.bed.of(System.ALTERNATE)[1]
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
