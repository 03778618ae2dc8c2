"""A bed with a shell in which the examples of the table of actions are typed, each held against what it shows."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redundancyd.actions import ACTIONS
from redundancyd.lab.bed import Bed
from redundancyd.lab.daemon_process import Daemon
from tests.lab.prompt import ANSWERS, INTERRUPTED, Prompt

WAIT_S = 60
ANSWER_S = 20
_FOREVER = {"--watch", "--follow"}
BY_NAME = {action.name: action for action in ACTIONS}
_GO_ON = next(iter(ANSWERS))


@dataclass(frozen=True)
class Place:
    """Where examples are typed: a bed, its daemon, and the shell."""

    bed: Bed
    daemon: Daemon
    at: Prompt

    def page(self, *names: str) -> Any:
        """
        The status page, or what it has under these names; None where nothing is.
        """
        found: Any = self.daemon.status(ANSWER_S)
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def translation(self) -> dict[str, Any]:
        """
        The table and the addresses.
        """
        return self.daemon.ask("GET", "/v1/translation", ANSWER_S) or {}

    def addresses(self, kind: str) -> set[str]:
        """
        The addresses of the newest mirror that are of this kind.
        """
        return {each["address"] for each in self.translation().get("addresses", []) if each["kind"] == kind}

    def alarms(self) -> set[str]:
        """
        The names of the alarms that stand.
        """
        return {alarm["name"] for alarm in self.page("alarms") or []}

    def wait(self, is_so: Callable[[], bool]) -> None:
        """
        Return when it is so; what the daemon said is the message if it does not come.
        """
        give_up = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < give_up, self.daemon.last_lines()
            time.sleep(0.1)

    def order(self, *words: str) -> None:
        """
        What somebody says without looking at it.
        """
        done = self.daemon.order(words, WAIT_S)
        assert done.returncode == 0, done.stdout + done.stderr

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """
        A file on LIM 1 of the alternate.
        """
        self.bed.supervisor.path(path).write_text(text)
        self.bed.supervisor.path(path).chmod(mode)


@dataclass(frozen=True)
class Case:
    """What an example says, what is so afterwards, and what has to be so before."""

    says: str
    so: Callable[[Place], bool] = lambda _: True
    before: Callable[[Place], None] = lambda _: None


def does_what_it_shows(place: Place, name: str, case: Case) -> None:
    """The example of this action: prepared, typed, and held against its case."""
    action = BY_NAME[name]
    case.before(place)
    goes_on = bool(_FOREVER & set(action.example.split()))
    done = place.at.type(action.example, until=case.says if goes_on else "")
    assert done.status == (INTERRUPTED if goes_on else 0), done.shown
    assert case.says in " ".join(done.shown.split()), done.shown
    assert (_GO_ON in done.asked) == (action.asks and "--yes" not in action.example), done.shown
    place.wait(lambda: case.so(place))


def said(*words: str) -> Callable[[Place], None]:
    """
    Somebody has said these words before.
    """
    return lambda place: place.order(*words)
