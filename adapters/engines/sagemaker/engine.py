"""Scoring with SageMaker: sign, one exchange, and what its answer means."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import quote

from msgspec import Struct

from adapters.base import CallContext, Engine, EnginePlugin, NativeRequest, NativeResponse, Transport
from adapters.base.transport_errors import engine_errors
from adapters.engines.sagemaker.credentials import ChainKeys, ConfiguredKeys, KeySource
from adapters.engines.sagemaker.discovery import Discovery
from adapters.engines.sagemaker.endpoints import Native, configured_endpoints, native_of, target_headers
from adapters.engines.sagemaker.errors import Failure, engine_error, parse_failure
from adapters.engines.sagemaker.settings import SageMakerSettings
from adapters.engines.sagemaker.signing import Keys, Signer
from schemas.deployment import Endpoint
from schemas.errors import UnprocessableRequestError

TIMEOUT_SECONDS = 70.0
"""A container has 60 s; AWS advises clients to wait for 70 (InvokeEndpoint, API reference)."""

# SageMaker sends 6 MiB at most; the bound is on the decoded body, and only there to protect memory.
_MAX_REPLY_BYTES = 4 * 6_291_456
# Larger bodies are hashed in a thread: 256 KiB take about half a millisecond.
_MAX_HASHED_IN_LOOP = 262_144
_SUCCESS = 2


class SageMaker:
    """One AWS account and region, connected."""

    def __init__(
        self, settings: SageMakerSettings, transport: Transport, keys: KeySource, discovery: Discovery
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._keys = keys
        self._discovery = discovery
        self._signer = Signer(settings.runtime_url, settings.region)
        self._configured = configured_endpoints(settings)
        self._targets = {name: target_headers(entry) for name, entry in settings.endpoints.items()}

    def configured(self) -> Sequence[Endpoint]:
        """Return the endpoints that the configuration describes."""
        return self._configured

    async def endpoints(self) -> Sequence[Endpoint]:
        """Discover the endpoints that score in real time: see `Engine`."""
        return await asyncio.to_thread(self._discovery.endpoints)

    async def invoke(self, endpoint: Endpoint, request: NativeRequest, context: CallContext) -> NativeResponse:
        """Score once, and once more where the keys have expired and there are others: see `Engine`."""
        _check_size(endpoint, request.body)
        native = native_of(endpoint)
        call = _Call(
            endpoint=endpoint.name,
            path=f"/endpoints/{quote(native.endpoint, safe='')}/invocations",
            headers=self._headers(endpoint.name, native, request, context),
            body=request.body,
            body_sha256=await _sha256(request.body),
            deadline=context.deadline,
        )
        keys = await self._keys.keys(deadline=context.deadline)
        answer = await self._post(call, keys)
        if isinstance(answer, Failure) and answer.stale_keys:
            fresh = await self._keys.keys(deadline=context.deadline, rejected=keys)
            if fresh != keys:
                answer = await self._post(call, fresh)
        if isinstance(answer, Failure):
            raise engine_error(answer, call.subject)
        return answer

    def _headers(self, name: str, native: Native, request: NativeRequest, context: CallContext) -> dict[str, str]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers["content-type"] = request.content_type
        if request.accept is not None:
            headers["accept"] = request.accept
        headers["x-amzn-sagemaker-inference-id"] = context.scoring_id
        if native.component is not None:
            headers["x-amzn-sagemaker-inference-component"] = native.component
        headers.update(self._targets.get(name, {}))
        return headers

    async def _post(self, call: "_Call", keys: Keys) -> NativeResponse | Failure:
        signed = self._signer.sign(keys, call.path, call.headers, body_sha256=call.body_sha256, now=datetime.now(UTC))
        with engine_errors(call.subject):
            response = await self._transport.request(
                "POST",
                self._settings.runtime_url + call.path,
                headers=signed,
                body=call.body,
                deadline=call.deadline,
                max_bytes=_MAX_REPLY_BYTES,
            )
        if response.status // 100 != _SUCCESS:
            return parse_failure(response)
        content_type = response.headers.get("content-type", "")
        return NativeResponse(response.status, response.body, content_type, response.headers)


class _Call(Struct, frozen=True, kw_only=True):
    """One scoring call, but for its signature."""

    endpoint: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    body_sha256: str
    deadline: float

    @property
    def subject(self) -> str:
        return f"SageMaker endpoint {self.endpoint}"


def _check_size(endpoint: Endpoint, body: bytes) -> None:
    limit = endpoint.limits.max_bytes
    if limit is not None and len(body) > limit:
        raise UnprocessableRequestError(
            f"The request has {len(body)} bytes in the endpoint's format, SageMaker endpoint {endpoint.name} takes "
            f"{limit}: send fewer rows."
        )


async def _sha256(body: bytes) -> str:
    if len(body) <= _MAX_HASHED_IN_LOOP:
        return hashlib.sha256(body).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()


@asynccontextmanager
async def connect(settings: SageMakerSettings, transport: Transport) -> AsyncIterator[Engine]:
    """Connect without network: neither credentials nor endpoints are looked for yet."""
    keys = _key_source(settings)
    discovery = Discovery(settings)
    try:
        yield SageMaker(settings, transport, keys, discovery)
    finally:
        discovery.stop()
        await keys.close()


def _key_source(settings: SageMakerSettings) -> KeySource:
    given = settings.credentials
    if given is None:
        return ChainKeys(settings)
    return ConfiguredKeys(Keys(given.access_key_id, given.secret_access_key, given.session_token))


plugin = EnginePlugin(kind="sagemaker", settings=SageMakerSettings, connect=connect, timeout_seconds=TIMEOUT_SECONDS)
