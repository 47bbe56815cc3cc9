"""The engine: lists spaces and scores, both with a bearer token."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode

import structlog

from adapters.base import (
    CallContext,
    Engine,
    EnginePlugin,
    NativeRequest,
    NativeResponse,
    Response,
    TokenSource,
    Transport,
)
from adapters.base.bearer import BearerExchanges
from adapters.base.http_errors import Meaning, http_error
from adapters.base.http_scoring import MAX_ANSWER_BYTES, native_response, post
from adapters.base.json_members import Member
from adapters.base.native import read_native
from adapters.base.transport_errors import engine_errors
from adapters.engines.watson_ml.listing import configured_endpoint, endpoints_of, read_page
from adapters.engines.watson_ml.native import Native
from adapters.engines.watson_ml.settings import WatsonMlSettings
from adapters.tokens import ibm_tokens
from schemas.deployment import Endpoint
from schemas.errors import EngineError, EngineRefusedError

DISCOVERY_SECONDS = 60.0
PAGE_SIZE = 100

_REFUSES_SPACE = frozenset({400, 403, 404})
_DEVIATIONS: Mapping[int, Meaning] = {
    403: (EngineRefusedError, "is not for the engine's credentials (403): check their access to it", False),
    404: (EngineRefusedError, "is not there (404): check `spaces` and `url`", False),
}

log = structlog.get_logger(__name__)


class WatsonMachineLearning:
    """One instance, or the service of one cluster: see `adapters.base.Engine`."""

    def __init__(self, settings: WatsonMlSettings, transport: Transport, tokens: TokenSource) -> None:
        self._settings = settings
        self._transport = transport
        self._exchanges = BearerExchanges(tokens)

    def configured(self) -> Sequence[Endpoint]:
        """Return the deployments of the configuration."""
        return [configured_endpoint(name, entry) for name, entry in self._settings.endpoints.items()]

    async def endpoints(self) -> Sequence[Endpoint]:
        """List all spaces; one that is refused, as it was deleted or is closed to the engine, hides no other.

        Raises:
            EngineError: a space can't be listed now, or all are refused.
        """
        deadline = asyncio.get_running_loop().time() + DISCOVERY_SECONDS
        found: dict[str, Endpoint] = {}
        refused: dict[str, EngineError] = {}
        for space in dict.fromkeys(self._settings.spaces):
            listed = await self._listed(space, deadline)
            if isinstance(listed, EngineError):
                refused[space] = listed
                continue
            for resource in listed:
                for endpoint in endpoints_of(resource, self._settings.endpoints):
                    found.setdefault(endpoint.name, endpoint)
        if refused and refused.keys() == set(self._settings.spaces):
            raise next(iter(refused.values()))
        for space, error in refused.items():
            log.warning("space not listed", space=space, problem=error.message)
        return list(found.values())

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once, and once more with another token after a 401."""
        what = f"Watson Machine Learning deployment {endpoint.name}"
        identity = quote(read_native(endpoint, Native, what).id, safe="")
        query = urlencode({"version": self._settings.version})
        url = f"{self._settings.deployments_url}/{identity}/predictions?{query}"

        async def send(authorization: str) -> Response:
            headers = {"Authorization": authorization, "X-Global-Transaction-Id": context.scoring_id}
            return await post(self._transport, what, url, request, headers=headers, deadline=context.deadline)

        return native_response(what, await self._exchanges.make(send, deadline=context.deadline))

    async def _listed(self, space: str, deadline: float) -> list[Member] | EngineError:
        """Return all deployments of a space, page by page, or why this space is refused."""
        what = f"Watson Machine Learning's list of the space {space}"
        own = {"version": self._settings.version, "space_id": space, "limit": str(PAGE_SIZE)}
        resources: list[Member] = []
        asked: list[dict[str, str]] = []
        following: dict[str, str] | None = {}
        # A link that was followed before would go on for ever.
        while following is not None and following not in asked:
            asked.append(following)
            response = await self._page(what, {**following, **own}, deadline)
            if response.status != 200:  # noqa: PLR2004 - HTTP
                error = http_error(what, response, deviations=_DEVIATIONS)
                # A later page that is refused says nothing against the space: it has just been listed.
                if following or response.status not in _REFUSES_SPACE:
                    raise error
                return error
            page = read_page(response.body)
            resources.extend(page.resources)
            following = page.following
        return resources

    async def _page(self, what: str, query: Mapping[str, str], deadline: float) -> Response:
        url = f"{self._settings.deployments_url}?{urlencode(query)}"

        async def send(authorization: str) -> Response:
            headers = {"Authorization": authorization, "Accept": "application/json"}
            with engine_errors(what):
                return await self._transport.request(
                    "GET", url, headers=headers, deadline=deadline, max_bytes=MAX_ANSWER_BYTES
                )

        return await self._exchanges.make(send, deadline=deadline)


@asynccontextmanager
async def connect(settings: WatsonMlSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect to Watson Machine Learning: see `adapters.base.EnginePlugin`. The first call asks for a token."""
    yield WatsonMachineLearning(settings, transport, ibm_tokens(transport, settings))


plugin = EnginePlugin(kind="watson_ml", settings=WatsonMlSettings, connect=connect, timeout_seconds=60.0)
