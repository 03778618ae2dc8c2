"""Which servers exchange data comes from, and which it goes to, where a LIM has a standby server beside (1+1)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from redundancyd.adapters.data_in import IntoLim
from redundancyd.adapters.lim_wire import AskLim
from redundancyd.core.systems import Server
from redundancyd.errors import FarDataRefused, OutOfReach

_Lim = TypeVar("_Lim", bound=AskLim)
EXISTS = "exists"
"""a LIM's word for a backup of that stamp that may be what runs"""
TOLD_MAX = 200
"""characters of a server and its reason: those of many servers are kept on the disk"""


async def running(lims: Sequence[_Lim]) -> list[Server]:
    """The server of each LIM that its exchange data comes from: a standby server only where the LIM runs there."""
    by_lim: dict[int, list[_Lim]] = {}
    for lim in sorted(lims, key=lambda lim: (lim.server.lim, lim.server.standby)):
        by_lim.setdefault(lim.server.lim, []).append(lim)
    return list(await asyncio.gather(*(_one(servers) for servers in by_lim.values())))


async def _one(lims: Sequence[AskLim]) -> Server:
    if len(lims) == 1:
        return lims[0].server
    runs = await asyncio.gather(*(_runs(lim) for lim in lims))
    return next((lim.server for lim, is_there in zip(lims, runs, strict=True) if is_there), lims[0].server)


async def _runs(lim: AskLim) -> bool:
    with suppress(OutOfReach, FarDataRefused):
        return (await lim.ask("facts")).get("exchange") == "running"
    return False


async def to_all(lims: Sequence[IntoLim], give: Callable[[IntoLim], Awaitable[None]]) -> tuple[str, ...]:
    """Have every server given its part, all at once; those that did not take it, with the reason.

    One server of each LIM has to: where none does, what the first of them said is raised, and the others are ended.
    """
    failed: dict[Server, OutOfReach | FarDataRefused] = {}

    async def one(lim: IntoLim) -> None:
        try:
            await give(lim)
        except (OutOfReach, FarDataRefused) as error:
            others = [other.server for other in lims if other.server.lim == lim.server.lim and other is not lim]
            if getattr(error, "word", "") == EXISTS:
                raise
            if all(server in failed for server in others):
                raise next((failed[server] for server in others), error) from error
            failed[lim.server] = error

    tasks = [asyncio.create_task(one(lim)) for lim in lims]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return tuple(f"{server.name}: {error.came_back}"[:TOLD_MAX] for server, error in sorted(failed.items()))
