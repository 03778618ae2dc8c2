"""After a power loss, and every few seconds: what a LIM does without being told."""

import time
from typing import Any

import pytest

from tests.lim.bed import LASTING, Lim

pytestmark = pytest.mark.lab


def booted(lim: Lim) -> dict[str, Any]:
    """Lose the power and come up as far as redundancy-lim-boot.service."""
    lim.reboot()
    answer = lim.ask("boot")
    assert (answer["ok"], answer["traffic"], answer["origin"]) == (True, "blocked", "hold")
    return answer


def held(lim: Lim) -> str:
    """The traffic after the timer fired once."""
    assert lim.run("hold").returncode in (0, 1)
    return str(lim.ask("status")["traffic"])


def test_a_lim_that_was_never_ordered_boots_as_if_we_were_not_there(any_shell: Lim):
    """
    Before the feature is in use a reboot is just a reboot.
    """
    any_shell.reboot()
    for word in ("boot", "hold"):
        done = any_shell.run(word)
        assert (done.returncode, done.stdout) == (0, b"")
    assert not any("REDUNDANCYD" in line for line in any_shell.all_rules())


@pytest.mark.S3
@pytest.mark.parametrize("word", ["block", "allow"])
@pytest.mark.parametrize("system", ["primary", "alternate"])
def test_whatever_was_ordered_last_a_lim_comes_up_blocked(on_backend: Lim, system: str, word: str):
    """
    Rules are gone with the power; before the network is up they are back, and number and word are what they were.
    """
    on_backend.configure(system=system)
    on_backend.order(word, 7)
    answer = booted(on_backend)
    assert (answer["number"], answer["word"], answer["supervisor"]) == (7, word, "id.run")


@pytest.mark.S3
def test_a_primary_last_allowed_waits_boot_hold_and_then_allows_itself(any_shell: Lim):
    """
    Nobody says a word for boot_hold seconds: blocked before, allowed after, number and word unchanged.
    """
    any_shell.configure(boot_hold="3")
    any_shell.order("allow", 7)
    booted(any_shell)
    assert held(any_shell) == "blocked"
    time.sleep(3.1)
    assert held(any_shell) == "allowed"
    seen = any_shell.ask("status")
    assert (seen["number"], seen["word"], seen["origin"], seen["remembered"]) == (7, "allow", "hold", True)
    assert any_shell.order("block", 6)["error"] == "stale_number"


@pytest.mark.S3
@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "block"),
        ({"system": "alternate"}, "allow"),
        ({"system": "alternate"}, "block"),
        ({"control": "192.0.2.99"}, "allow"),
    ],
    ids=["last ordered blocked", "alternate allowed", "alternate blocked", "control address not heard"],
)
def test_these_never_allow_themselves(lim: Lim, settings: dict[str, str], word: str):
    """
    A primary last blocked, any LIM of the alternate, and a LIM that hears no control address stay blocked.
    """
    lim.configure(boot_hold="0", **settings)
    lim.order(word, 7)
    booted(lim)
    assert held(lim) == "blocked"
    assert held(lim) == "blocked"


@pytest.mark.S3
@pytest.mark.parametrize("word", ["block", "allow"])
def test_an_order_ends_the_waiting(lim: Lim, word: str):
    """
    The supervision's word within boot_hold counts, and the hold does not come back to it.
    """
    lim.configure(boot_hold="0")
    lim.order("allow", 7)
    booted(lim)
    answer = lim.order(word, 8)
    assert answer["origin"] == "order"
    assert held(lim) == {"block": "blocked", "allow": "allowed"}[word]


@pytest.mark.S3
def test_looking_is_not_an_order(lim: Lim):
    """
    Status requests alone do not keep a primary blocked.
    """
    lim.configure(boot_hold="0")
    lim.order("allow", 7)
    booted(lim)
    lim.serve("status", "facts", "observe 127.0.0.1")
    assert held(lim) == "allowed"


