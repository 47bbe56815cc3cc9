"""From what is configured and described to the endpoints of the gateway."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import md5

from msgspec import Struct, field

from adapters.base.native import NativeDetails, read_native
from adapters.base.timestamps import utc_timestamp
from adapters.engines.sagemaker.settings import LimitSettings, SageMakerEndpointSettings, SageMakerSettings
from schemas.deployment import Asset, Endpoint, Limits

MAX_BYTES = 6_291_456
"""Of a request body (InvokeEndpoint, service model)."""
MAX_SERVERLESS_BYTES = 4 * 1_048_576
"""Likewise, for serverless endpoints (quotas of SageMaker, developer guide)."""


class Native(NativeDetails, frozen=True, kw_only=True, omit_defaults=True):
    """What a call needs: the endpoint's name at SageMaker, and the inference component where it hosts such."""

    endpoint: str
    component: str | None = None


def native_of(endpoint: Endpoint) -> Native:
    """Read `endpoint.native`: see `read_native`."""
    return read_native(endpoint, Native, f"SageMaker endpoint {endpoint.name}")


class Model(Struct, frozen=True, kw_only=True):
    """The model behind a variant or a component; all but the name only where it could be described."""

    name: str
    arn: str | None = None
    url: str | None = None
    created_at: datetime | None = None


class Found(Struct, frozen=True, kw_only=True):
    """One endpoint, or one inference component of one, as the control plane describes it.

    Attributes:
        model: the one that most of the traffic goes to.
        variants: models of production variants that the configuration chooses.
    """

    endpoint: str
    component: str | None = None
    arn: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    model: Model | None = None
    variants: Mapping[str, Model] = field(default_factory=dict)
    serverless: bool = False

    @property
    def name(self) -> str:
        """Name within the engine."""
        return self.endpoint if self.component is None else f"{self.endpoint}/{self.component}"


def configured_endpoints(settings: SageMakerSettings) -> tuple[Endpoint, ...]:
    """Return the endpoints that need no discovery."""
    return tuple(_configured(name, entry) for name, entry in settings.endpoints.items())


def target_headers(entry: SageMakerEndpointSettings) -> dict[str, str]:
    """Return the headers that choose a part of an endpoint; names in lower case."""
    choices = {
        "target-variant": entry.variant,
        "inference-component": entry.component,
        "target-model": entry.target_model,
        "target-container-hostname": entry.container,
        "custom-attributes": entry.custom_attributes,
    }
    return {f"x-amzn-sagemaker-{name}": value for name, value in choices.items() if value is not None}


def target_of(name: str, entry: SageMakerEndpointSettings) -> tuple[str, str | None]:
    """Return which endpoint, and which of its inference components, an entry of the configuration stands for."""
    endpoint, _, component = (entry.endpoint or name).partition("/")
    return endpoint, entry.component or component or None


def discovered_endpoint(found: Found, name: str, entry: SageMakerEndpointSettings) -> Endpoint:
    """Join what was found with what the configuration says about it.

    Args:
        found: as described.
        name: within the engine.
        entry: the configuration's, under that name.
    """
    return Endpoint(
        name=name,
        rn=found.arn,
        created_at=utc_timestamp(found.created_at),
        modified_at=utc_timestamp(found.modified_at),
        asset=_asset(found, entry),
        native=Native(endpoint=found.endpoint, component=found.component).as_json(),
        limits=_limits(entry.limits, serverless=found.serverless),
    )


def _configured(name: str, entry: SageMakerEndpointSettings) -> Endpoint:
    endpoint, component = target_of(name, entry)
    native = Native(endpoint=endpoint, component=component)
    return Endpoint(name=name, native=native.as_json(), limits=_limits(entry.limits))


def _limits(given: LimitSettings, *, serverless: bool = False) -> Limits:
    return Limits(
        max_bytes=given.max_bytes or (MAX_SERVERLESS_BYTES if serverless else MAX_BYTES),
        max_rows=given.max_rows,
        max_parallel=given.max_parallel,
    )


def _asset(found: Found, entry: SageMakerEndpointSettings) -> Asset | None:
    model = found.model if entry.variant is None else found.variants.get(entry.variant, found.model)
    if model is None:
        return None
    # One of several models behind one name of SageMaker is an asset of its own.
    part = entry.target_model or entry.container
    name = model.name if part is None else f"{model.name}/{part}"
    url = model.url
    if part is not None:
        # TargetModel is relative to ModelDataUrl, a prefix there (InvokeEndpoint, CreateModel).
        url = f"{url.rstrip('/')}/{part}" if url is not None and entry.target_model is not None else None
    return Asset(
        # OpenScale's own discovery makes ids this way: models group as they did before.
        id=md5(name.encode(), usedforsecurity=False).hexdigest(),
        name=name,
        url=url,
        rn=model.arn,
        created_at=utc_timestamp(model.created_at),
        revision=None if found.modified_at is None else str(int(found.modified_at.timestamp() * 1000)),
    )
