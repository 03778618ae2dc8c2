"""`configure` and the translation in the dialogs: a terminal of 80 columns and 24 lines, and a desk of the test."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from redundancyd.api import Api
from redundancyd.requests import Configure, ConfirmAddresses
from redundancyd.utility.looks import LOOKS
from redundancyd.utility.text import PLAIN, WIDTH
from tests.utility.no_pair import NoPair
from tests.utility.terminal import Terminal, terminal

Open = Callable[..., AbstractAsyncContextManager[Terminal]]
NEW = {"kind": "new", "becomes": None, "count": 1, "places": [{"lim": 1, "file": "cql/sip.csv", "line": 7}]}


@pytest.fixture
def desk() -> NoPair:
    """
    Nothing is configured.
    """
    return NoPair()


@pytest.fixture
def dialogs(api: Api, folder: Path) -> Open:
    """
    Opens the program on a terminal.
    """

    def opened(*words: str, **how: Any) -> AbstractAsyncContextManager[Terminal]:
        return terminal("--socket", str(folder / "s"), *words, **how)

    return opened


async def test_configure_is_asked_checked_followed_and_after_a_failure_asked_again(
    dialogs: Open, desk: NoPair, tmp_path: Path
):
    """
    What hinders stands first; what is accepted is typed in its line; a try that failed keeps what was typed.
    """
    table = tmp_path / "table.txt"
    table.write_text("192.0.2.11 198.51.100.11\n")
    desk.version = "7.9"
    async with dialogs() as screen:
        await screen.see("Redundancy Utility")
        await screen.press("c", "enter")
        shown = await screen.see("4 lines to fill in")
        assert "  network-control-address  [" in shown  # the whole name, and not the beginning of it
        await screen.fill("192.0.2.10", "203.0.113.1", f"{table}s", "")
        await screen.see("! translation:", "cannot be read: No such file or directory")
        await screen.press("backspace")  # the line that is wrong has the focus
        await screen.fill("", "")
        shown = await screen.see("It would be refused: prerequisites not met: version, capacity", "<  Back  >")
        assert shown.index(" NO  version") < shown.index(" ?   capacity") < shown.index(" ok  addresses")
        assert "Bring both systems to the same version." in shown
        assert "Back leads to the form; --accept is its line 'accept'." in shown
        desk.version = "7.8.1.0.19"
        await screen.press("enter")
        await screen.see("master-ip", "[192.0.2.10", "[203.0.113.1")
        await screen.fill("", "", "", "capacity")
        await screen.see("Prerequisites:", "[<  Cancel  >]")
        assert desk.asked == []
        await screen.press("end")
        await screen.see("expected: each server of the alternate at least as large", "5. start the supervision")
        await screen.press("left", "enter")
        await screen.see("begun", "C01", "copying", "5.0 MB of 20.0 MB", "Leave it to the daemon")
        desk.end("failed", "translating: foreign addresses: 203.0.113.9")
        await screen.see("NOT configured (failed): translating", "Everything is as before.", "<  OK  >")
        await screen.press("enter")
        await screen.see("[192.0.2.10", "[capacity")
        await screen.fill("", "", "", " foreign")
        await screen.see("Prerequisites:", "[<  Cancel  >]")
        await screen.press("left", "enter")
        await screen.see("Leave it to the daemon")
        desk.end("configured", "the primary is active")
        await screen.see("Configured: the primary system is active, and supervised.")
        await screen.press("enter")
        await screen.at("Redundancy Utility")
    requests = [request for _, request, _ in desk.asked]
    text = "192.0.2.11 198.51.100.11\n"
    first = Configure("192.0.2.10", ("203.0.113.1",), text, ("capacity",))
    assert requests == [first, replace(first, accept=("capacity", "foreign"))]


async def test_what_new_addresses_are_confirmed_is_shown_before_it_is_asked(dialogs: Open, desk: NoPair):
    """
    Those that are on the screen are confirmed, and none that comes meanwhile.
    """
    counts = {"missing": 0, "new": 1, "untouched": 0, "foreign": 0, "translated": 0}
    page: dict[str, Any] = {
        "table": "",
        "mark": "",
        "unread": "",
        "mirror": "20260309031502",
        "counts": counts,
        "not_shown": 0,
    }
    page.update({"left_out": 0, "gone": [], "differences": [], "addresses": [{"address": "203.0.113.9", **NEW}]})
    desk.translation_page = page
    async with dialogs("settings", "translation", "confirm") as screen:
        await screen.see("Go on? [y/N]")
        await screen.press("n", "enter")
    async with dialogs("settings") as screen:
        await screen.at("settings")
        await screen.choose("translation", "confirm")
        await screen.see("1 line to fill in")
        await screen.press("enter")
        await screen.see("203.0.113.9, once: LIM 1 cql/sip.csv:7", "[<  Cancel  >]")
        desk.translation_page = {**page, "addresses": [*page["addresses"], {"address": "203.0.113.10", **NEW}]}
        await screen.press("left", "enter")
        await screen.see("Done")
    assert [request for _, request, _ in desk.asked] == [ConfirmAddresses(("203.0.113.9",))]


def test_whatever_is_looked_at_says_something_before_there_is_a_pair(desk: NoPair):
    """
    Not that the daemon has nothing to do with data, nor an order that would be refused.
    """
    pages = {
        "/v1/status": desk.status(),
        "/v1/configuration": desk.configuration(),
        "/v1/alarms": {"alarms": []},
        "/v1/events": {"events": []},
        "/v1/translation": {},
    }

    class Prepared:
        def get(self, page: str, _: object = None) -> Any:
            return {**pages, "/v1/status": {**desk.status(), "goal": None, "exchange_data": None}}[page]

    told = {}
    for name, look in LOOKS.items():
        text = look.screen(look.page(Prepared(), {"row": "T07"}), PLAIN)  # type: ignore[arg-type]
        assert text or name == "events"
        assert max(map(len, text.splitlines()), default=0) <= WIDTH
        told[name] = text
    assert "NOT CONFIGURED" in told["status"]
    assert "said to configure" in told["list"]
    assert "cluster-fallback          not said" in told["list"]
    for name in ("list", "data-list", "data-auto-list"):
        assert "Nothing is configured, so nothing is copied" in told[name]
    assert "nothing is configured, so nobody supervises" in told["explain"]
    assert "manual-takeover" not in told["explain"]
