"""What a LIM's exchange tells of its whole system; what it does not tell is null, and never an empty list."""

import pytest

from tests.lim.bed import Lim
from tests.lim.test_facts import COMMANDS, install

pytestmark = pytest.mark.lab

TABLES = r"""
Lim servers
Lim  Server   IP address      DNS name        LIM IP
1    regular  192.0.2.11      lim-1           192.0.2.11
1    standby  192.0.2.21      lim-1s          192.0.2.11
12   regular  192.0.2.22      lim-12          192.0.2.22

Media servers
Number  Server      IP address
1       one         192.0.2.11
2       two         192.0.2.2
3       three

Clusters
Cluster  LIMs     Fallback
1        1,12     manual
"""


def tell(lim: Lim, tables: str, gateways: str = "exit 1") -> None:
    """Let the exchange print these tables, and list its gateways so."""
    lim.sh(f"cat > /mnt/mxone_data.txt << 'END OF TEXT'\n{tables}\nEND OF TEXT")
    lim.replace("media_gateway_config", gateways)
    lim.configure(**COMMANDS, command_gateways="media_gateway_config -p")


def test_the_layout_of_a_system_is_told_from_its_tables(any_shell: Lim):
    """
    LIMs, which of them have a standby server, gateways, media servers with their place, clusters with their LIMs.
    """
    install(any_shell)
    tell(any_shell, TABLES, 'printf "%s\\n" Mgw "1A 192.0.2.31" 1B "12A  192.0.2.33" "1A x"')
    assert any_shell.ask("layout") == {
        "ok": True,
        "lim": 1,
        "version": "7.8.1.0.19",
        "lims": ["1", "12"],
        "standbys": ["1"],
        "gateways": ["12A", "1A", "1B"],
        "media_servers": ["1 co-located", "2 standalone", "3"],
        "clusters": ["1 1 12"],
    }
    assert any_shell.serve("layout") == [any_shell.ask("layout")]
    assert "data" not in any_shell.sh("ls /run/redundancyd-lim")


def test_what_no_command_tells_is_null(any_shell: Lim):
    """
    Tables that are not there, servers that are not called regular or standby, a command that fails or is not set.
    """
    install(any_shell)
    tell(any_shell, "Lim servers\n1  a  192.0.2.11\n2  b  192.0.2.12\n")
    rest = {"standbys": None, "gateways": None, "media_servers": None, "clusters": None}
    assert any_shell.ask("layout").items() >= {"lims": ["1", "2"], **rest}.items()
    any_shell.configure(command_lims="no-such-command", command_gateways="", command_version="")
    assert any_shell.ask("layout").items() >= {"lims": None, "version": "", **rest}.items()


def test_a_table_without_rows_is_told_as_empty(any_shell: Lim):
    """
    There is none, and somebody said so.
    """
    install(any_shell)
    tell(any_shell, "Media servers\n(none)\n\nClusters\n", "echo Mgw")
    told = any_shell.ask("layout")
    assert (told["media_servers"], told["clusters"], told["gateways"]) == ([], [], [])
