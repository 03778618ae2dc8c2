"""The texts that stand on a LIM, made from the settings."""

import subprocess
from pathlib import Path

import pytest

from redundancyd.config import Config, load, parse
from redundancyd.core.systems import Server, System
from redundancyd.lim import texts
from tests.house import TOP
from tests.test_config import SMALLEST

EXAMPLE = TOP / "config" / "redundancyd.toml"
PRIMARY_2 = Server(System.PRIMARY, 2, "192.0.2.12")
KEY = "ssh-ed25519 AAAAC3Nza supervision"


def lines_of(config: Config, server: Server) -> dict[str, str]:
    """The settings of a LIM by their names."""
    lines = texts.lim_conf(config, server).splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_the_settings_that_we_ship_make_the_lim_conf_that_we_ship():
    """
    But for what the example shows and the daemon's settings have otherwise: the same names, so none is forgotten.
    """
    shown = dict(
        line.split("=", 1)
        for line in texts.shipped("lim.conf.example").splitlines()
        if line and not line.startswith("#")
    )
    made = lines_of(load(EXAMPLE), PRIMARY_2)
    assert shown.keys() - made.keys() == {"xdata"}  # where the exchange has it otherwise, its own default goes
    assert made.keys() <= shown.keys()
    assert made["lims"] == "192.0.2.11 192.0.2.12 192.0.2.10"
    assert made["services"].split()[:2] == ["udp:5060", "tcp:5060-5062"]
    assert (made["boot_hold"], made["orphan_hold"], made["reload_deadline"]) == ("180", "off", "900")


def test_addresses_are_written_in_their_shortest_spelling_and_once():
    """
    As iptables-save prints them: rules are compared text for text.
    """
    text = SMALLEST.replace("[primary]", '[primary]\nfurther_addresses = ["2001:0DB8:0:0::0011", "192.0.2.10"]', 1)
    made = lines_of(parse(text.encode()), Server(System.PRIMARY, 1, "192.0.2.11"))
    assert made["lims"] == "192.0.2.11 192.0.2.10 2001:db8::11"


def test_each_lim_gets_what_is_its_own():
    """
    Standby, backend, the command that makes a backup valid: only where they belong.
    """
    more = '[commands]\naccept_backup = "accept it"\n[traffic]\niptables = "nft"\ndeny = "drop"\n'
    config = parse((SMALLEST + more + '[takeover]\norphan_hold = "90500ms"\n').encode())
    primary = lines_of(config, Server(System.PRIMARY, 1, "192.0.2.11", standby=True))
    alternate = lines_of(config, config.own_server())
    assert (primary["standby"], primary["iptables"], primary["orphan_hold"]) == ("yes", "nft", "91")
    assert (primary["command_accept_backup"], alternate["command_accept_backup"]) == ("off", "accept it")
    assert (primary["system"], alternate["system"], alternate["deny"]) == ("primary", "alternate", "drop")


@pytest.mark.parametrize("user", ["redundancyd", "supervision"])
def test_the_line_for_sudo_is_for_the_account_of_the_settings(tmp_path: Path, user: str):
    """
    One program, without words; visudo takes it.
    """
    line = tmp_path / "line"
    line.write_text(texts.sudoers(user))
    line.chmod(0o440)
    assert texts.sudoers(user).rstrip().endswith(f'\n{user} ALL=(root) NOPASSWD: /usr/sbin/redundancy-lim ""')
    subprocess.run(["visudo", "-c", "-f", line], capture_output=True, check=True)


def test_our_key_is_in_the_file_once_and_what_others_wrote_stays():
    """
    A key of ours of old is replaced, an administrator's own key is not touched.
    """
    others = "# mine\nssh-ed25519 BBBB admin\n"
    once = texts.with_key(others, KEY)
    assert once == others + f'restrict,command="sudo -n /usr/sbin/redundancy-lim" {KEY}\n'
    assert texts.with_key(once, KEY) == once
    assert texts.with_key(once, "ssh-ed25519 CCCC new").count("redundancy-lim") == 1


def test_this_host_has_the_socket_and_no_key_and_the_others_the_reverse():
    """
    The daemon's orders to its own LIM come in by the socket.
    """
    config = load(EXAMPLE)
    here = {file.path for file in texts.files(config, config.own_server())}
    there = {file.path for file in texts.files(config, PRIMARY_2)}
    assert here - there == {f"/etc/systemd/system/{name}" for name in texts.SOCKET_UNITS}
    assert there - here == {texts.SUDOERS}
    assert "redundancy-lim.socket" in texts.started(config, config.own_server())
    assert "redundancy-lim.socket" not in texts.started(config, PRIMARY_2)
