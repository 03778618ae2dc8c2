"""The dialogs in a real pseudo-terminal, against a socket with the real core behind it; tests read the screen."""

import asyncio
import re
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from redundancyd.api import Api
from redundancyd.core.systems import Method, System
from redundancyd.utility import rows
from tests.api.real_desk import RealDesk
from tests.utility import captures
from tests.utility.no_pair import NoPair
from tests.utility.terminal import Terminal, terminal

Open = Callable[..., AbstractAsyncContextManager[Terminal]]
TOP_TITLE = "Redundancy Utility"
COLOUR = re.compile(rb"\x1b\[[0-9;]*(3[0-7]|4[0-7]|38;|48;)[0-9;]*m")


@pytest.fixture
def dialogs(api: Api, folder: Path) -> Open:
    """
    Opens the program on a terminal, without words unless some are given.
    """

    def opened(*words: str, **how: Any) -> AbstractAsyncContextManager[Terminal]:
        return terminal("--socket", str(folder / "s"), *words, **how)

    return opened


@pytest.mark.parametrize("term", ["xterm", "vt100", "linux"])
async def test_the_menus_follow_the_words_and_set_a_method(dialogs: Open, desk: RealDesk, term: str):
    """
    settings, takeover, alternate-from-primary, manual; on 80 columns and 24 lines of each terminal.
    """
    async with dialogs(term=term) as screen:
        await screen.see(TOP_TITLE, "manual-takeover", "<  Help  >", "F1 Help")
        await screen.press("s", "s", "enter")
        await screen.at("settings")
        await screen.press("enter")
        await screen.at("settings > takeover")
        await screen.see("alternate-from-primary", "At failure of the primary system.")
        await screen.press("enter")
        await screen.at("settings > takeover > alternate-from-primary")
        await screen.press("enter")
        await screen.see("Done")
    assert desk.state().methods.alternate_from_primary is Method.MANUAL


async def test_a_manual_takeover_is_previewed_ordered_and_followed_to_its_end(dialogs: Open, desk: RealDesk):
    """
    Now, will do, afterwards; nothing happens by Enter alone, since Cancel has the focus; then the rows and the end.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("m", "enter")
        await screen.see("traffic-in-alternate", "confirm")
        await screen.press("enter")
        await screen.see("revert-after", "accept")
        await screen.press("enter", "enter")
        await screen.see("Now:", "Will do:", "Afterwards:", "[<  Cancel  >]")
        await screen.press("enter")
        await screen.see("revert-after")
        assert desk.asked == []
        await screen.press("enter", "enter")
        await screen.see("Will do:")
        await screen.press("left", "enter")
        await screen.see("T12", "Takeover 2 done: traffic in the alternate system.")
        await screen.press("enter")
        await screen.at("manual-takeover")
    goal = desk.state().goal
    assert goal is not None
    assert goal.active is System.ALTERNATE


async def test_a_form_keeps_what_was_typed_and_names_what_is_wrong(dialogs: Open, desk: RealDesk):
    """
    The line that is wrong has the focus; what was typed stands there again after one step back from the preview.
    """
    async with dialogs("manual-takeover", "traffic-in-alternate") as screen:
        await screen.see("Go on? [y/N]")
        await screen.press("n", "enter")
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("m", "enter", "enter")
        await screen.see("revert-after")
        await screen.press("soon", "enter", "enter")
        await screen.see("! revert-after: 'soon' is no span of time")
        await screen.press(*["backspace"] * 4, "15m", "enter", "enter")
        await screen.see("take the primary back after 900 s")
        await screen.press("escape")
        await screen.see("revert-after  [15m")
    assert desk.asked == []


@pytest.mark.parametrize("key", ["F1", "F1 of linux", "F1 of xterm", "?"])
async def test_help_is_a_key_away_and_gone_by_escape(dialogs: Open, key: str):
    """
    On a menu and on what an action shows.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press(key)
        await screen.see(f"Help: {TOP_TITLE}", "Operates the redundancy of two telephone systems.")
        await screen.press("end")
        await screen.see("The same by words:", "one step back; nothing is done")
        await screen.press("escape")
        await screen.at(TOP_TITLE)
        await screen.press("down", "enter")
        await screen.see("ACTIVE: PRIMARY SYSTEM")
        await screen.press(key)
        await screen.see("redundancyctl status --watch")


