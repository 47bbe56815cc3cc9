"""From what a workspace lists to endpoints: pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from adapters.engines.azureml.native import AuthMode, Native
from adapters.engines.azureml.sdk import ListedDeployment, ListedEndpoint
from adapters.engines.azureml.settings import AzureEndpointSettings, LimitSettings
from schemas.deployment import Asset, Endpoint, Limits

# Assumed for managed endpoints: Azure states no size.
MAX_BYTES = 1_500_000
MAX_PARALLEL = 4
SPARE_SECONDS = 5.0
"""What a call may take beyond the time that Azure gives the model."""

_STATES = frozenset({"succeeded", "updating"})
_AUTH_MODES: dict[str, AuthMode] = {"key": "key", "amltoken": "aml_token", "aadtoken": "aad_token"}
_MODEL_ID = re.compile(r".*/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?", re.IGNORECASE)
_MODEL_REFERENCE = re.compile(r"azureml:(?P<name>[^:/]+):(?P<version>[^:/]+)")


def can_score(listed: ListedEndpoint, settings: AzureEndpointSettings) -> bool:
    """Whether calls get through: it is provisioned, and a deployment has traffic or is chosen by the settings."""
    provisioned = listed.state is None or listed.state.lower() in _STATES
    routed = settings.deployment is not None or any(listed.traffic.values())
    return provisioned and routed and bool(listed.scoring_uri) and listed.auth_mode in _AUTH_MODES


def endpoint_of(listed: ListedEndpoint, settings: AzureEndpointSettings, key: str | None) -> Endpoint:
    """Make the endpoint of one that `can_score`.

    Args:
        listed: as the workspace lists it.
        settings: what the configuration adds.
        key: for an endpoint that takes a key; None: not known yet.
    """
    serving = _serving(listed, settings.deployment)
    native = Native(
        scoring_uri=listed.scoring_uri or "",
        auth_mode="key" if settings.key is not None else _AUTH_MODES[listed.auth_mode],
        key=settings.key or key,
        deployment=settings.deployment,
        in_workspace=True,
    )
    timeouts = [deployment.timeout_seconds for deployment in serving if deployment.timeout_seconds is not None]
    return Endpoint(
        name=listed.name,
        description=listed.description,
        rn=listed.id,
        created_at=_utc(listed.created_at),
        modified_at=_utc(listed.modified_at),
        asset=_asset(serving, listed.swagger_uri),
        native=native.as_json(),
        limits=_limits(settings.limits, serving),
        timeout_seconds=max(timeouts) + SPARE_SECONDS if timeouts else None,
    )


def _serving(listed: ListedEndpoint, chosen: str | None) -> list[ListedDeployment]:
    """Return the deployments that calls can reach, the one with most traffic first."""
    traffic = {name.lower(): share for name, share in listed.traffic.items()}
    if chosen is not None:
        return [deployment for deployment in listed.deployments if deployment.name.lower() == chosen.lower()]
    reached = [deployment for deployment in listed.deployments if traffic.get(deployment.name.lower())]
    return sorted(reached, key=lambda deployment: (-traffic[deployment.name.lower()], deployment.name))


def _asset(serving: Sequence[ListedDeployment], url: str | None) -> Asset | None:
    model = next((deployment.model for deployment in serving if deployment.model), None)
    if model is None:
        return None
    match = _MODEL_ID.fullmatch(model) or _MODEL_REFERENCE.fullmatch(model)
    name, version = (match["name"], match["version"]) if match else (model, None)
    return Asset(id=model, name=name, url=url, rn=model, revision=version)


def _limits(settings: LimitSettings, serving: Sequence[ListedDeployment]) -> Limits:
    # Azure answers 429 once twice as many wait as are worked on.
    parallel = min((deployment.n_parallel for deployment in serving if deployment.n_parallel), default=MAX_PARALLEL)
    return Limits(
        max_bytes=settings.max_bytes or MAX_BYTES,
        max_rows=settings.max_rows,
        max_parallel=settings.max_parallel or min(parallel, MAX_PARALLEL),
    )


def _utc(text: str | None) -> str | None:
    """Return an ISO 8601 date as RFC 3339 in UTC; None for anything else."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
