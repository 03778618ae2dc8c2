"""The way through the dialogs: from word to word, one question after the other, to what is shown or done.

Escape goes one step back.  Nothing is ordered before the last question was answered, and an order is one request:
who leaves has either ordered the whole, or nothing.
"""

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import click

from redundancyd.actions import Action, Argument, Kind
from redundancyd.argument_check import check
from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached, RedundancyError
from redundancyd.own_thread import own_thread
from redundancyd.utility import commands, follow, menus, setup_follow, setup_screens, translation
from redundancyd.utility.lines import Lines
from redundancyd.utility.looks import LOOKS
from redundancyd.utility.menus import GO_OR_NOT, ITSELF, Form, Menu, Text
from redundancyd.utility.progress import Progress
from redundancyd.utility.text import Paint, wrapped
from redundancyd.utility.words import Node, find, typed

T = TypeVar("T")
Values = dict[str, Any]
_WATCH_S = 1.0
_INTERRUPTED = 130
_OK = ("OK",)
_ASKING = "Asking the daemon..."
_SENT = "; the order had been sent: see 'redundancyctl status'"
_GOES_ON = "; it goes on in the daemon: 'redundancyctl events --follow' shows it"
_CANNOT_PLACE = frozenset({"", "dumb", "unknown"})


class Terminal(Protocol):
    """What dialogs are shown on."""

    paint: Paint

    async def menu(self, menu: Menu) -> str | None:
        """The key of what was chosen; None is one step back."""

    async def form(
        self, form: Form, check: Callable[[Mapping[str, str | bool]], list[tuple[str, str]]]
    ) -> Mapping[str, str | bool] | None:
        """What was typed, once there is no mistake in it; None is one step back."""

    async def text(self, text: Text, coming: AsyncIterator[Text] | None = None) -> str:
        """The button that was pressed; what comes replaces the text meanwhile."""

    async def wait(self, title: str, text: str) -> None:
        """Say what is being waited for."""

    async def in_terminal(self, does: Callable[[], object]) -> None:
        """Give the terminal away until it is done."""


def dialogs(root: Node, words: tuple[str, ...], given: Mapping[str, Any], socket: str) -> int:
    """Dialogs from this place on, until the operator has had enough; the exit status."""
    walk, start = Walk(Client(socket), root), find(root, words)
    try:
        if os.environ.get("TERM", "dumb") in _CANNOT_PLACE:
            Lines().run(lambda terminal: walk.begin(terminal, start, given))
        else:
            from redundancyd.utility.dialogs import display  # noqa: PLC0415 - 200 ms that plain words do not pay

            display(commands.paint()).run(lambda terminal: walk.begin(terminal, start, given))
    except KeyboardInterrupt:
        click.echo(f"left{walk.goes_on}", err=True)
        return _INTERRUPTED
    return walk.status