async def test_help_is_a_button_too(dialogs: Open):
    """
    By Tab and arrows alone, for a terminal without function keys; and in a form, where ? is a character.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("tab")
        await screen.see("[<  OK  >]")
        await screen.press("left")
        await screen.see("[<  Help  >]")
        await screen.press("enter")
        await screen.see(f"Help: {TOP_TITLE}")
        await screen.press("enter")
        await screen.at(TOP_TITLE)
        await screen.press("tab")
        await screen.press("s", "s", "enter", "p", "enter")
        await screen.see("for", "reason", "2 lines to fill in")
        await screen.press("tab", "?", "tab", "tab", "tab")
        await screen.see("[?", "[<  Help  >]")
        await screen.press("enter")
        await screen.see("redundancyctl settings pause --for 2h")


async def test_escape_goes_one_step_back_and_at_the_top_leaves(dialogs: Open, desk: RealDesk):
    """
    From a question to the menu before it, up to the end with exit status 0 and the terminal as it was.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("s", "s", "enter", "enter", "enter")
        await screen.at("settings > takeover > alternate-from-primary")
        for title in ("settings > takeover", "settings", TOP_TITLE):
            await screen.press("escape")
            await screen.at(title)
        await screen.press("escape")
        assert await screen.ended() == 0
    assert b"\x1b[?1049l" in screen.raw
    assert screen.raw.rindex(b"\x1b[?25h") > screen.raw.rindex(b"\x1b[?25l")
    assert desk.asked == []


async def test_ctrl_c_leaves_at_once_and_nothing_is_half_done(dialogs: Open, desk: RealDesk):
    """
    From the last question: exit status 130, nothing was ordered.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("m", "enter", "enter", "enter", "enter")
        await screen.see("Will do:")
        await screen.press("ctrl-c")
        assert await screen.ended() == 130
    assert b"Traceback" not in screen.raw
    assert desk.asked == []


async def test_ctrl_c_while_the_daemon_is_asked_says_that_the_order_is_with_it(dialogs: Open, desk: RealDesk):
    """
    The operator is not held; the daemon does the whole.
    """
    desk.slow_s = 1.0
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("m", "enter", "enter", "enter", "enter")
        await screen.see("Will do:")
        await screen.press("left", "enter")
        await screen.see("Asking the daemon...")
        while not desk.asked:
            await asyncio.sleep(0.01)
        await screen.press("ctrl-c")
        assert await screen.ended() == 130
    assert b"the order had been sent" in screen.raw
    async with asyncio.timeout(5):
        while not (goal := desk.state().goal) or goal.number != 2:
            await asyncio.sleep(0.05)


async def test_what_would_be_refused_is_said_before_it_is_asked(dialogs: Open, desk: RealDesk):
    """
    With the words that would accept it, and no button to go on.
    """
    desk.lose(System.ALTERNATE)
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("m", "enter", "enter", "enter", "enter")
        shown = await screen.see("It would be refused", "--accept alternate-1", "<  Back  >")
        assert "Go on" not in shown
        await screen.press("enter")
        await screen.see("revert-after")
    assert desk.asked == []


async def test_what_the_daemon_refuses_is_shown_and_is_a_step_back(dialogs: Open):
    """
    Nothing reverts by itself, so nothing can be confirmed.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("m", "enter", "c", "enter")
        await screen.see("It was not done")
        await screen.press("enter")
        await screen.at("manual-takeover")


