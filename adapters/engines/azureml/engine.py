"""The engine: discovery in a thread, scoring over the gateway's transport."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from threading import Event
from urllib.parse import urlsplit

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Response, Token, Transport
from adapters.base.transport_errors import engine_errors
from adapters.engines.azureml.authorization import Authorization
from adapters.engines.azureml.describing import Descriptions
from adapters.engines.azureml.discovery import MAX_PARALLEL, can_score, endpoint_of
from adapters.engines.azureml.errors import scoring_error
from adapters.engines.azureml.native import Native, native_of
from adapters.engines.azureml.sdk import ListedEndpoint, list_endpoints
from adapters.engines.azureml.settings import AzureEndpointSettings, AzureSettings
from schemas.configuration import DiscoverySettings
from schemas.deployment import Endpoint, Limits
from schemas.errors import EngineError, EngineRefusedError, EngineUnavailableError

MANAGED_HOSTS = ".inference.ml.azure.com"
SERVICE_SECONDS = 120.0
"""For a call of a service that states no timeout: ACI, AKS."""
DISCOVERY_SECONDS = 120.0
MAX_ANSWER_BYTES = 256 * 2**20

_OWN_HEADERS = frozenset({"accept", "authorization", "content-type", "x-ms-client-request-id"})
_DEPLOYMENT_HEADER = "azureml-model-deployment"
_NO_SETTINGS = AzureEndpointSettings()


class AzureMachineLearning:
    """A workspace, or endpoints by URL alone: see `adapters.base.Engine`."""

    def __init__(self, settings: AzureSettings, transport: Transport, authorization: Authorization) -> None:
        self._settings = settings
        self._transport = transport
        self._authorization = authorization
        self._descriptions = Descriptions(transport, authorization)

    def configured(self) -> Sequence[Endpoint]:
        """Return the endpoints that have a URL in the configuration."""
        return [
            _configured(name, settings.url, settings)
            for name, settings in self._settings.endpoints.items()
            if settings.url is not None
        ]

    async def endpoints(self) -> Sequence[Endpoint]:
        """Ask the workspace; one endpoint at fault does not hide the others."""
        deadline = asyncio.get_running_loop().time() + DISCOVERY_SECONDS
        listed = [item for item in await self._listed(deadline) if can_score(item, self._details(item.name))]
        unknown = [item.name for item in listed if item.auth_mode == "key" and self._details(item.name).key is None]
        keys = await self._authorization.keys(unknown, deadline)
        found = [endpoint_of(item, self._details(item.name), keys.get(item.name)) for item in listed]
        return await self._descriptions.with_columns(found, [item.swagger_uri for item in listed])

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once, and once more with another key or token after a 401 or 403."""
        native = native_of(endpoint)
        headers = _headers(native, request, context)
        token = await self._authorization.token(endpoint.name, native, context.deadline)
        what = f"Azure ML endpoint {endpoint.name}"
        with engine_errors(what):
            response = await self._send(native, headers, token, request.body, context.deadline)
            if token is not None and _another_may_help(native, response):
                try:
                    another = await self._authorization.another(endpoint.name, native, token, context.deadline)
                except EngineError as error:
                    raise scoring_error(what, response) from error
                if another is not None:
                    response = await self._send(native, headers, another, request.body, context.deadline)
                    if _another_may_help(native, response):
                        self._authorization.in_vain(endpoint.name)
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

    async def _listed(self, deadline: float) -> list[ListedEndpoint]:
        token = await self._authorization.control.token(deadline=deadline)
        try:
            return await self._list(token, deadline)
        except EngineRefusedError as error:
            if error.engine_status != 401:  # noqa: PLR2004 - HTTP
                raise
        token = await self._authorization.control.token(deadline=deadline, rejected=token)
        return await self._list(token, deadline)

    async def _list(self, token: Token, deadline: float) -> list[ListedEndpoint]:
        abandoned = Event()
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.to_thread(
                    list_endpoints, self._settings, token, wanted=self._wanted, abandoned=abandoned
                )
        except TimeoutError:
            raise EngineUnavailableError(
                f"The workspace was not listed within {DISCOVERY_SECONDS:.0f} seconds.", retryable=True
            ) from None
        finally:
            # A thread can't be cancelled: this ends it before its next request.
            abandoned.set()

    def _wanted(self, name: str) -> bool:
        patterns = self._settings.discover
        if self._details(name).url is not None:
            return False
        if not isinstance(patterns, DiscoverySettings):
            return True
        included = any(fnmatchcase(name, pattern) for pattern in patterns.include)
        return included and not any(fnmatchcase(name, pattern) for pattern in patterns.exclude)

    def _details(self, name: str) -> AzureEndpointSettings:
        return self._settings.endpoints.get(name, _NO_SETTINGS)


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
            max_bytes=limits.max_bytes, max_rows=limits.max_rows, max_parallel=limits.max_parallel or MAX_PARALLEL
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