@pytest.mark.S3
def test_a_second_power_loss_while_waiting_begins_the_wait_anew(lim: Lim):
    """
    Blocked again, and allowed by itself again: what counts is the last order, not the hold.
    """
    lim.configure(boot_hold="0")
    lim.order("allow", 7)
    booted(lim)
    booted(lim)
    assert held(lim) == "allowed"


def test_restarting_the_boot_unit_changes_nothing(any_shell: Lim):
    """
    A package upgrade restarts the unit on a LIM that carries traffic: not one packet is lost.
    """
    any_shell.configure(boot_hold="0")
    any_shell.order("allow", 7)
    booted(any_shell)
    any_shell.order("allow", 8)
    before = any_shell.ask("status")
    done = any_shell.run("boot")
    assert (done.returncode, done.stdout) == (0, b"")
    assert any_shell.ask("status") == before


def test_starting_the_boot_unit_on_a_lim_that_carries_traffic_changes_nothing(lim: Lim):
    """
    Units that are installed and started later than the first order do not stop a live LIM.
    """
    lim.order("allow", 7)
    before = lim.ask("status")
    assert lim.run("boot").stdout == b""
    assert lim.ask("status") == before


@pytest.mark.S3
def test_a_boot_that_failed_is_tried_again_when_systemd_restarts_it(lim: Lim):
    """
    The unit says that it failed, and its next start blocks.
    """
    lim.order("allow", 7)
    lim.reboot()
    lim.replace("sleep", "exit 0")
    lim.replace("iptables-nft-restore", '[ -e /run/free ] && exec xtables-nft-multi "$(basename "$0")" "$@"; exit 4')
    assert lim.run("boot").returncode == 3
    lim.sh("touch /run/free")
    assert lim.ask("boot")["traffic"] == "blocked"
    assert lim.run("boot").stdout == b""


@pytest.mark.S6
def test_blocked_by_hand_outlives_a_power_loss(lim: Lim):
    """
    What an operator blocked by hand does not allow itself.
    """
    lim.configure(boot_hold="0")
    lim.order("allow", 7)
    lim.ask("block", "--by-hand")
    lim.reboot()
    assert lim.ask("boot")["origin"] == "hand"
    assert held(lim) == "blocked"


@pytest.mark.S3
def test_a_primary_that_was_allowed_by_hand_comes_up_as_last_ordered(lim: Lim):
    """
    Last ordered blocked, allowed by hand, power lost: blocked, and it stays so.
    """
    lim.configure(boot_hold="0")
    lim.order("block", 7)
    lim.ask("allow", "--by-hand")
    booted(lim)
    assert held(lim) == "blocked"


@pytest.mark.S3
def test_a_lim_with_a_damaged_memory_boots_blocked_and_stays_so(any_shell: Lim):
    """
    There was an order, and nobody can read it: blocked until the supervision or an operator speaks.
    """
    any_shell.configure(boot_hold="0")
    any_shell.order("allow", 7)
    any_shell.reboot()
    any_shell.sh(f"head -c 30 {LASTING} > /run/torn; cat /run/torn > {LASTING}")
    assert any_shell.ask("boot")["traffic"] == "blocked"
    assert held(any_shell) == "blocked"
    assert any_shell.ask("status")["error"] == "state_torn"


def tear(lim: Lim, *files: str) -> None:
    """Leave only the beginning of these files."""
    for file in files:
        lim.sh(f"head -c 30 {file} > /run/torn; cat /run/torn > {file}")


@pytest.mark.S3
def test_a_lim_that_booted_with_a_damaged_memory_is_kept_blocked(lim: Lim):
    """
    Its rules are flushed: put back, until somebody speaks.
    """
    lim.order("allow", 7)
    lim.reboot()
    tear(lim, LASTING)
    lim.ask("boot")
    lim.iptables("-F REDUNDANCYD-IN")
    assert held(lim) == "blocked"


