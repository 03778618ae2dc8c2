"""The row of buttons below a dialog."""

from collections.abc import Callable, Sequence

from prompt_toolkit.application import get_app
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import AnyContainer, FormattedTextControl, VSplit, Window


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
