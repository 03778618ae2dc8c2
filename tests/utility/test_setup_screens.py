"""What the operator reads before a pair is there, and how it is told that one is, or is none."""

from dataclasses import replace
from typing import Any

import pytest

from redundancyd.client import Client
from redundancyd.core.prerequisite_kinds import Known
from redundancyd.core.prerequisites import findings
from redundancyd.core.preview import Preview
from redundancyd.core.setup_plan import configure_preview
from redundancyd.core.systems import Methods
from redundancyd.errors import DaemonNotReached
from redundancyd.setup_page import preview_page
from redundancyd.status import About, status
from redundancyd.utility import follow as follow_module
from redundancyd.utility import screens, setup_screens
from redundancyd.utility.setup_follow import end, follow
from redundancyd.utility.text import WIDTH
from tests.core.test_prerequisites import A2, ASKED, P1, facts, survey
from tests.core.test_prerequisites import US as SUPERVISOR
from tests.core.test_setup_plan import state
from tests.utility.golden import compare

RESTING: dict[str, Any] = {
    "step": "resting",
    "detail": "",
    "progress": None,
    "last": None,
    "undoing": False,
    "removed": False,
    "to_disarm": [],
    "prerequisites": [],
    "overlap": "",
}


def unconfigured(**setup: object) -> dict[str, Any]:
    """A status page without a pair."""
    page = status(state(primary2=None), About("0.1.0", 1000), 61_000)
    return {**page, "configured": False, "alarms": [], "setup": {**RESTING, **setup}}


def test_a_daemon_without_a_pair_says_so_and_what_to_do():
    """
    First that nobody supervises; then every LIM.
    """
    compare("unconfigured", setup_screens.unconfigured(unconfigured()))


def test_that_both_systems_carry_traffic_after_a_removal_stands_before_the_lims():
    """
    With the words that block one of them.
    """
    told = setup_screens.unconfigured(unconfigured(removed=True, overlap="BOTH systems carry traffic: block one"))
    assert told.index("NOT CONFIGURED") < told.index("BOTH systems carry") < told.index("primary system:")


def test_what_is_going_on_what_failed_and_what_is_left_to_do_is_told():
    """
    With the progress in bytes, the last reason, and the words for a LIM that cannot be reached.
    """
    progress = {"done_bytes": 5_000_000, "all_bytes": 20_000_000}
    last = {"result": "failed", "why": "loading: the exchange refused", "ended_at": 1}
    page = unconfigured(step="copying", progress=progress, last=last, to_disarm=["primary-2"])
    compare("configuring", setup_screens.unconfigured(page))


def test_the_list_of_prerequisites_has_found_expected_and_remedy():
    """
    A line each for those that are met.
    """
    seen = survey({A2: facts(version="7.9"), P1: facts(processors=8)}, rate=1000)
    found = findings(seen, replace(ASKED, accept=("rate",)), Known(SUPERVISOR, Methods(), 3))
    page = preview_page(configure_preview(state(), found), found)
    compare("prerequisites", setup_screens.preview(page))


@pytest.mark.parametrize("name", ["unconfigured", "configuring", "prerequisites"])
def test_no_line_is_wider_than_a_terminal(name: str):
    """
    80 columns.
    """
    from tests.utility.golden import FOLDER  # noqa: PLC0415

    assert max(len(line) for line in (FOLDER / f"{name}.txt").read_text().splitlines()) <= WIDTH


def test_a_preview_without_a_list_is_an_ordinary_one():
    """
    Such as that of a removal.
    """
    told = setup_screens.preview(preview_page(Preview(("now",), ("do",), ("after",))))
    assert "Prerequisites" not in told
    assert "1. do" in told


def test_what_was_accepted_at_configure_stands_in_the_status_of_the_pair():
    """
    By the names that were typed; nothing where nothing was accepted.
    """
    page = status(state(), About("0.1.0", 1000), 61_000)
    told = screens.status({**page, "configured": True, "accepted": ["capacity", "foreign"]})
    assert "accepted at configure     capacity, foreign" in told
    assert "accepted" not in screens.status({**page, "configured": True, "accepted": []})


FIRST = unconfigured()
PAIR = {"configured": True, "started_at": 9}


@pytest.mark.parametrize(
    ("action", "first", "page", "status", "words"),
    [
        ("configure", FIRST, PAIR, 0, "Configured"),
        (
            "configure",
            FIRST,
            unconfigured(last={"result": "failed", "why": "x: y", "ended_at": 2}),
            1,
            "(failed): x: y",
        ),
        ("configure", FIRST, {**FIRST, "started_at": 77}, 1, "started anew"),
        ("remove", PAIR, unconfigured(), 0, "alternate system: allowed"),
        ("remove", PAIR, unconfigured(to_disarm=["primary-1"]), 0, "Out of reach: primary-1"),
        ("remove", PAIR, unconfigured(overlap="BOTH systems carry traffic: x"), 0, "BOTH systems carry"),
        ("remove", FIRST, unconfigured(), 0, "everything is as before"),
    ],
)
def test_how_it_ended(action: str, first: dict[str, Any], page: dict[str, Any], status: int, words: str):
    """
    The exit status, and a sentence.
    """
    ended = end(action, first, page)
    assert ended is not None
    assert ended[0] == status
    assert words in ended[1]


CHANGING = {"last": {"result": "configured", "why": "the primary is active", "ended_at": 2}}
"""the instant at which the life without a pair ends"""


@pytest.mark.parametrize("setup", [{"step": "loading"}, {"undoing": True}, {}, CHANGING])
def test_it_has_not_ended_while_something_goes_on(setup: dict[str, object]):
    """
    Nor before it has begun.
    """
    assert end("configure", FIRST, unconfigured(**setup)) is None


def test_a_removal_has_not_ended_while_the_pair_is_there():
    """
    The daemon begins a new life in between.
    """
    assert end("remove", PAIR, PAIR) is None


class Scripted(Client):
    """A daemon that goes away for a moment, and comes back with a pair."""

    def __init__(self, *looks: dict[str, Any] | None) -> None:
        super().__init__("nowhere")
        self.looks = list(looks)

    def get(self, page: str, query: Any = None) -> dict[str, Any]:
        """One look after the other; None is silence."""
        if self.looks and self.looks[0] is None:
            self.looks.pop(0)
            raise DaemonNotReached("asking", "no such socket")
        if page != "/v1/status":
            lines = [{"seq": 4, "event": "setup_step"}, {"seq": 5, "event": "beat_missed"}]
            return {"events": [line for line in lines if line["seq"] > query["since"]]}
        found = self.looks.pop(0)
        assert found is not None
        return found


def test_it_is_followed_through_the_change_of_lives(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    Each step once, nothing else of the journal, and no complaint about a moment's silence.
    """
    monkeypatch.setattr(follow_module, "LOOK_S", 0)
    shown: list[int] = []
    client = Scripted(unconfigured(step="starting"), None, None, PAIR)
    status = follow(client, "configure", (FIRST, 3), lambda line: shown.append(line["seq"]))
    assert (status, shown) == (0, [4])
    out, err = capsys.readouterr()
    assert "Configured" in out
    assert err == ""
