"""Lantern's models as an engine: one model is one endpoint.

Source: Lantern handbook, "HTTP API": GET /models, POST /models/{name}/predict, errors as {"error": "..."}.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import quote

from msgspec import field

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Transport
from adapters.base.http_errors import http_error
from adapters.base.http_scoring import native_response, post
from adapters.base.json_members import Member, read_members
from adapters.base.limits import LimitSettings
from adapters.base.timestamps import utc_timestamp
from adapters.base.transport_errors import engine_errors
from schemas.configuration import Doc, EngineSettings, HttpUrl, Secret, Settings
from schemas.deployment import Asset, Endpoint
from schemas.errors import EngineReplyError

DISCOVERY_SECONDS = 10.0
MAX_LIST_BYTES = 2**24


class LanternEndpointSettings(Settings, frozen=True, kw_only=True):
    """Details of one model."""

    limits: Annotated[LimitSettings, Doc("What one native request may hold.")] = LimitSettings()


class LanternSettings(EngineSettings, frozen=True, kw_only=True):
    """One Lantern server."""

    url: Annotated[HttpUrl, Doc("Base of the server: what stands before `/models`.")]
    token: Annotated[Secret | None, Doc("Bearer token; null: the server takes anybody's calls.")] = None
    endpoints: Annotated[
        dict[str, LanternEndpointSettings], Doc("Models known without discovery, and details of discovered ones.")
    ] = field(default_factory=dict)


class Lantern:
    """A server: see `adapters.base.Engine`."""

    def __init__(self, settings: LanternSettings, transport: Transport) -> None:
        self._base = settings.url.rstrip("/")
        self._details = settings.endpoints
        self._headers = {} if settings.token is None else {"Authorization": f"Bearer {settings.token}"}
        self._transport = transport

    def configured(self) -> Sequence[Endpoint]:
        """Return the models that the configuration names."""
        return [Endpoint(name=name, limits=details.limits.limits()) for name, details in self._details.items()]

    async def endpoints(self) -> Sequence[Endpoint]:
        """Return the models that the server lists."""
        with engine_errors("Lantern"):
            response = await self._transport.request(
                "GET",
                f"{self._base}/models",
                headers=self._headers,
                deadline=asyncio.get_running_loop().time() + DISCOVERY_SECONDS,
                max_bytes=MAX_LIST_BYTES,
            )
        if response.status != 200:  # noqa: PLR2004 - HTTP
            raise http_error("Lantern", response)
        models = read_members(response.body)["models"].items
        if models is None:
            raise EngineReplyError("Lantern sent a list of models without `models`: is `url` that of a Lantern server?")
        return [self._endpoint(model, name) for model in models if (name := model["name"].text) is not None]

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once: see `adapters.base.Engine`."""
        what = f"Lantern model {endpoint.name}"
        response = await post(
            self._transport,
            what,
            f"{self._base}/models/{quote(endpoint.name, safe='')}/predict",
            request,
            headers={**self._headers, "X-Call-Id": context.scoring_id},
            deadline=context.deadline,
        )
        return native_response(what, response)

    def _endpoint(self, model: Member, name: str) -> Endpoint:
        columns = [column.text for column in model["columns"].items or ()]
        details = self._details.get(name, LanternEndpointSettings())
        trained = utc_timestamp(model["trained"].text)
        return Endpoint(
            name=name,
            created_at=trained,
            asset=Asset(id=quote(name, safe=""), name=name, created_at=trained),
            columns=tuple(column for column in columns if column is not None) or None,
            limits=details.limits.limits(),
        )


@asynccontextmanager
async def connect(settings: LanternSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to a server: see `adapters.base.EnginePlugin`."""
    yield Lantern(settings, transport)


plugin = EnginePlugin(kind="lantern", settings=LanternSettings, connect=connect, timeout_seconds=30.0)
