"""Alone knows journald, and structlog: every fact goes out once, with its fields, and never makes anybody wait.

In the journal fields are native (`journalctl REDUNDANCY_EVENT=takeover_done`); without one they are a JSON object a
line on standard error, or plain text on a terminal.  What nobody takes is counted, and told when somebody listens
again.
"""

import logging
import os
import re
import select
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

import structlog
from logging_journald import JournaldTransport  # type: ignore[import-untyped]
from structlog.typing import EventDict, Processor, WrappedLogger

from redundancyd.adapters.clock import Clock
from redundancyd.adapters.message_ids import MESSAGE_IDS

Tap = Callable[[str, int, dict[str, Any]], object]  # takes event, instant and fields, and never waits
Level = Literal["debug", "info", "notice", "warning", "error", "critical"]
JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
_PRIORITY = {"critical": 2, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
_TAKEN = frozenset({"MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "REDUNDANCY_EVENT"})
_FIELD_MAX = 8000  # characters; a traceback fits, a flood does not
_PIPE_BUF = select.PIPE_BUF  # so many bytes go into a writable pipe without waiting


class Sink(Protocol):
    """Where records go."""

    def write(self, values: EventDict) -> bool:
        """Take one record; False when it is lost."""

    def close(self) -> None:
        """No more will come."""


class _JournalSink:
    """Native fields over a socket that never blocks."""

    def __init__(self, path: Path, identifier: str) -> None:
        self._transport = JournaldTransport(path, connected=False)  # a journald that was started anew is found again
        self._transport.socket.setblocking(False)
        self._identifier = identifier

    def write(self, values: EventDict) -> bool:
        event, level = str(values["event"]), str(values["level"])
        pairs: list[tuple[str, Any]] = [
            ("MESSAGE", _sentence(values)),
            ("PRIORITY", _PRIORITY.get(level, 6)),
            ("SYSLOG_IDENTIFIER", self._identifier),
            ("REDUNDANCY_EVENT", event),
        ]
        if event in MESSAGE_IDS:
            pairs.append(("MESSAGE_ID", MESSAGE_IDS[event]))
        pairs += [(_field_name(key), _text(value)) for key, value in _fields(values)]
        try:
            self._transport.send(pairs)
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._transport.socket.close()


class _StreamSink:
    """Lines into a pipe, a file or a terminal, as far as it takes them; half a line is finished first."""

    def __init__(self, descriptor: int, render: Processor) -> None:
        self._descriptor = descriptor
        self._render = render
        self._pending = b""

    def write(self, values: EventDict) -> bool:
        self._flush()
        if self._pending:
            return False
        text = self._render(None, "", values)
        self._pending = str(text).encode("utf-8", "backslashreplace") + b"\n"
        self._flush()
        return True

    def _flush(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        while self._pending:
            ready = poll.poll(0)
            if not ready or not ready[0][1] & select.POLLOUT:
                return
            try:
                written = os.write(self._descriptor, self._pending[:_PIPE_BUF])
            except BlockingIOError:
                return
            except OSError:  # nobody will ever read it again
                self._pending = b""
                return
            self._pending = self._pending[written:]

    def close(self) -> None:
        """The stream is not ours to close."""


class _Facts(structlog.BoundLoggerBase):
    def fact(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - any field
        self._proxy_to_logger("fact", event, **fields)


class Journal:
    """Writes records, and hands them on to whoever taps it."""

    def __init__(self, clock: Clock, sink: Sink) -> None:
        self._clock = clock
        self._sink = sink
        self._lost = 0
        self._taps: list[Tap] = []
        processors: list[Processor] = [structlog.processors.format_exc_info, self._deliver]
        self._facts: _Facts = structlog.wrap_logger(None, processors=processors, wrapper_class=_Facts)

    def record(self, event: str, *, level: Level = "info", **fields: Any) -> None:  # noqa: ANN401 - any field
        """Write one fact; `message=` is its sentence for people, `exc_info=` an exception to show whole."""
        self._facts.fact(event, level=level, at_ms=self._clock.now(), **fields)

    def tap(self, take: Tap) -> None:
        """Hand every record to one more taker, which must not wait: event, instant, fields."""
        self._taps.append(take)

    def _deliver(self, _logger: WrappedLogger, _name: str, values: EventDict) -> EventDict:
        self._hand_on(values)
        if self._lost and self._write({"event": "journal_lost", "level": "warning", "count": self._lost}):
            self._lost = 0
        if not self._write(values):
            self._lost += 1
        raise structlog.DropEvent

    def _write(self, values: EventDict) -> bool:
        known = {key: value for key, value in values.items() if value is not None}
        return self._sink.write({"at_ms": self._clock.now(), **known})

    def _hand_on(self, values: EventDict) -> None:
        for tap in self._taps:
            tap(values["event"], values["at_ms"], {"level": values["level"], **dict(_fields(values))})

    def close(self) -> None:
        """Nothing more is written out."""
        self._sink.close()


class _Libraries(logging.Handler):
    """What libraries log from warnings on, such as an exception in a callback, goes where everything goes."""

    def emit(self, record: logging.LogRecord) -> None:
        if _current is not None:
            level: Level = "error" if record.levelno >= logging.ERROR else "warning"
            _current.record("library_said", level=level, logger=record.name, why=self.format(record))


_current: Journal | None = None
_libraries = _Libraries(logging.WARNING)


def open_journal(
    clock: Clock,
    *,
    socket_path: Path = JOURNAL_SOCKET,
    stream: int | None = None,
    identifier: str = "redundancyd",
    sink: Sink | None = None,
) -> Journal:
    """The journal of this process: a sink, journald where it listens, else the stream, by default standard error."""
    global _current  # noqa: PLW0603 - a process has one journal
    logging.getLogger().addHandler(_libraries)
    _current = Journal(clock, sink or _sink(socket_path, stream, identifier))
    return _current


def _sink(socket_path: Path, stream: int | None, identifier: str) -> Sink:
    descriptor = sys.stderr.fileno() if stream is None else stream
    if stream is None and not os.isatty(descriptor) and _listens(socket_path):
        return _JournalSink(socket_path, identifier)
    return _StreamSink(descriptor, _plain if os.isatty(descriptor) else as_json)


def as_json(logger: WrappedLogger, name: str, values: EventDict) -> str:
    """A record as one JSON object, which is one line."""
    return str(_JSON(logger, name, values))


def _listens(path: Path) -> bool:
    """Whether a journal takes datagrams there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.connect(str(path))
        except OSError:
            return False
    return True


def record(event: str, *, level: Level = "info", **fields: Any) -> None:  # noqa: ANN401 - any field
    """Write one fact to the journal of this process; nothing where none was opened."""
    if _current is not None:
        _current.record(event, level=level, **fields)


def _fields(values: EventDict) -> Iterator[tuple[str, Any]]:
    return (
        (key, value) for key, value in values.items() if key not in ("event", "level", "at_ms") and value is not None
    )


def _sentence(values: EventDict) -> str:
    """What a person reads: the sentence, or the event with its fields behind it; in one line, and printable.

    LIMs have written a part of it: a terminal obeys what cannot be printed, and journalctl hides the whole for it.
    """
    words = [str(values["event"]), *(f"{key}={_text(value)}" for key, value in _fields(values))]
    told = str(values["message"]) if values.get("message") else " ".join(words)
    if told.isprintable():
        return told
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in told)


def _plain(_logger: WrappedLogger, _name: str, values: EventDict) -> str:
    seconds, ms = divmod(int(values["at_ms"]), 1000)
    return f"{seconds}.{ms:03d} {values['level']:8} {_sentence(values)}"


def _field_name(key: str) -> str:
    """What journald allows, and what is not taken by a meaning of its own."""
    name = re.sub(r"[^A-Z0-9_]", "_", key.upper()).lstrip("_0123456789")[:60] or "FIELD"
    return f"REDUNDANCY_{name}" if name in _TAKEN else name


def _text(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(_text(each) for each in value)
    return str(value)[:_FIELD_MAX]


_JSON = structlog.processors.JSONRenderer(default=_text)
