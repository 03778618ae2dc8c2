"""The fast translation beside the reference: the same bytes, the same findings."""

import ipaddress
from random import Random

import pytest

from redundancyd.adapters.fast_translation import FastTranslation, Source
from redundancyd.core import translation
from redundancyd.core.addresses import Address
from redundancyd.core.findings import Findings
from redundancyd.core.translation import Rules, is_text, is_wide, lines, translate
from redundancyd.core.translation_table import Table, parse_table
from tests.cases import chances, many_cases
from tests.exchange_text import case

OWN: frozenset[Address] = frozenset(map(ipaddress.ip_address, ("10.0.1.101", "10.0.0.121")))


def fast(file: str, data: bytes, rules: Rules, findings: Findings, chance: Random | None = None) -> bytes:
    """A file's new contents, in one piece or in pieces of some lines each."""
    engine = FastTranslation(rules, findings)
    source = Source(file, is_text(file, data), is_wide(data))
    pieces = list(lines(data)) if chance else [data]
    while chance and len(pieces) > 1 and chance.random() < 0.5:
        place = chance.randrange(len(pieces) - 1)
        if pieces[place].endswith(b"\n"):
            pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
    new = b"".join([engine.piece(memoryview(piece), source) for piece in pieces])
    engine.end(source, lambda start, end: data.count(b"\n", start, end))
    return new


def assert_same(file: str, data: bytes, rules: Rules, chance: Random | None = None) -> None:
    """Both give the same bytes and find the same."""
    ours, theirs = Findings(), Findings()
    wanted = translate(file, data, rules, theirs)
    assert fast(file, data, rules, ours, chance) == wanted
    assert ours.as_json() == theirs.as_json()


@pytest.mark.D3
@many_cases
def test_ten_thousand_texts_are_translated_as_the_reference_does():
    """
    Byte for byte, finding for finding, however they are cut into pieces; as text and as what is not text.
    """
    for chance in chances():
        made = case(chance)
        rules = Rules(made.table, OWN, (), frozenset({"10.0.1.11"}))
        assert_same(chance.choice(("A.D", "A.D", "A.db")), made.text, rules, chance)


@pytest.mark.D3
@many_cases
def test_digits_and_dots_by_chance_are_seen_as_the_reference_sees_them():
    """
    Rows of numbers, colons, slashes and letters that hardly ever make an address, and sometimes do.
    """
    table = parse_table(
        "1.1.1.1 2.2.2.2\n1.1.1.11 1.1.1.1\n2.2.2.2 1.1.1.11\n1::1 2::2\n1.1.1.0/24 2.2.2.0/24\n0.1.1.1 1.1.1.1"
    )
    rules = Rules(table)
    pieces = (b"1.1.1.1", b"1.1.1.11", b"2.2.2.2", b"1", b"1", b".", b".", b":", b"::", b"/", b"/24", b" ", b"\n", b"n",
              b"f", b"1::1", b"0", b"ersion ", b"Version 1.1.1.1", b"\\n", b"\0", b"1.1.1.0", b"a.", b"ve")  # fmt: skip
    for chance in chances():
        assert_same("A.D", b"".join(chance.choices(pieces, k=chance.randint(1, 14))), rules)


@pytest.mark.parametrize(
    "text",
    [
        b"9.a.1.2.3.4",
        b"x.1.2.3.4",
        b"1.2.3.4..1.2.3.4",
        b"1.2.3.4a..1.2.3.4",
        b"1.2.3.4.5..1.2.3.4.",
        b"1.2.3.4.a1.5.1.2.3.4",
        b"0.1.2.3. 1.2.3.4/24/1.2.3.4",
        b"1.2.3.0/24 1.2.3.0/255.255.255.0 1.2.3.0/24.5",
        b"conversion 1.2.3.4 version 1.2.3.4 VERSION='1.2.3.4' vErsion 1.2.3.4",
        b"drive:2001:db8::9",
        b"active:1:2:3:4:5:6:7:8",
        b"vversion 1.2.3.4 :version 1.2.3.4 ve::1::1",
        b"1.2.3.4\nx::\n1.2.3.4\nversion 5\n1.2.3.4",
    ],
)
def test_addresses_close_to_each_other_are_seen_as_the_reference_sees_them(text: bytes):
    """
    What is found first does not hide what stands beside it.
    """
    assert_same(
        "A.D",
        text,
        Rules(parse_table("1.2.3.4 5.6.7.8\n1.2.3.0/24 5.6.7.0/24\n1::1 2::2\n1:2:3:4:5:6:7:8 2::2\n2001:db8::9 2::3")),
    )


def test_lines_without_end_are_seen_as_the_reference_sees_them(monkeypatch: pytest.MonkeyPatch):
    """
    A longer line than there may be makes a file that is not text, and is looked at in pieces.
    """
    monkeypatch.setattr(translation, "LINE_MAX_BYTES", 16)
    rules = Rules(parse_table("1.1.1.1 2.2.2.2\n1::1 2::2"))
    for chance in chances(500):
        data = b"".join(chance.choices((b"1.1.1.1", b"1::1", b" ", b"abc", b"\n"), k=chance.randint(1, 12)))
        assert_same("A.D", data, rules, chance)


def test_files_in_utf_16_are_seen_as_the_reference_sees_them():
    """
    Own addresses in them are told, nothing is changed.
    """
    rules = Rules(parse_table("10.0.0.1 10.1.0.1\n2001:db8::1 2001:db8::2"))
    for encoding in ("utf-16-le", "utf-16-be"):
        assert_same("A.D", "\ufeff10.0.0.1\n[2001:DB8::1]\n\u0a0a10.0.0.1".encode(encoding), rules)


def test_an_empty_table_only_looks():
    """
    Nothing is translated and everything foreign is told.
    """
    assert_same("A.D", b"10.0.0.1\n10.0.0.1 2001:db8::1\n", Rules(Table({}, {})))


def test_more_addresses_than_are_told_are_counted_the_same(monkeypatch: pytest.MonkeyPatch):
    """
    Which of them are told does not depend on which translation found them.
    """
    monkeypatch.setattr("redundancyd.core.findings.ADDRESSES_MAX", 20)
    monkeypatch.setattr("redundancyd.core.findings.PLACES_MAX", 2)
    monkeypatch.setattr("redundancyd.adapters.fast_translation.CACHE_MAX", 5)
    own = (ipaddress.ip_network("10.0.0.0/28"),)
    rules = Rules(parse_table("10.0.0.1 10.1.0.1\n10.0.0.2 10.1.0.2"), own_networks=own)
    for chance in chances(200):
        words = [
            f"10.0.{chance.randint(0, 1)}.{chance.randint(0, 30)}{chance.choice((' ', '/24'))}" for _ in range(100)
        ]
        data = chance.choice("\n ").join(words).encode()
        assert_same(chance.choice(("A.D", "A.db")), data, rules, chance)
