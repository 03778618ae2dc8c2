"""An operator at the status socket: real requests to the product's own handlers, over a connection in memory."""

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redundancyd.actions import ACTIONS, Action, Argument, Kind
from redundancyd.sim.service import Service


@dataclass(slots=True)
class Asked:
    """One request, and what came back."""

    words: str
    status: int | None = None
    page: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether it was acknowledged."""
        return self.status == 200  # noqa: PLR2004 - HTTP's own number

    @property
    def refused(self) -> bool:
        """Whether an answer said no."""
        return self.status is not None and not self.done


class _Root:
    """The socket's other end is root's."""

    family = socket.AF_UNIX

    def setsockopt(self, *_: object) -> None:
        """There is nothing to set."""

    def getsockopt(self, _level: int, option: int, _size: int, /) -> bytes:
        return struct.pack("3i", 1, 0, 0) if option == socket.SO_PEERCRED else struct.pack("I", 0)


class _Transport(asyncio.Transport):
    def __init__(self, asked: Asked, protocol: asyncio.Protocol, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"socket": _Root(), "peername": "", "sockname": ""})
        self._asked, self._protocol, self._loop = asked, protocol, loop
        self._received = bytearray()
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._received += data
        head, end, body = bytes(self._received).partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.decode("latin-1").split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
        if len(body) >= length:
            self._asked.page = json.loads(body) if body else {}
            self._asked.status = int(lines[0].split(" ")[1])

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        """Nothing more will come anyhow."""

    def resume_reading(self) -> None:
        """Nothing more will come anyhow."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """What is written is taken at once."""


def ask(service: Service, method: str, path: str, body: Mapping[str, object] | None = None) -> Asked:
    """Send one request; the answer comes while time goes by, if it comes."""
    asked = Asked(f"{method} {path}")
    process = service.process
    if process is None or not process.loop.listeners:
        asked.status = 0
        return asked
    content = json.dumps(body).encode() if body is not None else b""
    head = f"{method} {path} HTTP/1.1\r\nHost: socket\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n"

    def call() -> None:
        if not process.loop.listeners:
            asked.status = 0
            return
        protocol = process.loop.listeners[-1]()
        assert isinstance(protocol, asyncio.Protocol)
        protocol.connection_made(_Transport(asked, protocol, process.loop))
        protocol.data_received(head.encode() + content)

    process.post(call)
    return asked


def order(service: Service, words: str) -> Asked:
    """What an operator says to redundancyctl, as far as it is an order; ValueError when it is none."""
    action, body = understood(words)
    asked = ask(service, "POST", f"/v1/actions/{action.name}", body)
    asked.words = words
    return asked


def understood(words: str) -> tuple[Action, dict[str, object]]:
    """The action and its arguments that the words of a command line mean."""
    given = words.split()
    fitting = [action for action in ACTIONS if action.changes and tuple(given[: len(action.words)]) == action.words]
    if not fitting:
        raise ValueError(f"{words!r} is no order")
    action = max(fitting, key=lambda action: len(action.words))
    rest = given[len(action.words) :]
    bare = [argument for argument in action.arguments if argument.bare]
    named = {f"--{argument.name.replace('_', '-')}": argument for argument in action.arguments if not argument.bare}
    body: dict[str, object] = {}
    while rest:
        word = rest.pop(0)
        if word in named and rest:
            _put(body, named[word], rest.pop(0))
        elif word == "--yes":
            continue
        elif bare:
            _put(body, bare.pop(0), word)
        else:
            raise ValueError(f"{words!r}: {word} is not understood")
    return action, body


def _put(body: dict[str, object], argument: Argument, word: str) -> None:
    values = {choice.word: str(choice.value) for choice in argument.choices}
    if argument.kind is Kind.NAMES:
        names = body.setdefault(argument.name, [])
        assert isinstance(names, list)
        names.append(word)
    else:
        body[argument.name] = values.get(word, word)
