"""`/livez` and `/readyz`, for whoever supervises the process."""

from collections.abc import Callable, Iterable, Sequence

from aiohttp import web
from msgspec import Struct, json

from gateway.api.access import Gate
from gateway.api.routes import Route
from gateway.directory import EngineStatus
from schemas.errors import ForbiddenError, OverloadedError, UnauthenticatedError


class SpoolState(Struct, frozen=True):
    """How full the spool is, of its largest size, and what that means soon; None while there is room."""

    fill: float
    warning: str | None


class Probes:
    """Says whether the process lives, and whether it should be sent calls.

    Args:
        gate: an operator sees the details.
        obstacles: what keeps the gateway from taking calls, one sentence each.
        engines: what the directory knows; an engine that can't be discovered now keeps nobody from scoring.
        payload_log: how full the spool is, and what will become an obstacle soon.
    """

    def __init__(
        self,
        gate: Gate,
        obstacles: Callable[[], list[str]],
        engines: Callable[[], Iterable[EngineStatus]],
        payload_log: Callable[[], SpoolState],
    ) -> None:
        self._gate = gate
        self._obstacles = obstacles
        self._engines = engines
        self._payload_log = payload_log

    def routes(self) -> Sequence[Route]:
        """Return the routes of this module."""
        return [Route("GET", "/livez", "probe", self.alive), Route("GET", "/readyz", "probe", self.ready)]

    async def alive(self, request: web.Request) -> web.Response:
        """Answer 200 for as long as the event loop runs."""
        return _json({"alive": True}, 200)

    async def ready(self, request: web.Request) -> web.Response:
        """Answer 200 when calls can be taken, else 503; an operator sees why."""
        obstacles = self._obstacles()
        answer: dict[str, object] = {"ready": not obstacles}
        if await self._is_operator(request):
            answer |= {"not_ready": obstacles, "payload_log": self._payload_log(), "engines": list(self._engines())}
        return _json(answer, 503 if obstacles else 200)

    async def _is_operator(self, request: web.Request) -> bool:
        try:
            await self._gate.admit(request.headers.get("Authorization"), "operations")
        except (UnauthenticatedError, ForbiddenError, OverloadedError):
            return False
        return True


def _json(answer: dict[str, object], status: int) -> web.Response:
    return web.Response(body=json.encode(answer), status=status, content_type="application/json")
