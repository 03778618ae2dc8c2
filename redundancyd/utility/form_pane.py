"""A body of a dialog: a form to fill in."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from prompt_toolkit.application import get_app
from prompt_toolkit.formatted_text import AnyFormattedText, StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import AnyContainer, FormattedTextControl, HSplit, VSplit, Window
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.widgets import TextArea

from redundancyd.utility.menus import Field, Form
from redundancyd.utility.text import wrapped

_LABEL = 16  # at least this wide


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
        self._label = max(_LABEL, *(len(field.label) + len("    ") for field in form.fields))
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
        head = Window(FormattedTextControl(f"  {field.label}"), width=self._label, height=1)
        if check:
            control = FormattedTextControl(lambda: self._box(name), focusable=True, key_bindings=self._box_keys(name))
            window = Window(control, width=1, height=1)
        else:
            done = partial(self._next, name)
            area = TextArea(
                str(field.value), multiline=False, wrap_lines=False, height=1, accept_handler=lambda _: done()
            )
            area.buffer.cursor_position = len(area.text)  # what stood there before is gone on with
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


def _bracket(sign: str) -> Window:
    return Window(FormattedTextControl(sign), width=1, height=1)
