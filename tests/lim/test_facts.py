"""What a LIM says of itself and of what it hears, from the exchange's own commands."""

import shutil
import time

import pytest

from tests.lim.bed import Lim

pytestmark = pytest.mark.lab

STATUS = r"""
System Status
Master Lim              : 1
Lims In System          : 1 2
Measure Queue
-------------
%s
Measure Execution History
-------------------------
Coordination Start      Successful
Data Reload             Successful
END
"""

LIMS = r"""Lim servers
Lim  Server   IP address      DNS name        LIM IP
1    regular  192.0.2.11      lim-1           192.0.2.11
2    regular  192.0.2.12      lim-2           192.0.2.12
12   regular  192.0.2.22      lim-12          192.0.2.22

Other table
7    regular  192.0.2.17      lim-7           192.0.2.17
"""


def install(lim: Lim, measure: str = "(empty)", status: str = "exit 0") -> None:
    """Put a stand-in exchange's commands on the LIM."""
    texts = {
        "status": (STATUS % measure, status),
        "ts_about": ("Service Node 17.8.1.0.19\nVersion: 7.8.1.0.19", "exit 0"),
        "serverConfigTool": ("192.0.2.10/24", "exit 0"),
        "mxone_data": (LIMS, "exit 0"),
    }
    for name, (text, end) in texts.items():
        lim.sh(f"cat > /mnt/{name}.txt << 'END OF TEXT'\n{text}\nEND OF TEXT")
        lim.replace(name, f'[ "$*" = "{ARGUMENTS[name]}" ] && cat /mnt/{name}.txt; {end}')
    lim.configure(**COMMANDS)


ARGUMENTS = {"status": "-system", "ts_about": "", "serverConfigTool": "getMasterAddress", "mxone_data": "-p"}
COMMANDS = {
    "command_version": "ts_about",
    "command_status": "status  -system",
    "command_master": "serverConfigTool getMasterAddress",
    "command_lims": "mxone_data -p",
}


def test_facts_of_a_running_exchange(any_shell: Lim):
    """
    Version, size, master address, LIMs and the state of the exchange, in one reply.
    """
    install(any_shell)
    facts = any_shell.ask("facts")
    assert facts["processors"] >= 1
    assert facts["memory_kib"] > 100_000
    assert facts["disk_free_kib"] > 0
    assert facts["disk_kib"] >= facts["disk_free_kib"]
    assert abs(facts["clock_s"] - time.time()) < 60
    sizes = ("processors", "memory_kib", "disk_free_kib", "disk_kib", "clock_s")
    rest = {key: value for key, value in facts.items() if key not in sizes}
    assert rest == {
        "ok": True,
        "lim": 1,
        "version": "7.8.1.0.19",
        "standby": False,
        "master": "192.0.2.10/24",
        "exchange": "running",
        "measure": "",
        "lims": [1, 2, 12],
        "media_servers": [],
        "rsync": shutil.which("rsync") is not None,
        "gateways": None,
    }


def test_the_media_gateways_are_named_where_a_command_tells_them(any_shell: Lim):
    """
    Identities only, each once; a command that fails tells nothing.
    """
    install(any_shell)
    any_shell.sh(
        "printf 'Media gateways\nMgw  Address\n1A   192.0.2.31\n1B   192.0.2.32\n12A  192.0.2.33\n' > /mnt/mgw.txt"
    )
    any_shell.replace("media_gateway_config", '[ "$*" = -p ] && cat /mnt/mgw.txt')
    any_shell.configure(**COMMANDS, command_gateways="media_gateway_config -p")
    assert any_shell.ask("facts")["gateways"] == ["12A", "1A", "1B"]
    any_shell.replace("media_gateway_config", "cat /mnt/mgw.txt; exit 1")
    assert any_shell.ask("facts")["gateways"] is None


def test_a_measure_that_runs_is_named(lim: Lim):
    """
    While the exchange reloads its data the facts say so.
    """
    install(lim, measure="Data Reload   Started 2026-03-09 03:15:02")
    assert lim.ask("facts")["measure"] == "Data Reload   Started 2026-03-09 03:15:02"


@pytest.mark.parametrize(
    ("end", "exchange"),
    [("exit 0", "running"), ("exit 1", "stopped"), ("echo more; exit 0", "stopped"), ("exec sleep 60", "unknown")],
)
def test_an_exchange_runs_when_its_status_is_whole(lim: Lim, end: str, exchange: str):
    """
    Exit status 0 and the line END; a command that hangs is ended after two seconds and says nothing.
    """
    install(lim, status=end)
    begun = time.monotonic()
    assert lim.ask("facts")["exchange"] == exchange
    assert time.monotonic() - begun < 5


def test_commands_that_are_missing_leave_their_facts_empty(any_shell: Lim):
    """
    A LIM without an exchange still says how large it is.
    """
    any_shell.configure(command_version="no-such-command", command_status="no-such-command -system", standby="yes")
    facts = any_shell.ask("facts")
    assert (facts["ok"], facts["version"], facts["exchange"], facts["lims"]) == (True, "", "unknown", [])
    assert (facts["master"], facts["standby"]) == ("", True)
    assert "facts" not in any_shell.sh("ls /run/redundancyd-lim")


def test_endless_output_of_a_command_is_cut(lim: Lim):
    """
    A command that prints for ever costs two seconds and 64 KiB.
    """
    lim.replace("status", "exec yes")
    lim.configure(command_status="status", command_version="status", command_master="status", command_lims="status")
    facts = lim.ask("facts")
    assert (facts["exchange"], facts["version"], facts["master"]) == ("stopped", "", "")


def test_words_of_a_command_are_never_a_shell(lim: Lim):
    """
    Quotes, stars and semicolons in lim.conf are handed over as they are.
    """
    lim.replace("ts_about", 'printf "%s\\n" "$#:$*" > /run/words')
    lim.configure(command_version="ts_about * $HOME;reboot `id` 'x")
    lim.ask("facts")
    assert lim.sh("cat /run/words") == "4:* $HOME;reboot `id` 'x\n"


@pytest.mark.parametrize(
    ("address", "heard"), [("127.0.0.1", True), ("::1", True), ("192.0.2.99", False), ("2001:db8::99", False)]
)
def test_observe_tells_what_this_lim_hears(lim: Lim, address: str, heard: bool):
    """
    An address that answers, and one that does not, in IPv4 and IPv6.
    """
    begun = time.monotonic()
    assert lim.serve(f"observe {address}") == [{"ok": True, "address": address, "heard": heard}]
    assert time.monotonic() - begun < 3
