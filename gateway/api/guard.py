"""What stands before every handler: an id, a credential, a role; and behind it: the error body."""

import asyncio
import time

import structlog
from aiohttp import web

from gateway.api.access import Gate
from gateway.api.draining import Draining
from gateway.api.errors import error_response, status_of
from gateway.api.routes import Handler, Route
from gateway.api.transaction_ids import echo_transaction_id
from gateway.logs import fault
from gateway.metrics import Metrics
from gateway.scoring_id import mint
from schemas.caller import Caller
from schemas.errors import EngineError, GatewayError

TRACE: web.RequestKey[str] = web.RequestKey("trace", str)
"""The scoring id of a scoring request, the id of any other: in its answer, its record and its log lines."""
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)

INTERNAL_ERROR = 500

log = structlog.get_logger(__name__)


class Guard:
    """Wraps the handlers of routes: they find `TRACE` and `CALLER` in the request and raise our errors."""

    def __init__(self, gate: Gate, metrics: Metrics, draining: Draining) -> None:
        self._gate = gate
        self._metrics = metrics
        self._draining = draining

    def protect(self, route: Route) -> Handler:
        """Return the handler of a route, for callers whom the route table admits."""

        async def admit(request: web.Request) -> web.StreamResponse:
            request[CALLER] = await self._gate.admit(request.headers.get("Authorization"), route.kind)
            return await route.handler(request)

        return self.answer(admit)

    def answer(self, handler: Handler) -> Handler:
        """Return a handler that gives every request an id, and every error its body."""

        async def handle(request: web.Request) -> web.StreamResponse:
            request[TRACE] = trace = mint(time.time_ns() // 1_000_000)
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - a handler runs in a task
            self._draining.begin(task)
            try:
                response = await self._answered(handler, request, trace)
            finally:
                self._draining.end(task)
            if self._draining.ending:
                response.force_close()
            return response

        return handle

    async def _answered(self, handler: Handler, request: web.Request, trace: str) -> web.StreamResponse:
        try:
            return await handler(request)
        except GatewayError as error:
            return echo_transaction_id(request, self._failed(error, trace))
        except asyncio.CancelledError:
            if not self._draining.impatient:
                raise
            stopping = GatewayError("The gateway is stopping: the call took too long.")
            return echo_transaction_id(request, error_response(stopping, trace=trace))
        except Exception as error:  # noqa: BLE001 - the last boundary: a fault of ours becomes an error body
            log.error("fault", trace=trace, **fault(error))
            self._metrics.refused("gateway_error")
            failed = GatewayError("The gateway has failed at this request.")
            return echo_transaction_id(request, error_response(failed, trace=trace))

    def _failed(self, error: GatewayError, trace: str) -> web.Response:
        if not isinstance(error, EngineError):
            self._metrics.refused(error.code)
        level = log.warning if status_of(error) >= INTERNAL_ERROR else log.info
        level(
            "engine failed" if isinstance(error, EngineError) else "refused",
            trace=trace,
            code=error.code,
            problem=error.message,
            target=error.target,
        )
        return error_response(error, trace=trace)
