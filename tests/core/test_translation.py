"""Translation by its reference: what counts as an address, what becomes of it, and what is told."""

import pytest

from redundancyd.core.addresses import find
from redundancyd.core.findings import ADDRESSES_MAX, PLACES_MAX, Findings, Kind
from redundancyd.core.translation import LINE_MAX_BYTES, Rules, is_text, lines, translate, translate_line
from redundancyd.core.translation_table import Table, parse_address, parse_table

TABLE = parse_table(
    """
    10.0.0.1         10.1.0.1
    10.0.0.2         10.0.0.3
    10.0.0.3         10.0.0.2          # these two swap
    10.0.0.4         10.0.0.4          # both systems use it
    2001:db8::9      2001:db8:1::9
    198.51.100.0/24  203.0.113.0/24
    192.0.2.128/25   192.0.2.128/25    # anybody's
    2001:db8:5::/48  2001:db8:6::/48
    """
)
RULES = Rules(
    TABLE,
    own_hosts=frozenset(map(parse_address, ("10.0.0.7", "2001:db8::7"))),  # type: ignore[arg-type]
    known=frozenset({"192.0.2.99"}),
)


@pytest.mark.D3
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10.0.0.1", "10.1.0.1"),
        ("10.0.0.2,10.0.0.3", "10.0.0.3,10.0.0.2"),
        ("10.0.0.4", "10.0.0.4"),
        ("10.0.0.1/24", "10.1.0.1/24"),
        ("sip:?@10.0.0.1", "sip:?@10.1.0.1"),
        ("<sip:1234@10.0.0.1:5060;transport=udp>", "<sip:1234@10.1.0.1:5060;transport=udp>"),
        ("end of it: 10.0.0.1.", "end of it: 10.1.0.1."),
        ("10.0.0.1-10.0.0.3", "10.1.0.1-10.0.0.2"),
        ("10.0.0.1/10.0.0.2", "10.1.0.1/10.0.0.3"),
        ("03:15:02:10.0.0.1:", "03:15:02:10.1.0.1:"),
        ("[2001:DB8::9]:5060", "[2001:db8:1::9]:5060"),
        ("2001:db8:0:0::9/64", "2001:db8:1::9/64"),
        ("2001:0db8:0000:0000:0000:0000:0000:0009", "2001:db8:1::9"),
        ("2001:db8::0.0.0.9", "2001:db8:1::9"),
        ("sip:2001:db8::9 id:2001:db8::9", "sip:2001:db8:1::9 id:2001:db8:1::9"),
        ("2001:db8::9: 2001:db8::9. 2001:db8::9:udp", "2001:db8:1::9: 2001:db8:1::9. 2001:db8:1::9:udp"),
        ("fe80::1%eth0 2001:db8::9%eth0", "fe80::1%eth0 2001:db8:1::9%eth0"),
        ("::ffff:10.0.0.1", "::ffff:10.1.0.1"),
        ("::FFFF:A00:1", "::ffff:10.1.0.1"),
        ("::ffff:a00:1/128", "::ffff:10.1.0.1/128"),
        ("198.51.100.0/24", "203.0.113.0/24"),
        ("198.51.100.0/255.255.255.0", "203.0.113.0/255.255.255.0"),
        ("::ffff:198.51.100.0/120", "::ffff:203.0.113.0/120"),
        ("[2001:db8:5::]/48", "[2001:db8:6::]/48"),
    ],
)
def test_whole_addresses_are_translated_whatever_stands_around_them(old: str, new: str):
    """
    Ports, masks, brackets and URIs stay; all entries work at once.
    """
    found, findings = translate_line(old.encode(), RULES)
    assert found.decode() == new
    assert Kind.TRANSLATED in {kind for kind, _ in findings}


