"""What can happen to a bed: each fault is really there, and really gone again."""

import time
from collections.abc import Callable

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.bed import Bed
from redundancyd.lab.daemon_process import Daemon
from redundancyd.lab.faults import do
from redundancyd.lab.system import LabError
from redundancyd.lab.world import World

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]
PING = ["ping", "-q", "-c", "1", "-W", "1"]
ACCOUNT = ["setpriv", "--reuid=redundancyd", "--regid=redundancyd", "--init-groups"]
OPTIONS = ["-o", "UserKnownHostsFile=/etc/redundancyd/known_hosts", "-o", "BatchMode=yes", "-o", "ConnectTimeout=2"]
SSH = [*ACCOUNT, "ssh", "-i", "/etc/redundancyd/supervision", *OPTIONS]


def hears(bed: Bed, where: str, address: str) -> bool:
    """A LIM's ping is answered."""
    return " 1 received" in bed.lims[where].run([*PING, address], check=False)


def wait_until(done: Callable[[], bool], deadline_s: float = 5) -> None:
    """Wait for a condition; fails at the deadline."""
    give_up = time.monotonic() + deadline_s
    while not done():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.fixture
def world(fresh: Bed) -> World:
    """A bed of its own, with a daemon that was not started."""
    return World(fresh, Daemon(fresh))


def test_an_order_over_ssh_moves_the_phones(world: World):
    """
    The supervision's key blocks the primary: phones register at the alternate; allowed again, they go back.
    """
    bed = world.bed
    wait_until(lambda: set(bed.phones.state().registered.values()) == {System.PRIMARY})
    bed.supervisor.run([*SSH, "redundancyd@192.0.2.11", "block 1 lab.run"])
    assert bed.lims["primary-1"].traffic() is Traffic.BLOCKED
    wait_until(lambda: set(bed.phones.state().registered.values()) == {System.ALTERNATE})
    bed.supervisor.run([*SSH, "redundancyd@192.0.2.11", "allow 2 lab.run"])
    wait_until(lambda: set(bed.phones.state().registered.values()) == {System.PRIMARY})


def test_the_supervision_s_key_opens_nothing_but_redundancy_lim(world: World):
    """
    No shell, no other command, no words that are root's own; orders by hand are words of the utility's, too.
    """
    for words in ("id", "sh", "status; id", "block --by-hand now", "hold"):
        said = world.bed.supervisor.run([*SSH, "redundancyd@192.0.2.11", words], check=False)
        assert "uid=" not in said
        assert '"ok":true' not in said
    assert world.bed.lims["primary-1"].traffic() is Traffic.ALLOWED


def test_a_cut_is_one_way_or_both_and_heals(world: World):
    """
    Requests that vanish on their way there are as silent as answers that vanish on their way back.
    """
    for words in (["primary>alternate"], ["alternate>primary"], ["inter-site"], ["alternate"]):
        do(world, "cut", words)
        assert not hears(world.bed, "alternate-1", "192.0.2.11")
        do(world, "heal", words)
        assert hears(world.bed, "alternate-1", "192.0.2.11")


def test_the_control_address_can_be_silent_alone(world: World):
    """
    The alternate hears the primary, not the control address; the primary hears both.
    """
    do(world, "cut", ["alternate-control"])
    assert not hears(world.bed, "alternate-1", "203.0.113.1")
    assert hears(world.bed, "alternate-1", "192.0.2.11")
    assert hears(world.bed, "primary-1", "203.0.113.1")


def test_a_cable_that_is_pulled_silences_one_lim_until_it_is_back(world: World):
    """
    The LIM lives on behind it.
    """
    do(world, "unplug", ["primary-1"])
    assert not hears(world.bed, "alternate-1", "192.0.2.11")
    assert world.bed.lims["primary-1"].is_up()
    do(world, "plug", ["primary-1"])
    wait_until(lambda: hears(world.bed, "alternate-1", "192.0.2.11"))


def test_what_the_daemon_keeps_on_its_disk_comes_back_as_it_was(world: World):
    """
    A newer value is gone, a file that was not there then too; nothing is restored that was never kept.
    """
    folder = world.bed.supervisor.path("/var/lib/redundancyd")
    (folder / "goal").write_text("last month")
    with pytest.raises(LabError, match="nothing was kept"):
        do(world, "restore", ["state"])
    do(world, "keep", ["state"])
    (folder / "goal").write_text("today")
    (folder / "pause").write_text("today")
    do(world, "restore", ["state"])
    assert (folder / "goal").read_text() == "last month"
    assert not (folder / "pause").exists()


