"""The dialogs on a terminal that cannot place its cursor (TERM=dumb): lines, numbers, and the same Help."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from redundancyd.utility.menus import GO_OR_NOT, Form, Menu, Text
from redundancyd.utility.text import PLAIN, Paint, wrapped

_HELP = "?"
_UNDER_WAY = "OK"  # what the button says once something has ended
Check = Callable[[Mapping[str, str | bool]], Sequence[tuple[str, str]]]


class Lines:
    """A terminal of lines."""

    paint: Paint = PLAIN

    def run(self, flow: Callable[["Lines"], Awaitable[None]]) -> None:
        """Ask until the flow ends; the end of the input is Ctrl-C."""

        async def whole() -> None:
            await flow(self)

        try:
            asyncio.run(whole())
        except EOFError:
            raise KeyboardInterrupt from None

    async def menu(self, menu: Menu) -> str | None:
        """A number chooses; an empty line goes back."""
        while True:
            _head(menu.title, menu.text)
            for number, item in enumerate(menu.items, 1):
                print("\n".join(wrapped(item.told, f"{number:4} {item.label.ljust(22)} ")))
            said = _said("Number, ? for Help, nothing to go back: ")
            if said == _HELP:
                _help(menu.help)
            elif not said:
                return None
            elif said.isdecimal() and 1 <= int(said) <= len(menu.items):
                return menu.items[int(said) - 1].key
            else:
                print(f"There is no {said[:20]!r} here.")

    async def form(self, form: Form, check: Check) -> Mapping[str, str | bool] | None:
        """A line for each field; after the last one `b` goes back."""
        while True:
            _head(form.title, form.text)
            typed = {field.name: self._field(form, field.name) for field in form.fields}
            for name, text in check(typed):
                print("\n".join(wrapped(f"{name}: {text}" if name else text, "  ! ")))
            if check(typed):
                if _said("Enter to try again, b to go back: ") == "b":
                    return None
                continue
            return typed

    async def text(self, text: Text, coming: AsyncIterator[Text] | None = None) -> str:
        """The text; then the question, if there is one.  What goes on is shown when it has ended."""
        if coming is not None and text.buttons[0] != _UNDER_WAY:
            print("Under way; Ctrl-C leaves it to the daemon.", flush=True)
            async for new in coming:
                text = new
        while True:
            _head(text.title, "")
            print(text.text)
            ask = f"{text.buttons[0]}? y or n" if text.buttons == GO_OR_NOT else f"Enter: {text.buttons[0]}"
            said = _said(f"{ask}, ? for Help: ").lower()
            if said != _HELP:
                return text.buttons[0 if said in {"y", "yes"} else -1]
            _help(text.help)

    async def wait(self, _title: str, text: str) -> None:
        """Say what is being waited for."""
        print(text, flush=True)

    async def in_terminal(self, does: Callable[[], object]) -> None:
        """It is a terminal already."""
        does()

    def _field(self, form: Form, name: str) -> str | bool:
        field = next(field for field in form.fields if field.name == name)
        check = isinstance(field.value, bool)
        while True:
            print("\n".join(wrapped(field.help, "  ")))
            said = _said(f"{field.label}{' (y or n)' if check else ''}: ")
            if said != _HELP:
                return said.lower() in {"y", "yes"} if check else said
            _help(form.help)


def _said(question: str) -> str:
    """What is answered; nothing else runs meanwhile, and nothing has to."""
    return input(question).strip()


def _head(title: str, text: str) -> None:
    print("\n".join(["", f"== {title}", *(wrapped(text) if text else [])]))


def _help(text: str) -> None:
    print("\n".join(["", text.partition("\n\nKeys:")[0], ""]))
