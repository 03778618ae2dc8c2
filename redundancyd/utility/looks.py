"""The actions that only show something: which page is asked for, and which screen it becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import click

from redundancyd.client import Client
from redundancyd.utility import (
    configuration_screen,
    data_screens,
    explanation,
    past_alarms,
    screens,
    setup_screens,
    translation_screens,
)
from redundancyd.utility.text import Paint

LATEST = 200  # events that are shown; the journal has them all
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """One action that shows something; the page is its JSON."""

    page: Callable[[Client, Values], Any]
    screen: Callable[[Any, Paint], str]


def _status(client: Client, _: Values) -> Any:  # noqa: ANN401 - JSON
    return client.get("/v1/status")


def _status_screen(page: Any, paint: Paint) -> str:  # noqa: ANN401
    return screens.status(page, paint) if page.get("configured", True) else setup_screens.unconfigured(page, paint)


def _configuration(client: Client, _: Values) -> Any:  # noqa: ANN401
    return configuration_screen.page(client.get("/v1/configuration"), client.get("/v1/status"))


def _alarms(client: Client, values: Values) -> Any:  # noqa: ANN401
    standing = client.get("/v1/alarms")
    if not values.get("all"):
        return standing
    status, events = client.get("/v1/status"), client.get("/v1/events")["events"]
    return {**standing, "past": past_alarms.past(events, status["at"])}


def _explanation(client: Client, values: Values) -> Any:  # noqa: ANN401
    number = values.get("takeover")
    status, events = client.get("/v1/status"), client.get("/v1/events")["events"]
    return explanation.page(status, events, None if number is None else int(number))


def _events(client: Client, _: Values) -> Any:  # noqa: ANN401
    return client.get("/v1/events")["events"][-LATEST:]


def _translation(client: Client, _: Values) -> Any:  # noqa: ANN401
    return client.get("/v1/translation")


def _table(_: Client, __: Values) -> Any:  # noqa: ANN401
    return _rows().pages()


def _table_screen(_: Any, __: Paint) -> str:  # noqa: ANN401
    return str(_rows().table())


def _row(_: Client, values: Values) -> Any:  # noqa: ANN401
    number = str(values["row"]).upper()
    page = _rows().find(number)
    if page is None:
        known = [found["row"] for found in _rows().pages()]
        raise click.UsageError(f"there is no row {number}; the table has {known[0]} to {known[-1]}")
    return page


def _row_screen(page: Any, _: Paint) -> str:  # noqa: ANN401
    return str(_rows().row(page))


def _rows() -> ModuleType:
    """The table brings the whole decision with it, which no other word has to wait for."""
    from redundancyd.utility import rows  # noqa: PLC0415

    return rows


LOOKS: Mapping[str, Look] = {
    "list": Look(_configuration, configuration_screen.screen),
    "status": Look(_status, _status_screen),
    "data-list": Look(_status, data_screens.data),
    "data-auto-list": Look(_status, data_screens.auto),
    "translation": Look(_translation, translation_screens.table),
    "translation-list": Look(_translation, translation_screens.table),
    "alarms": Look(_alarms, past_alarms.screen),
    "explain": Look(_explanation, explanation.screen),
    "events": Look(_events, lambda events, paint: "\n".join(screens.event(line, paint) for line in events)),
    "inspect-table": Look(_table, _table_screen),
    "inspect-state": Look(_status, lambda page, _: "\n".join(screens.facts(page))),
    "inspect-row": Look(_row, _row_screen),
}
