"""The engine: discovery, and one exchange for a scoring call."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Transport
from adapters.base.http_access import access_headers
from adapters.base.http_scoring import native_response, post
from adapters.engines.open_inference.discovery import Discovery
from adapters.engines.open_inference.metadata import NO_METADATA, endpoint_of
from adapters.engines.open_inference.native import native_of
from adapters.engines.open_inference.settings import OpenInferenceSettings
from schemas.deployment import Endpoint


class OpenInference:
    """A server of the Open Inference Protocol: see `adapters.base.Engine`."""

    def __init__(self, settings: OpenInferenceSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport
        self._headers = access_headers(settings.credentials, settings.headers)
        self._discovery = Discovery(settings, transport, self._headers)

    def configured(self) -> Sequence[Endpoint]:
        """Return the models of the configuration; with discovery none, for it knows their tensors, too."""
        if self._settings.discover is not False:
            return []
        return [
            endpoint_of(name, settings, NO_METADATA, self._settings.base_url)
            for name, settings in self._settings.endpoints.items()
        ]

    async def endpoints(self) -> Sequence[Endpoint]:
        """Ask the server for its models: see `Discovery`."""
        return await self._discovery.endpoints()

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once: see `adapters.base.Engine`."""
        what = f"Open Inference model {endpoint.name}"
        url = f"{self._settings.base_url}{native_of(endpoint).path}/infer"
        response = await post(self._transport, what, url, request, headers=self._headers, deadline=context.deadline)
        return native_response(what, response)


@asynccontextmanager
async def connect(settings: OpenInferenceSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to a server: see `adapters.base.EnginePlugin`."""
    yield OpenInference(settings, transport)


plugin = EnginePlugin(kind="open_inference", settings=OpenInferenceSettings, connect=connect, timeout_seconds=60.0)