async def test_values_that_the_daemon_knows_are_offered_in_a_list(dialogs: Open, desk: RealDesk):
    """
    The handle of an alarm is chosen, not typed; where there is none that is said.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("a", "enter", "a", "enter")
        await screen.see("alarms > acknowledge", "there is none")
        await screen.press("escape")
        desk.lose(System.PRIMARY)
        desk.beats(4)
        await screen.at("alarms")
        await screen.press("enter")
        await screen.see("primary_lost:primary")
        await screen.press("p", "enter")
        await screen.see("It was not done")


async def test_a_page_is_shown_anew_and_survives_a_restart_of_the_daemon(folder: Path, desk: RealDesk):
    """
    The status follows what happens; while nobody answers that is said.
    """
    path = str(folder / "s")
    async with terminal("--socket", path) as screen:
        async with Api(desk, path, "nogroup"):
            await screen.see(TOP_TITLE)
            await screen.press("down", "enter")
            await screen.see("ACTIVE: PRIMARY SYSTEM")
            desk.lose(System.PRIMARY)
            desk.beats(4)
            await screen.see("ACTIVE: ALTERNATE SYSTEM")
        await screen.see("no such socket")
        async with Api(desk, path, "nogroup"):
            await screen.see("ACTIVE: ALTERNATE SYSTEM")


async def test_without_a_daemon_the_dialog_says_so_and_goes_on(folder: Path):
    """
    What was tried and what to look at; the menus stay.
    """
    async with terminal("--socket", str(folder / "s")) as screen:
        await screen.see(TOP_TITLE)
        await screen.press("down", "enter")
        await screen.see("It was not done", "no such socket")
        await screen.press("enter")
        await screen.at(TOP_TITLE)
        await screen.press("escape")
        assert await screen.ended() == 4


async def test_long_texts_scroll_and_say_where_one_is(dialogs: Open):
    """
    The takeover table has many more rows than the screen.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("i", "enter", "enter")
        await screen.see("T01", "lines 1 to ")
        await screen.press("page down")
        await screen.see_no("T01 ")
        await screen.press("end")
        await screen.see(str(rows.pages()[-1]["row"]))
        await screen.press("page up")
        await screen.see_no(str(rows.pages()[-1]["row"]))


async def test_what_goes_on_in_the_daemon_is_followed_to_the_event_that_ends_it(dialogs: Open, desk: RealDesk):
    """
    A copy of exchange data: events as they come, and how it ended.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("d", "enter", "enter")
        await screen.see("Under way", "Leave it to the daemon")
        desk.records_kept.put("data_step", 2000, {"row": "D01", "step": "pulling", "why": "asked for"})
        await screen.see("D01 pulling")
        ended = {"result": "copied", "why": "whole", "row": "D05", "level": "notice"}
        desk.records_kept.put("data_job_ended", 3000, ended)
        await screen.see("copied: whole", "<  OK  >")


async def test_what_is_left_while_it_goes_on_says_how_to_see_it(dialogs: Open, desk: RealDesk):
    """
    The daemon has the order; leaving ends the looking, not the work.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("d", "enter", "enter")
        await screen.see("Leave it to the daemon")
        await screen.press("ctrl-c")
        assert await screen.ended() == 130
    assert b"it goes on in the daemon: 'redundancyctl events --follow' shows it" in screen.raw
    assert [name for name, *_ in desk.asked] == ["data-copy"]


async def test_words_that_want_more_open_the_dialog_where_it_is_asked(dialogs: Open, desk: RealDesk):
    """
    A group opens its menu; an argument that is missing its question, with what was given already there.
    """
    async with dialogs("settings") as screen:
        await screen.at("settings")
    async with dialogs("settings", "takeover", "primary-from-alternate") as screen:
        await screen.at("settings > takeover > primary-from-alternate")
        await screen.press("down", "enter")
        await screen.see("Done")
        await screen.press("enter")
        assert await screen.ended() == 0
    assert desk.state().methods.primary_from_alternate is Method.AUTOMATIC


