"""A mistake in the settings: its line, its key, what stands there, what is expected, what to do.  Pure.

pydantic finds them all at once and knows paths; tomllib knows no lines, so `locate` finds the line of each path.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]
Lines = Mapping[Path, int]
_Model = TypeVar("_Model", bound=BaseModel)
_SHOWN = 60  # characters of what was found

_TOKEN = re.compile(
    r"""(?P<skip>\#[^\n]*|[ \t\r]+)
      | (?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
      | (?P<punct>[\[\]{}=,\n])
      | (?P<bare>[^\s\[\]{}=,"'\#]+)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in the settings file."""

    line: int
    key: str
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        found = f" = {self.found}" if self.found else ""
        return f"line {self.line}: {self.key}{found}: expected {self.expected}. {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Reading(Generic[_Model]):
    """What a settings file came to: the whole, if it is sound, and every `table.key` that is sound by itself."""

    value: _Model | None
    mistakes: tuple[Mistake, ...]
    values: Mapping[str, Any]
    lines: Lines


def read(model: type[_Model], raw: dict[str, Any], text: str) -> Reading[_Model]:
    """Check everything in `raw`, the parsed `text`, against the model."""
    lines = locate(text)
    try:
        value = model.model_validate(raw)
    except ValidationError as error:
        mistakes = tuple(_mistake(model, details, lines) for details in error.errors(include_url=False))
        return Reading(None, mistakes, dict(_sound(model, raw)), lines)
    values = {f"{table}.{key}": getattr(part, key) for table, part in value for key in type(part).model_fields}
    return Reading(value, (), values, lines)


def _sound(model: type[BaseModel], raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every `table.key` whose value is right, or that is left out and has a default."""
    for table, part in _tables(model).items():
        given = raw.get(table, {})
        for key, field in part.model_fields.items():
            if not isinstance(given, dict) or (key not in given and field.is_required()):
                continue
            try:
                value = _adapter(field).validate_python(given[key]) if key in given else field.get_default()
            except ValidationError:
                continue
            yield f"{table}.{key}", value


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    kind: Any = field.annotation
    for extra in field.metadata:
        kind = Annotated[kind, extra]
    return TypeAdapter(kind)


def _tables(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    tables = {name: field.annotation for name, field in model.model_fields.items()}
    return {name: table for name, table in tables.items() if isinstance(table, type) and issubclass(table, BaseModel)}


def syntax_mistake(data: bytes, error: Exception) -> str:
    """The first place at which the file is no TOML, as one line; the rest can be told when that is mended."""
    if isinstance(error, UnicodeDecodeError):
        line = data[: error.start].count(b"\n") + 1
        return f"line {line}: a byte that is no UTF-8 text. Save the file as UTF-8."
    if isinstance(error, RecursionError):
        return "line 1: brackets nested too deeply. Nothing here needs more than three."
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
    line = int(found[2]) if found and found[2] else data.count(b"\n") + 1
    what = found[1] if found else str(error)
    return f"line {line}: this is no TOML: {what}. Mend this line first; other mistakes are told after it."


def line_of(lines: Lines, path: Path) -> int:
    """The line of this path or of the nearest thing around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def name_of(path: Path) -> str:
    """How a path is written for people: `[primary] lims[1].address`."""
    table, *rest = path or ("",)
    inner = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)
    return f"[{table}] {inner.lstrip('.')}".rstrip()


def shown(value: object) -> str:
    """A found value, as it could stand in the file, not too long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _mistake(model: type[BaseModel], details: ErrorDetails, lines: Lines) -> Mistake:
    path: Path = tuple(details["loc"])
    line, context = line_of(lines, path), details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            remedy = _nearest(model, path)
            return Mistake(line, name_of(path), "", "a setting that exists", remedy)
        case "missing":
            remedy = "There is no default. config/redundancyd.toml shows how it is written."
            return Mistake(line, name_of(path), "nothing", "a value", remedy)
        case "setting":
            return Mistake(line, name_of(path), shown(details["input"]), context["expected"], context["remedy"])
        case kind:
            expected = _expected(kind, context, details["msg"])
            return Mistake(line, name_of(path), shown(details["input"]), expected, _default_of(model, path))


def _expected(kind: str, context: Mapping[str, Any], message: str) -> str:
    sentences = {
        "int_type": "a whole number, without quotes",
        "bool_type": "true or false, without quotes",
        "string_type": "text in quotes",
        "list_type": "a list in brackets",
        "model_type": "a table",
        "model_attributes_type": "a table",
        "greater_than_equal": f"at least {context.get('ge')}",
        "less_than_equal": f"at most {context.get('le')}",
        "too_short": f"at least {context.get('min_length')} of them",
        "too_long": f"at most {context.get('max_length')} of them",
        "literal_error": str(context.get("expected")).replace("'", '"'),
    }
    return sentences.get(kind) or message.removeprefix("Input should be ")


def _default_of(model: type[BaseModel], path: Path) -> str:
    field = _field(model, path)
    if field is None or field.is_required() or isinstance(field.default, BaseModel | list):
        return ""
    return f"Leave the line out for the default, {shown(field.default)}."


def _field(model: type[BaseModel], path: Path) -> FieldInfo | None:
    table, key = (_tables(model).get(str(path[0])) if path else None), (path[1] if len(path) > 1 else "")
    return table.model_fields.get(str(key)) if table else None


def _nearest(model: type[BaseModel], path: Path) -> str:
    """Which known name was probably meant."""
    word, tables = str(path[-1]), _tables(model)
    if len(path) == 1:
        known: list[str] = list(tables)
    elif len(path) == 2:  # noqa: PLR2004 - a table and a key
        known = list(tables[str(path[0])].model_fields)
    else:
        known = _item_keys(_field(model, path))
    if close := difflib.get_close_matches(word, known, 1, 0.6):
        return f'Did you mean "{close[0]}"?'
    if homes := [f"[{name}]" for name, table in tables.items() if word in table.model_fields]:
        return f"It belongs into {' or '.join(homes)}."
    return f"Known here: {', '.join(known)}."


def _item_keys(field: FieldInfo | None) -> list[str]:
    items = getattr(field.annotation, "__args__", ()) if field else ()
    return [
        key for item in items if isinstance(item, type) and issubclass(item, BaseModel) for key in item.model_fields
    ]


def locate(text: str) -> dict[Path, int]:
    """The line of every table, key and list item of a text that is sound TOML."""
    return _Locator(text).lines


class _Locator:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._tokens = self._scan(text)
        self._table: Path = ()
        self._counts: dict[Path, int] = {}
        self._kind, self._text, self._line = next(self._tokens)
        while self._kind != "end":
            self._statement()

    @staticmethod
    def _scan(text: str) -> Iterator[tuple[str, str, int]]:
        line = 1
        for token in _TOKEN.finditer(text):
            if token.lastgroup != "skip":
                yield str(token.lastgroup), token[0], line
            line += token[0].count("\n")
        while True:
            yield "end", "", line

    def _step(self) -> str:
        text = self._text
        self._kind, self._text, self._line = next(self._tokens)
        return text

    def _statement(self) -> None:
        if self._text == "\n":
            self._step()
        elif self._text == "[":
            self._header()
        else:
            self._pair(self._table)

    def _header(self) -> None:
        line = self._line
        self._step()
        several = self._text == "["
        if several:
            self._step()
        path: Path = self._key()
        while self._text == "]":
            self._step()
        if several:
            self.lines.setdefault(path, line)
            self._counts[path] = self._counts.get(path, -1) + 1
            path = (*path, self._counts[path])
        self.lines[path] = line
        self._table = path

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while self._kind in ("bare", "string"):
            is_bare, text = self._kind == "bare", self._step()
            parts += [part for part in text.split(".") if part] if is_bare else [text[1:-1]]
        return tuple(parts)

    def _pair(self, table: Path) -> None:
        line, path = self._line, (*table, *self._key())
        for length in range(len(table) + 1, len(path) + 1):
            self.lines.setdefault(path[:length], line)
        if self._text == "=":
            self._step()
            self._value(path)
        elif self._kind not in ("bare", "string", "end"):
            self._step()

    def _value(self, path: Path) -> None:
        self.lines.setdefault(path, self._line)
        if self._text == "[" and self._kind == "punct":
            self._list(path)
        elif self._text == "{" and self._kind == "punct":
            self._step()
            while self._text != "}" and self._kind != "end":
                self._step() if self._text in (",", "\n") else self._pair(path)
            self._step()
        else:
            while self._kind in ("bare", "string"):
                self._step()

    def _list(self, path: Path) -> None:
        self._step()
        index = 0
        while self._text != "]" and self._kind != "end":
            if self._text in (",", "\n"):
                index += self._text == ","
                self._step()
            else:
                self._value((*path, index))
        self._step()
