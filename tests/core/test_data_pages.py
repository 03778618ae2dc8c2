"""The pages of exchange data name rows of the job's table; numbers may move when tables meet."""

import re
from pathlib import Path

import pytest

from redundancyd.core import data_job
from redundancyd.core.data_job import Result
from tests.house import TOP

PAGES = sorted((TOP / "redundancyd" / "scenarios").glob("data_*.txt"))
ENDED = re.compile(r"event data_job_ended row=(D\d+).*# *([a-z ]+)")


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_page_names_rows_by_what_they_are(page: Path):
    """
    Every row of a job is in the table; what the remark says of how the job ended is what the table says.
    """
    text = page.read_text()
    results = {row.number: row.result for row in data_job.TABLE.values()}
    assert set(re.findall(r"row=(D\d+)", text)) <= set(results)
    said = [(number, remark) for number, remark in ENDED.findall(text) if remark in {str(each) for each in Result}]
    assert said == [(number, str(results[number])) for number, _ in said]
