"""The settings file: what it gives, and every mistake in it at once with line and remedy."""

import re
from pathlib import Path

import pytest

from redundancyd.config import Config, load, parse
from redundancyd.core.systems import Method, Server, System
from redundancyd.errors import SettingsInvalid
from redundancyd.setting_mistakes import locate

EXAMPLE = Path(__file__).parent.parent / "config" / "redundancyd.toml"
SMALLEST = """\
[primary]
master_ip = "192.0.2.10"
lims = [{lim = 1, address = "192.0.2.11"}]
[alternate]
lims = [{lim = 1, address = "198.51.100.11"}]
[network_control]
addresses = ["203.0.113.1"]
"""


def mistakes(text: str) -> tuple[str, ...]:
    """Every mistake in this text, a line each."""
    with pytest.raises(SettingsInvalid) as caught:
        parse(text.encode())
    return caught.value.mistakes


def only(text: str) -> str:
    """The one mistake in this text."""
    (mistake,) = mistakes(text)
    return mistake


def test_the_file_we_ship_loads_without_a_mistake():
    """
    With addresses of documentation and every default.
    """
    config = load(EXAMPLE)
    assert config.own_server() == Server(System.ALTERNATE, 1, "198.51.100.11")


def test_the_file_we_ship_shows_every_setting_with_its_true_default():
    """
    Each commented line made active changes nothing, and no setting is missing from the file.
    """
    text = EXAMPLE.read_text()
    whole = re.sub(r"(?m)^#(?=[a-z_]+ = |    \{|\])", "", text)
    assert parse(whole.encode()) == parse(text.encode())
    lines = locate(whole)
    for table, model in Config.model_fields.items():
        assert model.annotation is not None
        for key in model.annotation.model_fields:
            assert (table, key) in lines, f"[{table}] {key} is not in {EXAMPLE.name}"


