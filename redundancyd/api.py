"""The status socket: HTTP over a unix socket, for looking and for orders.  Alone imports aiohttp.

It decides nothing.  What it shows comes from the desk, what it is told goes there; every refusal is problem+json.
Nobody outside can make the loop wait: requests are small, connections and streams are counted, each wait has its end.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Self

from aiohttp import web

from redundancyd import problems
from redundancyd.actions import Action, find
from redundancyd.argument_check import BODY_BYTES, body_limit, body_of, check
from redundancyd.core.events import OperatorAsked
from redundancyd.core.preview import preview
from redundancyd.desk import PAGES, Desk
from redundancyd.openapi import openapi
from redundancyd.peers import Peer, Rights, group_id, peer_of
from redundancyd.records import Line, follow
from redundancyd.requests import ManualTakeover, Mistake, Problem, Request
from redundancyd.socket_file import Listen, SocketFile
from redundancyd.status import hindrances

BODY_S = 5.0  # a body that takes longer is nobody's order
IDLE_S = 30.0  # a connection that asks nothing, or asks too slowly, is closed
WRITE_S = 10.0  # a reader who takes nothing for so long is gone
ACT_S = 20.0  # the desk has its own, shorter deadline
GROUP_S, SHUTDOWN_S = 5.0, 3.0
CONNECTIONS = 64
STREAMS = 16  # so that streams never use up the connections
SINCE_DIGITS = 15

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = logging.getLogger(__name__)


class Api:
    """The status socket of one daemon."""

    def __init__(
        self, desk: Desk, path: str, group: str, *, version: str = "", listen: Listen = SocketFile.take
    ) -> None:
        self._desk, self._path, self._group = desk, path, group
        self._version = version
        self._listen = listen
        self._rights = Rights(None)
        self._file: SocketFile | None = None
        self._server: asyncio.Server | None = None
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=SHUTDOWN_S)
        self._stopping = asyncio.Event()
        self._streams = 0
        self._previews = asyncio.Semaphore(1)

    async def start(self) -> tuple[str, ...]:
        """Listen; the complaints are for the journal.  AlreadyRunning, SocketUnusable when it is not possible."""
        group = None
        with suppress(TimeoutError):
            async with asyncio.timeout(GROUP_S):
                group = await asyncio.to_thread(group_id, self._group)
        self._rights.group = group
        self._file = await asyncio.to_thread(self._listen, self._path, group)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, sock=self._file.sock, backlog=CONNECTIONS)
        return self._file.complaints

    async def stop(self) -> None:
        """Take no more orders, let those under way end, and go."""
        self._stopping.set()
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()
        if self._file is not None:
            await asyncio.to_thread(self._file.give_up)
        self._rights.close()

    async def __aenter__(self) -> Self:
        for complaint in await self.start():
            _log.warning("%s", complaint)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard], client_max_size=BODY_BYTES)
        looks = {path: self._shows(make) for path, make in PAGES.items()} | {
            "/v1/events": self._events,
            "/v1/events/stream": self._stream,
            "/v1/preview/{action}": self._preview,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/openapi.json": self._openapi,
        }
        application.add_routes([web.get(path, handler) for path, handler in looks.items()])
        application.router.add_post("/v1/actions/{action}", self._act)
        return application

    def _connection(self) -> asyncio.Protocol:
        """One more connection, or a word that there are too many."""
        server = self._runner.server
        if server is None or len(server.connections) >= CONNECTIONS:
            return _TooMany()
        loop = asyncio.get_running_loop()
        return _Connection(server, loop=loop, keepalive_timeout=IDLE_S, lingering_time=1.0, max_headers=64)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every refusal becomes problem+json, those of aiohttp too."""
        try:
            return await handler(request)
        except _Refused as refused:
            return _problem(refused.problem)
        except web.HTTPRequestEntityTooLarge as error:
            return _problem(Problem(problems.TOO_LARGE, (error.text or "")[:200]), close=True)
        except web.HTTPMethodNotAllowed as error:
            allowed = ", ".join(sorted(error.allowed_methods))
            detail = f"{error.method} {request.path[:100]}: only {allowed}"
            return _problem(Problem(problems.WRONG_METHOD, detail), headers={"Allow": allowed}, close=True)
        except web.HTTPNotFound:
            remedy = "All pages stand in /openapi.json."
            return _problem(Problem(problems.NO_SUCH_PAGE, request.path[:100], remedy), close=True)

    # --- looking ---

    def _shows(self, make: Callable[[Desk], object]) -> Handler:
        async def show(_: web.Request) -> web.StreamResponse:
            return _page(make(self._desk))

        return show

    async def _openapi(self, _: web.Request) -> web.Response:
        return _page(openapi(self._version))

    async def _healthz(self, _: web.Request) -> web.Response:
        if reasons := self._desk.health():
            return _problem(Problem(problems.LOOP_LATE, "; ".join(reasons)), reasons=reasons)
        return _page({"healthy": True})

    async def _readyz(self, _: web.Request) -> web.Response:
        if reasons := [*self._desk.health(), *hindrances(self._desk.state())]:
            return _problem(Problem(problems.NOT_READY_FOR_TAKEOVER, "; ".join(reasons)), reasons=reasons)
        return _page({"ready": True})

    async def _events(self, request: web.Request) -> web.Response:
        return _page({"events": self._desk.records(_since(request) or 0)})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """One JSON object a line; without `since` only what comes from now on."""
        since = _since(request)
        if self._streams >= STREAMS:
            raise _Refused(Problem(problems.TOO_MANY, f"{STREAMS} streams are open", "Close one of them."))
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
        self._streams += 1
        try:
            with self._desk.subscribe() as coming:
                await response.prepare(request)
                kept = [] if since is None else self._desk.records(since)
                lines = follow(kept, coming, self._stopping, lambda: self._desk.state().now)
                with suppress(ConnectionError, TimeoutError):
                    async with aclosing(lines):
                        async for line in lines:
                            await _write(response, line)
        finally:
            self._streams -= 1
        return response

    async def _preview(self, request: web.Request) -> web.Response:
        action = _action(request)
        if not action.previewed:
            raise _Refused(Problem(problems.NOT_PREVIEWED, f"{action.name} does what it says"))
        lists = {argument.name for argument in action.arguments if argument.most > 1 and argument.pattern}
        query = {name: request.query.getall(name) if name in lists else text for name, text in request.query.items()}
        asked = _understood(action, query)
        assert isinstance(asked, ManualTakeover)
        state = self._desk.state()
        order = OperatorAsked(asked.active, 0, "you", state.now, asked.revert_after_ms, asked.accept)
        async with self._previews:  # a large one takes a while; the loop does not wait for it
            told = await asyncio.to_thread(preview, state, order)
        page = {"now": told.now, "will_do": told.will_do, "afterwards": told.afterwards, "refused": told.refused}
        return _page(page)

    # --- orders ---

    async def _act(self, request: web.Request) -> web.Response:
        action = _action(request)
        peer = _peer(request)
        who = await self._rights.name(peer)
        if not await self._rights.may_change(peer):
            remedy = f"Orders are for root and for members of the group {self._group}."
            raise _Refused(Problem(problems.NO_RIGHT, f"{who} may not do {action.name}", remedy))
        try:
            async with asyncio.timeout(BODY_S):
                asked = _understood(action, body_of(await _body(request, body_limit(action))))
        except TimeoutError:
            raise _Refused(Problem(problems.TOO_SLOW, f"the body took longer than {BODY_S:.0f} s")) from None
        except ValueError as error:
            raise _Refused(Problem(problems.NOT_JSON, str(error))) from None
        if self._stopping.is_set():
            raise _Refused(Problem(problems.STOPPING, "no more orders are taken", "Ask again when it has started."))
        try:
            async with asyncio.timeout(ACT_S):
                answer = await self._desk.act(action, asked, who)
        except TimeoutError:
            remedy = "It may have been done or not: look at the status."
            raise _Refused(Problem(problems.NO_ANSWER, f"no answer within {ACT_S:.0f} s", remedy)) from None
        if isinstance(answer, Problem):
            raise _Refused(answer)
        return _page({"detail": answer.detail, "takeover": answer.number})


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class _Connection(web.RequestHandler):
    """One connection; what is no HTTP at all gets a problem, too, and no traceback in the journal."""

    __slots__ = ()

    def log_access(self, *_: object) -> None:
        """Nothing: who looks is nobody's business, and what is ordered is in the journal."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to garbage, and to a mistake of ours."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        if status < web.HTTPInternalServerError.status_code:
            return _problem(Problem(problems.BAD_REQUEST, (message or "it is no HTTP")[:200]), close=True)
        _log.error("%s %s failed", request.method, request.path[:100], exc_info=exc)
        return _problem(Problem(problems.FAILED, "a mistake of ours; the journal has it"), close=True)


class _TooMany(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say it in one datagram's length, and go."""
        assert isinstance(transport, asyncio.Transport)
        body = json.dumps(problems.page(Problem(problems.TOO_MANY, f"{CONNECTIONS} are connected", "Ask again.")))
        head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Type: {problems.MEDIA_TYPE}\r\nConnection: close\r\n"
        transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        transport.close()


