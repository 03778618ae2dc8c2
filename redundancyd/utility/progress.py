"""Something that the daemon does step by step, as a screen: what was begun, how far it is, how it ended.  Pure."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from redundancyd.utility import data_screens, screens, setup_screens
from redundancyd.utility.text import PLAIN, Paint, span, wrapped

Page = dict[str, Any]
_LINES = 500


class Progress:
    """What has been seen so far."""

    def __init__(self, begun: str) -> None:
        self._begun = begun
        self._lines: deque[Page] = deque(maxlen=_LINES)
        self._page: Page | None = None
        self._away = ""
        self._took_ms = 0
        self.ended: tuple[int, str] | None = None

    def see(self, page: Page, lines: Sequence[Page], ended: tuple[int, str] | None) -> None:
        """One more look."""
        if self._page is not None and page["at"] > self._page["at"]:
            self._took_ms += page["at"] - self._page["at"]
        self._page, self._away, self.ended = page, "", ended
        self._lines.extend(lines)

    def away(self, why: str) -> None:
        """The daemon was not reached."""
        self._away = why

    def screen(self, paint: Paint = PLAIN) -> str:
        """Events first, the present state last, where the eye stays."""
        lines = [*wrapped(self._begun), ""]
        for line in self._lines:
            lines += wrapped(screens.event(line), "", "      ")
        lines.append("")
        if self.ended is not None:
            status, said = self.ended
            grade = paint.bad if status else paint.good
            lines += [grade(part) for each in said.splitlines() for part in wrapped(each)]
        elif self._away:
            lines += [paint.warn(part) for part in wrapped(f"{self._away}  Waiting for it.")]
        else:
            lines += [*self._state(paint), f"Under way for {span(self._took_ms)}."]
        return "\n".join(lines)

    def _state(self, paint: Paint) -> list[str]:
        if self._page is not None and not self._page.get("configured", True):
            return list(setup_screens.doing(self._page["setup"]))
        data = None if self._page is None else self._page["exchange_data"]
        doing = data is not None and (data["progress"] is not None or data["step"] != "resting")
        return list(data_screens.now(data, paint)) if doing and data is not None else []
