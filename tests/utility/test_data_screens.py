"""What the operator reads of exchange data."""

from typing import Any

import pytest

from redundancyd.adapters.daily import Daily
from redundancyd.adapters.progress import Progress
from redundancyd.core.data_alarms import Held
from redundancyd.core.data_job import HOUR_MS, Past, Result
from redundancyd.core.mirrors import Condition, Mirror
from redundancyd.data_page import held_page, mirror_pages, page
from redundancyd.utility import data_screens
from redundancyd.utility.text import WIDTH
from tests.utility.golden import compare

NOW = 1_800_000_000_000
MIRRORS = [
    Mirror("20260308031501", Condition.FILE_DIFFERS, "lim-1/RO.D: other contents of the same size", 2_000_000),
    Mirror("20260309031502", Condition.WHOLE, "", 2_400_000_000),
]


def shown(past: Past, step: str = "resting", progress: Progress | None = None) -> dict[str, Any]:
    """The status page, as far as the screen reads it."""
    doing = {"step": step, "stamp": "20260309031502", "exchange": None}
    found = page(doing, progress, past, Daily(2, 30, "Europe/Stockholm"), past.retry_at(NOW), NOW)
    return {
        "exchange_data": {
            **found,
            **held_page(Held(past.missing, ("203.0.113.9 in LIM 1, A.D:3",) if past is MISSING else ())),
            "mirrors": mirror_pages(MIRRORS),
            "newest_age_ms": HOUR_MS,
            "layout": {"systems": {}, "untold": ["clusters of the primary"] if past is MISSING else []},
        }
    }


LOADED = Past(
    ended_at=NOW - 3 * HOUR_MS,
    success_at=NOW - 3 * HOUR_MS,
    result=Result.LOADED,
    why="the alternate runs the new data",
    loaded="20260309031502",
    mirror="20260309031502",
    counts={"translated": 120, "missing": 0, "new": 4},
)
MISSING = Past(
    ended_at=NOW - HOUR_MS,
    result=Result.NOT_APPLIED,
    why="own addresses are not in the table: 192.0.2.9 in LIM 1, cql/lim_server.csv:2",
    counts={"translated": 119, "missing": 1, "new": 4},
    missing=("192.0.2.9 in LIM 1, cql/lim_server.csv:2",),
)
PULLING = Progress(done_bytes=600_000_000, all_bytes=2_400_000_000, files=17, rate=2_500_000, left_s=720)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("data-loaded", shown(LOADED)),
        ("data-missing", shown(MISSING)),
        ("data-pulling", shown(LOADED, "pulling", PULLING)),
        ("data-never", shown(Past())),
    ],
)
def test_the_screen_of_exchange_data(name: str, told: dict[str, Any]):
    """
    What goes on, how it ended, the mirrors; within 80 columns.
    """
    text = data_screens.data(told)
    assert max(map(len, text.splitlines())) <= WIDTH
    compare(name, text)


def test_a_daemon_without_exchange_data_says_so():
    """
    No error, no empty screen.
    """
    assert data_screens.data({"exchange_data": None}) == data_screens.auto({"exchange_data": None})
