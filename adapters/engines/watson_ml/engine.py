"""The engine: lists spaces and scores, both with a bearer token."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

from adapters.base import (
    CallContext,
    Engine,
    EnginePlugin,
    NativeRequest,
    NativeResponse,
    Response,
    Token,
    TokenSource,
    Transport,
)
from adapters.base.http_access import OWN_HEADERS
from adapters.base.http_errors import http_error
from adapters.base.http_scoring import MAX_ANSWER_BYTES, native_response
from adapters.base.json_members import Member
from adapters.base.transport_errors import engine_errors
from adapters.engines.watson_ml.listing import configured_endpoint, endpoints_of, read_page
from adapters.engines.watson_ml.settings import WatsonMlSettings
from adapters.tokens import IAM_URL, CloudPakTokens, IamTokens
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError

DISCOVERY_SECONDS = 60.0
PAGE_SIZE = 100
PAUSE_SECONDS = 10.0
"""How long no other token is asked for where the last one did not help."""

_JSON = "application/json"
_CLOUD_PAK_PATH = "/icp4d-api/v1/authorize"
_OWN_HEADERS = OWN_HEADERS | {"authorization", "x-global-transaction-id"}


class WatsonMachineLearning:
    """One instance, or the service of one cluster: see `adapters.base.Engine`."""

    def __init__(self, settings: WatsonMlSettings, transport: Transport, tokens: TokenSource) -> None:
        self._settings = settings
        self._transport = transport
        self._tokens = tokens
        self._paused_until = float("-inf")

    def configured(self) -> Sequence[Endpoint]:
        """Return the deployments of the configuration."""
        return [configured_endpoint(name, entry) for name, entry in self._settings.endpoints.items()]

    async def endpoints(self) -> Sequence[Endpoint]:
        """List all spaces."""
        deadline = asyncio.get_running_loop().time() + DISCOVERY_SECONDS
        found: dict[str, Endpoint] = {}
        for space in self._settings.spaces:
            for resource in await self._listed(space, deadline):
                for endpoint in endpoints_of(resource, self._settings.endpoints):
                    found.setdefault(endpoint.name, endpoint)
        return list(found.values())

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once, and once more with another token after a 401."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN_HEADERS}
        headers["Content-Type"] = request.content_type
        headers["Accept"] = request.accept or _JSON
        headers["X-Global-Transaction-Id"] = context.scoring_id
        path = f"{quote(_id_of(endpoint), safe='')}/predictions?{urlencode({'version': self._settings.version})}"
        call = _Call(
            subject=f"Watson Machine Learning deployment {endpoint.name}",
            method="POST",
            url=f"{self._settings.deployments_url}/{path}",
            headers=headers,
            body=request.body,
            deadline=context.deadline,
        )
        response = await self._exchange(call)
        return native_response(call.subject, response)

    async def _listed(self, space: str, deadline: float) -> list[Member]:
        """Return all deployments of a space, page by page."""
        own = {"version": self._settings.version, "space_id": space, "limit": str(PAGE_SIZE)}
        resources: list[Member] = []
        asked: list[dict[str, str]] = []
        following: dict[str, str] | None = {}
        # A link that was followed before would go on for ever.
        while following is not None and following not in asked:
            asked.append(following)
            call = _Call(
                subject="Watson Machine Learning's list of deployments",
                method="GET",
                url=f"{self._settings.deployments_url}?{urlencode({**following, **own})}",
                headers={"Accept": _JSON},
                deadline=deadline,
            )
            response = await self._exchange(call)
            if response.status != 200:  # noqa: PLR2004 - HTTP
                raise http_error(call.subject, response)
            page = read_page(response.body)
            resources.extend(page.resources)
            following = page.following
        return resources

    async def _exchange(self, call: "_Call") -> Response:
        clock = asyncio.get_running_loop().time
        token = await self._tokens.token(deadline=call.deadline)
        response = await self._send(call, token)
        if response.status != 401 or clock() < self._paused_until:  # noqa: PLR2004 - HTTP
            return response
        response = await self._send(call, await self._tokens.token(deadline=call.deadline, rejected=token))
        if response.status == 401:  # noqa: PLR2004 - HTTP
            self._paused_until = clock() + PAUSE_SECONDS
        return response

    async def _send(self, call: "_Call", token: Token) -> Response:
        with engine_errors(call.subject):
            return await self._transport.request(
                call.method,
                call.url,
                headers={**call.headers, "Authorization": f"Bearer {token.value}"},
                body=call.body,
                deadline=call.deadline,
                max_bytes=MAX_ANSWER_BYTES,
            )


class _Call(Struct, frozen=True, kw_only=True):
    """A request, but for its token. `subject` says in messages who was asked."""

    subject: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    deadline: float


def _id_of(endpoint: Endpoint) -> str:
    identity = endpoint.native.get("id")
    if not isinstance(identity, str):
        raise EngineEndpointNotFoundError(
            f"Watson Machine Learning deployment {endpoint.name} was discovered by another release: it is known again "
            "after the next discovery."
        )
    return identity


def _tokens(settings: WatsonMlSettings, transport: Transport) -> TokenSource:
    if settings.username is None:
        return IamTokens(transport, apikey=settings.apikey or "", url=settings.token_url or IAM_URL)
    url = urlsplit(settings.token_url or urlsplit(settings.url)._replace(path="").geturl())
    return CloudPakTokens(
        transport,
        url=url._replace(path=url.path.rstrip("/") or _CLOUD_PAK_PATH).geturl(),
        username=settings.username,
        password=settings.password,
        apikey=settings.apikey,
    )


@asynccontextmanager
async def connect(settings: WatsonMlSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to Watson Machine Learning: see `adapters.base.EnginePlugin`. The first call asks for a token."""
    yield WatsonMachineLearning(settings, transport, _tokens(settings, transport))


plugin = EnginePlugin(kind="watson_ml", settings=WatsonMlSettings, connect=connect, timeout_seconds=60.0)
