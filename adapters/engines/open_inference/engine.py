"""The engine: discovery, and one exchange for a scoring call."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Transport
from adapters.base.http_access import access_headers
from adapters.base.http_scoring import native_response, post
from adapters.base.native import read_native
from adapters.engines.open_inference.discovery import Discovery
from adapters.engines.open_inference.metadata import NO_METADATA, endpoint_of
from adapters.engines.open_inference.native import Native
from adapters.engines.open_inference.request_ids import with_id
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
        url = f"{self._settings.base_url}{read_native(endpoint, Native, what).path}/infer"
        identified = replace(request, body=with_id(request.body, context.scoring_id))
        response = await post(self._transport, what, url, identified, headers=self._headers, deadline=context.deadline)
        return native_response(what, response)


@asynccontextmanager
async def connect(settings: OpenInferenceSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to a server: see `adapters.base.EnginePlugin`."""
    yield OpenInference(settings, transport)


plugin = EnginePlugin(kind="open_inference", settings=OpenInferenceSettings, connect=connect, timeout_seconds=60.0)
