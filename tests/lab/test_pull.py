"""The pull on a bed: from real LIMs, over real keys, into mirrors of the supervisor."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from redundancyd.core.systems import System
from redundancyd.lab.bed import Bed
from redundancyd.lab.disk import PACKAGE
from redundancyd.lab.lim import Lim
from redundancyd.lab.system import run
from tests.house import TOP

pytestmark = [pytest.mark.lab, pytest.mark.timeout(90)]
NEWEST = "20260309031502"
MIRRORS = "/var/lib/redundancyd/mirrors"
KNOWN_HOSTS = "/etc/redundancyd/known_hosts"

# Inside of the supervisor, as the daemon would do it.
SCRIPT = """
import asyncio, json, sys
from pathlib import Path
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.far_data import FarLim
from redundancyd.adapters.login import Login
from redundancyd.adapters.mirror_store import MirrorStore
from redundancyd.adapters.pull import pull
from redundancyd.core.systems import Server, System
from redundancyd.errors import RedundancyError
folder, known_hosts, limit, *addresses = sys.argv[1:]
login = Login("redundancyd", "/etc/redundancyd/supervision", known_hosts)
lims = [FarLim(Server(System.PRIMARY, number, address), login) for number, address in enumerate(addresses, 1)]
told = []
def tell(progress):
    told.append(progress)
    print(json.dumps({"done": progress.done_bytes, "all": progress.all_bytes}), flush=True)
async def main():
    try:
        work = pull(lims, MirrorStore(Path(folder)), Clock(), system="primary", limit_kib_s=int(limit), tell=tell)
        mirror = await work
    except RedundancyError as error:
        print(json.dumps({"code": error.code, "why": str(error)}))
        return
    last = told[-1] if told else None
    print(json.dumps({"stamp": mirror.stamp, "condition": mirror.condition, "size_bytes": mirror.size_bytes,
                      "files": last.files if last else 0, "all": last.all_bytes if last else 0,
                      "done": last.done_bytes if last else 0}))
asyncio.run(main())
"""


def words(bed: Bed, known_hosts: str, limit_kib_s: int) -> Sequence[str]:
    """The command that pulls, inside of the supervisor."""
    addresses = [lim.plan.address for lim in bed.of(System.PRIMARY)]
    python = str(TOP / ".venv" / "bin" / "python")
    environment = ["env", f"PYTHONPATH={PACKAGE.parent}"]
    return [*environment, python, "-c", SCRIPT, MIRRORS, known_hosts, str(limit_kib_s), *addresses]


def pulled(bed: Bed, known_hosts: str = KNOWN_HOSTS) -> dict[str, Any]:
    """What comes of a pull."""
    said = bed.supervisor.run(words(bed, known_hosts, 0), deadline_s=60)
    found = json.loads(said.splitlines()[-1])
    assert isinstance(found, dict)
    return found


class Slow:
    """A pull over a narrow line, that something may happen to."""

    def __init__(self, bed: Bed, limit_kib_s: int) -> None:
        command = bed.supervisor.inside(words(bed, KNOWN_HOSTS, limit_kib_s))
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._lines = self._process.stdout

    def wait_begun(self) -> None:
        """The first bytes have come."""
        assert "done" in json.loads(self._lines.readline())

    def wait_counted(self) -> None:
        """The LIM has said what the backup is, and the first bytes have come."""
        while True:
            told = json.loads(self._lines.readline())
            if told["done"] and told["all"]:
                return

    def interrupt(self) -> None:
        """What the daemon does when it wants something else: the work is cancelled."""
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=10)

    def end(self) -> dict[str, Any]:
        """What comes of it."""
        said, _ = self._process.communicate(timeout=60)
        found = json.loads(said.splitlines()[-1])
        assert isinstance(found, dict)
        return found


def processes(lim: Lim, *names: str) -> list[int]:
    """The processes of a LIM with one of these names, as this machine numbers them."""
    found = []
    for pid in lim.cgroup.pids():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() in names:
                found.append(pid)
    return found


def folder(lim: Lim, stamp: str = NEWEST) -> str:
    """A backup's folder on a LIM."""
    return f"/var/opt/eri_sn/17.8.1.0.19/xdata/xdata_{lim.plan.number}_{stamp}"


def assert_same(bed: Bed, stamp: str) -> None:
    """The mirror has the very files of each LIM."""
    for lim in bed.of(System.PRIMARY):
        mirror = bed.supervisor.path(f"{MIRRORS}/{stamp}/lim-{lim.plan.number}")
        run(["diff", "-r", str(mirror), str(lim.path(folder(lim, stamp)))])


@pytest.mark.D1
def test_the_current_backup_of_every_lim_becomes_a_mirror(fresh: Bed):
    """
    Whole, the same files; asked again there is nothing to bring.
    """
    first = pulled(fresh)
    assert (first.get("stamp"), first.get("condition"), first.get("done")) == (NEWEST, "whole", first.get("size_bytes"))
    assert_same(fresh, NEWEST)
    again = pulled(fresh)
    assert (again["stamp"], again["done"]) == (NEWEST, 0)


