"""What each command does: asks the daemon through the client, shows a screen, gives the exit status."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from redundancyd.actions import Action, Kind
from redundancyd.argument_check import check
from redundancyd.client import Client
from redundancyd.errors import DaemonNotReached, RequestRefused
from redundancyd.requests import Mistake
from redundancyd.utility import data_screens, rows, screens, translation, translation_screens
from redundancyd.utility.follow import follow
from redundancyd.utility.text import Paint

WATCH_S = 1.0
_CLEAR = "\x1b[H\x1b[2J"
_LATEST = 200  # events that are shown; the journal has them all

Values = Mapping[str, Any]


def perform(action: Action, values: Values, socket: str) -> int:
    """The exit status of one command."""
    client = Client(socket)
    if action.changes:
        return _order(action, values, client)
    return _SHOWN[action.name](client, values)


def _order(action: Action, values: Values, client: Client) -> int:
    """An action that changes something: checked, shown, asked, done, and followed to its end."""
    body = {**body_of(action, values), **translation.read_files(action, values)}
    mistakes = check(action, body)
    if isinstance(mistakes, tuple):
        raise click.UsageError("\n".join(_as_typed(action, mistake) for mistake in mistakes))
    only_shown, yes = bool(values.get("preview")), bool(values.get("yes"))
    if action.asks and not (yes or only_shown or _on_terminal()):
        words = " ".join(action.words)
        look = ", or --preview to look" if action.previewed else ""
        raise click.UsageError(f"{words} asks before it does anything, and nobody is there to answer: add --yes{look}.")
    if action.previewed:
        page = client.get(f"/v1/preview/{action.name}", body)
        _show(page, values if only_shown else {}, screens.preview)
        if page["refused"]:
            return RequestRefused.exit_code
        if only_shown:
            return 0
    body |= translation.meant(action, body, client, paint())
    if action.asks and not yes and not click.confirm("\nGo on?"):
        click.echo("Nothing was done.")
        return 1
    begun = _last_seq(client) if action.followed and not values.get("no_wait") else None
    answer = translation.act(client, action.name, body)
    click.echo(answer["detail"])
    if begun is None or answer["takeover"] is None:
        return 0
    return follow(client, answer["takeover"], begun, lambda line: click.echo(screens.event(line, paint())))


def body_of(action: Action, values: Values) -> dict[str, Any]:
    """The JSON body that the words mean."""
    body: dict[str, Any] = {}
    for argument in action.arguments:
        value = values.get(argument.name)
        if value is None or argument.kind is Kind.FLAG:
            continue
        by_word = {choice.word: choice.value for choice in argument.choices}
        body[argument.name] = list(value) if argument.kind is Kind.NAMES else str(by_word.get(value, value))
    return body


def _as_typed(action: Action, mistake: Mistake) -> str:
    """A mistake, by the words of the command line."""
    bare = {argument.name: argument.like or argument.name for argument in action.arguments if argument.bare}
    return f"{bare.get(mistake.argument, '--' + mistake.argument.replace('_', '-'))}: {mistake.text}"


def _last_seq(client: Client) -> int:
    events = client.get("/v1/events")["events"]
    return int(events[-1]["seq"]) if events else 0


def _status(client: Client, values: Values) -> int:
    return _watched(client, values, screens.status)


def _data(client: Client, values: Values) -> int:
    return _watched(client, values, data_screens.data)


def _auto(client: Client, values: Values) -> int:
    return _show(client.get("/v1/status"), values, data_screens.auto)


def _watched(client: Client, values: Values, screen: Callable[[dict[str, Any], Paint], str]) -> int:
    if not values.get("watch"):
        return _show(client.get("/v1/status"), values, screen)
    while True:
        try:
            page = client.get("/v1/status")
        except DaemonNotReached as error:
            _clear(values)
            click.echo(str(error), err=True)
        else:
            _clear(values)
            _show(page, values, screen)
        sys.stdout.flush()
        time.sleep(WATCH_S)


def _translation(client: Client, values: Values) -> int:
    return _show(client.get("/v1/translation"), values, translation_screens.table)


def _alarms(client: Client, values: Values) -> int:
    return _show(client.get("/v1/alarms"), values, screens.alarms)


def _events(client: Client, values: Values) -> int:
    events = client.get("/v1/events")["events"][-_LATEST:]
    for line in events:
        _event(line, values)
    if values.get("follow"):
        for line in client.stream(events[-1]["seq"] if events else 0):
            _event(line, values)
            sys.stdout.flush()
    return 0


def _event(line: dict[str, Any], values: Values) -> None:
    click.echo(json.dumps(line) if values.get("json") else screens.event(line, paint()))


def _state(client: Client, values: Values) -> int:
    return _show(client.get("/v1/status"), values, lambda page, _: "\n".join(screens.facts(page)))


def _table(_: Client, values: Values) -> int:
    click.echo(json.dumps(rows.pages(), indent=2) if values.get("json") else rows.table())
    return 0


def _row(_: Client, values: Values) -> int:
    number = str(values["row"]).upper()
    page = rows.find(number)
    if page is None:
        known = [found["row"] for found in rows.pages()]
        raise click.UsageError(f"there is no row {number}; the table has {known[0]} to {known[-1]}")
    click.echo(json.dumps(page, indent=2) if values.get("json") else rows.row(page))
    return 0


def _show(page: dict[str, Any], values: Values, screen: Callable[[dict[str, Any], Paint], str]) -> int:
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
    "status": _status,
    "alarms": _alarms,
    "events": _events,
    "translation": _translation,
    "translation-list": _translation,
    "translation-edit": lambda client, _: translation.edit(client, paint()),
    "translation-export": translation.export,
    "data-list": _data,
    "data-auto-list": _auto,
    "inspect-table": _table,
    "inspect-state": _state,
    "inspect-row": _row,
}
