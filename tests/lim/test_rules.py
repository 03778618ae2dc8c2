"""The rules themselves: their text, their place, and what somebody else does to them."""

from pathlib import Path

import pytest

from tests.lim.bed import Lim

pytestmark = pytest.mark.lab

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("deny", ["reject", "drop"])
@pytest.mark.parametrize("version", [4, 6])
def test_a_blocked_lim_has_exactly_these_rules(on_backend: Lim, version: int, deny: str):
    """
    What the kernel holds while blocked is this text, on both backends.
    """
    on_backend.configure(deny=deny)
    on_backend.order("block", 7)
    lines = [line for line in on_backend.rules(version) if "REDUNDANCYD" in line]
    chains = [line for line in lines if line.startswith(":")]
    jumps = [line for line in lines if " -j REDUNDANCYD-" in line]
    ours = [line for line in lines if line.startswith("-A REDUNDANCYD-")]
    text = "\n".join([*sorted(chains), *sorted(jumps), *sorted(ours, key=lambda line: line.split()[1]), ""])
    assert text == (GOLDEN / f"ipv{version}-{deny}.txt").read_text()


def test_an_allowed_lim_keeps_empty_chains_and_nobody_elses_rules_are_touched(on_backend: Lim):
    """
    Blocking and allowing add and remove our own rules only; what others put there is there afterwards.
    """
    on_backend.iptables("-A INPUT -p tcp --dport 22 -j ACCEPT")
    on_backend.iptables("-N SITE")
    on_backend.iptables("-A FORWARD -j SITE")
    before = on_backend.rules()
    on_backend.order("block", 7)
    on_backend.order("allow", 8)
    after = on_backend.rules()
    assert [line for line in after if "REDUNDANCYD" not in line] == before
    assert not [line for line in after if line.startswith("-A REDUNDANCYD")]


@pytest.mark.L3
@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    "damage",
    [
        "-I INPUT 1 -p udp -j ACCEPT",
        "-I FORWARD 1 -j ACCEPT",
        "-I OUTPUT 1 -o eth0 -j ACCEPT",
        "-D REDUNDANCYD-IN 3",
        "-D REDUNDANCYD-OUT 3",
        "-A REDUNDANCYD-FWD -j ACCEPT",
        "-I REDUNDANCYD-IN 1 -j RETURN",
        "-F REDUNDANCYD-IN",
        "-D OUTPUT -j REDUNDANCYD-OUT",
        "-A INPUT -j REDUNDANCYD-IN",
        "-R INPUT 1 -i eth0 -j REDUNDANCYD-IN",
    ],
)
def test_rules_that_are_not_as_we_put_them_are_tampered_and_the_next_block_repairs_them(
    lim: Lim, damage: str, version: int
):
    """
    A rule of somebody else before ours, one of ours gone, moved or added: status says tampered, and a block ends it.
    """
    lim.order("block", 7)
    whole = [line for line in lim.rules(version) if "REDUNDANCYD" in line]
    lim.iptables(damage, version)
    assert lim.ask("status")["traffic"] == "tampered"
    assert lim.order("block", 7)["traffic"] == "blocked"
    repaired = lim.rules(version)
    assert [line for line in repaired if "REDUNDANCYD" in line] == whole
    for chain, own in (("INPUT", "IN"), ("OUTPUT", "OUT"), ("FORWARD", "FWD")):
        assert next(line for line in repaired if line.startswith(f"-A {chain} ")) == f"-A {chain} -j REDUNDANCYD-{own}"


@pytest.mark.L3
def test_flushed_and_deleted_chains_are_seen_as_allowed_and_block_works_again(any_lim: Lim):
    """
    `iptables -F` and `-X`: status tells the truth at once, and the same order puts everything back.
    """
    blocked = any_lim.order("block", 7)
    for version in (4, 6):
        any_lim.iptables("-F", version)
        any_lim.iptables("-X", version)
    assert any_lim.ask("status")["traffic"] == "allowed"
    assert any_lim.order("block", 7) == blocked


def test_one_family_blocked_and_one_allowed_is_mixed(on_backend: Lim):
    """
    IPv4 blocked beside an open IPv6 is never called blocked.
    """
    on_backend.order("block", 7)
    on_backend.iptables("-F", 6)
    assert on_backend.ask("status")["traffic"] == "mixed"
    on_backend.iptables("-F", 4)
    on_backend.order("block", 8)
    on_backend.iptables("-F", 4)
    assert on_backend.ask("status")["traffic"] == "mixed"


@pytest.mark.parametrize(("own", "other"), [("nft", "legacy"), ("legacy", "nft"), ("", "legacy")])
def test_rules_of_ours_in_the_other_backend_are_noticed(lim: Lim, own: str, other: str):
    """
    After a change of backend old rules would go on blocking unseen: status says tampered, whatever is in use now.
    """
    lim.configure(iptables=other)
    lim.order("block", 7)
    lim.configure(iptables=own)
    assert lim.ask("status")["traffic"] == "tampered"


def test_the_other_backend_does_not_disturb_when_nothing_of_ours_is_there(lim: Lim):
    """
    A site that uses both backends is no alarm.
    """
    lim.sh("iptables-legacy -A INPUT -p tcp --dport 80 -j ACCEPT")
    assert lim.order("block", 7)["traffic"] == "blocked"
    assert lim.order("allow", 8)["traffic"] == "allowed"


def test_changed_settings_make_standing_rules_tampered_until_the_next_block(lim: Lim):
    """
    When a service is added to lim.conf, rules that do not cover it are not called blocked.
    """
    old = lim.order("block", 7)
    lim.configure(services="udp:5060 tcp:1720")
    seen = lim.ask("status")
    assert seen["traffic"] == "tampered"
    assert seen["policy"] != old["policy"]
    assert lim.order("block", 7)["traffic"] == "blocked"


def test_thousands_of_rules_of_others_do_not_slow_a_look(lim: Lim):
    """
    A host full of container rules is still read within its bound.
    """
    many = "".join(f"-A SITE -s 10.0.{i // 250}.{i % 250}/32 -j ACCEPT\\n" for i in range(3000))
    lim.sh(f"printf '*filter\\n:SITE - [0:0]\\n{many}COMMIT\\n' | iptables-nft-restore --noflush")
    assert lim.order("block", 7)["traffic"] == "blocked"