def test_nothing_is_restored_under_a_living_daemon(world: World):
    """
    It would write its own over it.
    """
    world.daemon.first_goal(System.PRIMARY)
    do(world, "keep", ["goal"])
    world.daemon.start()
    with pytest.raises(LabError, match="the daemon runs"):
        do(world, "restore", ["goal"])


def test_a_frozen_lim_answers_pings_and_nothing_else(world: World):
    """
    The hung host: its kernel lives, its exchange does not answer the phones.
    """
    do(world, "freeze", ["primary-1"])
    assert hears(world.bed, "alternate-1", "192.0.2.11")
    wait_until(lambda: not world.bed.phones.state().is_answering(System.PRIMARY))
    do(world, "thaw", ["primary-1"])
    wait_until(lambda: world.bed.phones.state().is_answering(System.PRIMARY))


def test_flushed_rules_let_traffic_through_and_a_foreign_rule_does_too(world: World):
    """
    Both undo a block in their own way, as read from outside.
    """
    lim = world.bed.lims["alternate-1"]
    for verb in ("flush-rules", "insert-rule"):
        lim.run(["redundancy-lim", "block", "--by-hand"])
        assert lim.traffic() is Traffic.BLOCKED
        do(world, verb, ["alternate-1"])
        assert lim.traffic() is not Traffic.BLOCKED


def test_a_lim_that_refuses_to_allow_says_why_and_stays_blocked(world: World):
    """
    Its iptables-restore fails; later it works again.
    """
    lim = world.bed.lims["alternate-1"]
    lim.run(["redundancy-lim", "serve"], text="block 1 lab.run\n")
    do(world, "refuse", ["allow", "alternate-1"])
    assert '"ok":false' in lim.run(["redundancy-lim", "serve"], text="allow 2 lab.run\n", check=False)
    assert lim.traffic() is Traffic.BLOCKED
    do(world, "accept", ["allow", "alternate-1"])
    assert '"ok":true' in lim.run(["redundancy-lim", "serve"], text="allow 2 lab.run\n")
    assert lim.traffic() is Traffic.ALLOWED


def test_a_full_disk_is_full_for_its_lim_alone(world: World):
    """
    Nothing more can be written there; the other LIM writes on; given back, both do.
    """
    write = ["sh", "-c", "head -c 100000 /dev/zero >/var/lib/some 2>/dev/null && echo written"]
    do(world, "fill-disk", ["primary-1"])
    assert "written" not in world.bed.lims["primary-1"].run(write, check=False)
    assert "written" in world.bed.lims["alternate-1"].run(write)
    do(world, "empty-disk", ["primary-1"])
    assert "written" in world.bed.lims["primary-1"].run(write)


def test_the_exchange_can_end_alone_and_begin_again(world: World):
    """
    The LIM stays; its `status -system` fails meanwhile, and phones are refused.
    """
    lim = world.bed.lims["primary-1"]
    assert lim.run(["status", "-system"]).endswith("END\n")
    do(world, "stop-exchange", ["primary-1"])
    wait_until(lambda: "END" not in lim.run(["status", "-system"], check=False))
    wait_until(lambda: not world.bed.phones.state().is_answering(System.PRIMARY))
    do(world, "start-exchange", ["primary-1"])
    wait_until(lambda: world.bed.phones.state().is_answering(System.PRIMARY))
    assert lim.run(["status", "-system"]).endswith("END\n")


def test_the_master_address_can_die_alone(world: World):
    """
    The LIM answers on its own address, the master address is silent.
    """
    do(world, "drop-master", ["primary"])
    assert hears(world.bed, "alternate-1", "192.0.2.11")
    assert not hears(world.bed, "alternate-1", "192.0.2.10")


def test_the_master_address_moves_to_another_lim(bed: Bed):
    """
    It answers from there, SIP over TCP too, and moves back.
    """
    world = World(bed, Daemon(bed))
    do(world, "move-master", ["primary-2"])
    assert "192.0.2.10/24" in bed.lims["primary-2"].run(["ip", "-br", "address"])
    assert hears(bed, "alternate-1", "192.0.2.10")
    do(world, "move-master", ["primary-1"])
    assert hears(bed, "alternate-1", "192.0.2.10")


def test_what_cannot_be_done_is_said(world: World):
    """
    A daemon that does not run is not killed; a LIM without power runs no command.
    """
    with pytest.raises(LabError, match="does not run"):
        do(world, "kill", ["daemon"])
    do(world, "power-off", ["primary"])
    with pytest.raises(LabError, match="primary-1 has no power"):
        do(world, "by-hand", ["block", "primary-1"])
