"""What the systems are made of, and what the supervision does by itself: text of 80 columns.  Pure."""

from collections.abc import Iterator
from typing import Any

from redundancyd.utility.data_screens import auto
from redundancyd.utility.text import PLAIN, Paint, plain, span, wrapped

Page = dict[str, Any]
_LABEL = 28
_TO_BE_SAID = "none yet; it is said to configure"


def page(configuration: Page, status: Page) -> Page:
    """The settings in force, and what the operator has set since."""
    shown = ("methods", "cluster_fallback", "pause", "exchange_data")
    in_force = {name: status.get(name) for name in shown}
    return {**configuration, "in_force": {**in_force, "configured": status.get("configured", True)}}


def screen(found: Page, paint: Paint = PLAIN) -> str:
    """Systems first, then what happens by itself, then the rest of the settings by the names of their file."""
    parts = (_systems(found, paint), _by_itself(found, paint), _rest(found, paint))
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part)


def _systems(found: Page, paint: Paint) -> Iterator[str]:
    for name in ("primary", "alternate"):
        yield paint.bold(f"{name.capitalize()} system")
        system = found.get(name, {})
        if "master_ip" in system:
            yield _line("master IP address", system["master_ip"] or _TO_BE_SAID)
        for lim in system.get("lims", []):
            yield _line(f"LIM {lim['lim']}" + (" standby" if lim["standby"] else ""), lim["address"])
    control = found.get("network_control", {}).get("addresses", [])
    yield from wrapped(", ".join(control) or _TO_BE_SAID, _label("Network control address"))


def _by_itself(found: Page, paint: Paint) -> Iterator[str]:
    in_force = found["in_force"]
    yield paint.bold("What happens by itself")
    for direction, method in (in_force["methods"] or {}).items():
        yield _line(direction, method)
    yield _line("cluster-fallback", in_force["cluster_fallback"] or "not said")
    pause = in_force["pause"]
    if pause is not None:
        yield from (
            paint.warn(line) for line in wrapped(f"{span(pause['left_ms'])} more: {pause['reason']}", _label("  pause"))
        )
    heart = found.get("heartbeat")
    if heart:
        lost = f"{heart['missed']} in a row unanswered are a loss"
        yield from wrapped(f"every {span(heart['interval_ms'])}, {lost}", _label("  beat"))
    yield from (f"  {line}" for line in auto(in_force).splitlines())


def _rest(found: Page, paint: Paint) -> Iterator[str]:
    """Every other setting, as the file names it; spans are milliseconds."""
    told = {"primary", "alternate", "network_control", "in_force"}
    tables = {name: table for name, table in found.items() if name not in told and isinstance(table, dict)}
    if tables:
        yield paint.bold("Settings, by the names of their file (spans in ms)")
    for name, table in tables.items():
        for key, value in table.items():
            yield from wrapped(_value(value), f"  {plain(name)}.{plain(key)} = ", "      ")


def _value(value: object) -> str:
    match value:
        case None | "":
            return "off"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_value(each) for each in value) or "off"
        case dict():
            return " ".join(_value(each) for each in value.values())
        case _:
            return str(value)


def _line(label: str, value: object) -> str:
    return f"{_label('  ' + label)}{plain(value)}"


def _label(text: str) -> str:
    return f"{plain(text)} ".ljust(_LABEL)
