"""What `configure` and `remove` say to the LIMs, and what they make of the answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from redundancyd.adapters import traffic
from redundancyd.adapters.channel import Channel
from redundancyd.core.events import Refused
from redundancyd.core.systems import Server, Status, Supervisor, System, Word
from redundancyd.errors import FarDataRefused, RedundancyError

LOOK_MS, ORDER_MS = 5000, 5000
Tell = Callable[[Server, str], None]


class SetupLims:
    """The servers of both systems, while no pair is there; it raises what goes wrong with one of them."""

    def __init__(self, channels: Mapping[Server, Channel], us: Supervisor, of_another: Tell) -> None:
        """`of_another` is told of a server that another supervision orders, and what it said."""
        self._channels, self._us, self._of_another = channels, us, of_another

    async def look(self) -> dict[Server, Status]:
        """What every server says; the first that says nothing is raised."""
        found: dict[Server, Status] = {}

        async def one(server: Server) -> None:
            said = await traffic.look(self._channels[server], LOOK_MS)
            found[server] = _worked(f"looking at {server.name}", said)

        await self.each(tuple(self._channels), one)
        return found

    async def order(self, word: Word, number: int, server: Server) -> None:
        """The server has obeyed when this returns."""
        said = await traffic.order(self._channels[server], word, number, self._us.name, ORDER_MS)
        _worked(f"{word} {number} on {server.name}", said)

    async def listen(self, control: tuple[str, ...]) -> None:
        """After a restart a LIM of the primary that was allowed listens for these before it allows itself."""

        async def one(server: Server) -> None:
            said = await traffic.listen(self._channels[server], self._us.name, control, ORDER_MS)
            if control or not self._is_theirs(server, said):
                _worked(f"listen on {server.name}", said)

        await self.each(tuple(server for server in self._channels if server.system is System.PRIMARY), one)

    async def forget(self, server: Server) -> None:
        """The server is ordered by nobody any more; its traffic stays as it is."""
        said = await traffic.remove(self._channels[server], self._us.name, ORDER_MS)
        if not self._is_theirs(server, said):
            _worked(f"remove on {server.name}", said)

    def _is_theirs(self, server: Server, said: Status | Refused) -> bool:
        """Whether it refused because another supervision orders it: then nothing of ours is left to undo there."""
        if not isinstance(said, Refused) or said.status is None:
            return False
        if said.status.supervisor.partition(".")[0] in {"", self._us.id}:
            return False
        self._of_another(server, said.detail)
        return True

    async def each(self, servers: tuple[Server, ...], work: Callable[[Server], Awaitable[None]]) -> None:
        """The work on all of them at once; then the first failure."""
        answers = await asyncio.gather(*(work(server) for server in servers), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def release(self, number: int, server: Server) -> None:
        """The server carries traffic again, and forgets that it was ever ordered."""
        said = await traffic.order(self._channels[server], Word.ALLOW, number, self._us.name, ORDER_MS)
        if not self._is_theirs(server, said):
            _worked(f"allow {number} on {server.name}", said)
            await self.forget(server)

    async def answered(self) -> dict[Server, Status]:
        """What each server says that does say something now."""
        found: dict[Server, Status] = {}

        async def one(server: Server) -> None:
            with suppress(RedundancyError):
                found[server] = _worked(
                    f"looking at {server.name}", await traffic.look(self._channels[server], LOOK_MS)
                )

        await self.each(tuple(server for server, channel in self._channels.items() if channel.connected), one)
        return found


def _worked(tried: str, said: Status | Refused) -> Status:
    if isinstance(said, Refused):
        raise FarDataRefused(tried, f"{said.error}: {said.detail}", word=said.error)
    return said