class Walk:
    """One operator's way."""

    def __init__(self, client: Client, root: Node) -> None:
        self.client, self._root = client, root
        self.goes_on = ""  # what the daemon does even if the operator leaves now
        self.status = 0  # of the last thing that was done
        self._terminal: Terminal

    async def begin(self, terminal: Terminal, node: Node, given: Mapping[str, Any]) -> None:
        """The menu or the action at this place, until there is nowhere further back."""
        self._terminal = terminal
        if node.children:
            await self._menu(node)
        else:
            await self._action(node, {**node.fixed, **given})

    async def _menu(self, node: Node) -> None:
        shown = menus.menu(node)
        while (key := await self._terminal.menu(shown)) is not None:
            child, shown = node.child(key), replace(shown, start=key)
            if key == ITSELF:
                await self._action(node, {})
            elif child is not None and child.children:
                await self._menu(child)
            elif child is not None:
                await self._action(child, dict(child.fixed))

    async def _action(self, node: Node, given: Values) -> None:
        """Ask for what is missing, one step after the other; then show it or do it."""
        asked = menus.steps(node, given)
        answers: list[Values] = []
        before: Values = {}  # what had been typed when the operator came back
        while True:
            values = {**given, **{name: value for answer in answers for name, value in answer.items()}}
            if len(answers) < len(asked):
                answer = await self._guarded(node, self._ask(node, asked[len(answers)], values, before))
                if answer is not None:
                    answers.append(answer)
                    continue
            elif await self._guarded(node, self._do(node, values)):
                return
            if not answers:
                return
            before |= answers.pop()

    async def _guarded(self, node: Node, work: Coroutine[None, None, T | None]) -> T | None:
        """What comes of it; what goes wrong is shown, and is a step back."""
        try:
            return await work
        except (RedundancyError, click.UsageError) as error:
            told = error.format_message() if isinstance(error, click.UsageError) else str(error)
            self.goes_on, self.status = "", error.exit_code
            await self._told(node, "It was not done", told)
            return None

    async def _ask(
        self, node: Node, wanted: Argument | tuple[Argument, ...], values: Values, before: Values
    ) -> Values | None:
        if isinstance(wanted, Argument):
            return await self._choose(node, wanted, values, before)
        form = menus.form(node, wanted, before)
        filled = await self._terminal.form(form, lambda lines: _mistakes(node, values, menus.values_of(wanted, lines)))
        return None if filled is None else menus.values_of(wanted, filled)

    async def _choose(self, node: Node, argument: Argument, values: Values, before: Values) -> Values | None:
        if argument.choices:
            menu = menus.choices(node, argument, _said(node, values))
        else:
            assert argument.offers is not None
            address, *_ = argument.offers
            page = await own_thread(lambda: self.client.get(address))
            menu = menus.offered(node, argument, page)
        menu = replace(menu, start=str(before.get(argument.name, "")))
        key = await self._terminal.menu(menu)
        return None if key is None else {argument.name: key} if key else {}

    async def _do(self, node: Node, values: Values) -> bool:
        """Whether it was done, or shown; otherwise the operator went back."""
        action = node.action
        assert action is not None
        if action.changes and not action.local:
            return await self._order(node, values)
        if action.name in LOOKS:
            await self._look(node, values)
        else:
            await self._terminal.in_terminal(lambda: self._as_typed(node, values))
        return True

    async def _look(self, node: Node, values: Values) -> None:
        assert node.action is not None
        look, paint = LOOKS[node.action.name], self._terminal.paint

        async def shown() -> Text:
            page = await own_thread(lambda: look.page(self.client, values))
            return Text(menus.title(node), look.screen(page, paint), _OK, menus.action_help(node), tail=_is_log(node))

        async def again() -> AsyncIterator[Text]:
            while True:
                await asyncio.sleep(_WATCH_S)
                try:
                    yield await shown()
                except RedundancyError as error:
                    yield Text(menus.title(node), "\n".join(wrapped(str(error))), _OK, menus.action_help(node))

        await self._terminal.text(await shown(), again() if menus.is_live(node) else None)

    def _as_typed(self, node: Node, values: Values) -> None:
        """Something that talks to the terminal by itself: the same words in a process of its own, then back."""
        said = typed(node, values)
        print(f"$ redundancyctl {shlex.join(said)}\n", flush=True)
        program = (sys.executable, "-m", "redundancyd.utility.cli", "--socket", self.client.path)
        self.status = subprocess.run([*program, *said], check=False).returncode
        input(f"\nExit status {self.status}.  Enter goes back. ")

    async def _order(self, node: Node, values: Values) -> bool:
        action = node.action
        assert action is not None
        body = commands.body_of(action, values)
        question = await self._question(node, body)
        if question is not None and await self._terminal.text(question) != GO_OR_NOT[0]:
            return False
        await self._terminal.wait(menus.title(node), _ASKING)
        goes_on = action.followed or bool(action.ends_with)
        first, seq = await own_thread(lambda: setup_follow.before(self.client)) if goes_on else ({}, 0)
        self.goes_on = _SENT
        answer = await own_thread(lambda: commands.act(action, body, self.client))
        self.goes_on, self.status = "", 0
        over = _over(action, first, answer)
        if over is None:
            await self._told(node, "Done", answer["detail"])
        else:
            await self._followed(node, answer["detail"], seq, over)
        return self.status == 0

    async def _question(self, node: Node, body: Values) -> Text | None:
        """The last word before it is done, and what the body lacks; None where nothing is asked."""
        action, paint = node.action, self._terminal.paint
        assert action is not None
        if action.previewed:
            await self._terminal.wait(menus.title(node), _ASKING)
            page = await own_thread(lambda: commands.previewed(action, body, self.client))
            told, help_text = setup_screens.preview(page, paint), menus.action_help(node)
            if not page["refused"]:
                return Text(menus.title(node), told, GO_OR_NOT, help_text)
            refused = setup_screens.refusal(page, menus.hint_of(node, told), paint)
            return Text(menus.title(node), refused, ("Back",), help_text)
        if not action.asks:
            return None
        added, shown = await own_thread(lambda: translation.meant(action, body, self.client, paint))
        body |= added
        question = menus.question(node, body)
        return replace(question, text=shown) if shown else question

    async def _followed(self, node: Node, begun: str, seq: int, over: follow.Over) -> None:
        """Show how it goes on in the daemon until it has ended, or the operator has seen enough."""
        progress, paint = Progress(begun), self._terminal.paint
        assert node.action is not None
        is_told = setup_follow.is_shown if node.action.name in setup_follow.FOLLOWED else None  # all of it

        def shown() -> Text:
            button = "OK" if progress.ended is not None else "Leave it to the daemon"
            return Text(menus.title(node), progress.screen(paint), (button,), menus.action_help(node), tail=True)

        async def coming() -> AsyncIterator[Text]:
            looks = follow.looks(self.client, seq)
            while progress.ended is None:
                seen = await own_thread(lambda: next(looks))
                if isinstance(seen, DaemonNotReached):
                    progress.away(str(seen))
                else:
                    progress.see(seen.page, list(filter(is_told, seen.lines)), over(seen))
                yield shown()

        self.goes_on = _GOES_ON
        await self._terminal.text(shown(), coming())
        self.goes_on = ""
        self.status = progress.ended[0] if progress.ended is not None else 0

    async def _told(self, node: Node, head: str, told: str) -> None:
        paint = self._terminal.paint
        lines = [paint.bold(head), "", *(line for part in told.splitlines() for line in wrapped(part))]
        await self._terminal.text(Text(menus.title(node), "\n".join(lines), _OK, menus.action_help(node)))