def test_the_decision_gets_what_it_needs():
    """
    Spans become milliseconds, servers come in the order of the file, methods are those of the file.
    """
    settings = parse((SMALLEST + '[takeover]\nreturn_after = "90s"\nprimary_from_alternate = "automatic"').encode())
    core = settings.core_settings()
    assert core.servers == (Server(System.PRIMARY, 1, "192.0.2.11"), Server(System.ALTERNATE, 1, "198.51.100.11"))
    assert (core.interval_ms, core.timeout_ms, core.missed, core.return_after_ms) == (2000, 1500, 10, 90_000)
    assert settings.methods().primary_from_alternate is Method.AUTOMATIC
    assert settings.methods().alternate_from_primary is Method.AUTOMATIC


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    """
    Nine mistakes of nine kinds: nine lines, each with its line number.
    """
    text = """\
[primary]
master_ip = "192.0.2.10/24"
lims = [
  {lim = 1, address = "192.0.2.11"},
  {lim = 2, address = "lim2.example", standbye = true},
]
[alternate]
lims = [{lim = 1, address = "198.51.100.11"}]
[network_control]
addresses = ["127.0.0.1"]
[heartbeet]
[heartbeat]
interval_ms = 1000
timeout_ms = 1500
missed = 2
packets = "3"
[takeover]
orphan_hold = 10
"""
    told = mistakes(text)
    assert [int(re.match(r"line (\d+):", line)[1]) for line in told] == [2, 5, 5, 10, 11, 14, 15, 16, 18]  # type: ignore[index]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"192.0.2.10"', '"192.0.2.10/24"', 2, ["[primary] master_ip", "192.0.2.10/24", 'Write "192.0.2.10".']),
        ('"192.0.2.10"', '"exchange.example"', 2, ["numeric IP address", "Names are not looked up"]),
        ('"192.0.2.10"', '"127.0.0.1"', 2, ["loopback"]),
        ('"192.0.2.10"', '"0.0.0.0"', 2, ["no address at all"]),
        ('"192.0.2.10"', '"224.0.0.5"', 2, ["multicast"]),
        ('"192.0.2.10"', '"255.255.255.255"', 2, ["broadcast"]),
        ('"192.0.2.10"', '"fe80::1%eth0"', 2, ["zone"]),
        ('"192.0.2.10"', '"fe80::1"', 2, ["link-local"]),
        ('"192.0.2.10"', '"::ffff:192.0.2.10"', 2, ['Write "192.0.2.10".']),
        ('"192.0.2.10"', "7", 2, ["in quotes"]),
        ('"192.0.2.10"', '"192.0.2.11"', 3, ["address of its own", "[primary] master_ip", "alias that moves"]),
        ('"203.0.113.1"', '"192.0.2.11"', 7, ["[primary] lims[0].address", "must not depend"]),
        ('["203.0.113.1"]', "[]", 7, ["at least 1 of them"]),
        ('lim = 1, address = "192', 'lim = 2, address = "192', 3, ["LIM 1 as well"]),
        ('lim = 1, address = "198', 'lim = 0, address = "198', 5, ["at least 1"]),
        ("[alternate]", 'further_addresses = ["203.0.113.1"]\n[alternate]', 4, ["further_addresses[0]", "let through"]),
        ("[network", 'further_addresses = ["192.0.2.10"]\n[network', 6, ["alternate's own servers"]),
        ("addresses =", "address =", 7, ['Did you mean "addresses"?']),
        ('master_ip = "192.0.2.10"\n', "", 1, ["[primary] master_ip", "expected a value", "no default"]),
    ],
)
def test_a_mistake_is_told_with_line_key_finding_and_remedy(old: str, new: str, line: int, words: list[str]):
    """
    One thing in the smallest file is changed; what is told fits it.
    """
    told = mistakes(SMALLEST.replace(old, new, 1))
    assert any(mistake.startswith(f"line {line}: ") and all(word in mistake for word in words) for mistake in told), (
        told
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("[heartbeat]\ntimeout_ms = 2001", ["timeout_ms = 2001", "at most interval_ms, 2000"]),
        ("[heartbeat]\nmissed = 2", ["at least 3", "default, 10"]),
        ('[heartbeat]\nprobes = ["sip"]', ["probes[0]", '"icmp"']),
        ("[heartbeat]\ninterval_ms = true", ["a whole number"]),
        ('[takeover]\nreturn_after = "10"', ['"10m"', "Write a number and ms, s, m, h or d"]),
        ('[takeover]\nboot_hold = "off"', ["span of time"]),
        ('[takeover]\norphan_hold = "5s"', ["at least 60 s"]),
        ('[takeover]\nalternate_from_primary = "auto"', ['"manual" or "automatic"']),
        ("[takeover]\ntakeovers_per_hour = 0", ["at least 1"]),
        ('[traffic]\nservices = [{proto = "udp", ports = "70000"}]', ["services[0].ports", "1 to 65535"]),
        ('[traffic]\nservices = [{proto = "udp", ports = "20-10"}]', ["the lower port first"]),
        ('[traffic]\nservices = [{proto = "tcp", ports = "20-30"}]', ["tcp port 22", "cut the LIMs off"]),
        ('[traffic]\nservices = [{proto = "icmp", ports = "1"}]', ['"udp" or "tcp"']),
        ('[traffic]\niptables = "ipfw"', ['"auto", "nft" or "legacy"']),
        ('[alarms]\nexchange_interval = "5ms"', ["at least 1 s"]),
        ('[traffic]\ndeny = "refuse"', ['"reject" or "drop"']),
        ('[commands]\nstatus = "status -system | cat"', ["no shell", "|"]),
        ('[commands]\nversion = ""', ["a command in quotes"]),
        ("[exchange_data]\nkeep = 2", ["at least 3"]),
        ('[exchange_data]\nauto = "25:00"', ['"02:30"']),
        ('[exchange_data]\ntimezone = "Europe/Atlantis"', ["time zone"]),
        ('[exchange_data]\nrate_limit = "fast"', ['"20Mbit/s"']),
        ('[ssh]\nkey = "id"', ["begins with a slash"]),
        ('[ssh]\nuser = "No One"', ["name of an account"]),
        ("[ssh]\ninterval_ms = 5", ["It belongs into [heartbeat]."]),
        ('[socket]\npath = "/' + "x" * 120 + '"', ["at most 107 bytes"]),
        ('[alarms]\nsnmp = "192.0.2.9"', ["community@address"]),
        ('[alarms]\nwebhook = "ftp://x"', ["http:// or https://"]),
        ("[daemon]\nnothing_like_it = 1", ["Known here: state_folder."]),
        ("heartbeat = 3", ["expected a table"]),
    ],
)
def test_each_setting_knows_what_it_may_be(lines: str, words: list[str]):
    """
    One wrong line is added: exactly one mistake, which says what is expected.
    """
    if "=" in lines.splitlines()[0]:
        told = only(lines + "\n" + SMALLEST)
    else:
        told = only(SMALLEST + lines)
        assert told.startswith(f"line {len((SMALLEST + lines).splitlines())}: ")
    assert all(word in told for word in words), told


