"""The engine: one exchange for discovery, one for a scoring call."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Transport
from adapters.base.http_errors import http_error
from adapters.base.transport_errors import engine_errors
from adapters.engines.custom.listing import read_listing
from adapters.engines.custom.native import Native, native_of
from adapters.engines.custom.settings import OWN_HEADERS, CustomSettings
from adapters.engines.custom.urls import ScoringUrls
from schemas.deployment import Endpoint

DISCOVERY_SECONDS = 60.0
MAX_ANSWER_BYTES = 256 * 2**20
_JSON = "application/json"

log = structlog.get_logger(__name__)


class CustomEngine:
    """Another custom engine: see `adapters.base.Engine`."""

    def __init__(self, settings: CustomSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._credentials = dict(settings.headers)
        if settings.username is not None:
            pair = f"{settings.username}:{settings.password}".encode()
            self._credentials["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        configured = [entry.url for entry in settings.endpoints.values() if entry.url is not None]
        self._urls = ScoringUrls(settings.base_url, settings.trusted_hosts, configured)

    def configured(self) -> Sequence[Endpoint]:
        """Return the deployments of the configuration; one without a URL is called at that of the contract."""
        return [
            Endpoint(
                name=name,
                native=Native(url=entry.url or self._urls.derived(name)).as_json(),
                limits=entry.limits.limits(),
            )
            for name, entry in self._settings.endpoints.items()
        ]

    async def endpoints(self) -> Sequence[Endpoint]:
        """Ask for `GET /v1/deployments`; one entry at fault does not hide the others."""
        with engine_errors("The custom engine"):
            response = await self._transport.request(
                "GET",
                f"{self._settings.base_url}/v1/deployments",
                headers={**self._credentials, "Accept": _JSON},
                deadline=asyncio.get_running_loop().time() + DISCOVERY_SECONDS,
                max_bytes=MAX_ANSWER_BYTES,
            )
        if response.status != 200:  # noqa: PLR2004 - HTTP
            raise http_error("The custom engine's list of deployments", response)
        endpoints, unreadable = read_listing(response.body, self._urls, self._settings.endpoints)
        if unreadable:
            log.warning("entries of the custom engine's list have no metadata.guid", entries=unreadable)
        return endpoints

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once: see `adapters.base.Engine`."""
        native = native_of(endpoint)
        what = f"Custom engine deployment {endpoint.name}"
        with engine_errors(what):
            response = await self._transport.request(
                "POST",
                native.url,
                headers=self._headers(native, request, context),
                body=request.body,
                deadline=context.deadline,
                max_bytes=MAX_ANSWER_BYTES,
            )
        if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP
            raise http_error(what, response)
        return NativeResponse(
            response.status, response.body, response.headers.get("content-type", ""), response.headers
        )

    def _headers(self, native: Native, request: NativeRequest, context: CallContext) -> dict[str, str]:
        credentials = self._credentials if self._urls.may_carry_credentials(native.url) else {}
        # The configuration counts more than the list, and both more than the request.
        given: dict[str, tuple[str, str]] = {}
        for headers in (request.headers, native.headers, credentials):
            given.update({name.lower(): (name, value) for name, value in headers.items()})
        sent = {name: value for key, (name, value) in given.items() if key not in OWN_HEADERS}
        sent["Content-Type"] = request.content_type
        sent["Accept"] = request.accept or _JSON
        sent["X-Global-Transaction-Id"] = context.scoring_id
        return sent


@asynccontextmanager
async def connect(settings: CustomSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to another custom engine: see `adapters.base.EnginePlugin`."""
    yield CustomEngine(settings, transport)


plugin = EnginePlugin(kind="custom", settings=CustomSettings, connect=connect, timeout_seconds=60.0)
