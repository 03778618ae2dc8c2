"""`lim install` on LIM 1 of the alternate, under a real systemd: this host, as root, without SSH."""

import pytest

from tests.systemd.conftest import HOME
from tests.systemd.machine import Machine

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(90), pytest.mark.xdist_group("systemd")]

CTL = f"{HOME}/bin/redundancyctl"
HERE = ("--lim", "alternate-1")
STARTED = ("redundancy-lim-boot.service", "redundancy-lim-hold.timer", "redundancy-lim.socket")


def said(machine: Machine, *words: str) -> str:
    """What the utility says, in one line, and its exit status at the end."""
    return " ".join(machine.run("sh", "-c", '"$@" 2>&1; echo "exit $?"', "sh", CTL, *words, timeout_s=40).split())


def test_what_is_installed_here_is_started_answers_survives_damage_and_can_be_taken_away(machine: Machine):
    """
    Units enabled and running, the socket answers; a stopped timer is found and started again; a program of the vendor
    keeps its name; removed, nothing of it runs.
    """
    for name in ("mxone_maintenance", "mxone_system_redundancy"):
        machine.write(f"{HOME}/bin/{name}", "#!/bin/sh\n", mode="0755")
    machine.write("/opt/eri_sn/bin/mxone_maintenance", "#!/bin/sh\necho vendor\n", mode="0755")
    told = said(machine, "lim", "install", "--yes", *HERE)
    assert "alternate-1 installed" in told
    assert "mxone_maintenance stays: /opt/eri_sn/bin/mxone_maintenance is there, and not ours" in told
    assert told.endswith("answers to the supervision, traffic is allowed exit 0")
    assert (
        machine.run("readlink", "/usr/local/bin/mxone_system_redundancy").strip()
        == f"{HOME}/bin/mxone_system_redundancy"
    )
    assert machine.run("cat", "/opt/eri_sn/bin/mxone_maintenance").endswith("echo vendor\n")
    assert machine.run("systemctl", "is-enabled", *STARTED).split() == ["enabled"] * 3
    assert machine.run("systemctl", "is-active", *STARTED[1:]).split() == ["active"] * 2
    assert said(machine, "lim", "check", *HERE).endswith("all as it should be exit 0")

    machine.run("systemctl", "disable", "--now", "redundancy-lim-hold.timer")
    told = said(machine, "lim", "check", *HERE)
    assert "redundancy-lim-hold.timer is not enabled; redundancy-lim-hold.timer does not run" in told
    assert told.endswith("exit 1")
    assert said(machine, "lim", "check", "--repair", *HERE).endswith("exit 0")
    assert machine.succeeds("systemctl", "is-active", "redundancy-lim-hold.timer")

    machine.run("redundancy-lim", "block", "--by-hand")
    assert said(machine, "lim", "install", "--remove", "--yes", *HERE).endswith("exit 1")
    assert machine.succeeds("systemctl", "is-active", "redundancy-lim-hold.timer")
    machine.run("redundancy-lim", "allow", "--by-hand")
    assert said(machine, "lim", "install", "--remove", "--yes", *HERE).endswith("removed exit 0")
    assert (
        machine.run(
            "sh",
            "-c",
            "find / -xdev -name '*redundancy-lim*' -not -path '/opt/*' -not -path '/var/log/*' -not -path '/run/*'",
        )
        == ""
    )
    assert not machine.succeeds("systemctl", "is-active", "redundancy-lim.socket")
    assert not machine.succeeds("test", "-e", "/usr/local/bin/mxone_system_redundancy")


def test_settings_that_redundancy_lim_does_not_take_leave_everything_as_it_was(machine: Machine):
    """
    Nothing is there, nothing is enabled, and it says why.
    """
    machine.run(
        "sed",
        "-i",
        r's/^\[ssh\]/[traffic]\nservices = [{proto = "tcp", ports = "22"}]\n[ssh]\nport = 2222/',
        "/etc/redundancyd/redundancyd.toml",
    )
    told = said(machine, "lim", "install", "--yes", *HERE)
    assert "alternate-1 REFUSED: redundancy-lim:" in told
    assert "or it covers SSH" in told
    assert "everything is as before" in told
    assert machine.run("sh", "-c", "find /etc /usr/sbin -name '*redundancy-lim*'") == ""
