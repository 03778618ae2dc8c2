"""The takeover table as data."""

from pathlib import Path

import pytest

from redundancyd.core.state import Phase
from redundancyd.core.takeover import IGNORED, TABLE, Ask, Trigger, impossible
from redundancyd.takeover_page import page

PAIRS = [(phase, trigger) for phase in Phase for trigger in Trigger]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_every_pair_is_a_row_or_ignored_or_impossible(pair: tuple[Phase, Trigger]):
    """
    The three make the whole, and no pair is in two of them.
    """
    homes = [pair in TABLE, pair in IGNORED, pair not in TABLE and pair not in IGNORED and bool(impossible(*pair))]
    assert sum(homes) == 1, homes
    assert not (pair in TABLE and impossible(*pair) and pair[0] is not Phase.ASKING)


def test_rows_are_numbered_once_and_in_order():
    """
    A row's number names it for ever.
    """
    assert [row.number for row in TABLE.values()] == [f"T{number:02}" for number in range(1, len(TABLE) + 1)]


def test_every_row_and_every_ignored_pair_says_why():
    """
    What the operator reads is a sentence.
    """
    assert all(len(why) > 4 for why in (*(row.why for row in TABLE.values()), *IGNORED.values()))


@pytest.mark.S1
def test_nothing_is_allowed_that_did_not_come_through_blocking():
    """
    Only rows that leave the blocking phase ask to allow.
    """
    assert {phase for (phase, _), row in TABLE.items() if row.ask is Ask.ALLOW} == {Phase.BLOCKING}


@pytest.mark.L2
def test_no_goal_is_carried_out_before_it_was_saved_or_the_disk_failed():
    """
    Every new goal goes through the saving phase, and only the disk's answer leaves it.
    """
    assert all(row.phase is Phase.SAVING for row in TABLE.values() if row.ask is Ask.SAVE)
    leaving = {trigger for phase, trigger in TABLE if phase is Phase.SAVING}
    assert leaving == {Trigger.SAVED, Trigger.NOT_SAVED, Trigger.NOT_SAVED_ORDER, Trigger.NOT_SAVED_FIRST}


def test_the_page_is_printed_from_the_table():
    """
    docs/takeover.md is what the table says today.
    """
    path = Path(__file__).parents[2] / "docs" / "takeover.md"
    assert path.read_text() == page(), "print it anew: python -m redundancyd.takeover_page > docs/takeover.md"
