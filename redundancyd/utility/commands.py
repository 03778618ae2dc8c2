"""What each command does: asks the daemon through the client, shows a screen, gives the exit status."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from redundancyd.actions import Action, Kind
from redundancyd.argument_check import check
from redundancyd.client import Client, Refusal
from redundancyd.errors import DaemonNotReached, RequestRefused
from redundancyd.requests import Mistake
from redundancyd.utility import screens, setup_follow, setup_screens, translation
from redundancyd.utility.follow import follow, last_seq
from redundancyd.utility.looks import LOOKS, Look
from redundancyd.utility.text import Paint, plain

WATCH_S = 1.0
_CLEAR = "\x1b[H\x1b[2J"

Values = Mapping[str, Any]


def perform(action: Action, values: Values, socket: str) -> int:
    """The exit status of one command."""
    client = Client(socket)
    if action.local:
        from redundancyd.utility import lim_commands  # noqa: PLC0415 - brings what no other command needs

        return lim_commands.perform(action, values, client)
    if action.changes:
        return _order(action, values, client)
    if action.name in _SHOWN:
        return _SHOWN[action.name](client, values)
    return _shown(LOOKS[action.name], client, values)


def _order(action: Action, values: Values, client: Client) -> int:
    """An action that changes something: checked, shown, asked, done, and followed to its end."""
    body = body_of(action, values)
    mistakes = check(action, body)
    if isinstance(mistakes, tuple):
        raise wrong_words(action, mistakes)
    only_shown, yes = bool(values.get("preview")), bool(values.get("yes"))
    if action.asks and not (yes or only_shown or _on_terminal()):
        words = " ".join(action.words)
        look = ", or --preview to look" if action.previewed else ""
        raise click.UsageError(f"{words} asks before it does anything, and nobody is there to answer: add --yes{look}.")
    if action.previewed:
        page = previewed(action, body, client)
        _show(page, values if only_shown else {}, setup_screens.preview)
        if page["refused"]:
            return RequestRefused.exit_code
        if only_shown:
            return 0
    added, shown = translation.meant(action, body, client, paint())
    body |= added
    if shown:
        click.echo(shown)
    if action.asks and not yes and not click.confirm("\nGo on?"):
        click.echo("Nothing was done.")
        return 1
    if action.name in setup_follow.FOLLOWED:
        return _set_up(action, body, values, client)
    begun = last_seq(client) if action.followed and not values.get("no_wait") else None
    answer = translation.act(client, action.name, body)
    click.echo(plain(answer["detail"]))
    if begun is None or answer["takeover"] is None:
        return 0
    return follow(client, answer["takeover"], begun, lambda line: click.echo(screens.event(line, paint())))


def _set_up(action: Action, body: dict[str, Any], values: Values, client: Client) -> int:
    begun = setup_follow.before(client)
    click.echo(plain(client.act(action.name, body)["detail"]))
    if values.get("no_wait"):
        return 0
    try:
        return setup_follow.follow(client, action.name, begun, lambda line: click.echo(screens.event(line, paint())))
    except KeyboardInterrupt:
        click.echo("\nThe daemon goes on.  'redundancyctl status' shows it, 'redundancyctl remove' stops it.", err=True)
        raise


def body_of(action: Action, values: Values) -> dict[str, Any]:
    """The JSON body that the words mean."""
    body: dict[str, Any] = {}
    for argument in action.arguments:
        value = values.get(argument.name)
        if value is None or argument.kind is Kind.FLAG:
            continue
        by_word = {choice.word: choice.value for choice in argument.choices}
        body[argument.name] = list(value) if argument.kind is Kind.NAMES else str(by_word.get(value, value))
    return {**body, **translation.read_files(action, values)}


def wrong_words(action: Action, mistakes: Sequence[Mistake]) -> click.UsageError:
    """What is raised for words that make no sense: every mistake, a line each."""
    return click.UsageError("\n".join(_as_typed(action, mistake) for mistake in mistakes))


def previewed(action: Action, body: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Now, will do, afterwards, as the daemon works it out."""
    files = {argument.name for argument in action.arguments if argument.kind is Kind.LINES}
    return client.preview(action.name, {name: value for name, value in body.items() if name not in files})


def act(action: Action, body: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Have the daemon do it; every mistake that it names is in the error."""
    try:
        return client.act(action.name, body)
    except Refusal as error:
        if told := translation.mistakes(error):
            raise RequestRefused(error.tried, "; ".join(told), error.page.get("remedy", "")) from error
        raise


def _as_typed(action: Action, mistake: Mistake) -> str:
    """A mistake, by the words of the command line."""
    bare = {argument.name: argument.like or argument.name for argument in action.arguments if argument.bare}
    return f"{bare.get(mistake.argument, '--' + mistake.argument.replace('_', '-'))}: {mistake.text}"


def _shown(look: Look, client: Client, values: Values) -> int:
    """Once, or anew every second."""
    if not values.get("watch"):
        return _show(look.page(client, values), values, look.screen)
    while True:
        try:
            page = look.page(client, values)
        except DaemonNotReached as error:
            _clear(values)
            click.echo(plain(error), err=True)
        else:
            _clear(values)
            _show(page, values, look.screen)
        sys.stdout.flush()
        time.sleep(WATCH_S)


def _events(client: Client, values: Values) -> int:
    events = LOOKS["events"].page(client, values)
    for line in events:
        _event(line, values)
    if values.get("follow"):
        for line in client.stream(events[-1]["seq"] if events else 0):
            _event(line, values)
            sys.stdout.flush()
    return 0


def _event(line: dict[str, Any], values: Values) -> None:
    click.echo(json.dumps(line) if values.get("json") else screens.event(line, paint()))


def _show(page: object, values: Values, screen: Callable[[Any, Paint], str]) -> int:
    indent = None if values.get("watch") else 2
    click.echo(json.dumps(page, indent=indent) if values.get("json") else screen(page, paint()))
    return 0


def _clear(values: Values) -> None:
    if sys.stdout.isatty() and not values.get("json"):
        click.echo(_CLEAR, nl=False)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def paint() -> Paint:
    """Colour on a terminal that has some, where nobody has asked for none."""
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    return Paint(sys.stdout.isatty() and not dumb and not os.environ.get("NO_COLOR"))


_SHOWN: Mapping[str, Callable[[Client, Values], int]] = {
    "events": _events,
    "translation-edit": lambda client, _: translation.edit(client, paint()),
    "translation-export": translation.export,
}
"""What shows itself otherwise than as one page: a stream, or something that talks to the terminal."""
