"""What goes wrong on a LIM: locks, disks, missing and failing programs.  Always an answer, never half a promise."""

import subprocess
import time

import pytest

from tests.lim.bed import LASTING, Lim, wait_until

pytestmark = pytest.mark.lab

CUT = "head -c 40 {0} > /tmp/torn.$$; cat /tmp/torn.$$ > {0}; rm /tmp/torn.$$"


def hold_file(lim: Lim, path: str) -> subprocess.Popen[bytes]:
    """Somebody else keeps a lock on this file."""
    holder = subprocess.Popen(
        [*lim.enter, "flock", "-o", path, "sh", "-c", "echo locked; exec sleep 30"], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"
    return holder


def test_a_held_xtables_lock_is_an_answer_within_its_bound(lim: Lim):
    """
    Another program keeps the lock of iptables-legacy: the order fails by name, the reading goes on.
    """
    lim.configure(iptables="legacy")
    lim.order("allow", 6)
    with hold_file(lim, "/run/xtables.lock") as holder:
        begun = time.monotonic()
        answer = lim.order("block", 7)
        took = time.monotonic() - begun
        assert (answer["ok"], answer["error"], answer["traffic"]) == (False, "lock_busy", "allowed")
        assert (answer["number"], answer["word"]) == (7, "block")
        assert took < 5
        holder.kill()
    wait_until(lambda: lim.order("block", 7)["ok"])


def test_an_order_waits_one_second_for_the_order_before_it(any_shell: Lim):
    """
    Two orders at once are one after the other; one that waited too long is told so and changed nothing.
    """
    any_shell.order("allow", 6)
    rules = any_shell.all_rules()
    with hold_file(any_shell, "/run/redundancyd-lim") as holder:
        begun = time.monotonic()
        answer = any_shell.order("block", 7)
        assert (answer["error"], answer["traffic"], answer["number"]) == ("lock_busy", "allowed", 6)
        assert 0.5 < time.monotonic() - begun < 4
        assert any_shell.ask("status")["ok"] is True
        assert any_shell.all_rules() == rules
        holder.kill()


def test_a_host_without_ip6tables_and_without_ipv6_counts_ipv4_alone(lim: Lim):
    """
    No IPv6 anywhere: blocked is blocked.
    """
    lim.sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.lo.disable_ipv6=1; rm /usr/sbin/ip6tables*")
    answer = lim.order("block", 7)
    assert (answer["ok"], answer["traffic"], answer["ipv6"]) == (True, "blocked", False)
    assert lim.order("allow", 8)["traffic"] == "allowed"


def test_a_host_with_ipv6_but_no_ip6tables_blocks_ipv4_and_says_the_rest(lim: Lim):
    """
    IPv4 is blocked all the same, and the answer says that IPv6 is not; allowing is possible.
    """
    lim.sh("rm /usr/sbin/ip6tables*")
    answer = lim.order("block", 7)
    assert (answer["ok"], answer["error"], answer["traffic"], answer["ipv6"]) == (False, "ipv6_failed", "mixed", True)
    assert answer["number"] == 7
    assert any(line.startswith("-A REDUNDANCYD-IN") for line in lim.rules(4))
    assert lim.order("allow", 8)["traffic"] == "allowed"


@pytest.mark.S5
def test_allow_blocks_ipv4_again_when_ipv6_fails(any_lim: Lim):
    """
    Half allowed is refused: both families are as they were, and so are number and word.
    """
    any_lim.order("block", 7)
    rules = any_lim.all_rules()
    for backend in ("nft", "legacy"):
        any_lim.replace(f"ip6tables-{backend}-restore", 'echo broken "here" \\\\ >&2; exit 3')
    answer = any_lim.order("allow", 8)
    assert (answer["ok"], answer["error"], answer["traffic"]) == (False, "ipv6_failed", "blocked")
    assert (answer["number"], answer["word"], answer["origin"]) == (7, "block", "order")
    assert "broken" in answer["detail"]
    assert any_lim.all_rules() == rules


@pytest.mark.S5
def test_ipv4_is_never_open_when_ipv6_cannot_be_opened(lim: Lim):
    """
    Not even for a moment: IPv6 is tried first, and then IPv4 is not touched.
    """
    lim.order("block", 7)
    lim.replace("ip6tables-nft-restore", "exit 3")
    lim.replace("iptables-nft-restore", "echo touched >> /run/touched; exit 3")
    assert lim.order("allow", 8)["error"] == "ipv6_failed"
    assert lim.sh("cat /run/touched 2> /dev/null", check=False) == ""


@pytest.mark.S5
def test_allow_blocks_ipv6_again_when_ipv4_fails(lim: Lim):
    """
    The other way round as well.
    """
    lim.order("block", 7)
    rules = lim.all_rules()
    lim.replace("iptables-nft-restore", "exit 3")
    answer = lim.order("allow", 8)
    assert (answer["error"], answer["traffic"], answer["number"]) == ("iptables_failed", "blocked", 7)
    assert lim.all_rules() == rules


def test_a_restore_that_lies_is_found_out_by_reading_back(lim: Lim):
    """
    A program that says 0 and does nothing does not make a LIM blocked.
    """
    lim.replace("iptables-nft-restore", "cat > /dev/null; exit 0")
    answer = lim.order("block", 7)
    assert (answer["ok"], answer["error"], answer["traffic"]) == (False, "iptables_failed", "mixed")


def test_an_allow_that_did_nothing_is_found_out_too(lim: Lim):
    """
    The number is not taken, the LIM says that it is blocked still.
    """
    lim.order("block", 7)
    lim.replace("iptables-nft-restore", "cat > /dev/null; exit 0")
    answer = lim.order("allow", 8)
    assert (answer["ok"], answer["error"], answer["number"]) == (False, "iptables_failed", 7)
    assert answer["traffic"] == "blocked"


def test_rules_that_cannot_be_read_are_unknown(lim: Lim):
    """
    An unreadable table is neither blocked nor allowed, and an order does not claim success.
    """
    lim.replace("iptables-nft-save", "exit 1")
    assert lim.ask("status")["traffic"] == "unknown"
    assert lim.order("block", 7)["ok"] is False


def test_rules_that_moved_between_looking_and_putting_are_tried_once_more(lim: Lim):
    """
    Somebody else changed the rules in that very moment: the transaction fails whole, and the second one holds.
    """
    lim.replace("iptables-nft-restore", 'mkdir /run/once && exit 1; exec xtables-nft-multi "$(basename "$0")" "$@"')
    assert lim.order("block", 7)["traffic"] == "blocked"
    assert lim.sh("ls -d /run/once") == "/run/once\n"


def test_an_answer_names_the_rule_that_is_not_as_it_was_put_in(lim: Lim):
    """
    An IPv6 address that lim.conf spells in its own way: blocked, never called so, and the line is shown.
    """
    lim.configure(lims="192.0.2.11 2001:DB8:1::11")
    answer = lim.order("block", 7)
    assert (answer["ok"], answer["error"], answer["traffic"]) == (False, "ipv6_failed", "tampered")
    assert "missing: -A REDUNDANCYD-IN -s 2001:DB8:1::11/128 -j RETURN" in answer["detail"]


def test_a_hanging_iptables_is_ended(lim: Lim):
    """
    A program that never returns costs a bounded time, and the answer names the failure.
    """
    lim.replace("iptables-nft-restore", "exec sleep 60")
    begun = time.monotonic()
    assert lim.order("block", 7)["error"] == "iptables_failed"
    assert time.monotonic() - begun < 6


def test_a_full_disk_does_not_stop_a_block(any_shell: Lim):
    """
    Blocked, and the answer says that a reboot would forget it; in this boot the number is known.
    """
    any_shell.sh("mount -t tmpfs -o size=4k,nr_inodes=2 none /var/lib/redundancyd")
    any_shell.sh("head -c 100000 /dev/zero > /var/lib/redundancyd/full", check=False)
    answer = any_shell.order("block", 7)
    assert (answer["ok"], answer["traffic"], answer["remembered"], answer["number"]) == (True, "blocked", False, 7)
    assert any_shell.order("allow", 6)["error"] == "stale_number"


@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_allow_goes_on_with_a_disk_that_takes_nothing(lim: Lim, fault: str):
    """
    A takeover does not wait for a disk: allowed, remembered in this boot only; the old order stays whole on the disk.
    """
    size = "8k" if fault == "full" else "1m"
    lim.sh(f"mount -t tmpfs -o size={size} none /var/lib/redundancyd")
    lim.order("block", 7)
    if fault == "full":
        lim.sh("head -c 100000 /dev/zero > /var/lib/redundancyd/full", check=False)
    else:
        lim.sh("mount -o remount,ro /var/lib/redundancyd")
    answer = lim.order("allow", 8)
    assert (answer["ok"], answer["traffic"], answer["remembered"], answer["number"]) == (True, "allowed", False, 8)
    assert "end=7 block" in lim.sh(f"cat {LASTING}")
    assert lim.ask("status") == answer


def test_room_on_the_disk_again_and_the_same_order_is_remembered(lim: Lim):
    """
    Once the disk takes it, a repeated order is kept for good.
    """
    lim.sh("mount -t tmpfs none /var/lib/redundancyd; mount -o remount,ro /var/lib/redundancyd")
    assert lim.order("block", 7)["remembered"] is False
    lim.sh("mount -o remount,rw /var/lib/redundancyd")
    assert lim.ask("status")["remembered"] is False
    assert lim.order("block", 7)["remembered"] is True
    assert lim.ask("status")["remembered"] is True


def test_a_copy_of_another_boot_does_not_count(lim: Lim):
    """
    Should /run outlive a reboot, the disk is what is believed.
    """
    lim.order("block", 7)
    lim.sh("cd /run/redundancyd-lim; sed -i -e s/number=7/number=9/ -e s/end=7/end=9/ state")
    assert lim.ask("status")["number"] == 9
    lim.sh('cd /run/redundancyd-lim; sed -i "s/$(cat /proc/sys/kernel/random/boot_id)/another-boot/" state')
    assert lim.ask("status")["number"] == 7


@pytest.mark.S0
def test_a_copy_that_cannot_be_renewed_is_no_longer_believed(lim: Lim):
    """
    /run is full and the disk is not: the older copy in /run goes, so that the newest number counts.
    """
    lim.order("allow", 7)
    lim.sh("mount -t tmpfs -o size=16k none /run/redundancyd-lim")
    lim.order("block", 8)
    lim.sh("head -c 100000 /dev/zero > /run/redundancyd-lim/full", check=False)
    assert lim.order("block", 9)["remembered"] is True
    assert lim.ask("status")["number"] == 9
    assert lim.order("allow", 8)["error"] == "stale_number"


@pytest.mark.S0
def test_allow_is_undone_when_the_order_can_be_kept_nowhere(lim: Lim):
    """
    Without a memory of its number a LIM would obey older orders: it stays blocked.
    """
    lim.sh("mount -t tmpfs none /var/lib/redundancyd")
    lim.order("block", 7)
    rules = lim.all_rules()
    lim.sh("mount -o remount,ro /var/lib/redundancyd; mount --bind /run/redundancyd-lim /run/redundancyd-lim")
    lim.sh("mount -o remount,ro,bind /run/redundancyd-lim")
    answer = lim.order("allow", 8)
    assert (answer["ok"], answer["error"], answer["traffic"], answer["number"]) == (False, "not_saved", "blocked", 7)
    assert lim.all_rules() == rules
    assert lim.order("block", 9)["traffic"] == "blocked"


def test_a_torn_state_falls_back_to_the_copy_of_this_boot(lim: Lim):
    """
    A damaged file on disk is noticed, and the copy in memory still knows the number.
    """
    lim.order("block", 7)
    lim.sh(CUT.format(LASTING))
    seen = lim.ask("status")
    assert (seen["ok"], seen["number"], seen["remembered"]) == (True, 7, False)
    assert lim.order("allow", 6)["error"] == "stale_number"


@pytest.mark.S0
@pytest.mark.parametrize("damage", [CUT.format(LASTING), f": > {LASTING}", f"sed -i s/number=7/number=6/ {LASTING}"])
def test_a_lim_that_lost_its_memory_blocks_but_does_not_allow(any_shell: Lim, damage: str):
    """
    Empty, cut or changed: the LIM says state_torn, refuses to allow, and a block makes it whole again.
    """
    any_shell.order("block", 7)
    any_shell.reboot()
    any_shell.sh(damage)
    assert any_shell.ask("status")["error"] == "state_torn"
    assert any_shell.order("allow", 8)["error"] == "state_torn"
    healed = any_shell.order("block", 9)
    assert (healed["ok"], healed["number"], healed["remembered"]) == (True, 9, True)
    assert any_shell.order("allow", 10)["traffic"] == "allowed"


def test_by_hand_ends_a_torn_state_too(lim: Lim):
    """
    An operator on the spot can get a LIM with a damaged file going again.
    """
    lim.order("block", 7)
    lim.reboot()
    lim.sh(f": > {LASTING}")
    assert lim.ask("allow", "--by-hand")["traffic"] == "allowed"
    assert (lim.ask("status")["ok"], lim.ask("status")["origin"]) == (True, "hand")


@pytest.mark.S2
@pytest.mark.parametrize("who", ["supervision", "hand"])
def test_a_disk_that_hangs_keeps_no_block_from_the_firewall(any_shell: Lim, who: str):
    """
    Opening the file on it never returns (a pipe nobody reads stands for that): blocked all the same, and said.
    """
    any_shell.order("allow", 6)
    any_shell.sh(f"rm -f {LASTING}.new; mkfifo {LASTING}.new")
    begun = time.monotonic()
    if who == "hand":
        any_shell.run("block", "--by-hand")
    else:
        any_shell.order("block", 7)
    assert time.monotonic() - begun < 6
    seen = any_shell.ask("status")
    assert (seen["traffic"], seen["remembered"]) == ("blocked", False)
