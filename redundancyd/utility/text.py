"""Text for people: spans of time, wrapping, colour on a terminal, and nothing that a terminal would obey.  Pure."""

import textwrap
from dataclasses import dataclass

WIDTH = 80
SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
_EXACT_MS = 10 * SECOND_MS  # below it tenths of a second count


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours, or none."""

    colour: bool = False

    def bold(self, text: str) -> str:
        """What should be found first."""
        return self._in("1", text)

    def good(self, text: str) -> str:
        """As it should be."""
        return self._in("32", text)

    def warn(self, text: str) -> str:
        """Somebody should look."""
        return self._in("1;33", text)

    def bad(self, text: str) -> str:
        """Somebody has to act."""
        return self._in("1;31", text)

    def alarm(self, text: str) -> str:
        """Impossible to overlook."""
        return self._in("1;37;41", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Paint()


def plain(text: object) -> str:
    """The text without anything that a terminal would obey; LIMs and operators have written it."""
    return "".join(mark if mark.isprintable() else "?" for mark in str(text))


def plain_lines(text: object) -> str:
    """The same of a text of several lines."""
    return "\n".join(plain(line) for line in str(text).split("\n"))


def span(ms: int) -> str:
    """A span of time in the two largest units that matter."""
    if ms < 0:
        return f"-{span(-ms)}"
    if ms < _EXACT_MS:
        return f"{ms / SECOND_MS:.1f} s"
    if ms < MINUTE_MS:
        return f"{ms // SECOND_MS} s"
    if ms < HOUR_MS:
        return f"{ms // MINUTE_MS} min {ms % MINUTE_MS // SECOND_MS} s"
    if ms < DAY_MS:
        return f"{ms // HOUR_MS} h {ms % HOUR_MS // MINUTE_MS} min"
    return f"{ms // DAY_MS} d {ms % DAY_MS // HOUR_MS} h"


def ago(ms: int | None) -> str:
    """How long ago, or never."""
    return "never" if ms is None else f"{span(ms)} ago"


def wrapped(text: object, first: str = "", rest: str | None = None, *, width: int = WIDTH) -> list[str]:
    """Lines that fit; `first` stands before the first of them, `rest` before the others."""
    rest = " " * len(first) if rest is None else rest
    words = plain(text)
    return textwrap.wrap(words, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False) or [first]


def box(lines: list[str], paint: Paint) -> list[str]:
    """A frame as wide as the screen, filled with colour where there is any."""
    inner = WIDTH - 8
    edge = "#" * (WIDTH - 2)
    folded = [part for line in lines for part in textwrap.wrap(plain(line), inner, break_on_hyphens=False)]
    body = [f"## {line.ljust(inner)} ##" for line in folded]
    return [" " + paint.alarm(line) for line in (edge, *body, edge)]