@pytest.mark.D3
@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.10 110.0.0.1 10.0.0.1.5 1.10.0.0.1 10.0.0.11",
        "010.0.0.1 10.0.0.01 10.0.0.256 10.0.0",
        "Version: 10.0.0.1",
        'version","10.0.0.1',
        "17.8.1.0.19",
        "198.51.100.0/25 198.51.100.0",
        "2001:db8:5::/64 2001:db8:5::",
        "2001:db8::99 12001:db8::9 2001:db8::9:1 1:2001:db8::9",
        "2001:db8::9g",
        "add:2001:db8::9",
        "std::dead 2001:db8::x 00:11:22:33:44:55 03:15:02",
        "2001:db8:0:0:0:0:0:0:9",
    ],
)
def test_nothing_less_than_a_whole_address_is_touched(text: str):
    """
    Longer rows of numbers, versions, networks of another mask, words.
    """
    found, findings = translate_line(text.encode(), RULES)
    assert found.decode() == text
    assert Kind.TRANSLATED not in {kind for kind, _ in findings}


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("10.0.0.1", [("translated", "10.0.0.1")]),
        ("10.0.0.7 2001:DB8::7", [("missing", "10.0.0.7"), ("missing", "2001:db8::7")]),
        ("192.0.2.99 192.0.2.98", [("foreign", "192.0.2.99"), ("new", "192.0.2.98")]),
        ("198.51.100.7", [("missing", "198.51.100.7")]),
        ("10.0.0.0/29 10.0.0.0/8", [("missing", "10.0.0.0/29"), ("missing", "10.0.0.0/8")]),
        ("192.0.2.0/24", [("new", "192.0.2.0/24")]),
        ("198.51.100.128/25", [("missing", "198.51.100.128/25")]),
        ("198.51.100.0/23 198.51.0.0/16", [("missing", "198.51.100.0/23"), ("missing", "198.51.0.0/16")]),
        ("192.0.2.128/25 192.0.2.129", [("translated", "192.0.2.128/25"), ("new", "192.0.2.129")]),
        ("198.51.101.0/24 198.51.101.1", [("new", "198.51.101.0/24"), ("new", "198.51.101.1")]),
        ("64:ff9b::10.0.0.1", [("missing", "64:ff9b::a00:1")]),
        ("64:ff9b::192.0.2.98", [("new", "64:ff9b::c000:262")]),
        ("127.0.0.1 0.0.0.0 255.255.255.0 255.255.255.255 ::1 0.0.0.0/0", []),
        ("17.8.1.0.19 version 17.8.1.0", []),
        ("", []),
    ],
)
def test_each_address_is_told_by_what_it_is(text: str, findings: list[tuple[str, str]]):
    """
    In the table; own and missing there; foreign, confirmed or new; nothing of what means the same everywhere.
    """
    assert translate_line(text.encode(), RULES)[1] == findings


def test_findings_have_file_and_line_and_are_complete_in_counts():
    """
    The first places of each address are told, all of them are counted, and one that is missing refuses.
    """
    findings, harmless = Findings(), Findings()
    for told in (findings, harmless):
        translate("lim-1/SIROU.D", b"10.0.0.1\n\n192.0.2.98 10.0.0.1\n" + b"192.0.2.98\n" * 100, RULES, told)
    translate("lim-2/SIROU.D", b'"\xe4"\n10.0.0.7', RULES, findings)
    assert findings.refuses
    assert not harmless.refuses
    assert [(kind, address, tally.count, tally.places[:2]) for kind, address, tally in findings.told()] == [
        ("missing", "10.0.0.7", 1, [("lim-2/SIROU.D", 2)]),
        ("new", "192.0.2.98", 101, [("lim-1/SIROU.D", 3), ("lim-1/SIROU.D", 4)]),
        ("translated", "10.0.0.1", 2, [("lim-1/SIROU.D", 1), ("lim-1/SIROU.D", 3)]),
    ]
    assert len(findings.addresses[Kind.NEW, "192.0.2.98"].places) == PLACES_MAX
    assert Findings.from_json(findings.as_json()).as_json() == findings.as_json()