def test_standby_servers_need_a_regular_one_and_time_for_their_cluster():
    """
    A standby server alone is a mistake; with its LIM it is none, if the cluster may help itself first.
    """
    standby = '{lim = 2, address = "192.0.2.22", standby = true}'
    one = SMALLEST.replace('"192.0.2.11"}', f'"192.0.2.11"}}, {standby}')
    assert "a regular server of LIM 2 besides" in mistakes(one)[0]
    good = SMALLEST.replace('"192.0.2.11"}', '"192.0.2.11"}, ' + standby.replace("lim = 2", "lim = 1"))
    assert parse(good.encode()).servers()[1].standby
    assert "more than 7" in only(good + "[heartbeat]\nmissed = 7")


def test_two_regular_servers_of_one_lim_are_told_apart():
    """
    LIM 1 twice: each is named.
    """
    twice = SMALLEST.replace('"192.0.2.11"}', '"192.0.2.11"}, {lim = 1, address = "192.0.2.12"}')
    assert len(mistakes(twice)) == 2
    assert all("one regular server of LIM 1" in told for told in mistakes(twice))


def test_a_lim_1_that_is_missing_in_both_systems_is_told():
    """
    Both have LIM 2 only: the numbers agree, and yet there is no management part.
    """
    text = SMALLEST.replace("lim = 1", "lim = 2")
    assert [told.split(": ")[1].split(" = ")[0] for told in mistakes(text)] == ["[primary] lims", "[alternate] lims"]


def test_one_mistake_does_not_hide_another_between_sound_settings():
    """
    A wrong number of packets does not keep the deadline from being compared with the interval.
    """
    told = mistakes(SMALLEST + '[heartbeat]\npackets = "x"\ntimeout_ms = 3000')
    assert len(told) == 2
    assert "at most interval_ms" in told[1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[primary\n", ["line 1", "no TOML"]),
        (b"a = 1\na = 2\n", ["no TOML", "overwrite"]),
        (b"x = 'caf\xe9'\n", ["line 1", "UTF-8"]),
        (b"ok = 1\ny = \xff\n", ["line 2", "UTF-8"]),
        (b"x = " + b"[" * 5000, ["nested too deeply"]),
        (b"#" * 1_000_001, ["more than 1000000 bytes"]),
        (b"", ["[primary]"]),
    ],
)
def test_what_is_no_settings_file_is_told_as_such(data: bytes, words: list[str]):
    """
    The line, and what is wrong with it; never a traceback.
    """
    with pytest.raises(SettingsInvalid) as caught:
        parse(data)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    """
    Path, reason, and how to name another.
    """
    with pytest.raises(SettingsInvalid, match=r"(?s)none\.toml.*No such file.*--config") as caught:
        load(tmp_path / "none.toml")
    assert caught.value.exit_code == 5
