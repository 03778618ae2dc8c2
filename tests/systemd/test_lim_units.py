"""The units of a LIM under a real systemd: blocked before the network is up, then held, and reached by a socket."""

import json

import pytest

from tests.systemd.machine import TOP, Machine, wait_until

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(90), pytest.mark.xdist_group("systemd")]

SETTINGS = """lim=1
system={system}
lims=192.0.2.11 192.0.2.12 2001:db8:1::11
services=udp:5060 tcp:5060
deny=reject
boot_hold={boot_hold}
orphan_hold=off
control={control}
"""
UNITS = ("redundancy-lim-boot.service", "redundancy-lim-hold.timer", "redundancy-lim.socket")


@pytest.fixture
def lim(machine: Machine) -> Machine:
    """A LIM of the primary with redundancy-lim and its units installed and enabled, never ordered anything."""
    machine.write("/usr/sbin/redundancy-lim", (TOP / "redundancyd/lim/redundancy-lim").read_text(), mode="0755")
    configure(machine)
    for path in (TOP / "redundancyd/lim").glob("redundancy-lim*.*"):
        if path.suffix in {".service", ".socket", ".timer"}:
            machine.write(f"/etc/systemd/system/{path.name}", path.read_text())
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", "--now", *UNITS)
    return machine


def configure(machine: Machine, system: str = "primary", boot_hold: int = 180, control: str = "203.0.113.1") -> None:
    """Write the LIM's settings file."""
    machine.write("/etc/redundancyd/lim.conf", SETTINGS.format(system=system, boot_hold=boot_hold, control=control))


def ask(machine: Machine, *words: str) -> dict[str, object]:
    """Give redundancy-lim its words as root, and return its answer."""
    answer: dict[str, object] = json.loads(machine.run("redundancy-lim", *words, check=False))
    return answer


def traffic(machine: Machine) -> str:
    """What the LIM itself says of its traffic."""
    return str(ask(machine, "status")["traffic"])


def test_systemd_finds_nothing_wrong_with_the_units(lim: Machine):
    """
    systemd-analyze verify is silent, with the program in its place.
    """
    paths = [
        f"/etc/systemd/system/{name}" for name in (*UNITS, "redundancy-lim-hold.service", "redundancy-lim@.service")
    ]
    assert lim.run("sh", "-c", 'systemd-analyze verify "$@" 2>&1', "sh", *paths) == ""


def test_a_lim_that_was_never_ordered_comes_up_as_it_was(lim: Machine):
    """
    Installing the units blocks nothing, neither now nor at the next boot.
    """
    assert traffic(lim) == "allowed"
    lim.power_cycle()
    assert traffic(lim) == "allowed"


@pytest.mark.S3
def test_a_blocked_lim_comes_up_blocked_before_there_is_a_network(lim: Machine):
    """
    After a power cut the rules stand before network-pre.target is reached, and the order is remembered.
    """
    assert ask(lim, "block", "7", "id.run")["ok"]
    lim.power_cycle()
    shown = ask(lim, "status")
    assert (shown["traffic"], shown["number"], shown["word"], shown["remembered"]) == ("blocked", 7, "block", True)
    blocked_at = lim.properties("redundancy-lim-boot.service", "ExecMainExitTimestampMonotonic", "Result")
    network_at = lim.properties("network-pre.target", "ActiveEnterTimestampMonotonic")
    assert blocked_at["Result"] == "success"
    assert 0 < int(blocked_at["ExecMainExitTimestampMonotonic"]) <= int(network_at["ActiveEnterTimestampMonotonic"])


@pytest.mark.S3
def test_an_allowed_lim_comes_up_blocked_and_allows_itself_after_its_hold(lim: Machine):
    """
    With the control address answering it waits boot_hold for a word, and then carries traffic.
    """
    configure(lim, boot_hold=4, control="127.0.0.1")
    assert ask(lim, "allow", "3", "id.run")["ok"]
    lim.power_cycle()
    shown = ask(lim, "status")
    assert (shown["traffic"], shown["origin"]) == ("blocked", "hold")
    wait_until("it allows itself", lambda: traffic(lim) == "allowed", 20, every_s=0.5)


@pytest.mark.S3
def test_an_allowed_lim_that_hears_no_control_address_stays_blocked(lim: Machine):
    """
    Past its hold, with the control address silent, nothing is allowed.
    """
    configure(lim, boot_hold=1)
    assert ask(lim, "allow", "3", "id.run")["ok"]
    lim.power_cycle()
    lim.run("sleep", "9")
    assert traffic(lim) == "blocked"


@pytest.mark.S3
def test_a_lim_of_the_alternate_never_allows_itself(lim: Machine):
    """
    Past its hold, with the control address answering, a LIM of the alternate stays blocked.
    """
    configure(lim, system="alternate", boot_hold=1, control="127.0.0.1")
    assert ask(lim, "allow", "3", "id.run")["ok"]
    lim.power_cycle()
    lim.run("sleep", "9")
    assert traffic(lim) == "blocked"


@pytest.mark.L3
def test_flushed_rules_are_put_back_by_the_timer(lim: Machine):
    """
    After iptables -F and -X on a blocked LIM the timer blocks it again within its five seconds, with no daemon.
    """
    assert ask(lim, "block", "7", "id.run")["ok"]
    left = lim.run("sh", "-c", "iptables -F && iptables -X && iptables-save")
    assert "REDUNDANCYD" not in left
    wait_until("blocked again", lambda: traffic(lim) == "blocked", 10, every_s=0.2)


def test_the_supervision_reaches_its_own_lim_through_the_socket(lim: Machine):
    """
    The account of the supervision asks and orders through the socket without being root; others can't open it.
    """
    talk = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect('/run/redundancy-lim.sock');"
        "f = s.makefile('rw'); f.write('block 5 id.run\\nstatus\\n'); f.flush(); print(f.readline() + f.readline())"
    )
    answers = lim.run("runuser", "-u", "redundancyd", "--", "python3", "-c", talk).split("\n")
    assert [json.loads(answer)["traffic"] for answer in answers[:2]] == ["blocked", "blocked"]
    assert not lim.succeeds("runuser", "-u", "nobody", "--", "python3", "-c", talk)


def test_a_storm_of_connections_does_not_end_the_socket(lim: Machine):
    """
    After two hundred connections in a row the socket still listens and answers.
    """
    storm = (
        "import socket\nfor _ in range(200):\n"
        "    s = socket.socket(socket.AF_UNIX); s.connect('/run/redundancy-lim.sock'); s.close()"
    )
    lim.run("python3", "-c", storm)
    assert lim.properties("redundancy-lim.socket", "ActiveState") == {"ActiveState": "active"}
    ask_one = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect('/run/redundancy-lim.sock');"
        "s.sendall(b'status\\n'); print(s.makefile().readline())"
    )
    wait_until("it answers", lambda: lim.succeeds("python3", "-c", ask_one))
