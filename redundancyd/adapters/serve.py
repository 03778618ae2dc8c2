"""One `redundancy-lim serve` on the far side: a request a line, a reply a line, strictly one after the other.

It knows nothing of what carries the lines.  An answer that does not come in time ends it: from then on nobody could
tell which reply belongs to which request.
"""

import asyncio
from collections.abc import Callable

from redundancyd.errors import OutOfReach

REQUEST_MAX = 256  # bytes; redundancy-lim reads no longer lines
REPLY_MAX = 16_384  # bytes; nothing it says is longer


class Serve:
    """Asks and matches replies; `ended` comes true once, with the reason."""

    def __init__(self, name: str, send: Callable[[bytes], None], close: Callable[[], None]) -> None:
        self._name = name
        self._send = send
        self._close = close
        self._turn = asyncio.Lock()
        self._reply: asyncio.Future[str] | None = None
        self._received = bytearray()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ask(self, line: str, deadline_ms: int) -> str:
        """The reply to this line; OutOfReach when there is none in time, whether or not the deed was done."""
        assert "\n" not in line
        assert len(line) < REQUEST_MAX
        sent = False
        try:
            async with asyncio.timeout(deadline_ms / 1000), self._turn:
                self._check_open(line)
                self._reply = asyncio.get_running_loop().create_future()
                sent = True
                self._send(line.encode("ascii") + b"\n")
                return await self._reply
        except TimeoutError:
            why = (
                f"no answer within {deadline_ms} ms"
                if sent
                else f"still busy with something else after {deadline_ms} ms"
            )
            if sent:
                self.end(f"{why} to `{line}`")
            raise OutOfReach(f"`{line}` on {self._name}", why) from None
        except asyncio.CancelledError:
            if sent:
                self.end(f"`{line}` was given up")
            raise
        finally:
            if sent:
                self._reply = None

    def _check_open(self, line: str) -> None:
        if self.ended.done():
            raise OutOfReach(f"`{line}` on {self._name}", self.ended.result())

    def feed(self, data: bytes) -> None:
        """Bytes came; a whole line is the reply to what was asked."""
        self._received += data
        while (length := self._received.find(b"\n")) >= 0 and not self.ended.done():
            line = bytes(self._received[:length])
            del self._received[: length + 1]
            self._hear(line)
        if len(self._received) > REPLY_MAX:
            self.end(f"it sent a line of more than {REPLY_MAX} bytes")

    def _hear(self, line: bytes) -> None:
        text = line[:REPLY_MAX].decode("utf-8", "backslashreplace")
        if len(line) > REPLY_MAX:
            self.end(f"it sent a line of more than {REPLY_MAX} bytes")
        elif self._reply is None or self._reply.done():
            self.end(f"it said what nobody had asked for: {text[:80]!r}")
        else:
            self._reply.set_result(text)

    def end(self, why: str) -> None:
        """Nothing more will be said here; who waits is told."""
        if self.ended.done():
            return
        self.ended.set_result(why)
        self._received.clear()
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(OutOfReach(f"a request to {self._name}", why))
        self._close()
