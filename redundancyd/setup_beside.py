"""Work while the alternate is blocked goes on only as long as the primary is there to carry the traffic."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import TypeVar

from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.core.systems import Server, System
from redundancyd.errors import OutOfReach

LOOK_S, LOST_MS = 1.0, 15_000
"""how often it is looked whether the primary is in reach, and how long it may be away"""
_Result = TypeVar("_Result")


async def beside_the_primary(
    channels: Mapping[Server, Channel], clock: Clock, work: Coroutine[None, None, _Result]
) -> _Result:
    """What the work gives; OutOfReach, and the work is ended, when no LIM of the primary is in reach for too long."""
    primary = [channel for server, channel in channels.items() if server.system is System.PRIMARY]
    task = asyncio.create_task(work)
    seen_at = clock.now()
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_S))[0]:
            if any(channel.connected for channel in primary):
                seen_at = clock.now()
            elif (away_ms := clock.now() - seen_at) > LOST_MS:
                why = f"no LIM of the primary could be reached for {away_ms // 1000} s"
                raise OutOfReach("working on the alternate, which is blocked", why, "Look at the primary.")
        return task.result()
    finally:
        task.cancel()
        await asyncio.wait({task})
