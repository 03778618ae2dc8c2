"""A JSON body and a row of the table of actions -> the request it means, or every mistake in it.  Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from redundancyd.actions import DAY_MS, HOUR_MS, SECOND_MS, Action, Argument, Kind
from redundancyd.requests import Mistake, Request

_SPAN = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)")
_SPAN_MS = {"ms": 1, "s": SECOND_MS, "m": 60_000, "h": HOUR_MS, "d": DAY_MS}
_NAME_LENGTH = 64
BODY_BYTES = 16_384
TABLE_BYTES = 1_048_576
_SHOWN = 60  # characters of something wrong that are shown again
_MISTAKES = 20  # of one body; who makes more has the list he needs


def check(action: Action, body: object) -> Request | tuple[Mistake, ...]:
    """The request that a JSON body means, or every mistake in it."""
    assert action.request is not None
    values = values_of(action, body)
    return values if isinstance(values, tuple) else action.request(**values)


def values_of(action: Action, body: object) -> dict[str, Any] | tuple[Mistake, ...]:
    """What each argument of a JSON body means, or every mistake in it."""
    if not isinstance(body, Mapping):
        return (Mistake("", "the body has to be a JSON object"),)
    known = {argument.name: argument for argument in action.arguments}
    mistakes = [Mistake(_short(name), f"no such argument; {_known(known)}") for name in body if name not in known]
    values: dict[str, Any] = {}
    for name, argument in known.items():
        given = body.get(name)
        if given is None:
            if argument.required:
                mistakes.append(Mistake(name, f"is missing: {argument.help}"))
            continue
        try:
            values[argument.field] = _value(argument, given)
        except ValueError as error:
            mistakes.append(Mistake(name, str(error)))
    return tuple(mistakes[:_MISTAKES]) if mistakes else values


def span_ms(text: str) -> int:
    """The milliseconds of `90s`, `15m`, `2h`; ValueError says what is expected."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{_short(text)!r} is no span of time; write 90s, 15m or 2h")
    return int(found[1]) * _SPAN_MS[found[2]]


def _value(argument: Argument, given: object) -> object:
    match argument.kind:
        case Kind.NAMES:
            return _names(argument, given)
        case Kind.SPAN:
            return _span(argument, given)
        case Kind.CHOICE:
            return _choice(argument, given)
        case Kind.LINES:
            return _lines(argument, given)
        case _:
            text = _text(argument, given, argument.most)
            if len(text.strip()) < argument.least:
                raise ValueError("is empty")
            return text


def _names(argument: Argument, given: object) -> tuple[str, ...]:
    names = given if isinstance(given, list) else [given]
    if len(names) > argument.most:
        raise ValueError(f"has {len(names)} names, at most {argument.most} are possible")
    return tuple(_text(argument, name, _NAME_LENGTH) for name in names)


def _choice(argument: Argument, given: object) -> object:
    values = [choice.value for choice in argument.choices]
    if not isinstance(given, str) or given not in values:
        raise ValueError(f"{_short(given)!r} is none of {', '.join(values)}")
    return argument.made(given)


def _span(argument: Argument, given: object) -> int:
    if not isinstance(given, str):
        raise ValueError(f"{_short(given)!r} is no span of time; write it as text: 90s, 15m or 2h")  # noqa: TRY004
    ms = span_ms(given)
    if not argument.least <= ms <= argument.most:
        bounds = f"from {argument.least // SECOND_MS}s to {argument.most // HOUR_MS}h"
        raise ValueError(f"{given} is out of bounds; possible is {bounds}")
    return ms


def _text(argument: Argument, given: object, most: int) -> str:
    if not isinstance(given, str):
        raise ValueError(f"{_short(given)!r} is no text")  # noqa: TRY004
    if len(given) > most:
        raise ValueError(f"has {len(given)} characters, at most {most} are possible")
    if not given.isprintable():
        raise ValueError("has characters that cannot be printed")
    if argument.pattern and not re.fullmatch(argument.pattern, given):
        raise ValueError(f"{_short(given)!r} is not understood.  {argument.help}")
    return given


def _lines(argument: Argument, given: object) -> str:
    """A text of several lines; tabs and line ends are all that can't be printed in it."""
    if not isinstance(given, str):
        raise ValueError(f"{_short(given)!r} is no text")  # noqa: TRY004
    if len(given) > argument.most:
        raise ValueError(f"has {len(given)} characters, at most {argument.most} are possible")
    text = given.replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.replace("\t", " ").isprintable():
            raise ValueError(f"line {number} has characters that cannot be printed")
    return text


def _known(known: Mapping[str, Argument]) -> str:
    return "known are " + ", ".join(known) if known else "this action has none"


def _short(given: object) -> str:
    """What was given, fit to be shown again: bounded, and printable."""
    match given:
        case str(text):
            pass
        case list() | dict():
            return "a list" if isinstance(given, list) else "an object"
        case _:
            text = repr(given)
    text = "".join(mark if mark.isprintable() else "?" for mark in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def body_limit(action: Action) -> int:
    """How many bytes a body of this action may have: a whole table, or a few words."""
    return TABLE_BYTES if any(argument.kind is Kind.LINES for argument in action.arguments) else BODY_BYTES


def body_of(raw: bytes) -> object:
    """The JSON in a body; an empty one means no arguments; ValueError says what is wrong."""
    if not raw.strip():
        return {}
    try:
        return json.loads(raw.decode(), object_pairs_hook=_once_each, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")
