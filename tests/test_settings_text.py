"""Settings as text: where things stand, what a value may be, and that nothing but mistakes comes of nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redundancyd.config import Config, parse
from redundancyd.errors import SettingsInvalid
from redundancyd.setting_checks import cross_check
from redundancyd.setting_kinds import host_address, span_ms
from redundancyd.setting_mistakes import locate, read


def _keys(model: object) -> list[str]:
    return list(getattr(model, "model_fields", {}))


def mistakes(text: str) -> tuple[str, ...]:
    """Every mistake in this text, a line each."""
    with pytest.raises(SettingsInvalid) as caught:
        parse(text.encode())
    return caught.value.mistakes


def test_lines_are_found_in_every_way_of_writing():
    """
    Tables, lists over lines, tables in lists, dotted and quoted keys, strings that look like tables.
    """
    text = '''\
# [not.a.table]
title = """
[nor.this]
"""
[a]
"quoted" = 1   # x = 2
list = [
  {x = 1, y = [1,
   2]},  # ]

  {x = 3},
]
b.c = 5
[[d]]
e = '# no comment'
[[d]]
e = 2
'''
    lines = locate(text)
    expected = {
        ("title",): 2,
        ("a",): 5,
        ("a", "quoted"): 6,
        ("a", "list"): 7,
        ("a", "list", 0, "x"): 8,
        ("a", "list", 0, "y", 1): 9,
        ("a", "list", 1, "x"): 11,
        ("a", "b", "c"): 13,
        ("d", 0, "e"): 15,
        ("d", 1, "e"): 17,
    }
    assert {path: lines[path] for path in expected} == expected


@given(st.integers(0, 10**9 - 1), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_a_span_is_its_number_times_its_unit(number: int, unit: str):
    """
    For every unit.
    """
    factor = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[unit]
    assert span_ms(f"{number}{unit}") == number * factor


@given(st.ip_addresses())
def test_an_address_comes_out_in_one_spelling_or_is_refused(address: object):
    """
    No spelling of one host is two hosts.
    """
    text = str(address)
    try:
        plain = host_address(text)
    except ValueError:
        return
    assert plain == host_address(text.upper()) == text


@given(st.text(max_size=200))
def test_no_text_at_all_makes_more_than_a_list_of_mistakes(text: str):
    """
    Whatever stands in the file, something is missing in it: SettingsInvalid, and nothing else.
    """
    assert mistakes(text.replace("\r", "").encode("utf-8", "replace").decode())


_KEYS = st.sampled_from(
    [*Config.model_fields, *(key for field in Config.model_fields.values() for key in _keys(field.annotation)), "x"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.ip_addresses().map(str),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(_KEYS, children, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_KEYS, st.dictionaries(_KEYS, _VALUES, max_size=4) | _VALUES, max_size=6))
def test_no_values_at_all_raise_anything_but_mistakes(raw: dict[str, object]):
    """
    Known keys with any values in any place: mistakes that can be printed.
    """
    reading = read(Config, raw, "")
    told = [*reading.mistakes, *cross_check(reading.values, reading.lines)]
    assert (reading.value is None) == bool(reading.mistakes)
    assert all(str(mistake).startswith("line 1: ") for mistake in told)
