"""Serving an application on a socket, from the first connection to the end of the last call."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_request import BaseRequest

from gateway.api.draining import Draining
from gateway.api.errors import error_response
from gateway.logs import fault
from gateway.scoring_id import mint
from schemas.errors import GatewayError, InvalidRequestError

# Longer than that of the usual load balancers (60 s): the side that sends closes first.
KEEP_ALIVE_SECONDS = 75.0
BACKLOG = 1024
# Answers that are ready at the end of serving may take this long on their way.
WRITE_SECONDS = 1.0
INTERNAL_ERROR = 500

log = structlog.get_logger(__name__)


class Connection(web.RequestHandler):
    """One connection. What is no HTTP is answered with an error body, too, and is nothing that a person must act on."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = INTERNAL_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what no handler could see, and close the connection behind it.

        Raises:
            ConnectionError: an answer is on its way already.
        """
        if request.writer.output_size > 0:
            raise ConnectionError
        trace = mint(time.time_ns() // 1_000_000)
        self.log_exception(exc_info=exc)
        error = GatewayError("The gateway has failed at this request.")
        if status < INTERNAL_ERROR:
            error = InvalidRequestError(f"The request is not valid HTTP/1.1 ({type(exc).__name__}).")
        response = error_response(error, trace=trace)
        response.force_close()
        return response

    def log_exception(self, *args: object, exc_info: BaseException | None = None, **_: object) -> None:
        """Log what broke outside of a handler, without the words of a library."""
        if isinstance(exc_info, HttpProcessingError | web.RequestPayloadError):
            log.info("not HTTP", problem=type(exc_info).__name__)
        else:
            log.error("fault", **(fault(exc_info) if exc_info is not None else {}))


@asynccontextmanager
async def serving(
    app: web.Application, listener: socket.socket, draining: Draining, *, tls: ssl.SSLContext | None
) -> AsyncIterator[None]:
    """Accept connections from entering to leaving; leaving closes the listener and finishes what was begun.

    A caller that hangs up does not cancel its call.
    """
    runner = web.AppRunner(app, handler_cancellation=False, shutdown_timeout=WRITE_SECONDS)
    await runner.setup()
    manager = runner.server
    assert manager is not None  # noqa: S101 - it is set up
    loop = asyncio.get_running_loop()
    connection = partial(Connection, manager, loop=loop, keepalive_timeout=KEEP_ALIVE_SECONDS)
    try:
        server = await loop.create_server(connection, sock=listener, ssl=tls, backlog=BACKLOG)
        try:
            yield
        finally:
            server.close()
            await draining.finish()
    finally:
        await runner.cleanup()
