"""Spans of time on a page: `3s`, `500ms`, `2m`, or a bound of the contract such as `2i+F+U`.

i = beat interval, t = probe deadline, k = missed beats, F = block deadline, U = allow deadline, l = look interval,
w = the window (k beats), R = reload deadline.  `ki` is k times i.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
SYMBOLS = {"i", "t", "F", "U", "R", "l", "w"}
TERM = re.compile(r"(?:(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h)|(?P<factor>\d+|k)?(?P<symbol>[itFURlw]))")


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it was written; its length is known once the settings are."""

    text: str

    def __post_init__(self) -> None:
        for term in self.text.split("+"):
            if not TERM.fullmatch(term):
                raise ValueError(f"no span of time: {self.text!r}; write 3s, 500ms, 2m, or a bound such as ki+t+F+U")

    def ms(self, symbols: Mapping[str, int]) -> int:
        """Its length; `symbols` has i, t, F, U, R, l, w in milliseconds, and k."""
        return sum(_term_ms(term, symbols) for term in self.text.split("+"))

    def __str__(self) -> str:
        return self.text


def _term_ms(term: str, symbols: Mapping[str, int]) -> int:
    found = TERM.fullmatch(term)
    assert found is not None
    if found["unit"]:
        return round(float(found["number"]) * UNITS[found["unit"]])
    factor = found["factor"] or "1"
    return (symbols["k"] if factor == "k" else int(factor)) * symbols[found["symbol"]]


def symbols(settings: Mapping[str, object]) -> dict[str, int]:
    """The contract's symbols for settings named as in redundancyd.toml (`heartbeat.interval_ms`)."""
    missed, interval = int(str(settings["heartbeat.missed"])), int(str(settings["heartbeat.interval_ms"]))
    return {
        "i": interval,
        "k": missed,
        "w": missed * interval,
        "t": int(str(settings["heartbeat.timeout_ms"])),
        "F": int(str(settings["takeover.block_deadline_ms"])),
        "U": int(str(settings["takeover.allow_deadline_ms"])),
        "R": Span(str(settings["takeover.reload_deadline"])).ms({}),
        "l": int(str(settings["takeover.look_interval_ms"])),
    }