def test_the_next_backup_brings_only_what_changed(fresh: Bed):
    """
    The other files of its mirror are those of the one before.
    """
    first = pulled(fresh)
    assert first.get("condition") == "whole", first
    lim = fresh.lims["primary-1"]
    lim.run(["data_backup"])
    second = pulled(fresh)
    assert second["files"] == 2
    assert_same(fresh, str(second["stamp"]))
    assert_same(fresh, NEWEST)
    both = [fresh.supervisor.path(f"{MIRRORS}/{stamp}/lim-1/RO.D") for stamp in (NEWEST, second["stamp"])]
    assert both[0].samefile(both[1])


@pytest.mark.D4
def test_a_pull_writes_nothing_in_the_primary(fresh: Bed):
    """
    Names, sizes and instants of change below the exchange's folder are as before.
    """
    lim = fresh.lims["primary-1"]
    look = ["find", "/var/opt/eri_sn", "-printf", "%p %s %T@ %C@\\n"]
    before = lim.run(look)
    pulled(fresh)
    assert lim.run(look) == before


@pytest.mark.D1
def test_a_line_that_breaks_is_gone_on_from(fresh: Bed):
    """
    The session is killed in the middle; the mirror is whole all the same.
    """
    pull = Slow(fresh, 1500)
    pull.wait_begun()
    for pid in processes(fresh.lims["primary-1"], "rsync"):
        os.kill(pid, signal.SIGKILL)
    ended = pull.end()
    assert (ended["stamp"], ended["condition"]) == (NEWEST, "whole")
    assert_same(fresh, NEWEST)


@pytest.mark.D1
def test_a_backup_that_is_deleted_while_it_is_copied_is_no_mirror(fresh: Bed):
    """
    The exchange made room for a newer one.
    """
    pull = Slow(fresh, 500)
    pull.wait_begun()
    fresh.lims["primary-1"].run(
        ["sh", "-c", "sed -i '1s/.*/20260308031501/;/^20260309031502$/d' /var/opt/eri_sn/database"]
    )
    ended = pull.end()
    assert ended["code"] == "data_refused"
    assert "deleted" in ended["why"]
    assert not fresh.supervisor.path(f"{MIRRORS}/{NEWEST}").exists()


@pytest.mark.D1
def test_a_file_that_changed_after_its_manifest_is_no_mirror(fresh: Bed):
    """
    Same size, other bytes, before it was sent: refused by name, and right the next time.
    """
    lim = fresh.lims["primary-1"]
    name = "cql/wav_server.csv"  # rsync sends it last
    pull = Slow(fresh, 250)
    pull.wait_counted()
    last = lim.path(f"{folder(lim)}/{name}")
    beside = last.with_name("beside")
    beside.write_bytes(last.read_bytes().swapcase())
    shutil.copystat(last, beside)
    beside.replace(last)
    assert not fresh.supervisor.path(f"{MIRRORS}/.incoming/{NEWEST}/lim-1/{name}").exists()
    ended = pull.end()
    assert ended.get("code") == "data_refused"
    assert f"written to there while it was copied: lim-1/{name}" in ended["why"]
    assert not fresh.supervisor.path(f"{MIRRORS}/{NEWEST}").exists()
    assert pulled(fresh)["condition"] == "whole"
    assert_same(fresh, NEWEST)


def test_without_rsync_on_a_lim_whole_files_come_as_a_stream(fresh: Bed):
    """
    The same mirror.
    """
    fresh.lims["primary-1"].run(["rm", "/usr/bin/rsync"])
    ended = pulled(fresh)
    assert (ended["stamp"], ended["condition"]) == (NEWEST, "whole")
    assert ended["done"] == ended["all"] == ended["size_bytes"]
    assert_same(fresh, NEWEST)


def test_a_lim_with_another_host_key_is_not_asked_for_anything(fresh: Bed):
    """
    Host keys are pinned here as everywhere.
    """
    fresh.supervisor.run(
        ["sh", "-c", f"sed 's/ AAAA.*/ AAAAC3NzaC1lZDI1NTE5AAAAI{'B' * 43}/' {KNOWN_HOSTS} > /tmp/other"]
    )
    ended = pulled(fresh, "/tmp/other")
    assert ended["code"] == "out_of_reach"
    assert "verification failed" in ended["why"]


def test_a_pull_that_is_not_wanted_any_more_leaves_no_process(fresh: Bed):
    """
    A takeover ends it at once; the next one goes on from what it brought.
    """
    pull = Slow(fresh, 500)
    pull.wait_begun()
    pull.interrupt()
    until = time.monotonic() + 5
    while processes(fresh.supervisor, "ssh", "rsync"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert pulled(fresh)["condition"] == "whole"
