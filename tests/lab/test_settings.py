"""What the lab writes for the daemon and the LIMs, and what it reads back from rules and state files."""

import tomllib
from pathlib import Path

import pytest

from redundancyd.core.systems import System, Traffic
from redundancyd.lab.lim import read_rules, read_state
from redundancyd.lab.network import render_cuts
from redundancyd.lab.plan import BedPlan, LimPlan, lims_named
from redundancyd.lab.settings import daemon_settings, lim_settings
from redundancyd.scenarios.links import ways

PLAN = BedPlan(
    "test", 2, "", {"heartbeat.interval_ms": "250", "heartbeat.timeout_ms": "200", "takeover.boot_hold": "3m"}
)
BLOCKED = """\
*filter
:INPUT ACCEPT [0:0]
:REDUNDANCYD-IN - [0:0]
-A INPUT -j REDUNDANCYD-IN
-A OUTPUT -j REDUNDANCYD-OUT
-A REDUNDANCYD-IN -s 192.0.2.11/32 -j RETURN
-A REDUNDANCYD-IN -p udp -m udp --dport 5060 -j REJECT --reject-with icmp-port-unreachable
-A REDUNDANCYD-OUT -p udp -m udp --sport 5060 -j DROP
COMMIT
"""


def test_the_daemons_settings_have_every_lim_and_what_the_page_overrides():
    """
    The text is TOML that a page's own values have entered.
    """
    settings = tomllib.loads(daemon_settings(PLAN))
    assert settings["primary"]["master_ip"] == "192.0.2.10"
    assert [entry["address"] for entry in settings["alternate"]["lims"]] == ["198.51.100.11", "198.51.100.12"]
    assert settings["heartbeat"]["interval_ms"] == 250
    assert settings["network_control"]["addresses"] == ["203.0.113.1"]


def test_a_lims_settings_name_its_own_system_only():
    """
    Addresses of the other system are no friends; spans are whole seconds.
    """
    text = lim_settings(PLAN, LimPlan(System.PRIMARY, 2))
    lines = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))
    assert (lines["lim"], lines["system"], lines["boot_hold"], lines["orphan_hold"]) == ("2", "primary", "180", "off")
    assert lines["lims"].split() == ["192.0.2.11", "192.0.2.12", "192.0.2.10", "2001:db8:1::11", "2001:db8:1::12"]


@pytest.mark.parametrize(
    ("saved", "traffic"),
    [
        (BLOCKED, Traffic.BLOCKED),
        ("", Traffic.ALLOWED),
        ("*filter\n-A INPUT -j REDUNDANCYD-IN\n-A OUTPUT -j REDUNDANCYD-OUT\nCOMMIT\n", Traffic.ALLOWED),
        (BLOCKED.replace("-A OUTPUT -j REDUNDANCYD-OUT\n", ""), Traffic.MIXED),
        (BLOCKED.replace("-A INPUT -j", "-A INPUT -p udp -j ACCEPT\n-A INPUT -j"), Traffic.MIXED),
    ],
    ids=["blocked", "empty", "chains without rules", "way out open", "a rule before ours"],
)
def test_rules_are_judged_by_what_they_do_to_sip(saved: str, traffic: Traffic):
    """
    Blocked means: our chains come first in both directions, and deny.
    """
    assert read_rules(saved) is traffic


def test_a_state_file_that_is_not_there_says_nothing(tmp_path: Path):
    """
    A LIM that was never ordered anything.
    """
    assert read_state(tmp_path / "state") == {}
    (tmp_path / "state").write_text("number=7\nword=block\n")
    assert read_state(tmp_path / "state") == {"number": "7", "word": "block"}


def test_cuts_are_one_rule_set_and_the_control_address_is_the_router_itself():
    """
    Forwarded ways are dropped in FORWARD, the control address in INPUT and OUTPUT, each family with its nets.
    """
    text = render_cuts(ways("primary>alternate") | ways("alternate-control"), 4)
    assert "-A FORWARD -s 192.0.2.0/24 -d 198.51.100.0/24 -j DROP" in text
    assert "-A INPUT -s 198.51.100.0/24 -j DROP" in text
    assert "-A OUTPUT -d 198.51.100.0/24 -j DROP" in text
    assert text.count("DROP") == 3
    assert "-s 2001:db8:1::/64 -d 2001:db8:2::/64" in render_cuts(ways("primary>alternate"), 6)
    assert "DROP" not in render_cuts([], 4)


@pytest.mark.parametrize(("prefix", "lims"), [("", 2), ("Lab", 2), ("a.b", 2), ("../x", 2), ("lab", 0), ("lab", 61)])
def test_a_bed_that_cannot_be_is_refused_before_anything_is_made(prefix: str, lims: int):
    """
    A prefix is part of file names and of namespaces.
    """
    with pytest.raises(ValueError, match=r"prefix|LIMs"):
        BedPlan(prefix, lims)


def test_lims_are_named_alone_by_system_or_all():
    """
    What people and pages call them.
    """
    assert [lim.name for lim in lims_named(PLAN, "primary")] == ["primary-1", "primary-2"]
    assert [lim.name for lim in lims_named(PLAN, "alternate-2")] == ["alternate-2"]
    assert len(lims_named(PLAN, "all")) == 4
    with pytest.raises(ValueError, match="no LIM is called 'primary-9'"):
        lims_named(PLAN, "primary-9")
