"""Which models a server has, and what it says about them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
import structlog
from msgspec import Struct

from adapters.base import Response, Transport
from adapters.base.http_errors import http_error
from adapters.base.patience import Patience
from adapters.base.transport_errors import engine_errors
from adapters.engines.open_inference.metadata import NO_METADATA, endpoint_of, read_metadata
from adapters.engines.open_inference.native import Native
from adapters.engines.open_inference.settings import OpenInferenceEndpointSettings, OpenInferenceSettings
from schemas.deployment import Endpoint
from schemas.errors import EngineError, EngineRefusedError, EngineReplyError

DISCOVERY_SECONDS = 60.0
MODELS_AT_ONCE = 8
_MAX_BYTES = 32 * 2**20
_SERVER = "The Open Inference server"
_NO_ROUTE = frozenset((404, 405, 501))
_NOT_READY = frozenset((*range(400, 500), 503)) - {401, 403, 408, 429}
"""The protocol says 4xx; KServe's Python servers answer 503."""
_UNKNOWN_MODEL = frozenset((400, 404))
"""Triton answers 400 where others answer 404."""
_NO_SETTINGS = OpenInferenceEndpointSettings()

Form = TypeVar("Form")

log = structlog.get_logger(__name__)


class _Indexed(Struct, frozen=True):
    name: str
    state: str | None = None

    @property
    def is_ready(self) -> bool | None:
        """Whether it can score; None where the index doesn't say."""
        return None if self.state is None else self.state.upper() == "READY"


class _Listed(Struct, frozen=True):
    models: list[str]


class _Candidate(Struct, frozen=True):
    """A model that may become an endpoint; `is_ready`: the list says so."""

    name: str
    is_listed: bool = True
    is_ready: bool = False


class Discovery:
    """Lists the models of a server, and asks for the metadata of each.

    Args:
        settings: of the engine.
        transport: lent by the gateway.
        headers: for each request.
    """

    def __init__(self, settings: OpenInferenceSettings, transport: Transport, headers: Mapping[str, str]) -> None:
        self._settings = settings
        self._transport = transport
        self._headers = headers
        self._known: dict[str, Endpoint] = {}
        self._patience = Patience()

    async def endpoints(self) -> list[Endpoint]:
        """Return the models that are ready, and those of the configuration that the server knows.

        A model whose metadata can't be had for the moment stays as it was; one that never was known is left out, since
        its tensors would have to be guessed, but not before it was asked for a few times: see `Patience`.

        Raises:
            EngineError: the server can't be asked, or no model can, or one that an earlier process may have known.
        """
        deadline = asyncio.get_running_loop().time() + DISCOVERY_SECONDS
        listed = {candidate.name: candidate for candidate in await self._listed(deadline)}
        others = [_Candidate(name, is_listed=False) for name in self._settings.endpoints if name not in listed]
        limit = asyncio.Semaphore(MODELS_AT_ONCE)

        async def described(candidate: _Candidate) -> Endpoint | EngineError | None:
            async with limit:
                return await self._described(candidate, deadline)

        candidates = [item for item in (*listed.values(), *others) if self._wanted(item.name)]
        found = await asyncio.gather(*map(described, candidates))
        endpoints = [item for item in found if isinstance(item, Endpoint)]
        self._known = {endpoint.name: endpoint for endpoint in endpoints}
        failures = [
            (candidate.name, item)
            for candidate, item in zip(candidates, found, strict=True)
            if isinstance(item, EngineError)
        ]
        awaited = [error for name, error in failures if self._patience.lasts(name, error)]
        if awaited or (failures and not endpoints):
            raise awaited[0] if awaited else failures[0][1]
        return endpoints

    def _wanted(self, name: str) -> bool:
        # What the configuration names is wanted, whatever the patterns say.
        return name in self._settings.endpoints or self._settings.discovers(name)

    async def _listed(self, deadline: float) -> Sequence[_Candidate]:
        match self._settings.listing:
            case "configured":
                return ()
            case "repository_index":
                found = await self._repository_index(deadline)
            case "models":
                found = await self._models(deadline)
            case "auto":
                found = await self._repository_index(deadline)
                found = await self._models(deadline) if found is None else found
                if found is None and self._settings.endpoints:
                    return ()
        if found is None:
            raise EngineRefusedError(
                f"{_SERVER} has no list of its models: name them under `endpoints`, and set `listing: configured`."
            )
        return found

    async def _repository_index(self, deadline: float) -> list[_Candidate] | None:
        """Return the models that may be ready, once for each version; None where there is no index."""
        response = await self._request("POST", "/v2/repository/index", deadline, b'{"ready":true}')
        if response.status in _NO_ROUTE:
            return None
        index = _read(response, "The repository index", list[_Indexed])
        return [_Candidate(entry.name, is_ready=bool(entry.is_ready)) for entry in index if entry.is_ready is not False]

    async def _models(self, deadline: float) -> list[_Candidate] | None:
        response = await self._request("GET", "/v2/models", deadline)
        if response.status in _NO_ROUTE:
            return None
        return [_Candidate(name) for name in _read(response, "The list of models", _Listed).models]

    async def _described(self, candidate: _Candidate, deadline: float) -> Endpoint | EngineError | None:
        name = candidate.name
        settings = self._settings.endpoints.get(name, _NO_SETTINGS)
        native = Native(model=settings.model or name, version=settings.version)
        try:
            is_known = candidate.is_ready and native == Native(model=name)
            if not is_known and not await self._is_ready(native, deadline):
                log.warning("model not ready", model=name)
                return None
            response = await self._request("GET", native.path, deadline)
            if response.status in _UNKNOWN_MODEL and not candidate.is_listed:
                return None
            if response.status not in _NO_ROUTE | _UNKNOWN_MODEL | {200}:
                raise http_error(f"The metadata of Open Inference model {name}", response)
        except EngineError as error:
            log.warning("metadata of a model not read", model=name, code=error.code, problem=error.message)
            return self._known.get(name, error)
        metadata = read_metadata(response.body) if response.status == 200 else None  # noqa: PLR2004 - HTTP
        return endpoint_of(name, settings, metadata or NO_METADATA, self._settings.base_url)

    async def _is_ready(self, native: Native, deadline: float) -> bool:
        """Ask whether a model can score; a server that doesn't know the question is believed to."""
        response = await self._request("GET", f"{native.path}/ready", deadline)
        if response.status in _NO_ROUTE | {200}:
            return True
        if response.status in _NOT_READY:
            return False
        raise http_error(f"The readiness of Open Inference model {native.model}", response)

    async def _request(self, method: str, path: str, deadline: float, body: bytes = b"") -> Response:
        headers = {**self._headers, "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        with engine_errors(_SERVER):
            return await self._transport.request(
                method,
                self._settings.base_url + path,
                headers=headers,
                body=body,
                deadline=deadline,
                max_bytes=_MAX_BYTES,
            )


def _read(response: Response, what: str, form: type[Form]) -> Form:
    if response.status != 200:  # noqa: PLR2004 - HTTP
        raise http_error(f"{what} of the Open Inference server", response)
    try:
        return msgspec.json.decode(response.body, type=form)
    except (ValueError, RecursionError) as error:
        raise EngineReplyError(f"{what} of the Open Inference server can't be read: check `url`.") from error
