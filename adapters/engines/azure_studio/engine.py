"""The engine: discovery, and one exchange for a scoring call."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Response, Transport
from adapters.base.http_scoring import native_response, post
from adapters.base.native import read_native
from adapters.engines.azure_studio.arm import ControlPlane
from adapters.engines.azure_studio.discovery import Discovery
from adapters.engines.azure_studio.errors import service_error
from adapters.engines.azure_studio.keys import Keys
from adapters.engines.azure_studio.native import Native
from adapters.engines.azure_studio.settings import AzureStudioEndpointSettings, AzureStudioSettings, scoring_url
from schemas.deployment import Endpoint
from schemas.errors import EngineError


class AzureStudio:
    """Web services of Azure ML Studio (classic): see `adapters.base.Engine`."""

    def __init__(self, settings: AzureStudioSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        control = _control_plane(settings, transport)
        self._discovery = None if control is None else Discovery(settings, control)
        self._keys = Keys(control)
        self._configured_keys = {name: entry.key for name, entry in settings.endpoints.items() if entry.key}

    def configured(self) -> Sequence[Endpoint]:
        """Return the web services that have a URL in the configuration."""
        return [
            self._configured(name, entry.url, entry)
            for name, entry in self._settings.endpoints.items()
            if entry.url is not None
        ]

    async def endpoints(self) -> Sequence[Endpoint]:
        """Ask Azure Resource Manager: see `Discovery`."""
        return [] if self._discovery is None else await self._discovery.endpoints()

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once, and once more where the key was regenerated: see `adapters.base.Engine`."""
        what = f"Azure ML Studio service {endpoint.name}"
        native = read_native(endpoint, Native, what)
        key = self._configured_keys.get(endpoint.name) or self._keys.key(native)
        response = await self._post(what, native, key, request, context)
        if response.status == 401:  # noqa: PLR2004 - HTTP
            try:
                another = await self._keys.another(native, key, context.deadline)
            except EngineError as error:
                raise service_error(what, response) from error
            if another is not None:
                response = await self._post(what, native, another, request, context)
        if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP
            raise service_error(what, response)
        return native_response(what, response)

    async def _post(
        self, what: str, native: Native, key: str | None, request: NativeRequest, context: CallContext
    ) -> Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return await post(self._transport, what, native.url, request, headers=headers, deadline=context.deadline)

    def _configured(self, name: str, url: str, entry: AzureStudioEndpointSettings) -> Endpoint:
        native = Native(url=scoring_url(url, self._settings.style_of(entry)))
        return Endpoint(name=name, native=native.as_json(), limits=entry.limits.limits())


def _control_plane(settings: AzureStudioSettings, transport: Transport) -> ControlPlane | None:
    if settings.credentials is None:
        return None
    tokens = settings.credentials.tokens(transport, scope=settings.control_scope, authority=settings.authority_url)
    return ControlPlane(settings, transport, tokens)


@asynccontextmanager
async def connect(settings: AzureStudioSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to a subscription, or to web services by URL: see `adapters.base.EnginePlugin`."""
    yield AzureStudio(settings, transport)


plugin = EnginePlugin(kind="azure_studio", settings=AzureStudioSettings, connect=connect, timeout_seconds=120.0)
