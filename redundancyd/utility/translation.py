"""What the words of `settings translation` do beside asking the daemon: files, the editor, what `confirm` means."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from redundancyd.actions import Action, Kind
from redundancyd.client import Client, Refusal
from redundancyd.errors import RedundancyError, RequestRefused
from redundancyd.utility import translation_screens
from redundancyd.utility.text import Paint, plain, plain_lines

Values = Mapping[str, Any]
_CONFIRM, _IMPORT = "translation-confirm", "translation-import"
_AT_ONCE = 1000
_EDITOR = "vi"
_WANTED = 4
"""bytes of UTF-8 in a character, at most"""


def read_files(action: Action, values: Values) -> dict[str, str]:
    """The texts that the words name by their files."""
    found = {}
    for argument in action.arguments:
        if argument.kind is Kind.LINES and (name := values.get(argument.name)) is not None:
            found[argument.name] = _read(str(name), argument.most)
    return found


def _read(name: str, most: int) -> str:
    data = b""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_WANTED * most + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_WANTED * most + 1)
        return data.decode()
    except OSError as error:
        raise click.UsageError(f"{name} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise click.UsageError(f"{name}, line {line}: it is not UTF-8; write it in ASCII or UTF-8") from error


def meant(action: Action, body: Values, client: Client, paint: Paint) -> tuple[dict[str, Any], str]:
    """What a bare `confirm` means: the new addresses, which have to be shown first, and none that comes afterwards."""
    if action.name != _CONFIRM or body.get("addresses"):
        return {}, ""
    page = client.get("/v1/translation")
    new = [each["address"] for each in page.get("addresses", []) if each["kind"] == "new"][:_AT_ONCE]
    if not new:
        return {}, ""  # the daemon says why there is nothing to confirm
    shown = translation_screens.table({**page, "addresses": _only(page, set(new)), "gone": []}, paint)
    return {"addresses": new}, shown


def _only(page: Values, addresses: set[str]) -> list[Any]:
    return [each for each in page["addresses"] if each["kind"] == "new" and each["address"] in addresses]


def mistakes(error: Refusal) -> list[str]:
    """Every mistake that the daemon names, with its place."""
    found = error.page.get("mistakes", [])
    return [(f"{plain(each['argument'])}: " if each["argument"] else "") + plain(each["text"]) for each in found]


def act(client: Client, action: str, body: Values) -> dict[str, Any]:
    """Have it done; every mistake that the daemon names is told on a line of its own."""
    try:
        return client.act(action, body)
    except Refusal as error:
        told = mistakes(error)
        for line in told:
            click.echo(f"  {line}", err=True)
        if not told:
            raise
        count = "1 mistake" if len(told) == 1 else f"{len(told)} mistakes"
        raise RequestRefused(error.tried, count, error.page.get("remedy", "")) from error


def export(client: Client, values: Values) -> int:
    """The table to a file that is not there yet, or to the screen."""
    text = client.get("/v1/translation").get("table", "")
    name = values.get("file")
    if name is None:
        click.echo(text, nl=False)
        return 0
    try:
        with Path(name).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{name} is there already; name another file, or remove it") from None
    except OSError as error:
        raise RedundancyError(f"writing {name}", error.strerror or str(error), "Name another file.") from error
    click.echo(f"{name} has the table")
    return 0


def on_terminal() -> bool:
    """Whether somebody is there who could edit."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def edit(client: Client, paint: Paint) -> int:
    """A round trip through the operator's editor; what was written stays in a file until the daemon has taken it."""
    if not on_terminal():
        raise click.UsageError(
            "edit needs a terminal; without one: 'settings translation export FILE', change it, "
            "'settings translation import FILE'."
        )
    import tempfile  # noqa: PLC0415 - no other command has to wait for these

    from redundancyd.core.table_text import with_hints  # noqa: PLC0415

    page = client.get("/v1/translation")
    if not page:
        click.echo(translation_screens.NOTHING)
        return 1
    before = with_hints(page["table"], _hints(page, "missing"), _hints(page, "new"))
    descriptor, name = tempfile.mkstemp(prefix="translation-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(before)
    return _edit(client, Path(name), before, page["mark"], paint)


def _hints(page: Values, kind: str) -> list[tuple[str, str]]:
    found = [each for each in page["addresses"] if each["kind"] == kind]
    return [(each["address"], translation_screens.places({**each, "places": each["places"][:1]})) for each in found]


def _edit(client: Client, path: Path, before: str, mark: str, paint: Paint) -> int:
    while True:
        _run_editor(path)
        text = _read(str(path), path.stat().st_size)
        if text == before:
            path.unlink()
            click.echo("Nothing was changed.")
            return 0
        try:
            answer = act(client, _IMPORT, {"text": text, "was": mark})
        except RedundancyError as error:
            click.echo(paint.bad(plain_lines(error)), err=True)
            if isinstance(error, RequestRefused) and click.confirm("Edit it again?", default=True):
                continue
            click.echo(f"What you wrote is in {path}; 'settings translation import {path}' tries it again.")
            return error.exit_code
        path.unlink()
        click.echo(plain(answer["detail"]))
        return 0


def _run_editor(path: Path) -> None:
    import shlex  # noqa: PLC0415 - no other command has to wait for these
    import subprocess  # noqa: PLC0415

    words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or _EDITOR)
    try:
        status = subprocess.run([*words, str(path)], check=False).returncode
    except OSError as error:
        why = error.strerror or str(error)
        remedy = f"Set EDITOR to one that is there; the table as it is stands in {path}."
        raise RedundancyError(f"starting {shlex.join(words)}", why, remedy) from error
    if status != 0:
        remedy = f"Nothing was changed; what you wrote is in {path}."
        raise RedundancyError(f"editing with {shlex.join(words)}", f"it ended with status {status}", remedy)
