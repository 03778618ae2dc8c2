"""The steps over a LIM of the test: what its words about a load mean."""

from pathlib import Path
from typing import Any

import pytest

from redundancyd import config
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.data_in import IntoLim, Loaded
from redundancyd.core import findings
from redundancyd.core.findings import Findings, Kind
from redundancyd.data_steps import Steps, told_of
from redundancyd.errors import FarDataRefused, OutOfReach
from redundancyd.translation_desk import TranslationDesk
from tests.test_program import SETTINGS

STAMP, OLD = "20260309031502", "20260307040000"
PRINTOUT = f"""Current backup: {STAMP}
----------------------------
{STAMP} 17.8.1.0.19 2026-03-09 03:15:02 (CET)
"""


def nothing(_what: str, _seconds: int) -> None:
    """Nobody looks on."""


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Those of a site whose LIM 1 of the alternate has loaded the stamp."""
    settings = config.parse(SETTINGS.replace("FOLDER", str(tmp_path)).encode())

    async def loaded(_self: IntoLim, *_: Any) -> Loaded:
        return Loaded(STAMP, OLD, 1)

    monkeypatch.setattr(IntoLim, "load", loaded)
    monkeypatch.setattr(IntoLim, "last_load", loaded)
    return Steps(settings, Clock(), TranslationDesk(settings))


def says(monkeypatch: pytest.MonkeyPatch, word: str, answer: str | Exception) -> None:
    """Let LIM 1 of the alternate answer a word so."""

    async def answered(_self: IntoLim, *_: Any) -> str:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(IntoLim, word, answered)


@pytest.mark.D3
@pytest.mark.parametrize("answer", [FarDataRefused("`backups`", "busy", word="data_info_failed"), "no printout"])
async def test_a_load_of_which_the_list_of_backups_tells_nothing_may_have_ended_well(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, answer: str | Exception
):
    """
    It was loaded, and then data_info did not end in time: nobody may say that nothing was reloaded.
    """
    says(monkeypatch, "backups", PRINTOUT)
    assert (await steps.load(STAMP, nothing)).stamp == STAMP
    says(monkeypatch, "backups", answer)
    with pytest.raises(OutOfReach):
        await steps.load(STAMP, nothing)


@pytest.mark.D3
async def test_a_load_has_begun_unless_the_lim_tells_of_another_one(steps: Steps, monkeypatch: pytest.MonkeyPatch):
    """
    A LIM that says nothing, or that the last one failed, may have begun it.
    """
    assert await steps.has_begun(STAMP, nothing)
    assert not await steps.has_begun(OLD, nothing)
    for error in (OutOfReach("load", "gone"), FarDataRefused("load", "it failed", word="reload_failed")):
        says(monkeypatch, "last_load", error)
        assert await steps.has_begun(OLD, nothing)


@pytest.mark.D3
@pytest.mark.parametrize("kind", [Kind.MISSING, Kind.NEW])
def test_what_is_only_counted_holds_back_a_load_as_well(monkeypatch: pytest.MonkeyPatch, kind: Kind):
    """
    Thousands of telephones are confirmed and listed one by one; behind them comes an address that nobody knows.
    """
    monkeypatch.setattr(findings, "ADDRESSES_MAX", 2)
    found = Findings()
    for address in ("203.0.113.1", "203.0.113.2"):
        found.add(Kind.FOREIGN, address, "A.D", 1)
    found.add(kind, "192.0.2.9", "A.D", 2)
    assert told_of(kind, {1: found}) == ("1 place more in LIM 1, beyond the addresses that are listed one by one",)
    assert told_of(Kind.FOREIGN, {1: found})[1:] == ("203.0.113.2 in LIM 1, A.D:1",)
