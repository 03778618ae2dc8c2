"""Whether both systems are still what was configured: asked daily and before each load, remembered across restarts."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.disk import Disk
from redundancyd.adapters.files import Files
from redundancyd.adapters.journal import record
from redundancyd.adapters.lim_wire import AskLim
from redundancyd.adapters.slots import SlotFile
from redundancyd.core.layout import Layout, differences, parse, remembered, untold
from redundancyd.core.systems import Server, System
from redundancyd.errors import FarDataRefused, NotSaved, OutOfReach, RedundancyError, StateUnreadable

DAILY_MS = 86_400_000
FIRST_MS = 60_000
"""after a start: the traffic comes first"""
AGAIN_MS = 600_000
"""after which systems that did not answer are asked again"""
FILE = "layout"
_SLOT = 262_144
_DEADLINE_MS = 2000


@dataclass(frozen=True, slots=True)
class Configured:
    """What the systems were when they were configured; `settings` tells whether it is still the same configuration."""

    settings: str
    layouts: Mapping[System, Layout] = field(default_factory=dict)


_CONFIGURED, _LAYOUT = TypeAdapter(Configured), TypeAdapter(Layout)


class LayoutWatch:
    """Asks LIM 1 of both systems; a server that runs it, where there are two."""

    def __init__(
        self, lims: Sequence[AskLim], servers: Sequence[Server], folder: Path, clock: Clock, files: Files | None = None
    ) -> None:
        files = files or Files()
        self._lims = [lim for lim in lims if lim.server.lim == 1]
        self._servers, self._clock = tuple(servers), clock
        self._file = SlotFile(folder / FILE, FILE, _SLOT, files=files)
        self._disk = Disk("layout", files.begin)
        told = sorted(f"{server.name} {server.address}" for server in servers)
        self._settings = hashlib.sha256("\n".join(told).encode()).hexdigest()
        self._now: dict[System, Layout] = {}
        self._differences: tuple[str, ...] = ()
        self._next_at = clock.now() + FIRST_MS

    def is_due(self) -> bool:
        """Whether the systems are to be asked, by the day."""
        return self._clock.now() >= self._next_at

    async def look(self) -> None:
        """Ask, where it is only the day that wants it; a system that gives no answer is asked again later."""
        try:
            await self.ask()
        except RedundancyError as error:
            self._next_at = self._clock.now() + AGAIN_MS
            record("layout_unknown", level="warning", why=str(error))

    async def ask(self) -> tuple[str, ...]:
        """What is not as it was configured; OutOfReach or FarDataRefused when a system does not tell."""
        systems = {system: [lim for lim in self._lims if lim.server.system is system] for system in System}
        layouts = await asyncio.gather(*(_layout(lims) for lims in systems.values()))
        self._now = dict(zip(systems, layouts, strict=True))
        before = await self._disk.run(self._read, _DEADLINE_MS)
        found = differences(self._now, before, self._servers)
        if found != self._differences:
            record(
                "systems_differ" if found else "systems_alike",
                level="error" if found else "notice",
                what="; ".join(found),
            )
        self._differences, self._next_at = found, self._clock.now() + DAILY_MS
        await self._remember(Configured(self._settings, remembered(self._now, before)))
        return found

    async def _remember(self, configured: Configured) -> None:
        """What was configured is remembered; a disk that does not take it is told, and it is tried at the next look."""
        if configured.layouts == await self._disk.run(self._read, _DEADLINE_MS):
            return
        value = _CONFIGURED.dump_python(configured, mode="json")
        try:
            await self._disk.run(lambda: self._file.write(value), _DEADLINE_MS, self._file.forget_newest)
        except NotSaved as error:
            record("layout_unsaved", level="error", why=str(error))

    def _read(self) -> Mapping[System, Layout]:
        """What was configured; nothing when that was another configuration, or can't be understood any more."""
        try:
            value = self._file.read()
            found = None if value is None else _CONFIGURED.validate_python(value)
        except (StateUnreadable, ValidationError) as error:
            record("layout_unread", level="error", why=str(error)[:400])
            return {}
        return found.layouts if found is not None and found.settings == self._settings else {}

    @property
    def found(self) -> tuple[str, ...]:
        """What was not as it was configured, when it was last asked."""
        return self._differences

    def page(self) -> dict[str, Any]:
        """What is known of both systems, for programs."""
        told = {str(system): _LAYOUT.dump_python(layout, mode="json") for system, layout in self._now.items()}
        return {"systems": told, "untold": list(untold(self._now))}


async def _layout(lims: Sequence[AskLim]) -> Layout:
    """What the regular server of LIM 1 tells, or its standby server where that gives no answer."""
    last: OutOfReach | None = None
    for lim in sorted(lims, key=lambda lim: lim.server.standby):
        try:
            return parse(await lim.ask("layout"))
        except OutOfReach as error:
            last = last or error
        except ValueError as error:
            raise FarDataRefused(f"`layout` on {lim.server.name}", str(error)) from error
    assert last is not None
    raise last
