"""From what is configured and described to the endpoints of the gateway."""

from datetime import UTC, datetime
from hashlib import md5

from msgspec import Struct

from adapters.engines.sagemaker.settings import LimitSettings, SageMakerEndpointSettings, SageMakerSettings
from schemas.deployment import Asset, Endpoint, Limits

MAX_BYTES = 6_291_456
"""Of a request body (InvokeEndpoint, service model)."""
MAX_SERVERLESS_BYTES = 4 * 1_048_576
"""Likewise, for serverless endpoints (quotas of SageMaker, developer guide)."""


class Model(Struct, frozen=True, kw_only=True):
    """The model behind a variant or a component; all but the name only where it could be described."""

    name: str
    arn: str | None = None
    url: str | None = None
    created_at: datetime | None = None


class Found(Struct, frozen=True, kw_only=True):
    """One endpoint, or one inference component of one, as the control plane describes it."""

    endpoint: str
    component: str | None = None
    arn: str
    created_at: datetime
    modified_at: datetime
    model: Model | None = None
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


def discovered_endpoint(found: Found, entry: SageMakerEndpointSettings) -> Endpoint:
    """Join what was found with what the configuration says about it."""
    return Endpoint(
        name=found.name,
        rn=found.arn,
        created_at=_rfc3339(found.created_at),
        modified_at=_rfc3339(found.modified_at),
        asset=None if found.model is None else _asset(found.model, found.modified_at),
        native=_native(found.endpoint, found.component),
        limits=_limits(entry.limits, serverless=found.serverless),
    )


def _configured(name: str, entry: SageMakerEndpointSettings) -> Endpoint:
    endpoint, _, component = (entry.endpoint or name).partition("/")
    return Endpoint(name=name, native=_native(endpoint, component or None), limits=_limits(entry.limits))


def _native(endpoint: str, component: str | None) -> dict[str, str]:
    return {"endpoint": endpoint} if component is None else {"endpoint": endpoint, "component": component}


def _limits(given: LimitSettings, *, serverless: bool = False) -> Limits:
    return Limits(
        max_bytes=given.max_bytes or (MAX_SERVERLESS_BYTES if serverless else MAX_BYTES),
        max_rows=given.max_rows,
        max_parallel=given.max_parallel,
    )


def _asset(model: Model, modified_at: datetime) -> Asset:
    # OpenScale's own discovery makes ids this way: models group as they did before.
    return Asset(
        id=md5(model.name.encode(), usedforsecurity=False).hexdigest(),
        name=model.name,
        url=model.url,
        rn=model.arn,
        created_at=None if model.created_at is None else _rfc3339(model.created_at),
        revision=str(int(modified_at.timestamp() * 1000)),
    )


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