def _over(action: Action, first: Values, answer: Values) -> follow.Over | None:
    """When what was begun has ended; None where it is done with the answer."""
    if action.name in setup_follow.FOLLOWED:
        return setup_follow.over(action.name, first)
    if action.followed and answer["takeover"] is not None:
        return follow.over_takeover(answer["takeover"])
    return follow.over_event(action.ends_with) if action.ends_with else None


def _mistakes(node: Node, values: Values, typed: Values) -> list[tuple[str, str]]:
    """What is wrong with a form, each by the label of its line."""
    action = node.action
    assert action is not None
    if action.changes:
        try:
            found = check(action, commands.body_of(action, {**values, **typed}))
        except click.UsageError as error:  # the file that is named cannot be read
            named = next((argument for argument in action.arguments if argument.kind is Kind.LINES), None)
            return [(menus.label(named.name) if named is not None else "", error.format_message())]
        wrong = found if isinstance(found, tuple) else ()
    else:
        wrong = menus.mistakes_in(node.asked, {**values, **typed})
    return [(menus.label(mistake.argument), mistake.text) for mistake in wrong]


def _said(node: Node, values: Values) -> str:
    """The choices that were made on the way, by their words."""
    assert node.action is not None
    words = {choice.value: choice.word for argument in node.asked for choice in argument.choices}
    return " > ".join(words[value] for value in values.values() if isinstance(value, str) and value in words)


def _is_log(node: Node) -> bool:
    return any(argument.name == "follow" for argument in node.options)
