"""Stamps: what a backup is named by, YYYYMMDDhhmmss in the exchange's local time.

A stamp says when a backup was begun on a clock that people set, so it names and orders backups and times nothing.
"""

import re

_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_stamp(text: str) -> bool:
    """Fourteen digits that are an instant of the calendar."""
    found = _STAMP.fullmatch(text)
    if found is None:
        return False
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    return _is_day(year, month, day) and hour < 24 and minute < 60 and second < 61  # noqa: PLR2004 - the clock's own


def day_of(text: str) -> int:
    """A number that counts days, of a stamp or of a date such as 2026-03-09; ValueError if it is neither."""
    found = _STAMP.fullmatch(text) or _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"neither a stamp nor a date: {text[:40]!r}")
    year, month, day = (int(part) for part in found.groups()[:3])
    if not _is_day(year, month, day):
        raise ValueError(f"no day of the calendar: {text[:40]!r}")
    past = year - 1
    leap_days = past // 4 - past // 100 + past // 400
    return 365 * past + leap_days + sum(_days_in(year, earlier) for earlier in range(1, month)) + day


def _is_day(year: int, month: int, day: int) -> bool:
    return year >= 1 and 1 <= month <= len(_MONTH_DAYS) and 1 <= day <= _days_in(year, month)


def _days_in(year: int, month: int) -> int:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and is_leap else _MONTH_DAYS[month - 1]  # noqa: PLR2004 - February


def after(text: str) -> str:
    """Another stamp of the same day, a second later; behind the day's last second comes its first one."""
    assert is_stamp(text)
    head, second = text[:-2], int(text[-2:])
    if second < 60:  # noqa: PLR2004 - the clock's own
        return f"{head}{second + 1:02d}"
    minute, hour = int(text[10:12]), int(text[8:10])
    if minute < 59:  # noqa: PLR2004
        return f"{text[:10]}{minute + 1:02d}00"
    if hour < 23:  # noqa: PLR2004
        return f"{text[:8]}{hour + 1:02d}0000"
    return f"{text[:8]}000000"
