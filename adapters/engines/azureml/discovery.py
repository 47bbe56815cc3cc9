"""From what a workspace lists to endpoints: pure."""

import re
from collections.abc import Sequence

from msgspec import Struct

from adapters.base.timestamps import utc_timestamp
from adapters.engines.azureml.native import AuthMode, Native, owner_of
from adapters.engines.azureml.sdk import ListedDeployment, ListedEndpoint
from adapters.engines.azureml.settings import AzureEndpointSettings, AzureSettings, LimitSettings
from schemas.deployment import Asset, Endpoint, Limits

# Assumed for managed endpoints: Azure states no size.
MAX_BYTES = 1_500_000
MAX_PARALLEL = 4
SPARE_SECONDS = 5.0
"""What a call may take beyond the time that Azure gives the model."""
KUBERNETES_SECONDS = 300.0
"""The longest time that Azure gives a model on Kubernetes ("Manage and increase quotas")."""

_NO_DETAILS = AzureEndpointSettings()
_STATES = frozenset({"succeeded", "updating"})
_AUTH_MODES: dict[str, AuthMode] = {"key": "key", "amltoken": "aml_token", "aadtoken": "aad_token"}
_MODEL_ID = re.compile(r".*/models/(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?", re.IGNORECASE)
_MODEL_REFERENCE = re.compile(r"azureml:(?P<name>[^:/]+):(?P<version>[^:/]+)")


class Entry(Struct, frozen=True, kw_only=True):
    """What becomes one endpoint: an online endpoint, or one of its deployments.

    Attributes:
        name: within the engine: `<endpoint>`, or `<endpoint>/<deployment>`.
        listed: as the workspace lists it.
        settings: what the configuration adds.
        chosen: the deployment to call; None: Azure splits the traffic.
    """

    name: str
    listed: ListedEndpoint
    settings: AzureEndpointSettings
    chosen: str | None


def entries_of(listed: ListedEndpoint, settings: AzureSettings) -> list[Entry]:
    """Return the entries that an online endpoint gives: itself or its deployments, and those that are configured."""
    names = [listed.name]
    if settings.list_by == "deployment":
        names = [f"{listed.name}/{deployment.name}" for deployment in listed.deployments or ()]
    configured = [name for name, entry in settings.endpoints.items() if entry.url is None]
    own = [name for name in configured if owner_of(name) == listed.name]
    # What the configuration describes is wanted, whatever the patterns say; what it has by URL is known already.
    wanted = [name for name in names if name in own or (name not in settings.endpoints and settings.discovers(name))]
    return [_entry(name, listed, settings) for name in dict.fromkeys((*wanted, *own))]


def _entry(name: str, listed: ListedEndpoint, settings: AzureSettings) -> Entry:
    details = settings.endpoints.get(name, _NO_DETAILS)
    return Entry(
        name=name, listed=listed, settings=details, chosen=details.deployment or name.partition("/")[2] or None
    )


def can_score(entry: Entry) -> bool:
    """Whether calls get through: it is provisioned, and so is the chosen deployment, or one has traffic."""
    listed = entry.listed
    if not (_is_provisioned(listed.state) and listed.scoring_uri and listed.auth_mode in _AUTH_MODES):
        return False
    if entry.chosen is None:
        return any(listed.traffic.values())
    if listed.deployments is None:
        return True
    return any(_is_provisioned(deployment.state) for deployment in _serving(listed, entry.chosen))


def endpoint_of(entry: Entry, key: str | None) -> Endpoint:
    """Make the endpoint of one that `can_score`.

    Args:
        entry: what it is made of.
        key: for an endpoint that takes a key; None: not known yet.
    """
    listed, settings = entry.listed, entry.settings
    serving = _serving(listed, entry.chosen)
    native = Native(
        scoring_uri=listed.scoring_uri or "",
        auth_mode="key" if settings.key is not None else _AUTH_MODES[listed.auth_mode],
        key=settings.key or key,
        deployment=entry.chosen,
        in_workspace=True,
    )
    return Endpoint(
        name=entry.name,
        description=listed.description,
        rn=listed.id if entry.chosen is None else f"{listed.id}/deployments/{entry.chosen}",
        created_at=utc_timestamp(listed.created_at),
        modified_at=utc_timestamp(listed.modified_at),
        asset=_asset(serving, listed.swagger_uri),
        native=native.as_json(),
        limits=_limits(settings.limits, serving),
        timeout_seconds=_timeout(listed, serving),
    )


def _timeout(listed: ListedEndpoint, serving: Sequence[ListedDeployment]) -> float | None:
    longest = max((deployment.timeout_seconds or 0.0 for deployment in serving), default=0.0)
    if not longest and listed.kubernetes:
        longest = KUBERNETES_SECONDS
    return longest + SPARE_SECONDS if longest else None


def _is_provisioned(state: str | None) -> bool:
    return state is None or state.lower() in _STATES


def _serving(listed: ListedEndpoint, chosen: str | None) -> list[ListedDeployment]:
    """Return the deployments that calls can reach, the one with most traffic first."""
    traffic = {name.lower(): share for name, share in listed.traffic.items()}
    deployments = listed.deployments or ()
    if chosen is not None:
        return [deployment for deployment in deployments if deployment.name.lower() == chosen.lower()]
    reached = [deployment for deployment in deployments if traffic.get(deployment.name.lower())]
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
