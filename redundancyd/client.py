"""Asks the daemon through its status socket.  Standard library only, quick to import, every wait bounded.

A `get` or an `act` gives the answer's JSON, or raises: WrongWords, RequestRefused, DaemonNotReached, or their root.
"""

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from redundancyd.errors import DaemonNotReached, RedundancyError, RequestRefused, WrongWords

if TYPE_CHECKING:
    from http.client import HTTPResponse

DEFAULT_SOCKET = "/run/redundancyd/status.sock"
ANSWER_S = 10.0
ACT_S = 30.0  # longer than the daemon's own deadline
SILENCE_S = 45.0  # a stream says every 15 s that it stands
ANSWER_BYTES = 32_000_000
LINE_BYTES = 1_000_000

Page = dict[str, Any]
_WRONG, _REFUSED, _NOT_NOW = {400, 404, 405, 413}, {403, 409}, {408, 503}
_OK = 200


class Refusal(RequestRefused):
    """What the daemon refused, with the whole page that says why."""

    def __init__(self, tried: str, page: Page) -> None:
        super().__init__(tried, _said(page), page.get("remedy", ""))
        self.page = page


class Client:
    """One status socket."""

    def __init__(self, path: str = DEFAULT_SOCKET) -> None:
        self.path = path

    def get(self, page: str, query: Mapping[str, object] | None = None) -> Page:
        """The JSON of a page."""
        return self._answer("GET", _address(page, query), None, ANSWER_S)

    def preview(self, action: str, query: Mapping[str, object]) -> Page:
        """What an action would do; for some of them both systems are asked first."""
        return self._answer("GET", _address(f"/v1/preview/{action}", query), None, ACT_S)

    def act(self, action: str, arguments: Mapping[str, object]) -> Page:
        """Have something done; returns when the order is on the daemon's disk."""
        return self._answer("POST", f"/v1/actions/{action}", arguments, ACT_S)

    def stream(self, since: int | None = None) -> Iterator[Page]:
        """Every record as it comes; DaemonNotReached when the daemon falls silent, stops, or leaves us behind."""
        address = _address("/v1/events/stream", None if since is None else {"since": since})
        with self._asked("GET", address, None, ANSWER_S) as (response, allow):
            if response.status != _OK:
                raise _error(f"asking for {address}", self.path, response.status, _json(response.read(LINE_BYTES)))
            while line := response.readline(LINE_BYTES):
                allow(SILENCE_S)
                found = _json(line)
                match found.get("event"):
                    case "stream_opened" | "stream_alive":
                        continue
                    case "stream_closed":
                        raise DaemonNotReached("following the events", "the daemon stops", "Ask again later.")
                    case "stream_behind":
                        raise DaemonNotReached("following the events", "they came too fast", "Follow them anew.")
                yield found
        raise DaemonNotReached("following the events", "the daemon has ended", "Is it running?")

    def _answer(self, method: str, address: str, body: Mapping[str, object] | None, seconds: float) -> Page:
        with self._asked(method, address, body, seconds) as (response, _):
            page = _json(response.read(ANSWER_BYTES))
            if response.status != _OK:
                raise _error(f"asking for {address}", self.path, response.status, page)
            return page

    @contextmanager
    def _asked(
        self, method: str, address: str, body: Mapping[str, object] | None, seconds: float
    ) -> Iterator[tuple["HTTPResponse", Callable[[float], None]]]:
        """A request sent and its answer begun; what goes wrong on the way is DaemonNotReached."""
        import json  # noqa: PLC0415 - 25 ms that `--help` need not pay
        from http.client import HTTPException  # noqa: PLC0415

        from redundancyd.unix_http import UnixConnection  # noqa: PLC0415

        connection = UnixConnection(self.path, seconds)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, address, data, {"Content-Type": "application/json"} if data else {})
            with connection.getresponse() as response:
                yield response, connection.allow
            if connection.timed_out:  # the end of a stream may be ours
                raise TimeoutError
        except (OSError, HTTPException, ValueError) as error:
            raise _not_reached(self.path, TimeoutError() if connection.timed_out else error) from error
        finally:
            connection.end()


def _address(page: str, query: Mapping[str, object] | None) -> str:
    from urllib.parse import urlencode  # noqa: PLC0415

    return f"{page}?{urlencode(query, doseq=True)}" if query else page


def _json(raw: bytes) -> Page:
    import json  # noqa: PLC0415

    page = json.loads(raw)
    if not isinstance(page, dict):
        raise ValueError("it answered no JSON object")  # noqa: TRY004 - one kind for all that is no answer
    return page


def _error(tried: str, path: str, status: int, page: Page) -> RedundancyError:
    """The error that a problem page means."""
    if status in _REFUSED:
        return Refusal(tried, page)
    if status in _NOT_NOW:
        return DaemonNotReached(f"{tried} at {path}", _said(page), page.get("remedy", ""))
    kind = WrongWords if status in _WRONG else RedundancyError
    return kind(tried, _said(page), page.get("remedy", ""))


def _said(page: Page) -> str:
    title, detail = str(page.get("title", "it failed")), str(page.get("detail", ""))
    return f"{title}: {detail}".rstrip(": .")


def _not_reached(path: str, error: Exception) -> DaemonNotReached:
    """What keeps us from the daemon, and what to do about it."""
    tried = f"reaching redundancyd at {path}"
    running = "Is redundancyd running (systemctl status redundancyd), and is this its socket (--socket PATH)?"
    match error:
        case OSError(errno=errno.ENOENT):
            return DaemonNotReached(tried, "there is no such socket", running)
        case OSError(errno=errno.ECONNREFUSED):
            return DaemonNotReached(tried, "nobody listens on it", running)
        case OSError(errno=errno.EACCES):
            remedy = f"Root may, and members of the socket's group (ls -l {path}); log in again after joining it."
            return DaemonNotReached(tried, "you may not open it", remedy)
        case TimeoutError():
            return DaemonNotReached(tried, "no answer in time", "It may be stuck: journalctl -u redundancyd.")
        case OSError():
            return DaemonNotReached(tried, error.strerror or "the connection broke", running)
        case _:
            return DaemonNotReached(tried, f"what answers is not redundancyd ({error})", running)
