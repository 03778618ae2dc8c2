"""A real pseudo-terminal with a program in it, and what its user sees of it: the screen, as a terminal draws it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import pexpect
import pyte

from tests.house import TOP

CTL = (sys.executable, "-m", "redundancyd.utility.cli")
ENV = {**os.environ, "PYTHONPATH": str(TOP), "PYTHONDONTWRITEBYTECODE": "1"}
KEYS = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "page down": "\x1b[6~",
    "page up": "\x1b[5~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "F1": "\x1bOP",
    "F1 of linux": "\x1b[[A",
    "F1 of xterm": "\x1b[11~",
    "ctrl-c": "\x03",
    "backspace": "\x7f",
}


class Terminal:
    """A terminal; `raw` is every byte that the program has written to it."""

    def __init__(self, command: Sequence[str], *, term: str, rows: int, columns: int, env: Mapping[str, str]) -> None:
        environment = {**ENV, "TERM": term, **env}
        self._program = pexpect.spawn(
            command[0], list(command[1:]), env=environment, dimensions=(rows, columns), timeout=5
        )
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""

    @property
    def lines(self) -> list[str]:
        """What is to be seen, without the blanks on the right."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    @property
    def title(self) -> str:
        """Where the user is."""
        return self.lines[0].strip()

    async def see(self, *texts: str, within_s: float = 10) -> str:
        """Wait until all of this is on the screen; the screen."""
        await self._until(lambda: all(text in self.text for text in texts), within_s, f"never saw {texts}")
        return self.text

    async def see_no(self, text: str, within_s: float = 10) -> None:
        """Wait until this has gone."""
        await self._until(lambda: text not in self.text, within_s, f"still there: {text}")

    async def at(self, title: str) -> str:
        """Wait until this is the title; the screen."""
        await self._until(lambda: self.title == title, 10, f"never came to {title!r}")
        return self.text

    async def press(self, *keys: str) -> None:
        """Press keys, or type a text."""
        for key in keys:
            self._program.send(KEYS.get(key, key))
            await asyncio.sleep(0.02)  # so that Escape and what comes after it are two keys

    async def choose(self, *words: str) -> None:
        """In a menu go to the line of this word and take it; the next word in the menu that comes then."""
        for word in words:
            await self.go_to(word)
            menu = self.text
            await self.press("enter")
            await self._until(lambda menu=menu: self.text != menu, 20, f"{word!r} leads nowhere")
            await self._drawn()

    async def go_to(self, word: str) -> None:
        """To the line of this word in a menu, a line at a time."""
        await self._until(lambda: word in self._menu(), 10, f"no line of a menu says {word!r}")
        while (here := self._marked()) != word:
            menu = self._menu()
            await self.press("down" if menu.index(here) < menu.index(word) else "up")
            await self._until(lambda here=here: self._marked() != here, 10, f"stays at {here!r}")

    async def leave(self, title: str) -> None:
        """Wait until this is the title no more, and what comes instead is drawn to its end."""
        await self._until(lambda: self.title != title, 20, f"stays at {title!r}")
        await self._drawn()

    async def _drawn(self) -> None:
        """Wait until nothing more comes."""
        seen = -1
        while seen != len(self.raw):
            seen = len(self.raw)
            await asyncio.sleep(0.1)
            await self._read()

    async def fill(self, *lines: str) -> None:
        """Type into the lines of a form, one after the other, and go on from the last; an empty one stays as it is."""
        for line in lines:
            await self.press(*([line] if line else []), "enter")

    def _menu(self) -> list[str]:
        """The first word of each line."""
        return [(line.removeprefix(" >").split() or [""])[0] for line in self.lines]

    def _marked(self) -> str:
        """The word of the line that has the mark."""
        return next((line.split()[1] for line in self.lines if line.startswith(" > ")), "")

    async def ended(self) -> int:
        """Wait for the program's end; its exit status."""
        await self._until(lambda: not self._program.isalive(), 10, "does not end")
        self._program.close()
        return int(self._program.exitstatus if self._program.exitstatus is not None else -1)

    def hang_up(self) -> None:
        """Take the terminal away, as a line that breaks does, and wait for its end; raises if it stays."""
        self._program.close(force=False)  # closes our end of the terminal; the kernel sends the hang-up

    def kill(self) -> None:
        """Whatever is left of it."""
        if not self._program.closed:
            self._program.close(force=True)

    async def _until(self, is_so: object, within_s: float, otherwise: str) -> None:
        assert callable(is_so)
        try:
            async with asyncio.timeout(within_s):
                while not is_so():
                    await self._read()
        except TimeoutError:
            raise AssertionError(f"{otherwise}; the screen is:\n{self.text}") from None

    async def _read(self) -> None:
        try:
            some = self._program.read_nonblocking(100_000, 0)
        except (pexpect.TIMEOUT, pexpect.EOF):
            await asyncio.sleep(0.02)
            return
        self.raw += some
        self._stream.feed(some)


@asynccontextmanager
async def terminal(
    *words: str,
    term: str = "xterm",
    rows: int = 24,
    columns: int = 80,
    command: Sequence[str] = CTL,
    env: Mapping[str, str] | None = None,
) -> AsyncIterator[Terminal]:
    """A program of ours in a terminal of this kind."""
    shown = Terminal([*command, *words], term=term, rows=rows, columns=columns, env=env or {})
    try:
        yield shown
    finally:
        shown.kill()
