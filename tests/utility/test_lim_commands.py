"""`lim` and `more_configuration` on the command line: what is asked, what is refused, a line for each LIM."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from redundancyd.adapters import by_hand
from redundancyd.client import Client
from redundancyd.config import Config
from redundancyd.core.events import Refused
from redundancyd.core.systems import Origin, Server, Status, Traffic, Word
from redundancyd.errors import OutOfReach
from redundancyd.utility.cli import run

Ran = tuple[int, str]
SETTINGS = """\
[primary]
master_ip = "192.0.2.10"
lims = [{lim = 1, address = "192.0.2.11"}, {lim = 2, address = "192.0.2.12"},
        {lim = 1, address = "192.0.2.21", standby = true}]
[alternate]
lims = [{lim = 1, address = "198.51.100.11"}, {lim = 2, address = "198.51.100.12"}]
[network_control]
addresses = ["203.0.113.1"]
"""
ADD = ("more_configuration", "iptables", "add")


@pytest.fixture
def ctl(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """
    Runs words with settings of their own; exit status, and everything that was said, in one line.
    """
    monkeypatch.setattr("sys.argv", ["redundancyctl"])
    own = f'[daemon]\nstate_folder = "{tmp_path}"\n[socket]\npath = "{tmp_path}/none"\n'
    own += f'[ssh]\nkey = "{tmp_path}/key"\nknown_hosts = "{tmp_path}/known_hosts"\n'
    (tmp_path / "toml").write_text(SETTINGS + own)

    def words(*typed: str) -> Ran:
        status = run([*typed, "--config", str(tmp_path / "toml")])
        out, err = capsys.readouterr()
        return status, " ".join((out + err).split())

    return words


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """
    What was asked of which LIM; primary-2 refuses, alternate-2 is out of reach.
    """
    found: list[tuple[str, str]] = []

    async def ask(_: Config, server: Server, words: str) -> Status | Refused:
        found.append((server.name, words))
        await asyncio.sleep(0)
        if server.name == "primary-2":
            return Refused("lock_busy", "another order is being carried out")
        if server.name == "alternate-2":
            raise OutOfReach(words, "Connection timed out")
        blocked = words.startswith("block")
        return Status(Traffic.BLOCKED if blocked else Traffic.ALLOWED, 0, Word.NONE, "", Origin.HAND)

    fake: Callable[..., Awaitable[Status | Refused]] = ask
    monkeypatch.setattr(by_hand, "ask", fake)
    return found


def test_each_lim_has_its_line_answered_refused_or_out_of_reach(ctl: Callable[..., Ran], asked: list[tuple[str, str]]):
    """
    One that does not follow makes exit status 1; the others were done all the same, standby servers too.
    """
    assert ctl(*ADD, "--lim", "primary-1", "--yes") == (0, "primary-1 traffic blocked (by hand)")
    status, said = ctl(*ADD, "--system", "primary", "--yes")
    assert status == 1
    assert "primary-1 traffic blocked" in said
    assert "primary-1-standby traffic blocked" in said
    assert "primary-2 REFUSED: lock_busy: another order is being carried out" in said
    status, said = ctl("more_configuration", "iptables", "status")
    assert (status, "alternate-2 OUT OF REACH: Connection timed out" in said) == (1, True)
    assert {words for _, words in asked} == {"block --by-hand", "status"}


def test_a_system_and_a_number_name_one_lim(ctl: Callable[..., Ran], asked: list[tuple[str, str]]):
    """
    With its name or with its number.
    """
    assert ctl("more_configuration", "iptables", "remove", "--system", "alternate", "--lim", "1", "--yes")[0] == 0
    assert [name for name, words in asked if words == "allow --by-hand"] == ["alternate-1"]


def test_before_a_system_is_allowed_it_is_told_what_the_other_one_carries(
    ctl: Callable[..., Ran], asked: list[tuple[str, str]]
):
    """
    Who lets traffic through, and who did not say; the operator's order is carried out all the same.
    """
    status, said = ctl("more_configuration", "iptables", "remove", "--lim", "alternate-1", "--yes")
    assert said.startswith(
        "primary-1, primary-1-standby let traffic through, too: then BOTH systems carry it. "
        "primary-2 did not say: they may carry traffic, too. alternate-1 traffic allowed"
    )
    assert status == 0
    assert asked[-1] == ("alternate-1", "allow --by-hand")
    assert "BOTH" not in ctl(*ADD, "--lim", "alternate-1", "--yes")[1]


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ({"goal": {"active": "primary"}, "configured": True}, "the supervision decides"),
        ({"goal": None, "configured": False, "setup": {"step": "loading", "undoing": False}}, "under way"),
        ({"goal": None, "configured": False, "setup": {"step": "undoing", "undoing": True}}, "under way"),
        ({"goal": None, "configured": False, "setup": {"step": "disarming", "undoing": False}}, ""),
        ({"goal": None, "configured": True}, ""),
    ],
)
def test_while_the_daemon_orders_the_lims_nobody_does_it_by_hand_from_here(
    ctl: Callable[..., Ran],
    asked: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    page: dict[str, object],
    why: str,
):
    """
    Refused with the reason while a pair is supervised or being made; afterwards it is done.
    """
    monkeypatch.setattr(Client, "get", lambda *_: page)
    status, said = ctl(*ADD, "--lim", "alternate-1", "--yes")
    assert (status, bool(asked)) == ((3, False) if why else (0, True))
    assert why in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*ADD, "--yes"), "--system primary, --system alternate, or --lim primary-2"),
        ((*ADD, "--lim", "2", "--yes"), "a number alone needs --system"),
        ((*ADD, "--lim", "primary-7", "--yes"), "primary-7: the settings have primary-1, primary-2"),
        ((*ADD, "--lim", "primary;1", "--yes"), "is not understood"),
        ((*ADD, "--system", "primary"), "add --yes"),
        (("lim", "install"), "add --yes"),
        (("lim", "check", "--fingerprint", "MD5:x"), "is not understood"),
    ],
)
def test_words_that_are_missing_or_wrong_are_named(
    ctl: Callable[..., Ran], asked: list[tuple[str, str]], words: tuple[str, ...], said: str
):
    """
    Exit status 2, and no LIM was asked anything.
    """
    status, told = ctl(*words)
    assert status == 2
    assert said in told
    assert asked == []


def test_while_a_goal_is_on_disk_traffic_is_not_moved_by_hand(
    ctl: Callable[..., Ran], asked: list[tuple[str, str]], tmp_path: Path
):
    """
    No daemon answers; what is damaged counts as a goal, too.
    """
    (tmp_path / "goal").write_bytes(b"damaged")
    status, said = ctl(*ADD, "--system", "alternate", "--yes")
    assert status == 3
    assert "is configured here, although redundancyd does not answer" in said
    assert "redundancy-lim allow --by-hand" in said
    assert asked == []


def test_the_key_is_shown_with_its_fingerprint_and_made_once(ctl: Callable[..., Ran]):
    """
    The public part only.
    """
    status, said = ctl("lim", "key")
    assert status == 0
    assert said.startswith("ssh-ed25519 ")
    assert said.endswith("(made now)")
    again = ctl("lim", "key")[1]
    assert again == said.removesuffix(" (made now)")
    assert "PRIVATE" not in said


def test_a_check_before_there_is_a_key_says_how_to_begin(ctl: Callable[..., Ran]):
    """
    Looking makes nothing.
    """
    status, said = ctl("lim", "check")
    assert (status, "redundancyctl lim install" in said) == (1, True)
