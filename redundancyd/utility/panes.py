"""The bodies of the dialogs: a list to choose from, a form to fill in, a text to read, and the row of buttons."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from prompt_toolkit.application import get_app
from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import ANSI, AnyFormattedText, StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import AnyContainer, FormattedTextControl, HSplit, VSplit, Window
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.widgets import TextArea

from redundancyd.utility.menus import Field, Form, Menu
from redundancyd.utility.text import wrapped

_WORD = 26  # where the explanation of a list's line begins
_LABEL = 16
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


class FormPane:
    """Lines to be typed into."""

    hint = "Up/Down move  Enter next"

    def __init__(self, form: Form) -> None:
        self._form = form
        self._boxes = {field.name: field.value for field in form.fields if isinstance(field.value, bool)}
        self._areas: dict[str, TextArea] = {}
        self._windows: dict[str, Window] = {}
        self._wrong: list[str] = []
        self._done: Callable[[], None] = lambda: None
        self._start = form.fields[0].name
        self._rows = [self._row(field) for field in form.fields]

    @property
    def typed(self) -> Mapping[str, str | bool]:
        """What stands in the lines now."""
        return {**{name: area.text for name, area in self._areas.items()}, **self._boxes}

    def complain(self, mistakes: Sequence[tuple[str, str]]) -> None:
        """Show what is wrong, and go to the first of it."""
        self._wrong = [line for name, text in mistakes for line in wrapped(f"{name}: {text}" if name else text, "  ! ")]
        labels = {name for name, _ in mistakes}
        named = [field.name for field in self._form.fields if field.label in labels]
        self._start = named[0] if named else self._start

    def prepare(self, done: Callable[[], None]) -> None:
        """Enter in the last line."""
        self._done = done

    def container(self) -> AnyContainer:
        """The sentence, the lines, what the one means where the focus is, and what was wrong."""
        told = Window(FormattedTextControl(self._told), height=Dimension(min=3), wrap_lines=True)
        head = ["", *wrapped(self._form.text), ""]
        above = Window(FormattedTextControl("\n".join(head)), height=len(head))
        return HSplit([above, *self._rows, Window(height=1), told])

    def first(self) -> Window | None:
        """The line that was wrong, or the first."""
        return self._windows[self._start]

    def keys(self) -> KeyBindings:
        """None; the lines have theirs."""
        return KeyBindings()

    def position(self) -> str:
        """How many lines there are."""
        return "1 line to fill in" if len(self._windows) == 1 else f"{len(self._windows)} lines to fill in"

    def _row(self, field: Field) -> AnyContainer:
        name, check = field.name, isinstance(field.value, bool)
        head = Window(FormattedTextControl(f"  {field.label}"), width=_LABEL, height=1)
        if check:
            control = FormattedTextControl(lambda: self._box(name), focusable=True, key_bindings=self._box_keys(name))
            window = Window(control, width=1, height=1)
        else:
            done = partial(self._next, name)
            area = TextArea(
                str(field.value), multiline=False, wrap_lines=False, height=1, accept_handler=lambda _: done()
            )
            self._areas[name] = area
            window = area.window
        self._windows[name] = window
        row = [head, _bracket("["), window, _bracket("]"), *([Window()] if check else [])]
        return VSplit(row, key_bindings=self._moving())

    def _box(self, name: str) -> StyleAndTextTuples:
        focused = get_app().layout.has_focus(self._windows[name])
        return [("class:focus" if focused else "", "x" if self._boxes[name] else " ")]

    def _told(self) -> AnyFormattedText:
        here = next((f for f in self._form.fields if get_app().layout.has_focus(self._windows[f.name])), None)
        lines = wrapped(here.help, f"  {here.label}: ", "  ") if here else []
        wrong: StyleAndTextTuples = [("class:wrong", "\n".join(self._wrong))]
        return [("", "\n".join([*lines, "", ""])), *wrong]

    def _next(self, name: str) -> bool:
        names = list(self._windows)
        if name == names[-1]:
            self._done()
        else:
            get_app().layout.focus(self._windows[names[names.index(name) + 1]])
        return True  # the text stays in its line

    def _moving(self) -> KeyBindings:
        keys = KeyBindings()

        def move(by: int) -> None:
            windows = list(self._windows.values())
            here = next((at for at, window in enumerate(windows) if get_app().layout.has_focus(window)), 0)
            get_app().layout.focus(windows[max(0, min(len(windows) - 1, here + by))])

        keys.add("up")(lambda _: move(-1))
        keys.add("down")(lambda _: move(1))
        return keys

    def _box_keys(self, name: str) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("space")
        @keys.add("x")
        def _toggle(_: KeyPressEvent) -> None:
            self._boxes[name] = not self._boxes[name]

        keys.add("enter")(lambda _: self._next(name))
        return keys


class Buttons:
    """What can be said to a dialog; Help stands last."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._press: Callable[[str], None] = lambda _: None
        self._windows: list[Window] = []
        self._with_help = False

    def prepare(self, press: Callable[[str], None], *, with_help: bool) -> None:
        """What pressing one does."""
        self._press, self._with_help = press, with_help
        count = len(self.names) + with_help
        self._windows[:] = [self._button(place) for place in range(count)] if not self._windows else self._windows

    def rename(self, names: Sequence[str]) -> None:
        """The same buttons say something else from now on."""
        assert len(names) == len(self.names)
        self.names = tuple(names)

    def container(self) -> AnyContainer:
        """A row; Tab goes from the body to it and back, arrows go along it."""
        keys = KeyBindings()
        keys.add("left")(lambda _: self._along(-1))
        keys.add("right")(lambda _: self._along(1))
        return VSplit([Window(width=1), *self._windows, Window()], height=1, key_bindings=keys)

    def first(self) -> Window:
        """Where the focus begins when the body takes none: the last word, which does nothing, if one is Cancel."""
        return self._windows[self.names.index("Cancel") if "Cancel" in self.names else 0]

    def _label(self, place: int) -> str:
        return self.names[place] if place < len(self.names) else "Help"

    def _button(self, place: int) -> Window:
        keys = KeyBindings()

        @keys.add("enter")
        @keys.add("space")
        def _pressed(_: KeyPressEvent) -> None:
            self._press(self._label(place))

        def shown() -> StyleAndTextTuples:
            focused = get_app().layout.has_focus(window)
            label = f"<  {self._label(place)}  >"
            return [("class:focus" if focused else "", f"[{label}]" if focused else f" {label} ")]

        control = FormattedTextControl(shown, focusable=True, key_bindings=keys)
        window = Window(control, height=1, dont_extend_width=True, always_hide_cursor=True)
        return window

    def _along(self, by: int) -> None:
        here = next((at for at, window in enumerate(self._windows) if get_app().layout.has_focus(window)), 0)
        get_app().layout.focus(self._windows[(here + by) % len(self._windows)])


def _page_of(window: Window) -> int:
    """How far a page is."""
    shown = window.render_info.window_height if window.render_info is not None else 18
    return max(1, shown - 1)


def _bracket(sign: str) -> Window:
    return Window(FormattedTextControl(sign), width=1, height=1)
