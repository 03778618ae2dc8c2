"""Large files and kept connections of a pull, on a bed."""

import random

import pytest

from bench.backups import Backups
from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed
from tests.lab.test_pull import MIRRORS, pulled

pytestmark = [pytest.mark.lab, pytest.mark.timeout(90)]
LARGE = {"cql/extension.csv": 9 * 2**20, "cql/other.csv": 9 * 2**20, "RO.D": 5000}


@pytest.fixture
def backups(fresh: Bed) -> Backups:
    """A backup with two large files, and its mirror."""
    made = Backups(fresh, random.Random(7))
    made.lay({1: LARGE})
    assert pulled(fresh)["condition"] == "whole"
    return made


def received_bytes(bed: Bed) -> int:
    """By LIM 1 of the alternate, since it was switched on."""
    text = bed.supervisor.run(["cat", "/sys/class/net/eth0/statistics/rx_bytes"], check=False)
    return int(text or 0)


def test_of_a_large_file_only_changed_blocks_cross_the_line(fresh: Bed, backups: Backups):
    """
    It comes while the LIM counts; the large file that did not change is the same file as before.
    """
    before = backups.stamp
    lim = fresh.of(System.PRIMARY)[0]
    new = backups.save()
    path = backups.folder(lim, new) / "cql" / "extension.csv"
    with path.open("r+b") as file:
        file.seek(4 * 2**20)
        file.write(b"changed")
    already = received_bytes(fresh)
    second = pulled(fresh)
    assert (second["stamp"], second["condition"], second["files"]) == (new, "whole", 1)
    assert second["done"] == second["all"] == LARGE["cql/extension.csv"]
    assert 0 < received_bytes(fresh) - already < 2**20
    mirrors = [fresh.supervisor.path(f"{MIRRORS}/{stamp}/lim-1") for stamp in (before, new)]
    assert (mirrors[1] / "cql/extension.csv").read_bytes() == path.read_bytes()
    assert (mirrors[0] / "cql/other.csv").samefile(mirrors[1] / "cql/other.csv")
    assert not (mirrors[0] / "cql/extension.csv").samefile(mirrors[1] / "cql/extension.csv")


def test_a_pull_enters_a_lim_once(fresh: Bed, backups: Backups):
    """
    All its words go over one connection.
    """
    log = fresh.of(System.PRIMARY)[0].path("/var/log/redundancy-lab/sshd.log")
    before = log.read_text().count("Accepted publickey")
    backups.save(files=1.0)
    assert pulled(fresh)["condition"] == "whole"
    assert log.read_text().count("Accepted publickey") == before + 1
