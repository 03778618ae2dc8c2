"""What is true of every table and every text."""

import ipaddress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redundancyd.core.addresses import find
from redundancyd.core.findings import Findings, Kind
from redundancyd.core.translation import Rules, translate
from redundancyd.core.translation_table import Table
from tests.cases import chances, many_cases
from tests.exchange_text import case, six, spelled, table

ADDRESS_LIKE = st.text("0123456789abcdefABCDEF:.", max_size=45)
AROUND = st.sampled_from(["", " ", "[", "]", '"', ",", "/", "@", "%", "-", "=", "\xe4"])


def translated(text: bytes, entries: Table) -> bytes:
    """A text file's new contents."""
    return translate("A.D", text, Rules(entries), Findings())


@pytest.mark.D3
@many_cases
def test_whole_addresses_change_and_all_other_bytes_stay():
    """
    Ten thousand texts of which it is known, from how they were made, what becomes of each piece.
    """
    for chance in chances():
        made = case(chance)
        findings = Findings()
        assert translate("A.D", made.text, made.rules, findings) == made.wanted, made
        assert findings.counts[Kind.TRANSLATED] >= made.whole, made


@pytest.mark.D3
@many_cases
def test_a_table_and_its_inverse_give_the_original():
    """
    Addresses in their usual spelling come back byte for byte, swaps and rings among them.
    """
    for chance in chances():
        entries = table(chance)
        hosts = [str(old) for old in entries.hosts]
        text = " ".join(chance.choices([*hosts, "192.0.2.1", "v\xe4xel", "5060"], k=8)).encode("latin-1")
        assert translated(translated(text, entries), entries.inverse) == text, entries


@many_cases
def test_every_spelling_of_an_address_is_that_address():
    """
    Upper case, zeros in front, abbreviated anywhere, with dots at the end.
    """
    for chance in chances():
        address = six(chance)
        (found,) = find(b"[" + spelled(address, chance) + b"]")
        assert found.value == address


@settings(max_examples=500, deadline=None)
@given(ADDRESS_LIKE, AROUND, AROUND)
def test_a_word_of_its_own_is_an_ipv6_address_exactly_when_ipaddress_says_so(word: str, before: str, behind: str):
    """
    Found whole, with the value that the standard library gives it, or not at all.
    """
    try:
        wanted = [ipaddress.IPv6Address(word)]
    except ValueError:
        wanted = []
    line = (before + word + behind).encode("latin-1")
    start = len(before)
    whole = [found for found in find(line) if (found.start, found.end) == (start, start + len(word)) and b":" in line]
    mapped = [address.ipv4_mapped for address in wanted]
    assert [found.value for found in whole if found.value.version == 6] == [
        address for address, four in zip(wanted, mapped, strict=True) if four is None
    ]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.randoms(use_true_random=False))
def test_bytes_without_addresses_come_back_as_they_were(data: bytes, chance: Random):
    """
    Any bytes in any encoding; what is no address of the table is not touched.
    """
    assert translated(data, table(chance)) == data or find(data) != ()
