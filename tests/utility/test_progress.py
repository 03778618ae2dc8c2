"""Something that goes on in the daemon, as the dialogs show it while it does and when it has ended."""

from typing import Any

import pytest

from redundancyd.utility import follow
from redundancyd.utility.follow import Seen, over_event
from redundancyd.utility.progress import Progress
from redundancyd.utility.text import WIDTH
from tests.utility.test_data_screens import LOADED, PULLING, shown


def seen(*events: dict[str, Any], at: int = 1000, restarted: bool = False) -> Seen:
    """A look while a copy is made."""
    return Seen({"at": at, **shown(LOADED, "pulling", PULLING)}, events, restarted)


def line(event: str, **fields: Any) -> dict[str, Any]:
    """A record."""
    return {"seq": 1, "at_ms": 1000, "event": event, **fields}


def test_a_copy_shows_its_bar_its_rate_and_how_long_it_takes():
    """
    Events above, the present state below, within 80 columns.
    """
    progress = Progress("begun")
    progress.see(seen().page, [line("data_step", row="D01", step="pulling", why="asked for")], None)
    progress.see(seen(at=6000).page, [], None)
    told = progress.screen()
    assert "25 % of 2.4 GB" in told
    assert "2.5 MB/s, 12 min 0 s left" in told
    assert told.index("D01 pulling") < told.index("25 %") < told.index("Under way for 5.0 s.")
    assert max(map(len, told.splitlines())) <= WIDTH


def test_a_daemon_that_is_away_is_waited_for_and_the_end_is_the_last_line():
    """
    The state goes when it is not known, and comes again.
    """
    progress = Progress("begun")
    progress.see(seen().page, [], None)
    progress.away("reaching redundancyd: nobody listens on it.")
    assert "Waiting for it." in progress.screen()
    assert "25 %" not in progress.screen()
    progress.see(seen().page, [], (follow.DONE, "copied: whole (D05)"))
    assert progress.screen().splitlines()[-1] == "copied: whole (D05)"


@pytest.mark.parametrize(
    ("look", "ended"),
    [
        (seen(), None),
        (seen(line("data_step")), None),
        (seen(line("data_step"), line("data_job_ended", result="copied", why="whole", row="D5", level="notice")), 0),
        (seen(line("data_job_ended", result="failed", why="torn", row="D9", level="error")), 1),
        (seen(restarted=True), 1),
    ],
)
def test_what_is_followed_ends_with_its_event_or_with_its_daemon(look: Seen, ended: int | None):
    """
    An event that the daemon records as an error is a failure; so is a restart, since the job went with it.
    """
    found = over_event(("data_job_ended",))(look)
    assert (None if found is None else found[0]) == ended
