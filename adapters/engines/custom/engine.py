"""The engine: one exchange for discovery, one for a scoring call."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Transport
from adapters.base.http_access import access_headers
from adapters.base.http_errors import Meaning, http_error
from adapters.base.http_scoring import MAX_ANSWER_BYTES, native_response, post
from adapters.base.native import read_native
from adapters.base.transport_errors import engine_errors
from adapters.engines.custom.listing import read_listing
from adapters.engines.custom.native import Native
from adapters.engines.custom.settings import CustomSettings
from adapters.engines.custom.urls import ScoringUrls
from schemas.deployment import Endpoint
from schemas.errors import EngineRefusedError

DISCOVERY_SECONDS = 60.0
_JSON = "application/json"
_DEVIATIONS: Mapping[int, Meaning] = {404: (EngineRefusedError, "is not there (404): check `url`", False)}

log = structlog.get_logger(__name__)


class CustomEngine:
    """Another custom engine: see `adapters.base.Engine`."""

    def __init__(self, settings: CustomSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._access = access_headers(settings.credentials, settings.headers)
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
                headers={**self._access, "Accept": _JSON},
                deadline=asyncio.get_running_loop().time() + DISCOVERY_SECONDS,
                max_bytes=MAX_ANSWER_BYTES,
            )
        if response.status != 200:  # noqa: PLR2004 - HTTP
            raise http_error("The custom engine's list of deployments", response, deviations=_DEVIATIONS)
        endpoints, unreadable = read_listing(response.body, self._urls, self._settings.endpoints)
        if unreadable:
            log.warning("entries of the custom engine's list have no metadata.guid", entries=unreadable)
        return endpoints

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once: see `adapters.base.Engine`."""
        what = f"Custom engine deployment {endpoint.name}"
        native = read_native(endpoint, Native, what)
        response = await post(
            self._transport,
            what,
            native.url,
            request,
            headers=self._headers(native, context.scoring_id),
            deadline=context.deadline,
        )
        return native_response(what, response)

    def _headers(self, native: Native, scoring_id: str) -> dict[str, str]:
        """Return listed headers, those of the configuration, and the correlation id; of one name the last counts."""
        access = self._access if self._urls.may_carry_credentials(native.url) else {}
        given = [*native.headers.items(), *access.items(), ("x-global-transaction-id", scoring_id)]
        return {name.lower(): value for name, value in given}


@asynccontextmanager
async def connect(settings: CustomSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to another custom engine: see `adapters.base.EnginePlugin`."""
    yield CustomEngine(settings, transport)


plugin = EnginePlugin(kind="custom", settings=CustomSettings, connect=connect, timeout_seconds=60.0)
