"""The engine: one exchange for a scoring call, and a ping."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Transport
from adapters.base.http_access import access_headers
from adapters.base.http_errors import Meaning, http_error
from adapters.base.http_scoring import native_response, post
from adapters.base.transport_errors import engine_errors
from adapters.engines.mlflow.settings import MlflowEndpointSettings, MlflowSettings
from schemas.deployment import Asset, Endpoint
from schemas.errors import EngineEndpointNotFoundError, EngineError, EngineRefusedError

PING_SECONDS = 10.0
_MAX_PING_BYTES = 2**20
_DEVIATIONS: Mapping[int, Meaning] = {404: (EngineRefusedError, "has no /ping (404): check its `url`", False)}

log = structlog.get_logger(__name__)


class Mlflow:
    """MLflow scoring servers: see `adapters.base.Engine`."""

    def __init__(self, settings: MlflowSettings, transport: Transport) -> None:
        self._servers = settings.endpoints
        self._transport = transport

    def configured(self) -> Sequence[Endpoint]:
        """Return one endpoint for each server."""
        return [
            Endpoint(
                name=name,
                asset=Asset(id=name, name=name, url=server.base_url),
                limits=server.limits.limits(),
            )
            for name, server in self._servers.items()
        ]

    async def endpoints(self) -> Sequence[Endpoint]:
        """Return the endpoints whose servers are up.

        Raises:
            EngineError: there are servers, and none is up.
        """
        problems = await asyncio.gather(*(self._ping(name, server) for name, server in self._servers.items()))
        down = {name: problem for name, problem in zip(self._servers, problems, strict=True) if problem is not None}
        if down and len(down) == len(self._servers):
            raise next(iter(down.values()))
        for name, problem in down.items():
            log.warning("MLflow server not up", endpoint=name, code=problem.code, problem=problem.message)
        return [endpoint for endpoint in self.configured() if endpoint.name not in down]

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once: see `adapters.base.Engine`."""
        what = _subject(endpoint.name)
        server = self._servers.get(endpoint.name)
        if server is None:
            raise EngineEndpointNotFoundError(f"{what} is not in the configuration any more.")
        response = await post(
            self._transport,
            what,
            f"{server.base_url}/invocations",
            request,
            headers=access_headers(server.credentials, server.headers),
            deadline=context.deadline,
        )
        return native_response(what, response)

    async def _ping(self, name: str, server: MlflowEndpointSettings) -> EngineError | None:
        """Return why a server can't be used, None for one that is up."""
        what = _subject(name)
        try:
            with engine_errors(what):
                response = await self._transport.request(
                    "GET",
                    f"{server.base_url}/ping",
                    headers=access_headers(server.credentials, server.headers),
                    deadline=asyncio.get_running_loop().time() + PING_SECONDS,
                    max_bytes=_MAX_PING_BYTES,
                )
        except EngineError as error:
            return error
        if response.status == 200:  # noqa: PLR2004 - HTTP
            return None
        return http_error(what, response, deviations=_DEVIATIONS)


def _subject(name: str) -> str:
    return f"MLflow server {name}"


@asynccontextmanager
async def connect(settings: MlflowSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to the servers: see `adapters.base.EnginePlugin`."""
    yield Mlflow(settings, transport)


plugin = EnginePlugin(kind="mlflow", settings=MlflowSettings, connect=connect, timeout_seconds=60.0)
