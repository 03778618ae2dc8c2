"""Exchange data on a bed: made, given out, taken in and loaded with the commands and keys of real LIMs."""

import json
import time

import pytest

from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed
from redundancyd.lab.lim import Lim
from redundancyd.lab.system import run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]
NEWEST = "20260309031502"


def over_ssh(bed: Bed, lim: Lim, words: str) -> list[dict[str, object]]:
    """What a LIM answers to the supervision's key, line by line."""
    ssh = ["ssh", "-F", "none", "-o", "UserKnownHostsFile=/etc/redundancyd/known_hosts", "-o", "BatchMode=yes"]
    ssh += ["-i", "/etc/redundancyd/supervision", f"redundancyd@{lim.plan.address}", words]
    return [json.loads(line) for line in bed.supervisor.run(ssh, deadline_s=30, check=False).splitlines()]


def test_the_backups_of_a_system_stand_in_each_of_its_lims(bed: Bed):
    """
    The same stamps everywhere; each LIM has its own folder.
    """
    for number in (1, 2):
        lim = bed.lims[f"primary-{number}"]
        (said,) = over_ssh(bed, lim, "backups")
        assert f"Current backup:   {NEWEST} [ Date: 2026-03-09 03:15:02 (CET) ]" in str(said["printout"])
        lines = over_ssh(bed, lim, f"manifest {NEWEST}")
        assert lines[0]["folder"] == f"xdata_{number}_{NEWEST}"
        assert (lines[-1]["end"], lines[-1]["files"]) == (True, 40)


def test_a_fourth_backup_is_made_in_every_lim(bed: Bed):
    """
    By one command on one of them.
    """
    assert bed.lims["primary-2"].run(["data_backup"]) == "Backup of exchange data successful\n"
    printed = {lim.run(["data_info"]) for lim in bed.of(System.PRIMARY)}
    assert len(printed) == 1
    assert "20260307031502" not in printed.pop()


@pytest.mark.D4
def test_the_primary_takes_no_data_in(bed: Bed):
    """
    Over the key of the supervision, whatever it is asked.
    """
    for words in ("receive 20260309031502 100", "load 20260309031502", "rollback"):
        assert [line["error"] for line in over_ssh(bed, bed.lims["primary-1"], words)] == ["wrong_system"]


def test_rsync_copies_a_backup_over_the_restricted_key(bed: Bed):
    """
    Through a real sshd, sudo and the forced command.
    """
    ssh = "ssh -F none -o UserKnownHostsFile=/etc/redundancyd/known_hosts -i /etc/redundancyd/supervision"
    lim = bed.lims["primary-1"]
    words = [
        "rsync",
        "-rt",
        "-e",
        ssh,
        f"--rsync-path=send {NEWEST}",
        f"redundancyd@{lim.plan.address}::backup/",
        "/tmp/copy/",
    ]
    bed.supervisor.run(words, deadline_s=30)
    folder = f"/var/opt/eri_sn/17.8.1.0.19/xdata/xdata_1_{NEWEST}"
    run(["diff", "-r", str(bed.supervisor.path("/tmp/copy")), str(lim.path(folder))])
    bed.supervisor.run(["rm", "-r", "/tmp/copy"])


@pytest.mark.D3
def test_a_reload_takes_the_phones_away_and_gives_them_back(fresh: Bed):
    """
    While the alternate is active, by its own command: nobody is answered, then everybody registers again.
    """
    lim = fresh.lims["primary-1"]
    lim.path("/etc/opt/eri_sn/reload.json").write_text(json.dumps({"seconds": 1.5, "outcomes": []}))
    wait_registered(fresh, registered=True)
    lim.run(["sh", "-c", "reload --system >/dev/null 2>&1 &"])
    wait_registered(fresh, registered=False)
    assert "Data Reload" in lim.run(["status", "-system"]).split("Measure Execution")[0]
    wait_registered(fresh, registered=True)


def wait_registered(bed: Bed, *, registered: bool) -> None:
    """Return when all phones are registered in the primary, or none is."""
    until = time.monotonic() + 10
    while {system is System.PRIMARY for system in bed.phones.state().registered.values()} != {registered}:
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.D3
def test_an_alternate_that_is_blocked_loads_what_it_has_and_goes_back(fresh: Bed):
    """
    By the words of redundancy-lim, with a reload that fails in between.
    """
    lim = fresh.lims["alternate-1"]
    older = "20260305040000"
    lim.run(["redundancy-lim", "block", "1", "id.run"])
    lim.path("/etc/opt/eri_sn/reload.json").write_text(json.dumps({"seconds": 0.2, "outcomes": ["fails"]}))
    said = [json.loads(line) for line in lim.run(["redundancy-lim", "load", older], check=False).splitlines()]
    assert said[-1]["error"] == "reload_failed"
    assert json.loads(lim.run(["redundancy-lim", "rollback"]).splitlines()[-1])["stamp"] == "20260307040000"
    assert lim.path("/var/opt/eri_sn/running").read_text() == "20260307040000\n"
    assert json.loads(lim.run(["redundancy-lim", "load", older]).splitlines()[-1])["ok"] is True
    assert lim.path("/var/opt/eri_sn/running").read_text() == f"{older}\n"
