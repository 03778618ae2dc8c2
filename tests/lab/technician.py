"""Somebody at a terminal on LIM 1 of the alternate of a bed, under the manual's name of the program."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redundancyd.lab.bed import Bed
from tests.utility.terminal import Terminal, terminal

EDITOR = "/root/editor"
_EDITOR_TEXT = """#!/bin/sh
# Shows the file, and puts one more line at its end: what a technician does in an editor.
cat "$1"
printf 'one more line: '
read -r line
printf '%s\\n' "$line" >>"$1"
"""


@asynccontextmanager
async def technician(bed: Bed, term: str = "vt100", *words: str) -> AsyncIterator[Terminal]:
    """The dialogs on this kind of terminal; what is typed there instead of nothing."""
    editor = bed.supervisor.path(EDITOR)
    editor.write_text(_EDITOR_TEXT)
    editor.chmod(0o755)
    shell = (sys.executable, "-m", "redundancyd.lab", "shell", "--prefix", bed.plan.prefix, "alternate-1")
    command = (*shell, "env", f"EDITOR={EDITOR}", "mxone_system_redundancy", *words)
    async with terminal(command=command, term=term) as screen:
        await screen.see("Redundancy Utility", "<  Help  >", within_s=20)
        yield screen


async def home(screen: Terminal) -> None:
    """Back to the first menu, a step at a time."""
    while screen.title != "Redundancy Utility":
        title = screen.title
        await screen.press("escape")
        await screen.leave(title)


async def ok(screen: Terminal) -> None:
    """What was to be read is read; on to where that leads."""
    title = screen.title
    await screen.press("enter")
    await screen.leave(title)


async def go_on(screen: Terminal) -> None:
    """From Cancel, which has the focus, to Go on."""
    await screen.see("[<  Cancel  >]", within_s=40)
    await screen.press("left")
    await screen.see("[<  Go on  >]")
    await screen.press("enter")


async def takeover(screen: Terminal, system: str) -> None:
    """From the first menu through the preview to the end, and back to the first menu."""
    await screen.choose("manual-takeover", f"traffic-in-{system}")
    await screen.see("revert-after")
    await screen.fill("", "")
    await screen.see("Now:", "Will do:", within_s=20)
    await go_on(screen)
    await screen.see(f"done: traffic in the {system} system.", within_s=30)
    await ok(screen)
    await home(screen)
