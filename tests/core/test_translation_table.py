"""The translation table as the operator writes it."""

import pytest

from redundancyd.core.translation_table import ENTRIES_MAX, MISTAKES_MAX, TableNotUnderstood, parse_address, parse_table


def test_a_table_is_read_in_the_ways_people_write_one():
    """
    Blanks, a comma or an arrow in between, remarks, any spelling; hosts and networks apart.
    """
    table = parse_table(
        "# LIM 1\n10.0.0.1 10.1.0.1\r\n2001:DB8::1,2001:db8:1:0::1\n\n"
        " ::ffff:10.0.0.2->10.1.0.2 # LIM 2\n10.0.0.0/24 -> 10.1.0.0/24"
    )
    assert table.lines() == [
        "10.0.0.1 -> 10.1.0.1",
        "2001:db8::1 -> 2001:db8:1::1",
        "10.0.0.2 -> 10.1.0.2",
        "10.0.0.0/24 -> 10.1.0.0/24",
    ]
    assert parse_table("\n".join(table.lines())) == table


def test_every_mistake_is_told_with_its_line():
    """
    Nobody wants to find them one by one.
    """
    with pytest.raises(TableNotUnderstood) as refused:
        parse_table(
            "10.0.0.1\n10.0.0.1 10.1.0.1 10.2.0.1\n10.0.0.x 10.1.0.1\n10.0.0.1 2001:db8::1\n10.0.0.0/24 10.1.0.0/25\n"
            "10.0.0.1/24 10.1.0.1/24\n10.0.0.1 10.1.0.0/24\n127.0.0.1 10.1.0.1\n10.0.0.1 0.0.0.0\n"
            "255.255.255.0 10.0.0.1\n0.0.0.0/0 0.0.0.0/0\nfe80::1%eth0 fe80::2\n10.0.0.9 10.1.0.9\n10.0.0.9 10.1.0.8\n"
            + "1"
            * 500
        )
    assert [mistake.split(":")[0] for mistake in refused.value.mistakes] == [
        *(f"line {number}" for number in range(1, 13)),
        "line 14",
        "line 15",
    ]
    assert refused.value.mistakes[3] == (
        "line 4: 10.0.0.1 and 2001:db8::1 are of different families: what stands around them would not fit"
    )
    assert refused.value.mistakes[12] == "line 14: 10.0.0.9 stands there twice"


def test_a_table_without_end_is_stopped():
    """
    Mistakes and entries are bounded.
    """
    with pytest.raises(TableNotUnderstood, match=f"at most {ENTRIES_MAX} entries"):
        parse_table("".join(f"11.{n // 62500}.{n // 250 % 250}.{n % 250} 10.0.0.1\n" for n in range(ENTRIES_MAX + 1)))
    with pytest.raises(TableNotUnderstood) as refused:
        parse_table("x\n" * 1000)
    assert len(refused.value.mistakes) == MISTAKES_MAX + 1


@pytest.mark.parametrize("text", ["", "10.0.0.01", "10.0.0.1/24", "fe80::1%1", "host", "10.0.0.1 ", "\u0661.0.0.1"])
def test_what_is_no_address_is_refused_with_what_it_was(text: str):
    """
    Names, zones, networks with host bits.
    """
    with pytest.raises(ValueError, match=r"address"):
        parse_address(text)
