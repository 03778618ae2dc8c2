"""Reads the alarms of both exchanges now and then, from LIM 1 of each, and shows which of them are expected.

In a task of its own, over a channel of its own, and not while traffic is being moved: nothing waits for it.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.journal import record
from redundancyd.config import Config
from redundancyd.core.exchange_alarms import ROWS_MAX, AlarmsNotUnderstood, Printout, Row, because, parse
from redundancyd.core.systems import Server, System
from redundancyd.errors import OutOfReach

FIRST_MS = 10_000
"""After a start the channels have to open first."""
DEADLINE_MS = 14_000
"""The command has 10 s on the LIM."""
_TEXT_MAX = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """What one system last said, or why it said nothing."""

    at: int
    printout: Printout | None
    why: str = ""


NOT_YET = Reading(0, None, "not asked yet")


def read_reply(line: str) -> Printout | str:
    """What redundancy-lim answers to `alarms`: the rows, or why there are none."""
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError):
        reply = None
    match reply:
        case {"ok": True, "lines": list(lines), "more": bool(more)} if all(isinstance(each, str) for each in lines):
            return _parsed(lines, more=more)
        case {"ok": False, "error": str(error), "detail": str(detail)}:
            return f"{error}: {detail}"[:_TEXT_MAX]
    return f"not understood: {line[:80]!r}"


def _parsed(lines: list[str], *, more: bool) -> Printout | str:
    try:
        return parse(lines[: 2 * ROWS_MAX], more=more)
    except AlarmsNotUnderstood as error:
        return f"not understood: {error}"


class ExchangeAlarms:
    """The latest reading of each system."""

    def __init__(self, config: Config, channels: Mapping[Server, Channel], clock: Clock) -> None:
        self._every_ms = config.alarms.exchange_interval
        self._clock = clock
        # LIM 1 carries the management part; where the first of its servers has nothing to say, its standby may.
        ones = sorted((server for server in channels if server.lim == 1), key=lambda server: server.standby)
        self._ones = {system: [channels[one] for one in ones if one.system is system] for system in System}
        self._readings: dict[System, Reading] = {}

    async def run(self, at_rest: Callable[[], bool]) -> None:
        """Read both systems every few minutes, while `at_rest` says that no traffic is being moved."""
        if self._every_ms is None:
            return
        next_at = self._clock.now() + min(FIRST_MS, self._every_ms)
        while True:
            await self._clock.sleep_until(next_at)
            if at_rest():
                await asyncio.gather(*(self._read(system) for system in System))
            next_at = self._clock.now() + self._every_ms

    async def _read(self, system: System) -> None:
        found: Printout | str = "LIM 1 is not listed"
        for channel in self._ones[system]:
            found = await self._ask(channel)
            if isinstance(found, Printout):
                break
        is_read = isinstance(found, Printout)
        self._readings[system] = Reading(
            self._clock.now(), found if isinstance(found, Printout) else None, "" if is_read else str(found)
        )

    async def _ask(self, channel: Channel) -> Printout | str:
        try:
            return read_reply(await channel.ask_apart("alarms", DEADLINE_MS))
        except OutOfReach as error:
            return error.came_back
        except Exception as error:  # noqa: BLE001 - what is only shown must not end the supervision
            record("alarms_unread", level="error", exc_info=error, lim=channel.server.lim, system=channel.server.system)
            return repr(error)[:_TEXT_MAX]

    def page(self, active: System | None, now: int, *, loaded: bool) -> dict[str, Any] | None:
        """The part of the status page; None while nothing was read yet, or nothing is to be."""
        if not self._readings:
            return None
        return {
            str(system): {
                "read_ago_ms": None if reading is NOT_YET else now - reading.at,
                "why": reading.why,
                "left_out": 0 if reading.printout is None else reading.printout.left_out,
                "rows": [
                    _row_page(row, because(row, system, passive=active is system.other, loaded=loaded))
                    for row in (() if reading.printout is None else reading.printout.rows)
                ],
            }
            for system in System
            for reading in (self._readings.get(system, NOT_YET),)
        }


def _row_page(row: Row, expected: str | None) -> dict[str, Any]:
    return {
        "severity": row.severity,
        "handle": row.handle,
        "code": f"{row.domain}/{row.code}",
        "lim": row.lim,
        "text": row.text,
        "expected": expected is not None,
        "because": expected,
    }
