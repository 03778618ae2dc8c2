"""Which mirrors count and which stay."""

import pytest

from redundancyd.core.manifest import Entry
from redundancyd.core.mirrors import Condition, Kept, Mirror, examine, keep, newest
from tests.cases import chances, many_cases

TODAY = "2026-03-09"
HASH, OTHER = "a" * 64, "b" * 64
ENTRIES = (Entry("A.D", 3, HASH), Entry("b/c.csv", 7, OTHER))
FOUND: dict[str, tuple[int, str | None]] = {"A.D": (3, HASH), "b/c.csv": (7, OTHER)}


def mirror(stamp: str, condition: Condition = Condition.WHOLE, detail: str = "") -> Mirror:
    """A mirror of a day, made at 03:15."""
    return Mirror(stamp + "031500", condition, detail)


def told(kept: tuple[Kept, ...]) -> list[str]:
    """What an operator reads of it."""
    return [f"{each.mirror.stamp[:8]} {'stays' if each.stays else 'goes'}: {each.reason}" for each in kept]


@pytest.mark.D2
def test_the_three_newest_whole_mirrors_stay():
    """
    The fourth goes, and each says why.
    """
    found = keep([mirror(f"2026030{day}") for day in (6, 9, 7, 8)], today=TODAY)
    assert told(found) == [
        "20260309 stays: the newest whole one",
        "20260308 stays: number 2 of the 3 newest whole ones",
        "20260307 stays: number 3 of the 3 newest whole ones",
        "20260306 goes: 3 whole ones are newer, 3 are kept",
    ]


@pytest.mark.D2
def test_a_damaged_mirror_pushes_no_whole_one_out():
    """
    It is no mirror: it goes, and three whole ones stay.
    """
    damaged = mirror("20260309", Condition.FILE_DIFFERS, "lim-1/A.D: 2 bytes, not 3")
    found = keep([damaged, *(mirror(f"2026030{day}") for day in (5, 6, 7))], today=TODAY)
    assert told(found) == [
        "20260309 goes: file differs: lim-1/A.D: 2 bytes, not 3; a whole one is there",
        "20260307 stays: the newest whole one",
        "20260306 stays: number 2 of the 3 newest whole ones",
        "20260305 stays: number 3 of the 3 newest whole ones",
    ]


@pytest.mark.D2
def test_where_nothing_is_whole_nothing_goes():
    """
    A person may still find something in what is damaged.
    """
    found = keep([mirror("20260309", Condition.MANIFEST_MISSING), mirror("20260308", Condition.INCOMING)], today=TODAY)
    assert told(found) == [
        "20260309 stays: manifest missing; kept for a person to look at, since no whole one is there",
        "20260308 stays: it is being copied",
    ]


@pytest.mark.D2
def test_a_stamp_from_the_days_to_come_pushes_nothing_out():
    """
    The primary's clock was wrong for a day: that mirror stays beside the three, and so does the true newest one.
    """
    found = keep([mirror("20360101"), *(mirror(f"2026030{day}") for day in (6, 7, 8, 9))], today=TODAY)
    assert told(found) == [
        "20360101 stays: its stamp lies ahead; look at the primary's clock (the newest whole one)",
        "20260309 stays: the newest whole one",
        "20260308 stays: number 2 of the 3 newest whole ones",
        "20260307 stays: number 3 of the 3 newest whole ones",
        "20260306 goes: 3 whole ones are newer, 3 are kept",
    ]


@pytest.mark.D2
@many_cases
def test_the_newest_whole_mirror_never_goes():
    """
    Whatever is there: the newest whole one stays, no more go than must, and every mirror is told of once.
    """
    for chance in chances():
        days = chance.sample(range(1, 29), chance.randint(0, 8))
        conditions = [chance.choice((Condition.WHOLE, *Condition)) for _ in days]
        mirrors = [mirror(f"202603{day:02}", condition) for day, condition in zip(days, conditions, strict=True)]
        count = chance.randint(1, 4)
        found = keep(mirrors, count, today=f"2026-03-{chance.randint(1, 31):02}")
        assert sorted(each.mirror.stamp for each in found) == sorted(each.stamp for each in mirrors)
        staying = [each.mirror for each in found if each.stays and each.mirror.is_whole]
        last = newest(mirrors)
        assert last is None or last in staying
        assert min(count, sum(each.is_whole for each in mirrors)) <= len(staying) <= 2 * count
        assert all(each.reason for each in found)
        assert all(each.stays for each in found if each.mirror.condition is Condition.INCOMING)


@pytest.mark.D1
@pytest.mark.parametrize(
    ("found", "result"),
    [
        (FOUND, (Condition.WHOLE, "")),
        ({path: (size, None) for path, (size, _) in FOUND.items()}, (Condition.WHOLE, "")),
        ({"A.D": (3, HASH)}, (Condition.FILE_MISSING, "b/c.csv")),
        (FOUND | {"A.D": (2, HASH)}, (Condition.FILE_DIFFERS, "A.D: 2 bytes, not 3")),
        (FOUND | {"A.D": (3, OTHER)}, (Condition.FILE_DIFFERS, "A.D: other contents of the same size")),
        (FOUND | {"core": (9, None)}, (Condition.FILE_DIFFERS, "core: not in the manifest")),
    ],
)
def test_a_mirror_is_whole_or_the_file_is_named(
    found: dict[str, tuple[int, str | None]], result: tuple[Condition, str]
):
    """
    Missing, of another size, of other contents, or of no manifest.
    """
    assert examine(ENTRIES, found) == result


def test_a_mirror_is_shown_with_what_is_wrong_with_it():
    """
    One line, the file in it.
    """
    assert str(mirror("20260309")) == "20260309031500: whole"
    assert str(mirror("20260309", Condition.FILE_MISSING, "lim-2/A.D")) == "20260309031500: file missing (lim-2/A.D)"