@pytest.mark.parametrize(
    ("how", "coloured"), [({}, True), ({"env": {"NO_COLOR": "1"}}, False), ({"term": "vt100"}, False)]
)
async def test_colour_or_none(dialogs: Open, desk: RealDesk, how: dict[str, Any], coloured: bool):
    """
    The same text; what has the focus is in reverse, and marked by a sign too.
    """
    async with dialogs(**how) as screen:
        await screen.see(TOP_TITLE, "> list")
        await screen.press("down", "enter")
        await screen.see("ACTIVE: PRIMARY SYSTEM", "[<  OK  >]")
    assert (COLOUR.search(screen.raw) is not None) is coloured
    assert b"\x1b[?1000h" not in screen.raw  # no mouse


async def test_a_terminal_that_cannot_place_its_cursor_has_the_same_dialogs_in_lines(dialogs: Open, desk: RealDesk):
    """
    Numbers choose, ? helps, an empty line goes back; no escape sequence is sent.
    """
    async with dialogs(term="dumb", rows=60) as screen:
        await screen.see("== Redundancy Utility", "Number, ? for Help")
        await screen.press("?", "enter")
        await screen.see("The same by words:")
        await screen.press("4", "enter")
        await screen.see("== manual-takeover", "traffic-in-alternate")
        await screen.press("1", "enter")
        await screen.see("revert-after:")
        await screen.press("enter")
        await screen.see("accept:")
        await screen.press("enter")
        await screen.see("Will do:", "Go on? y or n")
        await screen.press("y", "enter")
        await screen.see("Takeover 2 done")
    assert b"\x1b[?" not in screen.raw
    assert len(desk.asked) == 1


async def test_under_the_name_of_the_maintenance_utility_only_its_own_words_are_there(folder: Path, tmp_path: Path):
    """
    What the program offers under that name is one word of the table, or nothing.
    """
    program = tmp_path / "mxone_maintenance"
    program.write_text("from redundancyd.utility.cli import main\nmain()\n")
    async with terminal("--help", command=(sys.executable, str(program))) as screen:
        shown = await screen.see("Usage: mxone_maintenance")
        assert "manual-takeover" not in shown


async def test_the_screens_of_the_operator_s_page_are_those_of_the_dialogs(api: object, folder: Path):
    """
    `python -m tests.utility.captures` takes them anew.
    """
    page = captures.PAGE.read_text()
    found = await captures.captures(str(folder / "s"))
    async with Api(NoPair(), str(folder / "s2"), "nogroup"):
        found |= await captures.setup_captures(str(folder / "s2"))
    assert sorted(captures.places(page)) == sorted(found)
    assert captures.filled(page, found) == page


OWN = """
import sys
from redundancyd.utility import looks
looks.LOOKS = {name: look for name, look in looks.LOOKS.items() if name != "inspect-row"}
from redundancyd.utility import walk
walk.LOOKS = looks.LOOKS
from redundancyd.utility.cli import main
main()
"""


async def test_what_talks_to_the_terminal_itself_gets_it_and_gives_it_back(folder: Path):
    """
    The same words in a process of its own, whatever it is; then the menus go on.
    """
    async with terminal("--socket", str(folder / "s"), "inspect", command=(sys.executable, "-c", OWN)) as screen:
        await screen.at("inspect")
        await screen.press("r", "enter")
        await screen.see("1 line to fill in")
        await screen.press("t07", "enter")
        await screen.see("$ redundancyctl inspect row t07", "T07  blocking", "Exit status 0.  Enter goes back.")
        await screen.press("enter")
        await screen.at("inspect")
        await screen.press("escape")
        assert await screen.ended() == 0


async def test_a_terminal_that_is_lost_leaves_everything_as_it_was(dialogs: Open, desk: RealDesk):
    """
    The line breaks at the last question: the program ends, nothing was ordered.
    """
    async with dialogs() as screen:
        await screen.see(TOP_TITLE)
        await screen.press("m", "enter", "enter")
        await screen.see("revert-after")
        await screen.press("enter", "enter")
        await screen.see("Will do:")
        await screen.press("left")
        screen.hang_up()
    assert desk.asked == []