def _action(request: web.Request) -> Action:
    name = request.match_info["action"][:100]
    action = find(name)
    if action is None:
        raise _Refused(Problem(problems.UNKNOWN_ACTION, name, "All actions stand in /openapi.json."))
    return action


def _understood(action: Action, body: object) -> Request:
    asked = check(action, body)
    if isinstance(asked, tuple):
        detail = "; ".join(str(mistake) for mistake in asked)
        raise _Refused(Problem(problems.WRONG_ARGUMENTS, detail, f"For example: {action.example}", asked))
    return asked


def _since(request: web.Request) -> int | None:
    given = request.query.get("since")
    if given is None or (given.isascii() and given.isdigit() and len(given) <= SINCE_DIGITS):
        return None if given is None else int(given)
    wrong = Mistake("since", "is no number")
    raise _Refused(Problem(problems.WRONG_ARGUMENTS, str(wrong), "For example: since=42", (wrong,)))


def _peer(request: web.Request) -> Peer:
    sock = request.transport.get_extra_info("socket") if request.transport is not None else None
    if sock is None:
        raise ConnectionResetError("the peer has gone")
    return peer_of(sock)


def _page(page: object) -> web.Response:
    return web.json_response(page, dumps=_json, headers={"Cache-Control": "no-store"})


async def _body(request: web.Request, most: int) -> bytes:
    data = b""
    while max(request.content_length or 0, len(data)) <= most:
        if not (block := await request.content.readany()):
            return data
        data += block
    raise web.HTTPRequestEntityTooLarge(most, len(data), text=f"a body has at most {most} bytes")


def _problem(
    problem: Problem, *, close: bool = False, headers: dict[str, str] | None = None, **more: object
) -> web.Response:
    told = problems.page(problem, **more)
    response = web.json_response(
        told, dumps=_json, status=told["status"], content_type=problems.MEDIA_TYPE, headers=headers
    )
    if close:
        response.force_close()
    return response


async def _write(response: web.StreamResponse, line: Line) -> None:
    async with asyncio.timeout(WRITE_S):
        await response.write(_json(line).encode() + b"\n")


def _json(page: object) -> str:
    """JSON of anything: a record may hold what has no JSON of its own."""
    return json.dumps(page, default=str)
