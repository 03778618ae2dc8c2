"""The translation table as a text that people edit."""

import pytest

from redundancyd.core import table_text
from redundancyd.core.translation_table import TableNotUnderstood, parse_address, parse_table

OWN = {parse_address("192.0.2.12"): "the primary's own primary-2"}


def test_an_entry_takes_the_place_of_the_one_that_was_there_and_its_remark_stays():
    """
    Whatever else stands in the table is as it was written.
    """
    text = "# LIMs\n192.0.2.11   198.51.100.99  # LIM 1\n192.0.2.12,198.51.100.12\n"
    new = table_text.with_entry(text, "192.0.2.11", "198.51.100.11")
    assert new == "# LIMs\n192.0.2.11 -> 198.51.100.11    # LIM 1\n192.0.2.12,198.51.100.12\n"


@pytest.mark.parametrize(("text", "head"), [("", table_text.HEAD), ("# mine\n\n", "# mine\n"), ("a", "a\n")])
def test_a_new_entry_comes_last(text: str, head: str):
    """
    Into an empty table comes a head that says what a line is.
    """
    assert table_text.with_entry(text, "2001:DB8:1:0::11", "2001:db8:2::11") == (
        f"{head}2001:db8:1::11 -> 2001:db8:2::11\n"
    )


def test_every_mistake_is_told_by_its_line_also_an_address_of_the_primary_s_own_servers():
    """
    The alternate would answer at the address of a LIM of the primary.
    """
    with pytest.raises(TableNotUnderstood) as refused:
        table_text.checked("192.0.2.11 192.0.2.12\nnonsense\n192.0.2.12 192.0.2.12\n", OWN)  # type: ignore[arg-type]
    assert [line for line, _ in table_text.by_line(refused.value.mistakes)] == ["line 1", "line 2", "line 3"]
    assert "192.0.2.12 is the primary's own primary-2" in refused.value.mistakes[0]


def test_hints_are_seen_in_the_editor_completed_there_and_not_kept():
    """
    Lines that begin with #? go; a completed one is an entry.
    """
    text = table_text.with_hints(
        "192.0.2.11 198.51.100.11\n", [("192.0.2.12", "LIM 1 A.D:3")], [("203.0.113.9", "LIM 1 A.D:4")]
    )
    assert "#? 192.0.2.12 ->      # LIM 1 A.D:3" in text
    assert table_text.without_hints(text) == "192.0.2.11 198.51.100.11\n"
    completed = text.replace("#? 192.0.2.12 -> ", "192.0.2.12 -> 198.51.100.12 ")
    assert parse_table(table_text.without_hints(completed)).lines() == [
        "192.0.2.11 -> 198.51.100.11",
        "192.0.2.12 -> 198.51.100.12",
    ]


def test_an_empty_table_is_edited_below_a_head_that_says_what_a_line_is():
    """
    And the head is no entry.
    """
    text = table_text.with_hints("", [], [])
    assert text == table_text.HEAD
    assert parse_table(text).lines() == []
