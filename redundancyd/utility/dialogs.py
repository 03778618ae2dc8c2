"""The display of the dialogs: one full screen at a time, by keys alone, on any terminal that can place its cursor.

It and its panes alone import prompt_toolkit.  It knows no action: menus, forms and texts come in, what the operator
chose goes out.
Drawn in ASCII; what has the focus is shown in reverse, so nothing depends on colour.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from prompt_toolkit.application import Application
from prompt_toolkit.application.run_in_terminal import run_in_terminal
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.key_binding.bindings.focus import focus_next, focus_previous
from prompt_toolkit.layout import AnyContainer, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.styles import Style

from redundancyd.utility.buttons import Buttons
from redundancyd.utility.form_pane import FormPane
from redundancyd.utility.menus import Form, Menu, Text
from redundancyd.utility.panes import ListPane, Pane, TextPane
from redundancyd.utility.text import Paint, plain

_STYLE = Style.from_dict({"title": "reverse bold", "focus": "reverse", "wrong": "bold", "rule": "", "hint": ""})
_ESCAPE_S = 0.2  # how long the rest of a key may take that begins with Escape; slow lines need some
_RULE = 78
_OK, _BACK, _HELP = "OK", "Back", "Help"

Check = Callable[[Mapping[str, str | bool]], Sequence[tuple[str, str]]]


class Display:
    """The terminal, while dialogs are on it."""

    def __init__(self, term: str, paint: Paint, *, to: tuple[Input, Output] | None = None) -> None:
        self.paint, self._away = paint, False
        monochrome = not paint.colour or term.startswith("vt")
        self._app: Application[int] = Application(
            layout=Layout(Window(FormattedTextControl("", focusable=True))),
            style=_STYLE,
            full_screen=True,
            mouse_support=False,
            color_depth=ColorDepth.DEPTH_1_BIT if monochrome else ColorDepth.DEPTH_4_BIT,
            input=to[0] if to else None,
            output=to[1] if to else None,
        )
        self._app.ttimeoutlen = _ESCAPE_S
        self._app.key_bindings = _anywhere(lambda: self._away)

    def run(self, flow: Callable[["Display"], Awaitable[None]]) -> None:
        """Show dialogs until the flow ends; KeyboardInterrupt when it was left with Ctrl-C."""

        async def whole() -> None:
            try:
                await flow(self)
            except Exception as error:  # noqa: BLE001 - is raised again where the terminal is ours no more
                self._app.exit(exception=error)
            else:
                self._app.exit(result=0)

        def begin() -> None:
            self._app.create_background_task(whole())

        self._app.run(pre_run=begin)

    async def menu(self, menu: Menu) -> str | None:
        """The key of what was chosen; None is one step back."""
        pane = ListPane(menu)
        chosen = await self._show(menu.title, pane, (_OK, _BACK), menu.help)
        return pane.chosen if chosen == _OK else None

    async def form(self, form: Form, check: Check) -> Mapping[str, str | bool] | None:
        """What was typed, once there is no mistake in it; None is one step back."""
        pane = FormPane(form)
        while await self._show(form.title, pane, (_OK, _BACK), form.help) == _OK:
            mistakes = check(pane.typed)
            if not mistakes:
                return pane.typed
            pane.complain(mistakes)
        return None

    async def text(self, text: Text, coming: AsyncIterator[Text] | None = None) -> str:
        """The button that was pressed; what comes replaces the text meanwhile."""
        pane = TextPane(text.text, tail=text.tail)
        buttons = Buttons(text.buttons)

        async def refresh(source: AsyncIterator[Text]) -> None:
            async for new in source:
                pane.text = new.text
                buttons.rename(new.buttons)
                self._app.invalidate()

        task = asyncio.create_task(refresh(coming)) if coming is not None else None
        try:
            return await self._show(text.title, pane, buttons, text.help) or buttons.names[-1]
        finally:
            if task is not None:
                task.cancel()

    async def wait(self, title: str, text: str) -> None:
        """Say what is being waited for, and return at once."""
        self._app.layout = _layout(title, TextPane(text, tail=False), None, KeyBindings())
        self._app.invalidate()

    async def in_terminal(self, does: Callable[[], object]) -> None:
        """Give the terminal away until it is done."""
        self._away = True  # Ctrl-C is then for what is done there
        try:
            await run_in_terminal(does, in_executor=True)
        finally:
            self._away = False

    async def _show(self, title: str, pane: Pane, buttons: Buttons | Sequence[str], help_text: str) -> str | None:
        """One dialog until it is answered: the button, or None for Escape."""
        answered: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

        def answer(word: str | None) -> None:
            if not answered.done():
                answered.set_result(word)

        row = buttons if isinstance(buttons, Buttons) else Buttons(buttons)
        keys = KeyBindings()
        keys.add("escape", eager=True)(lambda _: answer(None))

        async def help_() -> None:
            if help_text:
                await self._show(f"Help: {title}", TextPane(help_text, tail=False), (_OK,), "")
                self._app.layout = layout

        def press(word: str) -> None:
            if word == _HELP:
                self._app.create_background_task(help_())
            else:
                answer(word)

        row.prepare(press, with_help=bool(help_text))
        layout = _layout(title, pane, row, keys)
        pane.prepare(lambda: answer(row.names[0]))
        keys.add("f1")(lambda _: press(_HELP))
        if not isinstance(pane, FormPane):
            keys.add("?")(lambda _: press(_HELP))
        self._app.layout = layout
        layout.focus(pane.first() or row.first())
        self._app.invalidate()
        return await answered


def display(paint: Paint) -> Display:
    """The display of this terminal."""
    return Display(os.environ.get("TERM", ""), paint)


def _layout(title: str, pane: Pane, buttons: Buttons | None, keys: KeyBindings) -> Layout:
    """Title, body, a rule that says how much there is, buttons, and the keys that work here."""

    def rule() -> str:
        return f" {pane.position()} ".center(_RULE, "-").ljust(_RULE)

    rows: list[AnyContainer] = [
        Window(FormattedTextControl(lambda: f" {plain(title)}"), height=1, style="class:title"),
        pane.container(),
        Window(FormattedTextControl(rule), height=1, style="class:rule"),
    ]
    if buttons is not None:
        rows += [buttons.container(), Window(FormattedTextControl(_hint(pane)), height=1, style="class:hint")]
    both = merge_key_bindings([keys, pane.keys()])
    return Layout(HSplit(rows, key_bindings=both, height=Dimension(weight=1)))


def _hint(pane: Pane) -> str:
    return f" {pane.hint}  Tab buttons  F1 Help  Esc back  Ctrl-C leave"


def _anywhere(away: Callable[[], bool]) -> KeyBindings:
    """What works in every dialog."""
    keys = KeyBindings()

    @keys.add("c-c", eager=True)
    @keys.add("<sigint>")
    def _leave(event: KeyPressEvent) -> None:
        if not event.app.is_done and not away():
            event.app.exit(exception=KeyboardInterrupt())

    keys.add("tab")(focus_next)
    keys.add("s-tab")(focus_previous)

    @keys.add("c-l")
    def _redraw(event: KeyPressEvent) -> None:
        event.app.renderer.clear()

    return keys