def test_more_addresses_than_are_told_are_still_counted():
    """
    Memory is bounded, the sum is not wrong.
    """
    findings = Findings()
    text = b"".join(b"11.%d.%d.1\n" % (number // 250, number % 250) for number in range(ADDRESSES_MAX + 5))
    translate("A.D", text, RULES, findings)
    assert findings.counts[Kind.NEW] == ADDRESSES_MAX + 5
    assert len(findings.addresses) == ADDRESSES_MAX
    assert findings.left_out == 5


@pytest.mark.parametrize(
    ("file", "data", "so"),
    [
        ("SIROU.D", b"plain\n", True),
        ("cassandra/Route.CSV", b"v\xe4xel\r\n", True),
        ("cassandra/schema.cql", "växel\n".encode(), True),
        ("NOTES.TXT", b"", True),
        ("SIROU.D", b"a\0b", False),
        ("SIROU.D", b"\x1b[1m", False),
        ("SIROU.D", b"plain\n" * 20_000 + b"\0", False),
        ("SIROU.D", "plain".encode("utf-16"), False),
        ("snapshot.db", b"plain\n", False),
        ("SIROU.D.gz", b"plain\n", False),
        ("SIROU.D", b"x" * (LINE_MAX_BYTES - 1) + b"\n", True),
        ("SIROU.D", b"x" * LINE_MAX_BYTES + b"\n", False),
    ],
)
def test_text_is_decided_by_name_and_content(file: str, data: bytes, so: bool):
    """
    A known suffix, no zero byte anywhere, no control characters at the beginning, no line without end.
    """
    assert is_text(file, data) is so


@pytest.mark.D3
@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("snapshot.db", b"\x00\x0810.0.0.1\x00\n\x0710.0.0.7 192.0.2.98"),
        ("SIROU.D", "\ufeff10.0.0.1\n10.0.0.7 192.0.2.98".encode("utf-16-le")),
        ("SIROU.D", "\ufeff10.0.0.1\n10.0.0.7 192.0.2.98".encode("utf-16-be")),
    ],
)
def test_a_file_that_is_not_text_stays_and_own_addresses_in_it_are_told(file: str, data: bytes):
    """
    Nothing is rewritten where a byte more could break what counts bytes.
    """
    findings = Findings()
    assert translate(file, data, RULES, findings) == data
    assert [(kind, address, tally.places) for kind, address, tally in findings.told()] == [
        ("untouched", "10.0.0.1", [(file, 1)]),
        ("untouched", "10.0.0.7", [(file, 2)]),
    ]


def test_lines_are_the_data_whatever_their_length():
    """
    Nothing is lost or added, and none is longer than the longest.
    """
    for data in (b"", b"\n", b"a", b"a\nb", b"x" * (2 * LINE_MAX_BYTES + 1) + b"\ny\n"):
        pieces = list(lines(data))
        assert b"".join(pieces) == data
        assert all(0 < len(piece) <= LINE_MAX_BYTES for piece in pieces)


def test_a_long_line_without_sense_takes_no_long_time():
    """
    Hexadecimal digits and colons without end are looked at once.
    """
    for line in (b"a" * 10**6, b"1:" * 500_000, b":" * 10**6, b"1." * 500_000, b"::" + b"0" * 10**6):
        assert find(line) == ()


def test_a_long_line_with_many_addresses_takes_no_long_time():
    """
    A whole table on one line: each address is looked at once.
    """
    line = b"[2001:db8::9] 10.0.0.1 " * 20_000
    assert len(translate_line(line, RULES)[1]) == 40_000


def test_a_table_that_merges_two_addresses_has_no_inverse():
    """
    Two gateways of the primary may be one in the alternate; nothing tells them apart again.
    """
    merged = parse_table("10.0.0.1 10.1.0.1\n10.0.0.2 10.1.0.1")
    with pytest.raises(ValueError, match="two addresses become one"):
        _ = merged.inverse
    assert TABLE.inverse.inverse == TABLE
    assert Table({}, {}).lines() == []
