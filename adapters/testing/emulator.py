"""What all emulators share: a server on loopback and a script of faults."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct
from multidict import CIMultiDictProxy

# Answers that a fault delays are the only ones that are still under way at the end, and nobody waits for them.
SHUTDOWN_SECONDS = 0.05


class Fault(Struct, frozen=True, kw_only=True):
    """What an emulator does instead of, or before, its normal answer.

    Attributes:
        route: name of the route it applies to; None: any.
        times: for how many requests; None: until the script is cleared.
        delay_seconds: wait first; alone, the normal answer follows.
        status: answer with this status and `body`.
        body: bytes of the answer; with `status` None, it replaces the body of the normal answer.
        content_type: of `body`.
        headers: further headers of that answer.
        connection: `reset`: close the connection without an answer, the request not looked at; `lose`: take the request
            as usual, then close the connection instead of answering; `truncate`: announce the answer's full length and
            close after half of it.
    """

    route: str | None = None
    times: int | None = 1
    delay_seconds: float = 0.0
    status: int | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = {}
    connection: Literal["reset", "lose", "truncate"] | None = None


class Emulator:
    """A platform on a loopback port, from `async with` to its end.

    A subclass passes its routes (each with a `name`). By route name there are `requests`, how many there were,
    `most_at_once`, how many of them were under way at the same time, and `last_headers`, those of the newest.
    """

    def __init__(self, routes: Iterable[web.RouteDef], *, port: int = 0, client_max_size: int = 64 * 2**20) -> None:
        self._app = web.Application(middlewares=[self._play_faults], client_max_size=client_max_size)
        self._app.add_routes(routes)
        self._wanted_port = port
        self._runner: web.AppRunner | None = None
        self._faults: list[tuple[Fault, list[int | None]]] = []
        self._arrival = asyncio.Event()
        self._under_way: Counter[str] = Counter()
        self.requests: dict[str, int] = {}
        self.most_at_once: dict[str, int] = {}
        self.last_headers: dict[str, CIMultiDictProxy[str]] = {}
        self.url = ""

    def play(self, *faults: Fault) -> None:
        """Append faults to the script; the first that fits a request and is not used up is played."""
        self._faults.extend((fault, [fault.times]) for fault in faults)

    def recover(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    async def seen(self, route: str, times: int = 1) -> None:
        """Wait until that many requests of a route have arrived since the start, answered or not."""
        while self.requests.get(route, 0) < times:
            await self._arrival.wait()

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._wanted_port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _next_fault(self, route: str) -> Fault | None:
        for fault, left in self._faults:
            if fault.route not in (None, route) or left[0] == 0:
                continue
            if left[0] is not None:
                left[0] -= 1
            return fault
        return None

    @web.middleware
    async def _play_faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        route = request.match_info.route.name or ""
        self.requests[route] = self.requests.get(route, 0) + 1
        self.last_headers[route] = request.headers
        self._arrival.set()
        self._arrival = asyncio.Event()
        self._under_way[route] += 1
        self.most_at_once[route] = max(self.most_at_once.get(route, 0), self._under_way[route])
        try:
            return await self._answer(request, route, handler)
        finally:
            self._under_way[route] -= 1

    async def _answer(self, request: web.Request, route: str, handler: Handler) -> web.StreamResponse:
        fault = self._next_fault(route)
        if fault is None:
            return await handler(request)
        await request.read()
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault.connection == "reset":
            return _reset(request)
        if fault.connection == "lose":
            with suppress(web.HTTPException):
                await handler(request)
            return _reset(request)
        if fault.status is not None:
            answer: web.StreamResponse = web.Response(
                status=fault.status, body=fault.body, content_type=fault.content_type, headers=fault.headers
            )
        else:
            answer = await handler(request)
            if fault.body is not None:
                answer = web.Response(body=fault.body, content_type=fault.content_type, headers=fault.headers)
        if fault.connection == "truncate":
            return await _truncate(request, answer)
        return answer


def _reset(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:  # the client may have left first
        request.transport.abort()
    return web.Response()


async def _truncate(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
    cut = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    cut.content_length = max(len(body), 2)
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2] or b"{")
    assert request.transport is not None  # noqa: S101 - the answer is being written to it
    request.transport.close()
    return cut
