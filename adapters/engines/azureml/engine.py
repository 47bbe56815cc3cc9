"""The engine: what it finds, and scoring over the gateway's transport."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Response, Token, Transport
from adapters.base.transport_errors import engine_errors
from adapters.engines.azureml.authorization import Authorization
from adapters.engines.azureml.describing import Descriptions, document_beside
from adapters.engines.azureml.discovery import MAX_BYTES, MAX_PARALLEL, Entry, can_score, endpoint_of, entries_of
from adapters.engines.azureml.errors import scoring_error
from adapters.engines.azureml.native import Native, native_of, owner_of
from adapters.engines.azureml.settings import AzureEndpointSettings, AzureSettings
from adapters.engines.azureml.workspace import DISCOVERY_SECONDS, Workspace
from schemas.deployment import Endpoint, Limits
from schemas.errors import EngineError

MANAGED_HOSTS = ".inference.ml.azure.com"
SERVICE_SECONDS = 120.0
"""For a call of a service that states no timeout: ACI, AKS."""
MAX_ANSWER_BYTES = 256 * 2**20

_OWN_HEADERS = frozenset({"accept", "authorization", "content-type", "x-ms-client-request-id"})
_DEPLOYMENT_HEADER = "azureml-model-deployment"


class AzureMachineLearning:
    """A workspace, or endpoints by URL alone: see `adapters.base.Engine`."""

    def __init__(self, settings: AzureSettings, transport: Transport, authorization: Authorization) -> None:
        self._settings = settings
        self._transport = transport
        self._authorization = authorization
        self._workspace = Workspace(settings, authorization.control)
        self._descriptions = Descriptions(transport, authorization)

    def configured(self) -> Sequence[Endpoint]:
        """Return the endpoints that have a URL in the configuration."""
        return [
            _configured(name, settings.url, settings)
            for name, settings in self._settings.endpoints.items()
            if settings.url is not None
        ]

    async def endpoints(self) -> Sequence[Endpoint]:
        """Ask the workspace, and endpoints by URL what they take; one at fault does not hide the others for long."""
        deadline = asyncio.get_running_loop().time() + DISCOVERY_SECONDS
        entries = await self._entries(deadline)
        wanting = {owner_of(entry.name) for entry in entries if _wants_key(entry)}
        keys = await self._authorization.keys(sorted(wanting), deadline)
        found = [endpoint_of(entry, keys.get(owner_of(entry.name))) for entry in entries]
        by_url = self.configured()
        documents = [
            *(entry.listed.swagger_uri for entry in entries),
            *(document_beside(native_of(endpoint).scoring_uri) for endpoint in by_url),
        ]
        described = await self._descriptions.described([*found, *by_url], documents)
        known = len(found)
        return [*described[:known], *(endpoint for endpoint in described[known:] if endpoint.columns is not None)]

    async def _entries(self, deadline: float) -> list[Entry]:
        if not self._settings.has_workspace:
            return []
        listed = await self._workspace.listed(deadline)
        return [entry for item in listed for entry in entries_of(item, self._settings) if can_score(entry)]

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once, and once more with another key or token after a 401 or 403."""
        native, owner = native_of(endpoint), owner_of(endpoint.name)
        headers = _headers(native, request, context)
        token = await self._authorization.token(owner, native, context.deadline)
        what = f"Azure ML endpoint {endpoint.name}"
        with engine_errors(what):
            response = await self._send(native, headers, token, request.body, context.deadline)
            if token is not None and _another_may_help(native, response):
                try:
                    another = await self._authorization.another(owner, native, token, context.deadline)
                except EngineError as error:
                    raise scoring_error(what, response) from error
                if another is not None:
                    response = await self._send(native, headers, another, request.body, context.deadline)
                    if _another_may_help(native, response):
                        self._authorization.in_vain(owner)
        if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP
            raise scoring_error(what, response)
        return NativeResponse(
            response.status, response.body, response.headers.get("content-type", ""), response.headers
        )

    async def _send(
        self, native: Native, headers: Mapping[str, str], token: Token | None, body: bytes, deadline: float
    ) -> Response:
        return await self._transport.request(
            "POST",
            native.scoring_uri,
            headers=headers if token is None else {**headers, "Authorization": f"Bearer {token.value}"},
            body=body,
            deadline=deadline,
            max_bytes=MAX_ANSWER_BYTES,
        )


def _wants_key(entry: Entry) -> bool:
    return entry.listed.auth_mode == "key" and entry.settings.key is None


def _another_may_help(native: Native, response: Response) -> bool:
    # A token of Entra that is answered with 403 is valid: its identity lacks the permission.
    return response.status == 401 or (response.status == 403 and native.auth_mode != "aad_token")  # noqa: PLR2004


def _headers(native: Native, request: NativeRequest, context: CallContext) -> dict[str, str]:
    own = _OWN_HEADERS if native.deployment is None else _OWN_HEADERS | {_DEPLOYMENT_HEADER}
    headers = {name: value for name, value in request.headers.items() if name.lower() not in own}
    headers["Content-Type"] = request.content_type
    if request.accept is not None:
        headers["Accept"] = request.accept
    if native.deployment is not None:
        headers[_DEPLOYMENT_HEADER] = native.deployment
    headers["x-ms-client-request-id"] = context.scoring_id
    return headers


def _configured(name: str, url: str, settings: AzureEndpointSettings) -> Endpoint:
    auth = settings.auth or ("none" if settings.key is None else "key")
    native = Native(
        scoring_uri=url,
        auth_mode="aad_token" if auth == "token" else auth,
        key=settings.key,
        deployment=settings.deployment,
    )
    limits = settings.limits
    managed = (urlsplit(url).hostname or "").endswith(MANAGED_HOSTS)
    return Endpoint(
        name=name,
        native=native.as_json(),
        limits=Limits(
            max_bytes=limits.max_bytes or (MAX_BYTES if managed else None),
            max_rows=limits.max_rows,
            max_parallel=limits.max_parallel or MAX_PARALLEL,
        ),
        timeout_seconds=None if managed else SERVICE_SECONDS,
    )


@asynccontextmanager
async def connect(settings: AzureSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to a workspace: see `adapters.base.EnginePlugin`."""
    authorization = Authorization(settings, transport)
    try:
        yield AzureMachineLearning(settings, transport, authorization)
    finally:
        await authorization.close()


plugin = EnginePlugin(kind="azureml", settings=AzureSettings, connect=connect, timeout_seconds=95.0)
