"""Bodies of dialogs: a list to choose from, and a text to read."""

from collections.abc import Callable
from typing import Protocol

from prompt_toolkit.application import get_app
from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import ANSI, AnyFormattedText, StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import AnyContainer, FormattedTextControl, HSplit, Window

from redundancyd.utility.menus import Menu
from redundancyd.utility.text import wrapped

_WORD = 26  # where the explanation of a list's line begins
_WIDTH = 79


class Pane(Protocol):
    """A body."""

    hint: str

    def prepare(self, done: Callable[[], None]) -> None:
        """What Enter does when it means the first button."""

    def container(self) -> AnyContainer:
        """What is drawn."""

    def first(self) -> Window | None:
        """Where the focus begins; None leaves it to the buttons."""

    def keys(self) -> KeyBindings:
        """What works wherever the focus is."""

    def position(self) -> str:
        """How much of it is seen, for the rule below."""


class ListPane:
    """Lines of which one is chosen."""

    hint = "Up/Down move  Enter choose"

    def __init__(self, menu: Menu) -> None:
        self._text, self._items = wrapped(menu.text), menu.items
        self._at = next((at for at, item in enumerate(menu.items) if item.key == menu.start), 0)
        self._window = Window(
            FormattedTextControl(
                self._lines, focusable=True, key_bindings=self._keys(), get_cursor_position=lambda: Point(0, self._at)
            ),
            wrap_lines=False,
            always_hide_cursor=True,
        )
        self._done: Callable[[], None] = lambda: None

    @property
    def chosen(self) -> str | None:
        """The key of the line that is chosen."""
        return self._items[self._at].key if self._items else None

    def prepare(self, done: Callable[[], None]) -> None:
        """Enter chooses."""
        self._done = done

    def container(self) -> AnyContainer:
        """The sentence above, then the lines."""
        head = Window(FormattedTextControl("\n".join(["", *self._text, ""])), height=len(self._text) + 2)
        whole = Window(FormattedTextControl(self._whole), height=2)
        return HSplit([head, self._window, whole])

    def first(self) -> Window | None:
        """The lines, if there are any."""
        return self._window if self._items else None

    def keys(self) -> KeyBindings:
        """None; the lines have theirs."""
        return KeyBindings()

    def position(self) -> str:
        """Which line of how many."""
        return f"{self._at + 1} of {len(self._items)}" if self._items else "there is none"

    def _lines(self) -> StyleAndTextTuples:
        focused = get_app().layout.has_focus(self._window)
        found: StyleAndTextTuples = []
        for place, item in enumerate(self._items):
            here = place == self._at
            mark = "> " if here else "  "
            line = f" {mark}{item.label.ljust(_WORD - 4)} {item.told}"
            if len(line) > _WIDTH:
                line = f"{line[: _WIDTH - 3]}..."
            found.append(("class:focus" if here and focused else "", line.ljust(_WIDTH)))
            found.append(("", "\n"))
        return found[:-1]

    def _whole(self) -> str:
        """What stands cut off in the line that is chosen."""
        return "\n".join(wrapped(self._items[self._at].told, " ", " ")[:2]) if self._items else ""

    def _move(self, by: int) -> None:
        self._at = max(0, min(len(self._items) - 1, self._at + by))

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        for name, by in (("up", -1), ("down", 1), ("home", -10_000), ("end", 10_000)):
            keys.add(name)(lambda _, by=by: self._move(by))
        keys.add("pageup")(lambda _: self._move(-_page_of(self._window)))
        keys.add("pagedown")(lambda _: self._move(_page_of(self._window)))
        keys.add("enter")(lambda _: self._done())

        @keys.add("<any>")
        def _letter(event: KeyPressEvent) -> None:
            """To the next line that begins with it."""
            order = [*range(self._at + 1, len(self._items)), *range(self._at + 1)]
            for place in order:
                if event.data and self._items[place].label.startswith(event.data.lower()):
                    self._at = place
                    return

        return keys


class TextPane:
    """A text that scrolls."""

    hint = "Up/Down scroll  Enter go on"

    def __init__(self, text: str, *, tail: bool) -> None:
        self.text = text
        self._top, self._tail = 0, tail
        self._window = Window(
            FormattedTextControl(self._shown, focusable=True, get_cursor_position=lambda: Point(0, self._first())),
            wrap_lines=False,
            always_hide_cursor=True,
            get_vertical_scroll=lambda _: self._first(),
        )

    def prepare(self, done: Callable[[], None]) -> None:
        """Keys scroll while a button has the focus, so nothing is to be prepared."""

    def container(self) -> AnyContainer:
        """The text."""
        return self._window

    def first(self) -> Window | None:
        """The buttons have the focus; the text scrolls all the same."""
        return None

    def position(self) -> str:
        """Which lines of how many."""
        lines, shown = self.text.count("\n") + 1, _page_of(self._window) + 1
        first = self._first()
        if lines <= shown:
            return "all of it"
        return f"lines {first + 1} to {min(lines, first + shown)} of {lines}"

    def _shown(self) -> AnyFormattedText:
        return ANSI(self.text)

    def _last_top(self) -> int:
        return max(0, self.text.count("\n") - _page_of(self._window))

    def _first(self) -> int:
        return self._last_top() if self._tail else min(self._top, self._last_top())

    def _move(self, by: int) -> None:
        self._top = max(0, min(self._last_top(), self._first() + by))
        self._tail = self._tail and self._top == self._last_top()

    def keys(self) -> KeyBindings:
        """What scrolls it, while a button has the focus."""
        keys = KeyBindings()
        for name, by in (("up", -1), ("down", 1), ("home", -1_000_000), ("end", 1_000_000)):
            keys.add(name)(lambda _, by=by: self._move(by))
        keys.add("pageup")(lambda _: self._move(-_page_of(self._window)))
        keys.add("pagedown")(lambda _: self._move(_page_of(self._window)))
        return keys


def _page_of(window: Window) -> int:
    """How far a page is."""
    shown = window.render_info.window_height if window.render_info is not None else 18
    return max(1, shown - 1)
