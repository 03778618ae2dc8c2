"""Following one takeover to its end: done, undone, overtaken, through a restart of the daemon, or not in time."""

from typing import Any

import pytest

from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached
from redundancyd.utility import follow as follow_module
from redundancyd.utility.follow import end, follow

Look = tuple[dict[str, Any], list[dict[str, Any]]] | DaemonNotReached


class Scripted(Client):
    """A daemon that gives one prepared look after the other; the last one for ever."""

    def __init__(self, *looks: Look) -> None:
        super().__init__("nowhere")
        self.looks = list(looks)
        self.since: list[object] = []

    def get(self, page: str, query: Any = None) -> dict[str, Any]:
        """The status first, then the events of the same look."""
        look = self.looks[0]
        if isinstance(look, DaemonNotReached):
            self._next()
            raise look
        if page == "/v1/status":
            return look[0]
        self.since.append(query["since"])
        self._next()
        return {"events": [line for line in look[1] if line["seq"] > query["since"]]}

    def _next(self) -> None:
        if len(self.looks) > 1:
            self.looks.pop(0)


def status(number: int, *, done: bool, active: str = "alternate", started_at: int = 1, **more: Any) -> dict[str, Any]:
    """As much of a status page as is looked at."""
    goal = {"number": number, "done": done, "active": active, "reason": "because", "revert_in_ms": None, **more}
    return {"goal": goal, "unfenced": [], "started_at": started_at}


def line(seq: int, event: str) -> dict[str, Any]:
    """One record."""
    return {"seq": seq, "at_ms": seq, "event": event}


AWAY = DaemonNotReached("reaching redundancyd at nowhere", "nobody listens on it")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    """
    No pause between two looks, and a few looks are long.
    """
    monkeypatch.setattr(follow_module, "LOOK_S", 0)
    monkeypatch.setattr(follow_module, "LOOKS", 10)


def test_each_event_is_shown_once_until_the_takeover_is_done(capsys: pytest.CaptureFixture[str]):
    """
    Looks overlap, lines do not.
    """
    first, second = line(5, "one"), line(6, "two")
    client = Scripted((status(2, done=False), [first]), (status(2, done=True), [first, second]))
    shown: list[str] = []
    assert follow(client, 2, 4, lambda found: shown.append(found["event"])) == 0
    assert shown == ["one", "two"]
    assert "Takeover 2 done: traffic in the alternate system." in capsys.readouterr().out


@pytest.mark.L2
def test_a_daemon_that_is_killed_on_the_way_is_waited_for(capsys: pytest.CaptureFixture[str]):
    """
    Its absence is said once; when it is back its records are shown from their beginning, and the end is found.
    """
    looks: list[Look] = [
        (status(2, done=False), [line(50, "before")]),
        AWAY,
        AWAY,
        (status(2, done=True, started_at=2), [line(1, "started"), line(2, "finished")]),
    ]
    shown: list[str] = []
    assert follow(Scripted(*looks), 2, 49, lambda found: shown.append(found["event"])) == 0
    assert shown == ["before", "started", "finished"]
    assert capsys.readouterr().err.count("Waiting for it") == 1


def test_another_life_of_the_same_process_goes_on_with_its_records():
    """
    The settings were read anew, say: what was shown already is not shown again.
    """
    lines = [line(3, "before"), line(4, "first"), line(5, "second")]
    client = Scripted((status(2, done=False), lines[:2]), (status(2, done=True, started_at=2), lines))
    shown: list[str] = []
    assert follow(client, 2, 3, lambda found: shown.append(found["event"])) == 0
    assert shown == ["first", "second"]


def test_a_takeover_that_does_not_end_is_no_success(capsys: pytest.CaptureFixture[str]):
    """
    Exit status 1, and the words that go on following it.
    """
    assert follow(Scripted((status(2, done=False), [])), 2, 0, lambda _: None) == 1
    assert "redundancyctl events --follow" in capsys.readouterr().out


def test_a_goal_with_a_higher_number_means_that_it_was_not_completed():
    """
    Undone or overtaken: the reason and where the traffic is now, but not before that is done as well.
    """
    assert end(status(3, done=False, active="primary"), 2) is None
    ended = end(status(3, done=True, active="primary"), 2)
    assert ended is not None
    assert ended[0] == 1
    assert "NOT completed: because" in ended[1]
    assert "Traffic in the primary system" in ended[1]


def test_the_end_names_what_is_unfenced_and_what_goes_back_by_itself():
    """
    Done is not all that there is to know.
    """
    page = status(2, done=True, revert_in_ms=900_000) | {"unfenced": ["primary-2"]}
    ended = end(page, 2)
    assert ended is not None
    assert "UNFENCED: primary-2" in ended[1]
    assert "15 min 0 s, unless: redundancyctl manual-takeover confirm" in ended[1]
    assert end({"goal": None}, 2) is None
