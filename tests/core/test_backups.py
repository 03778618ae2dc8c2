"""What `data_info` prints, and what is made of it."""

import pytest

from redundancyd.core.backups import (
    BACKUPS_MAX,
    PRINTOUT_MAX_BYTES,
    Backup,
    BackupList,
    BackupsNotUnderstood,
    parse,
)
from redundancyd.core.stamps import day_of, is_stamp
from tests.cases import CASES, chances, damage, many_cases

PRINTED = """\
Exchange data backup info

Current backup:   20260309031502 [ Date: 2026-03-09 03:15:02 (CET) ]

Backup            System version      Date
---------------------------------------------------------------
20260309031502    17.8.1.0.19         2026-03-09 03:15:02 (CET)
20260308031501    17.8.1.0.19         2026-03-08 03:15:01 (CET)
20260307031502    17.8.1.0.19         2026-03-07 03:15:02 (CET)
17.8.1.0.19       17.8.1.0.19
"""


def test_backups_are_listed_newest_first_and_the_installed_data_is_none():
    """
    Three backups, the current one named; the row without a date is what the version came with.
    """
    assert parse(PRINTED) == BackupList(
        "20260309031502",
        (
            Backup("20260309031502", "17.8.1.0.19", "2026-03-09 03:15:02", "CET"),
            Backup("20260308031501", "17.8.1.0.19", "2026-03-08 03:15:01", "CET"),
            Backup("20260307031502", "17.8.1.0.19", "2026-03-07 03:15:02", "CET"),
        ),
    )


def test_a_backup_is_found_by_its_stamp_or_not_at_all():
    """
    Asked again after a copy, the list says whether the backup still stands.
    """
    backups = parse(PRINTED)
    found = backups.find("20260308031501")
    assert found is not None
    assert found.date == "2026-03-08 03:15:01"
    assert backups.find("20260306031502") is None


def test_carriage_returns_and_blanks_at_the_ends_change_nothing():
    """
    A terminal in between adds them.
    """
    assert parse(PRINTED.replace("\n", "  \r\n")) == parse(PRINTED)


def test_the_order_printed_stands_where_a_clock_was_set_back():
    """
    The backup of 02:10 CET is newer than that of 02:50 CEST, though its stamp is lower.
    """
    printed = (
        "Current backup:   20261025021000 [ Date: 2026-10-25 02:10:00 (CET) ]\n"
        "---------------------------------------------------------------\n"
        "20261025021000    17.8.1.0.19         2026-10-25 02:10:00 (CET)\n"
        "20261025025000    17.8.1.0.19         2026-10-25 02:50:00 (CEST)\n"
    )
    assert [backup.stamp for backup in parse(printed).backups] == ["20261025021000", "20261025025000"]


def test_a_system_that_was_never_backed_up_has_no_current_backup():
    """
    Only what was installed is there.
    """
    printed = "Current backup:   17.8.1.0.19\n" + "-" * 63 + "\n17.8.1.0.19       17.8.1.0.19\n"
    assert parse(printed) == BackupList(None, ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("-" * 63, ""), "no table of backups"),
        (("Current backup:", "Newest backup:"), "0 lines say 'Current backup:'"),
        (("Exchange data", "Current backup:   1\nExchange data"), "2 lines say 'Current backup:'"),
        (("Current backup:   20260309031502", "Current backup:   20260310031502"), "is not in the table"),
        (("20260307031502    17", "20261307031502    17"), "neither a stamp nor the installed data: '20261307031502"),
        (("20260308031501    17", "20260307031502    17"), "two rows of '20260307031502'"),
        (("03:15:02 (CET)\n17", "03:15:02 (CET)\nmore to come\n17"), "a row is not understood: 'more to come'"),
        (("2026-03-07 03:15:02 (CET)", ""), "a backup without a date"),
        (("17.8.1.0.19         2026-03-07", "17.8         2026-03-07"), "a row is not understood"),
        (("Backup  ", "Backup\x1b[1m"), r"line 5 has characters that cannot be printed: 'Backup\\x1b"),
    ],
)
def test_what_is_odd_is_an_error_that_quotes_it(change: tuple[str, str], message: str):
    """
    Nothing is guessed: the wrong backup would be worse than none.
    """
    printed = PRINTED.replace(*change)
    assert printed != PRINTED
    with pytest.raises(BackupsNotUnderstood, match=message):
        parse(printed)


def test_a_printout_without_end_is_refused():
    """
    Bytes and rows are bounded.
    """
    with pytest.raises(BackupsNotUnderstood, match=f"more than {PRINTOUT_MAX_BYTES}"):
        parse("ä" * (PRINTOUT_MAX_BYTES // 2 + 1))
    rows = "".join(f"20260307{second:06} 1.2.3.4\n" for second in range(BACKUPS_MAX + 1))
    with pytest.raises(BackupsNotUnderstood, match=f"more than {BACKUPS_MAX}"):
        parse("Current backup: 1\n" + "-" * 63 + "\n" + rows)


@many_cases
def test_no_printout_gives_anything_but_a_sound_list_or_the_error():
    """
    Whatever is printed: each row is a backup with a stamp and the current one is among them, or it is refused.
    """
    refused = 0
    for chance in chances():
        try:
            found = parse(damage(chance, PRINTED, tuple(PRINTED.split("\n"))))
        except BackupsNotUnderstood:
            refused += 1
            continue
        stamps = [backup.stamp for backup in found.backups]
        assert len(set(stamps)) == len(stamps)
        assert all(is_stamp(stamp) for stamp in stamps)
        assert found.current is None or found.current in stamps
    assert refused > CASES // 2


@pytest.mark.parametrize(
    ("text", "so"),
    [
        ("20260309031502", True),
        ("20240229000000", True),
        ("20250229000000", False),
        ("20260309240000", False),
        ("2026030903150", False),
        ("٢٠٢٦٠٣٠٩٠٣١٥٠٢", False),
        ("20260309031502\n", False),
    ],
)
def test_a_stamp_is_an_instant_of_the_calendar(text: str, so: bool):
    """
    Fourteen ASCII digits with a day that exists.
    """
    assert is_stamp(text) is so


def test_days_are_counted_through_leap_years():
    """
    The difference of two days is what a calendar says.
    """
    assert day_of("2026-03-09") - day_of("20260308031501") == 1
    assert day_of("2024-03-01") - day_of("2024-02-28") == 2
    assert day_of("2001-01-01") - day_of("2000-01-01") == 366
    assert day_of("1970-01-01") == 719_163
    for wrong in ("2026-02-30", "yesterday", ""):
        with pytest.raises(ValueError, match=r"neither a stamp|no day"):
            day_of(wrong)
