"""The screens of docs/operator.md, taken from the real dialogs in a pseudo-terminal of 80 columns and 24 lines.

`python -m tests.utility.captures` puts them in; a test keeps page and dialogs equal.
"""

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

from redundancyd.api import Api
from tests.api.real_desk import RealDesk
from tests.house import TOP
from tests.utility.no_pair import NoPair
from tests.utility.terminal import terminal

PAGE = TOP / "docs" / "operator.md"
_PLACE = re.compile(r"(<!-- screen: ([a-z-]+) -->\n```text\n).*?(```\n)", re.DOTALL)


async def captures(socket: str) -> dict[str, str]:
    """Each screen by its name, from one walk of an operator."""
    found: dict[str, str] = {}
    async with terminal("--socket", socket) as screen:
        found["menu"] = await screen.see("Redundancy Utility", "1 of", "Ctrl-C leave")
        await screen.press("F1")
        found["help"] = await screen.see("Help: Redundancy Utility", "Ctrl-C leave")
        await screen.press("escape")
        await screen.at("Redundancy Utility")
        await screen.press("s", "enter")
        await screen.see("ACTIVE: PRIMARY SYSTEM", "Ctrl-C leave")
        found["status"] = screen.text
        await screen.press("enter", "s", "enter", "enter", "enter")
        await screen.at("settings > takeover > alternate-from-primary")
        found["method"] = await screen.see("A takeover begins by itself.", "1 of 2", "Ctrl-C leave")
        await screen.press("escape", "escape", "escape")
        await screen.at("Redundancy Utility")
        await screen.press("m", "enter", "enter")
        await screen.see("revert-after", "2 lines to fill in")
        await screen.press("15m", "enter", "enter")
        found["preview"] = await screen.see("Afterwards:", "[<  Cancel  >]", "Ctrl-C leave")
        await screen.press("left", "enter")
        found["end"] = await screen.see("Takeover 2 done", "<  OK  >", "Ctrl-C leave")
    return found


async def setup_captures(socket: str) -> dict[str, str]:
    """The way to a pair, on a desk that has none."""
    found: dict[str, str] = {}
    async with terminal("--socket", socket) as screen:
        await screen.choose("configure")
        await screen.see("4 lines to fill in")
        await screen.press("192.0.2.10", "enter", "203.0.113.1")
        found["configure"] = await screen.see("[203.0.113.1", "Ctrl-C leave")
        await screen.fill("", "", "")
        found["prerequisites"] = await screen.see("It would be refused", "<  Back  >", "Ctrl-C leave")
    return found


def filled(page: str, screens: dict[str, str]) -> str:
    """The page with these screens in their places."""
    return _PLACE.sub(lambda place: f"{place[1]}{screens[place[2]].rstrip()}\n{place[3]}", page)


def places(page: str) -> list[str]:
    """The names of the screens that a page shows."""
    return [place[2] for place in _PLACE.finditer(page)]


async def main() -> None:
    """Put them into the page."""
    folder = Path(tempfile.mkdtemp(prefix="rd-captures-"))
    try:
        async with Api(RealDesk(), str(folder / "s"), "nogroup"):
            found = await captures(str(folder / "s"))
        async with Api(NoPair(), str(folder / "s"), "nogroup"):
            found |= await setup_captures(str(folder / "s"))
        PAGE.write_text(filled(PAGE.read_text(), found))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    asyncio.run(main())