def test_a_lim_whose_memory_is_damaged_while_it_carries_traffic_goes_on(lim: Lim):
    """
    No power was lost: nothing is blocked for a bad disk alone.
    """
    lim.order("allow", 7)
    tear(lim, LASTING, "/run/redundancyd-lim/state")
    assert held(lim) == "allowed"
    assert lim.ask("status")["error"] == "state_torn"


@pytest.mark.S3
def test_boot_waits_for_a_busy_firewall(lim: Lim):
    """
    Another firewall service holds the lock while the machine starts: tried again until it is free.
    """
    lim.order("allow", 7)
    lim.reboot()
    flaky = '[ -e /run/tried ] && exec /usr/sbin/xtables-nft-multi "$(basename "$0")" "$@"; touch /run/tried; exit 4'
    lim.replace("iptables-nft-restore", flaky)
    assert lim.ask("boot")["traffic"] == "blocked"


def test_boot_with_broken_settings_fails_aloud(lim: Lim):
    """
    The unit fails, and the journal has the reason; nothing half goes in.
    """
    lim.order("allow", 7)
    lim.reboot()
    lim.configure(services="-")
    lim.replace("sleep", "exit 0")
    done = lim.run("boot")
    assert done.returncode == 1
    assert b"services is missing" in done.stdout
    assert not any(line.startswith("-A REDUNDANCYD") for line in lim.all_rules())


@pytest.mark.L3
@pytest.mark.parametrize("damage", ["-F", "-I INPUT 1 -j ACCEPT", "-D REDUNDANCYD-OUT 2"])
def test_hold_puts_moved_or_flushed_rules_back(on_backend: Lim, damage: str):
    """
    With no daemon in reach a blocked LIM repairs itself within one look, and says so.
    """
    before = on_backend.order("block", 7)
    on_backend.iptables(damage)
    done = on_backend.run("hold")
    assert b"should be blocked, is blocked" in done.stderr
    assert on_backend.ask("status") == {**before, "repairs": before["repairs"] + 1}


def test_hold_is_silent_and_rewrites_nothing_while_all_is_well(lim: Lim):
    """
    Every few seconds for years: no line in the journal, no rule touched.
    """
    for word, number in (("block", 7), ("allow", 8)):
        lim.order(word, number)
        before = lim.all_rules()
        done = lim.run("hold")
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert lim.all_rules() == before


def test_hold_leaves_an_allowed_lim_alone(lim: Lim):
    """
    It puts blocks back, never traffic: an allowed LIM on which somebody blocks something is the daemon's business.
    """
    lim.order("block", 7)
    lim.order("allow", 8)
    lim.iptables("-A REDUNDANCYD-IN -p udp --dport 5060 -j DROP")
    before = lim.all_rules()
    lim.run("hold")
    assert lim.all_rules() == before


@pytest.mark.S3
def test_a_hold_listens_for_the_control_address_that_the_supervision_was_told(lim: Lim):
    """
    Where lim.conf names none: told, it allows itself; forgotten, it does not; another supervision can't tell it.
    """
    lim.configure(boot_hold="1", control="")
    lim.order("allow", 7)
    assert lim.ask(remote="listen other.run 127.0.0.1")["error"] == "other_supervisor"
    assert lim.ask(remote="listen id.run not-an-address")["error"] == "bad_request"
    booted(lim)
    time.sleep(1.1)
    assert held(lim) == "blocked"
    assert lim.ask(remote="listen id.run 192.0.2.99 127.0.0.1")["ok"] is True
    booted(lim)
    time.sleep(1.1)
    assert held(lim) == "allowed"
    kept = lim.sh("stat -c '%i %y' /var/lib/redundancyd/lim/control")
    assert lim.ask(remote="listen id.run 192.0.2.99 127.0.0.1")["ok"] is True
    assert lim.sh("stat -c '%i %y' /var/lib/redundancyd/lim/control") == kept  # it is told every few minutes
    assert lim.ask(remote="listen id.next")["ok"] is True
    booted(lim)
    time.sleep(1.1)
    assert held(lim) == "blocked"
