"""Tells each LIM of the primary again what it listens for after a restart: one that was reinstalled has forgotten it.

In a task of its own, over a channel of its own, and not while traffic is being moved: nothing waits for it.
"""

from collections.abc import Callable, Mapping

from redundancyd.adapters import traffic
from redundancyd.adapters.channel import Channel
from redundancyd.adapters.clock import Clock
from redundancyd.adapters.journal import record
from redundancyd.core.events import Refused
from redundancyd.core.systems import Server, Supervisor, System
from redundancyd.errors import OutOfReach

EVERY_MS = 600_000
DEADLINE_MS = 10_000


class Listening:
    """The network control addresses that `configure` was told; those of the settings file stand in lim.conf."""

    def __init__(
        self, control: tuple[str, ...], us: Supervisor, channels: Mapping[Server, Channel], clock: Clock
    ) -> None:
        self._control, self._us, self._clock = control, us, clock
        self._channels = [channel for server, channel in channels.items() if server.system is System.PRIMARY]
        self._refused: dict[Server, str] = {}

    async def run(self, at_rest: Callable[[], bool]) -> None:
        """Every few minutes each of them, one after the other; whoever knows it already does nothing."""
        while True:
            await self._clock.sleep_until(self._clock.now() + EVERY_MS)
            for channel in self._channels:
                if channel.connected and at_rest():
                    await self._tell(channel)

    async def _tell(self, channel: Channel) -> None:
        server, why = channel.server, ""
        try:
            said = await traffic.listen_apart(channel, self._us.name, self._control, DEADLINE_MS)
        except OutOfReach:
            return  # it is told the next time
        except Exception as error:  # noqa: BLE001 - it must not end the supervision
            record("listen_failed", level="error", exc_info=error, lim=server.lim, system=server.system)
            return
        if isinstance(said, Refused):
            why = f"{said.error}: {said.detail}"
        if why and why != self._refused.get(server):
            record("lim_does_not_listen", level="warning", lim=server.lim, system=server.system, why=why)
        self._refused[server] = why
