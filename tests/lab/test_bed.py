"""Beds: built, addressed, shut off from everything else, side by side, and gone on every way out."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab import bed as beds
from redundancyd.lab.bed import Bed, standing
from redundancyd.lab.cli import main
from redundancyd.lab.plan import BEDS, BedPlan
from redundancyd.lab.system import LabError, cgroup_root, namespaces, run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]
PING = ["ping", "-q", "-c", "1", "-W", "1"]
OWNER = """
import sys, time
from redundancyd.lab.bed import standing
from redundancyd.lab.plan import BedPlan
with standing(BedPlan(sys.argv[1], lims=1)):
    print("up", flush=True)
    time.sleep(60)
"""


def leavings(prefix: str) -> list[str]:
    """Everything on this machine that carries the prefix."""
    groups = cgroup_root() / "redundancy-lab" / prefix
    found = [str(path) for path in (BEDS / prefix, groups) if path.exists()]
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if f"/{prefix}/" in line]
    return found + mounts + namespaces(f"rlab.{prefix}.")


def hears(output: str) -> bool:
    """What a ping printed says that it was answered."""
    return " 1 received" in output


@pytest.mark.strict
def test_a_bed_of_two_and_two_is_up_in_under_two_seconds(bed: Bed):
    """
    Keys, disks, namespaces, boots, sshd, exchanges and phones.
    """
    assert bed.built_ms < 2000


def test_each_lim_has_its_own_address_and_lim_1_the_master_address(bed: Bed):
    """
    As the plan says, in IPv4 and IPv6.
    """
    shown = bed.lims["primary-1"].run(["ip", "-br", "address", "show", "dev", "eth0"])
    assert {"192.0.2.11/24", "192.0.2.10/24", "2001:db8:1::11/64", "2001:db8:1::10/64"} <= set(shown.split())
    assert "192.0.2.10/24" not in bed.lims["primary-2"].run(["ip", "-br", "address", "show", "dev", "eth0"])


@pytest.mark.parametrize(
    "address", ["192.0.2.10", "192.0.2.12", "203.0.113.1", "203.0.113.21", "2001:db8:1::12", "2001:db8:3::1"]
)
def test_lim_1_of_the_alternate_reaches_the_primary_the_phones_and_the_control_address(bed: Bed, address: str):
    """
    Through the router, in both families.
    """
    assert hears(bed.supervisor.run([*PING, address], check=False))


def test_nothing_of_a_bed_is_linked_to_the_machine_s_own_network(bed: Bed):
    """
    No interface of a bed shows outside it, and a LIM has none but lo and its cable.
    """
    outside = run(["ip", "-o", "link"])
    assert not any(f": {name}" in outside for name in ("br-primary", "primary-1", "alternate-1"))
    inside = bed.lims["primary-2"].run(["ip", "-o", "link"])
    assert [line.split()[1].split("@", 1)[0] for line in inside.splitlines()] == ["lo:", "eth0"]


def test_a_lim_sees_its_own_name_and_processes_only(bed: Bed):
    """
    Process 1 is its boot; nothing of the machine is there.
    """
    lim = bed.lims["primary-2"]
    assert lim.run(["hostname"]).strip() == "primary-2"
    processes = lim.run(["sh", "-c", "cat /proc/[0-9]*/comm"]).split()
    assert "sshd" in processes
    assert len(processes) < 12


def test_what_one_lim_writes_no_other_lim_and_not_the_machine_has(bed: Bed):
    """
    Each has a disk of its own over the machine's, which stays as it is.
    """
    bed.lims["primary-1"].run(["sh", "-c", "echo mine >/etc/redundancy-lab-test"])
    assert not Path("/etc/redundancy-lab-test").exists()
    assert "mine" not in bed.lims["primary-2"].run(["cat", "/etc/redundancy-lab-test"], check=False)


def test_two_beds_stand_side_by_side_with_the_same_addresses(bed: Bed, fresh: Bed):
    """
    Blocking a LIM in one leaves the other as it is; taking one away, too.
    """
    fresh.lims["primary-1"].run(["redundancy-lim", "block", "--by-hand"])
    assert fresh.lims["primary-1"].traffic() is Traffic.BLOCKED
    assert bed.lims["primary-1"].traffic() is Traffic.ALLOWED
    with standing(BedPlan(f"third-{os.getpid()}", lims=1)) as third:
        prefix = third.plan.prefix
    assert leavings(prefix) == []
    assert hears(fresh.supervisor.run([*PING, "192.0.2.11"], check=False))


def test_a_prefix_that_stands_cannot_be_taken_again(fresh: Bed):
    """
    The error says how to take the bed away.
    """
    with pytest.raises(LabError, match=f"redundancy-lab down --prefix {fresh.plan.prefix}"):
        beds.build(fresh.plan, owner=os.getpid())
    assert fresh.supervisor.is_up()


def test_an_exception_in_the_middle_leaves_nothing():
    """
    The bed is gone at the end of its `with`, whatever ended it.
    """
    prefix = f"error-{os.getpid()}"
    with pytest.raises(RuntimeError), standing(BedPlan(prefix, lims=1)):
        raise RuntimeError
    assert leavings(prefix) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_owner_leaves_nothing(number: signal.Signals):
    """
    Ctrl-C, a closed terminal, an orderly kill.
    """
    prefix = f"signal-{number}-{os.getpid()}"
    with _owner(prefix) as owner:
        owner.send_signal(number)
        owner.wait(20)
    assert leavings(prefix) == []


def test_what_a_killed_owner_leaves_is_found_by_its_prefix_and_removed(capsys: pytest.CaptureFixture[str]):
    """
    After kill -9 nobody could clean up: `list` shows the bed as left over, `down --prefix` takes it away.
    """
    prefix = f"killed-{os.getpid()}"
    with _owner(prefix) as owner:
        owner.kill()
        owner.wait(10)
    assert leavings(prefix) != []
    assert main(["list"]) == 0
    assert f"{prefix} " in (shown := capsys.readouterr().out)
    assert f"left over: redundancy-lab down --prefix {prefix}" in shown
    assert main(["down", "--prefix", prefix]) == 0
    assert leavings(prefix) == []


def test_a_bed_that_a_killed_run_left_makes_way_for_a_new_one():
    """
    The same prefix can be used at once.
    """
    prefix = f"again-{os.getpid()}"
    with _owner(prefix) as owner:
        owner.kill()
        owner.wait(10)
    with standing(BedPlan(prefix, lims=1)) as bed:
        assert bed.supervisor.is_up()
    assert leavings(prefix) == []


def _owner(prefix: str) -> "subprocess.Popen[str]":
    owner = subprocess.Popen([sys.executable, "-c", OWNER, prefix], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    return owner


def test_power_off_is_silent_and_the_disk_outlives_it(fresh: Bed):
    """
    Nothing answers while the power is off; on again, files and keys are those from before, memory is not.
    """
    lim = fresh.lims["primary-1"]
    lim.run(["sh", "-c", "echo kept >/var/lib/kept; echo lost >/run/lost"])
    boot_id = lim.run(["cat", "/proc/sys/kernel/random/boot_id"])
    fresh.power_off([lim])
    assert not lim.has_power()
    assert not hears(fresh.supervisor.run([*PING, "192.0.2.11"], check=False))
    fresh.power_on([lim])
    assert lim.run(["cat", "/var/lib/kept"]) == "kept\n"
    assert not lim.path("/run/lost").exists()
    assert lim.run(["cat", "/proc/sys/kernel/random/boot_id"]) != boot_id
    assert hears(fresh.supervisor.run([*PING, "192.0.2.11"], check=False))


def test_a_neighbour_that_knew_a_lim_hears_it_at_once_when_its_power_is_back(bed: Bed):
    """
    Its network card is the same: who trusts the hardware address of before, however long, is right.
    """
    lim, neighbour = bed.lims["alternate-2"], bed.supervisor
    trusts = "/proc/sys/net/ipv4/neigh/eth0/base_reachable_time_ms"
    usual = neighbour.run(["cat", trusts])
    neighbour.run(["sh", "-c", f"echo 600000 >{trusts}"])
    try:
        assert hears(neighbour.run([*PING, lim.plan.address], check=False))
        bed.power_off([lim])
        bed.power_on([lim])
        assert hears(neighbour.run([*PING, lim.plan.address], check=False))
    finally:
        neighbour.run(["sh", "-c", f"echo {usual.strip()} >{trusts}"])


@pytest.mark.S3
@pytest.mark.parametrize("word", ["block", "allow"])
def test_a_lim_that_was_ordered_anything_boots_blocked_before_its_network_is_up(fresh: Bed, word: str):
    """
    Its rules went with the power; `redundancy-lim boot` puts the block in before the first packet.
    """
    lim = fresh.lims["primary-1"]
    lim.run(["redundancy-lim", "serve"], text=f"{word} 5 lab.run\n")
    fresh.power_off([lim])
    since = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    fresh.power_on([lim])
    assert lim.traffic() is Traffic.BLOCKED
    time.sleep(0.5)
    assert not [at for at in fresh.phones.answers().at[System.PRIMARY] if at > since]


def test_a_lim_that_was_never_ordered_boots_without_rules(fresh: Bed):
    """
    Nothing is blocked that nobody ordered blocked: the rules of before are gone with the power.
    """
    lim = fresh.lims["primary-1"]
    lim.run(["iptables", "-I", "INPUT", "1", "-p", "udp", "-j", "DROP"])
    fresh.power_off([lim])
    fresh.power_on([lim])
    assert "-A" not in lim.rules()
