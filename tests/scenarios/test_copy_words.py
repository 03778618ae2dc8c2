"""What a page says of copies: words that can be played, and facts judged by what was gathered."""

from collections.abc import Mapping
from typing import Any

import pytest

from redundancyd.scenarios.evidence import Evidence, Happened, read_sample
from redundancyd.scenarios.facts import Judge
from redundancyd.scenarios.pages import Fact, PageError
from redundancyd.scenarios.reading import read

BEAT_MS = 1000


class Still:
    """A stage on which nothing happens any more: what was gathered is all there is."""

    def __init__(self, evidence: Evidence, now: int = 0) -> None:
        self.evidence = evidence
        self.symbols = {"i": BEAT_MS, "k": 3}
        self._now = now

    def now(self) -> int:
        """An instant that stands still."""
        return self._now


def judged(evidence: Evidence, name: str, *words: str) -> bool:
    """Whether a fact is so, by this evidence."""
    return Judge(Still(evidence), 0).holds(Fact(name, words))  # type: ignore[arg-type]


def takeover(last_answer_at: int, took_ms: int) -> list[Happened]:
    """The lines of an automatic takeover to the alternate, that long after the last answered beat."""
    lost_at = last_answer_at + took_ms - 100
    fields: list[tuple[int, str, Mapping[str, Any]]] = [
        (lost_at, "verdict_changed", {"verdict": "lost", "last_answer_ago_ms": lost_at - last_answer_at}),
        (lost_at, "takeover_decided", {"active": "alternate", "by_operator": False}),
        (lost_at + 100, "takeover_done", {}),
    ]
    return [Happened(*each) for each in fields]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("begin-backup primary-1", "begin-backup takes"),
        ("begin-backup primary whole", "begin-backup takes"),
        ("flip-byte disk", "flip-byte takes"),
        ("cut-after 10 inter-site", "cut-after takes"),
        ("cut-after 10%", "cut-after takes"),
        ("cut-after 10% far-away", "no link is called"),
        ("corrupt somebody", "corrupt takes"),
        ("mend", "mend takes"),
        ("count primary", "count takes"),
        ("expect copied half", "nothing that can be seen"),
        ("expect counted-at-most 2s", "nothing that can be seen"),
        ("expect no-later soon", "no span of time"),
        ("expect event data_job_ended failed", "nothing that can be seen"),
    ],
)
def test_a_line_about_copies_that_cannot_be_played_says_what_would_be_right(line: str, told: str):
    """
    With its number.
    """
    with pytest.raises(PageError, match="line 4: ") as refused:
        read("test", f"A sentence.\n\nneeds exchange-data\n{line}\n")
    assert told in str(refused.value)


def test_how_far_a_copy_is_counts_only_where_everything_is_told():
    """
    Bytes of how many, how many files, how fast, and how long it still takes.
    """
    told = {"done_bytes": 30, "all_bytes": 60, "files": 2, "bytes_per_second": 10, "left_s": 3}
    for missing in (None, *told):
        progress = {**told, **({missing: None} if missing else {})}
        sample = read_sample(0, {"exchange_data": {"progress": progress}})
        assert sample.copied == (None if missing else 50.0)
        evidence = Evidence(samples=[sample])
        assert judged(evidence, "copied", "50%") is (missing is None)
        assert not judged(evidence, "copied", "51%")
    assert read_sample(0, {"exchange_data": {"progress": {**told, "all_bytes": 0}}}).copied is None
    assert read_sample(0, {}).copied is None


def test_a_line_of_the_journal_is_found_by_a_word_of_its_reason():
    """
    `~` looks into a value, `=` is the whole of it.
    """
    said = Happened(5, "data_job_ended", {"result": "failed", "why": "it was deleted there"})
    evidence = Evidence(journal=[said])
    assert judged(evidence, "event", "data_job_ended", "result=failed", "why~Deleted")
    assert not judged(evidence, "event", "data_job_ended", "why=deleted")
    assert judged(evidence, "no-event", "data_job_ended", "why~written")
    assert not judged(evidence, "no-event", "data_job_ended", "why~deleted")


@pytest.mark.parametrize(("second_ms", "is_so"), [(3000, True), (4100, True), (4101, False)])
def test_a_takeover_is_measured_against_the_one_before_it(second_ms: int, is_so: bool):
    """
    Each from the last answered beat to its end, so that it does not matter when in a beat the power was lost.
    """
    evidence = Evidence(journal=[*takeover(1000, 3100), *takeover(60_700, second_ms)])
    assert judged(evidence, "no-later", "1i") is is_so


def test_one_takeover_alone_is_no_comparison():
    """
    A page that forgets the other one does not hold; neither does one whose last takeover was never done.
    """
    assert not judged(Evidence(journal=takeover(1000, 3100)), "no-later", "1i")
    assert not judged(Evidence(journal=[*takeover(1000, 3100), *takeover(60_700, 3100)[:2]]), "no-later", "1i")
