"""The way to one LIM: connects, stays connected, connects again; what carries it is told by a subclass.

Orders and looks go over one `serve`; questions that may be slow go over a second one, so that `facts` never stands
before an order.  A question that runs out of time ends only its own `serve`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.journal import record
from redundancyd.adapters.serve import Serve
from redundancyd.core.events import ChannelLost, Connected
from redundancyd.core.systems import Server
from redundancyd.errors import OutOfReach

REFUSED_RETRY_MS = 10_000
"""A key does not become right within a second, and a LIM may lock out who keeps trying."""

Post = Callable[[Connected | ChannelLost], None]


class Link(Protocol):
    """An open connection on which any number of `serve`s can be opened."""

    async def serve(self) -> Serve:
        """Open one more."""

    def close(self) -> None:
        """Close it and all on it, at once."""


class Channel(ABC):
    """One server's channel; `run` keeps it open, `ask` uses it."""

    def __init__(self, server: Server, clock: Clock, *, retry_ms: int, connect_timeout_ms: int) -> None:
        self.server = server
        self.why = "not tried yet"
        """Why it is not connected, for people."""
        self.refused_retry_ms = REFUSED_RETRY_MS
        """How long to wait after the LIM refused us, or we refused its key."""
        self._clock = clock
        self._retry_ms = retry_ms
        self._refused = False
        self._connect_timeout_ms = connect_timeout_ms
        self._link: Link | None = None
        self._orders: Serve | None = None
        self._questions: Serve | None = None
        self._opening = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether orders can be sent now."""
        return self._orders is not None and not self._orders.ended.done()

    @abstractmethod
    async def _open(self) -> Link:
        """Connect once; any exception means that it did not work."""

    @abstractmethod
    def _explain(self, error: Exception) -> str:
        """What went wrong and what to do, for people."""

    def _is_refusal(self, error: Exception) -> bool:  # noqa: ARG002 - only SSH knows refusals
        """Whether trying again at once makes no sense."""
        return False

    async def run(self, post: Post) -> None:
        """Connect, wait until it breaks, and again, at most one attempt each interval; ends only by cancellation."""
        while True:
            started_at = self._clock.now()
            if orders := await self._connect():
                self.why = ""
                record("channel_connected", level="debug", lim=self.server.lim, system=self.server.system)
                post(Connected(self.server, self._clock.now()))
                try:
                    self.why = await asyncio.shield(orders.ended)
                finally:
                    self._disconnect()
                record("channel_lost", level="debug", lim=self.server.lim, system=self.server.system, why=self.why)
                post(ChannelLost(self.server, self.why, self._clock.now()))
            pause_ms = max(self._retry_ms, self.refused_retry_ms) if self._refused else self._retry_ms
            await self._clock.sleep_until(started_at + pause_ms)

    async def _connect(self) -> Serve | None:
        link: Link | None = None
        try:
            async with asyncio.timeout(self._connect_timeout_ms / 1000):
                link = await self._open()
                self._orders = await link.serve()
        except asyncio.CancelledError:
            if link:
                link.close()
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, it is tried again, and why is said
            if link:
                link.close()
            self._refused = self._is_refusal(error)
            self._not_connected(self._explain(error))
            return None
        self._refused = False
        self._link = link
        return self._orders

    def _not_connected(self, why: str) -> None:
        """Say it when it is news: an attempt each interval would fill the journal."""
        if why != self.why:
            record("channel_failed", level="warning", lim=self.server.lim, system=self.server.system, why=why)
        self.why = why

    def _disconnect(self) -> None:
        link, self._link, self._orders, self._questions = self._link, None, None, None
        if link:
            link.close()

    async def ask(self, line: str, deadline_ms: int, *, question: bool = False) -> str:
        """The LIM's reply to this line; OutOfReach when there is none within the deadline."""
        if not question:
            if self._orders is None:
                raise OutOfReach(f"`{line}` on {self.server.name}", self.why or "not connected")
            return await self._orders.ask(line, deadline_ms)
        until = self._clock.now() + deadline_ms
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                questions = await self._for_questions(line)
        except TimeoutError:
            raise OutOfReach(f"`{line}` on {self.server.name}", f"no second channel within {deadline_ms} ms") from None
        return await questions.ask(line, max(1, until - self._clock.now()))

    async def ask_apart(self, line: str, deadline_ms: int) -> str:
        """The reply to a question that may be slow and must not delay any other: it has a `serve` of its own."""
        link = self._link
        if link is None:
            raise OutOfReach(f"`{line}` on {self.server.name}", self.why or "not connected")
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                apart = await link.serve()
        except TimeoutError:
            raise OutOfReach(f"`{line}` on {self.server.name}", f"no channel within {deadline_ms} ms") from None
        except OSError as error:
            raise OutOfReach(f"`{line}` on {self.server.name}", self._explain(error)) from error
        try:
            return await apart.ask(line, deadline_ms)
        finally:
            apart.end("asked and answered")

    async def _for_questions(self, line: str) -> Serve:
        async with self._opening:
            link = self._link
            if link is None:
                raise OutOfReach(f"`{line}` on {self.server.name}", self.why or "not connected")
            if self._questions is None or self._questions.ended.done():
                try:
                    questions = await link.serve()
                except OSError as error:
                    raise OutOfReach(f"`{line}` on {self.server.name}", self._explain(error)) from error
                if link is not self._link:
                    raise OutOfReach(f"`{line}` on {self.server.name}", self.why or "not connected")
                self._questions = questions
            return self._questions


class LocalChannel(Channel):
    """The alternate's LIM 1 is ourselves: its `redundancy-lim` answers at a unix socket, a process a connection."""

    def __init__(
        self, server: Server, clock: Clock, path: str, *, retry_ms: int, connect_timeout_ms: int = 1000
    ) -> None:
        super().__init__(server, clock, retry_ms=retry_ms, connect_timeout_ms=connect_timeout_ms)
        self._path = path

    async def _open(self) -> Link:
        return _LocalLink(self.server.name, self._path)

    def _explain(self, error: Exception) -> str:
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return f"nobody listens at {self._path}; start it: systemctl enable --now redundancy-lim.socket"
        if isinstance(error, PermissionError):
            return f"{self._path} is not open to us; it belongs to root and the group redundancyd, mode 0660"
        if isinstance(error, TimeoutError):
            return f"{self._path} took no connection within {self._connect_timeout_ms} ms"
        return f"{self._path}: {error}"


class _LocalLink:
    """Each `serve` is a connection of its own."""

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._path = path
        self._transports: list[asyncio.BaseTransport] = []

    async def serve(self) -> Serve:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_unix_connection(lambda: _LocalProtocol(self._name), self._path)
        self._transports = [*(old for old in self._transports if not old.is_closing()), transport]
        assert protocol.serve
        return protocol.serve

    def close(self) -> None:
        for transport in self._transports:
            with suppress(OSError):
                transport.close()


class _LocalProtocol(asyncio.Protocol):
    def __init__(self, name: str) -> None:
        self._name = name
        self.serve: Serve | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.serve = Serve(self._name, transport.write, transport.abort)

    def data_received(self, data: bytes) -> None:
        assert self.serve
        self.serve.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        assert self.serve
        self.serve.end(f"redundancy-lim closed the connection{f': {exc}' if exc else ''}")
