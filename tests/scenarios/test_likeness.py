"""What two plays of a page have in common: what is folded away, what is not, and what a page says of it."""

import pytest

from redundancyd.scenarios.evidence import Evidence, Happened
from redundancyd.scenarios.likeness import Course, course, differing, said_in_vain
from redundancyd.scenarios.pages import PageError
from redundancyd.scenarios.reading import read

PAGE = "What it is about.\n\n{}power-off primary\n"
ONE, OTHER = Course(("T01",), ("lost",), ("S0 True",)), Course(("T02",), ("lost",), ("S0 True",))


def rows_of(taken: str) -> str:
    """The rows that remain of a journal with these."""
    return " ".join(course(Evidence(journal=[row(number) for number in taken.split()]), 0, ()).rows)


def row(number: str) -> Happened:
    """A row in the journal."""
    return Happened(5, "row_taken", {"row": number})


@pytest.mark.parametrize(
    ("taken", "remains"),
    [
        ("T01 T04 T08 T12", "T01 T04 T08 T12"),
        ("T01 T04 T08 T12 T03 T08 T12 T03 T07 T13", "T01 T04 T08 T12"),
        ("T03 T35 T07 T14 T02 T04 T07 T12", "T02 T04 T07 T12"),
        ("T03 T10 T04 T08 T12", "T10 T04 T08 T12"),
        ("T18 T07 T12 T02", "T18 T02"),
        ("T02 T04 T09 T04 T07 T13 T03 T07 T12", "T02 T04 T09 T04 T07 T13"),
        ("T36 T02", "T02"),
        ("T99", "T99"),
    ],
)
def test_repairs_are_folded_away_and_decisions_are_not(taken: str, remains: str):
    """
    How many looks a repair takes depends on times; what was decided does not.
    """
    assert rows_of(taken) == remains


def test_unsure_is_no_verdict():
    """
    It comes and goes with a stall; equal verdicts on both sides of it are one.
    """
    said = ["heard", "unsure", "heard", "unsure", "lost"]
    journal = [Happened(5, "verdict_changed", {"verdict": verdict}) for verdict in said]
    assert course(Evidence(journal=journal), 0, ()).verdicts == ("heard", "lost")


def test_what_was_before_the_play_does_not_count():
    """
    The start of the daemon is the same for every page.
    """
    assert course(Evidence(journal=[row("T18"), Happened(9, "row_taken", {"row": "T01"})]), 6, ()).rows == ("T01",)


def test_plays_that_differ_are_told_part_by_part():
    """
    Rows may differ where verdicts and promises do not.
    """
    assert list(differing(read("x", PAGE.format("")), ONE, OTHER)) == ["rows: T01 -- T02"]
    assert list(differing(read("x", PAGE.format("")), ONE, ONE)) == []


def test_a_page_may_say_why_they_differ():
    """
    Then that part is not compared; a page that says so while they agree is told.
    """
    page = read("x", PAGE.format("differs rows because it is killed by lot\n"))
    assert page.differs == (("rows", "it is killed by lot"),)
    assert list(differing(page, ONE, OTHER)) == []
    assert list(said_in_vain(page, ONE, lambda: [ONE, OTHER])) == []
    assert "rows agree" in next(said_in_vain(page, ONE, lambda: [ONE, ONE]))


@pytest.mark.parametrize("line", ["differs rows", "differs times because of the clock", "differs rows because"])
def test_a_difference_without_its_reason_is_refused(line: str):
    """
    The reason is what a reader needs.
    """
    with pytest.raises(PageError, match="line 3"):
        read("x", PAGE.format(f"{line}\n"))
