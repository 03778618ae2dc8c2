"""The printout of `alarm -p`: rows, what is left out, and which alarms are expected where."""

import pytest

from redundancyd.core.exchange_alarms import ROWS_MAX, AlarmsNotUnderstood, Because, because, parse
from redundancyd.core.systems import System

PRINTOUT = """\
Alarm list

S N Handle Dom. Code LIM Where       Explanation
------------------------------------------------
3 1 17     0    345  1   IC          Information Computer, faulty communication channel
3 1 18     0    350  1   CSTA        CSTA, faulty communication channel
2 1 19     0    712  2   SIP 4       SIP trunk heart beat failed
1 1 20     0    40   1   SYSTEM      Exchange data reloaded
0 1 21     0    45   1   LIM         LIM reloaded and restarted
4 1 22     2    9    1   DISK        Disk is full
END
""".splitlines()


def test_rows_are_read_by_their_columns_and_cleared_ones_do_not_stand():
    """
    Severity, handle, domain and code, LIM; where and what are one text, blanks and all.
    """
    printout = parse(PRINTOUT)
    assert printout.left_out == 0
    assert [(row.severity, row.handle, row.domain, row.code, row.lim) for row in printout.rows] == [
        (3, "17", 0, 345, "1"),
        (3, "18", 0, 350, "1"),
        (2, "19", 0, 712, "2"),
        (1, "20", 0, 40, "1"),
        (4, "22", 2, 9, "1"),
    ]
    assert printout.rows[2].text == "SIP 4 SIP trunk heart beat failed"


def test_an_empty_list_is_no_alarm_and_a_printout_without_heading_is_not_understood():
    """
    Silence is not taken for health.
    """
    assert parse([PRINTOUT[2], "END"]).rows == ()
    for lines in ([], ["END"], ["no contact with the exchange"], PRINTOUT[4:]):
        with pytest.raises(AlarmsNotUnderstood):
            parse(lines)


@pytest.mark.parametrize(
    "line", ["9 1 17 0 345 1 IC x", "3 1 17 0 345", "3 1 x 0 345 1 IC x", "3 1 17 0 345 one IC x", "\x1b[2J"]
)
def test_a_line_that_is_no_row_is_left_out_and_counted(line: str):
    """
    Whatever a LIM prints, the other rows are read.
    """
    printout = parse([*PRINTOUT[:5], line, *PRINTOUT[5:]])
    assert (len(printout.rows), printout.left_out) == (5, 1)


def test_more_rows_than_anybody_reads_are_counted():
    """
    The list is bounded.
    """
    printout = parse([PRINTOUT[2], *[PRINTOUT[4]] * (ROWS_MAX + 7)], more=True)
    assert (len(printout.rows), printout.left_out) == (ROWS_MAX, 8)


def test_alarms_of_blocked_traffic_are_expected_in_the_passive_system_only():
    """
    The same alarm in the active system is news.
    """
    rows = parse(PRINTOUT).rows
    passive = [because(row, System.PRIMARY, passive=True, loaded=False) for row in rows]
    assert passive == [Because.PASSIVE, Because.PASSIVE, Because.PASSIVE, None, None]
    assert {because(row, System.PRIMARY, passive=False, loaded=False) for row in rows} == {None}


def test_alarms_of_a_load_are_expected_in_the_alternate_after_one():
    """
    Nobody loads the primary: there they are not expected.
    """
    row = parse(PRINTOUT).rows[3]
    assert because(row, System.ALTERNATE, passive=True, loaded=True) is Because.LOADED
    assert because(row, System.ALTERNATE, passive=True, loaded=False) is None
    assert because(row, System.PRIMARY, passive=True, loaded=True) is None
