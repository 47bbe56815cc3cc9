"""The only module that touches azure-ai-ml, which takes seconds to import and blocks: everything here runs in a thread.

MLClient takes no base URL, but hands its keyword arguments on to the clients that it is made of. So one policy, in the
place of the one that adds the token, leads every request to the configured control plane and version of its API, links
to next pages included: a token never goes elsewhere.
"""

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
import structlog
from msgspec import Struct

from adapters.base import Token
from adapters.engines.azureml.errors import control_error
from adapters.engines.azureml.settings import AzureSettings
from schemas.errors import EngineError, EngineReplyError, EngineUnavailableError, MissingExtraError

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import OnlineDeployment
    from azure.core.credentials import AccessToken
    from azure.core.pipeline import PipelineRequest
    from azure.core.pipeline.policies import SansIOHTTPPolicy

_CONNECT_SECONDS = 5
_READ_SECONDS = 20
# What its entities raise for a resource that lacks a member which they rely on.
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)

log = structlog.get_logger(__name__)


class ListedDeployment(Struct, frozen=True, kw_only=True):
    """A deployment of an endpoint.

    Attributes:
        state: of its provisioning.
        model: ARM id of a registered model.
        timeout_seconds: after which Azure stops waiting for the model.
        n_parallel: requests that its instances work on at once.
    """

    name: str
    state: str | None = None
    model: str | None = None
    timeout_seconds: float | None = None
    n_parallel: int | None = None


class ListedEndpoint(Struct, frozen=True, kw_only=True):
    """An online endpoint.

    Attributes:
        created_at: as Azure wrote it; `modified_at` likewise.
        kubernetes: it runs on a cluster of the customer's; else it is managed.
        traffic: in percent, by name of the deployment.
        deployments: None where they can't be listed.
        problem: why they can't be.
    """

    name: str
    id: str | None
    state: str | None
    auth_mode: str
    kubernetes: bool
    scoring_uri: str | None
    swagger_uri: str | None
    description: str
    created_at: str | None
    modified_at: str | None
    traffic: dict[str, int]
    deployments: tuple[ListedDeployment, ...] | None
    problem: EngineError | None = None


def list_endpoints(
    settings: AzureSettings, token: Token, *, wanted: Callable[[str], bool], abandoned: Event
) -> list[ListedEndpoint]:
    """Return the online endpoints of the workspace, with their deployments.

    One that can't be read is left out, and one whose deployments can't be listed has None: neither stops the others.

    Args:
        settings: of the engine.
        token: for the control plane.
        wanted: whether an endpoint of this name is of interest.
        abandoned: once it is set, nothing more is sent.

    Raises:
        TimeoutError: `abandoned` was set.
        EngineError: the workspace can't be listed.
        MissingExtraError: azure-ai-ml is not installed.
    """
    with _client(settings, token, abandoned) as client, _our_errors("The endpoints of the workspace can't be listed"):
        return [
            _with_deployments(client, endpoint) for endpoint in _endpoints(client, settings) if wanted(endpoint.name)
        ]


def _endpoints(client: "MLClient", settings: AzureSettings) -> Iterator[ListedEndpoint]:
    # `online_endpoints.list()` makes entities of a whole page, and one that it can't read hides all the others: so this
    # asks what that asks, and reads the items one by one.
    operations = client.online_endpoints._online_operation  # noqa: SLF001
    items: Iterable[Any] = operations.list(settings.resource_group or "", settings.workspace or "", cls=list)
    for item in items:
        try:
            yield _listed(item)
        except _UNREADABLE as error:
            log.warning("an endpoint of the workspace can't be read", problem=type(error).__name__)


def _with_deployments(client: "MLClient", endpoint: ListedEndpoint) -> ListedEndpoint:
    try:
        with _our_errors(f"The deployments of Azure ML endpoint {endpoint.name} can't be listed"):
            found = client.online_deployments.list(endpoint_name=endpoint.name)
            return msgspec.structs.replace(endpoint, deployments=tuple(_deployment(item) for item in found))
    except EngineError as error:
        log.warning("deployments of an endpoint not listed", endpoint=endpoint.name, problem=error.message)
        return msgspec.structs.replace(endpoint, problem=error)


def _deployment(deployment: "OnlineDeployment") -> ListedDeployment:
    requests = deployment.request_settings
    timeout_ms = requests.request_timeout_ms if requests else None
    per_instance = requests.max_concurrent_requests_per_instance if requests else None
    return ListedDeployment(
        name=str(deployment.name),
        state=deployment.provisioning_state,
        model=deployment.model if isinstance(deployment.model, str) else None,
        timeout_seconds=timeout_ms / 1000 if timeout_ms else None,
        n_parallel=per_instance * (deployment.instance_count or 1) if per_instance else None,
    )


def _listed(item: Any) -> ListedEndpoint:
    """Read an endpoint of the REST client: whatever Azure leaves out is None there."""
    if not item.name:
        raise ValueError("An endpoint has no name.")
    properties, system = item.properties, item.system_data
    dates: Mapping[str, str] = properties.properties or {}
    return ListedEndpoint(
        name=item.name,
        id=item.id,
        state=properties.provisioning_state,
        auth_mode=(properties.auth_mode or "").lower(),
        kubernetes=bool(properties.compute),
        scoring_uri=properties.scoring_uri,
        swagger_uri=properties.swagger_uri,
        description=properties.description or "",
        created_at=dates.get("createdAt") or _text(system and system.created_at),
        modified_at=dates.get("lastModifiedAt") or _text(system and system.last_modified_at),
        traffic={name: int(share) for name, share in (properties.traffic or {}).items()},
        deployments=None,
    )


def _text(date: datetime | str | None) -> str | None:
    return date.isoformat() if isinstance(date, datetime) else date


@contextmanager
def _client(settings: AzureSettings, token: Token, abandoned: Event) -> Iterator["MLClient"]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # marshmallow's, on import
            from azure.ai.ml import MLClient  # noqa: PLC0415 - slow, and optional
            from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(needed_by="engine type azureml", package="azure-ai-ml", extra="azureml") from error
    _silence()
    with RequestsTransport(connection_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS) as connections:
        options: dict[str, Any] = {
            "cloud": "AzureCloud",
            "enable_telemetry": False,
            "show_progress": False,
            "transport": connections,
            "authentication_policy": _policy(settings, token, abandoned),
            # Patience is the directory's: it asks again soon.
            "retry_total": 0,
            "permit_redirects": False,
        }
        yield MLClient(_Unasked(), settings.subscription_id, settings.resource_group, settings.workspace, **options)


class _Unasked:
    """MLClient insists on a credential. It is the policy that has the token, so that no other client can send it."""

    def get_token(self, *scopes: str, **options: object) -> "AccessToken":
        """Give none away."""
        raise NotImplementedError


def _policy(settings: AzureSettings, token: Token, abandoned: Event) -> "SansIOHTTPPolicy[Any, Any]":
    from azure.core.pipeline.policies import SansIOHTTPPolicy  # noqa: PLC0415 - slow, and optional

    class ControlPlanePolicy(SansIOHTTPPolicy[Any, Any]):
        """Leads a request to the configured control plane, and adds the token."""

        def on_request(self, request: "PipelineRequest[Any]") -> None:
            if abandoned.is_set():
                raise TimeoutError
            request.http_request.url = _led_to(settings, request.http_request.url)
            request.http_request.headers["Authorization"] = f"Bearer {token.value}"
            # Meant for the policy in whose place this one is. The settings have made sure of TLS, or loopback.
            request.context.options.pop("enforce_https", None)

    return ControlPlanePolicy()


def _led_to(settings: AzureSettings, url: str) -> str:
    """Return the URL at the configured control plane, in the configured version of its API."""
    base, parts = urlsplit(settings.base_url), urlsplit(url)
    path = parts.path if parts.path.startswith(f"{base.path}/") else base.path + parts.path
    others = [member for member in parts.query.split("&") if member and not member.startswith("api-version=")]
    query = "&".join([f"api-version={quote(settings.api_version, safe='')}", *others])
    return urlunsplit((base.scheme, base.netloc, path, query, ""))


@contextmanager
def _our_errors(what: str) -> Iterator[None]:
    from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415 - slow, and optional

    try:
        yield
    except HttpResponseError as error:
        # Their messages quote URLs and answers.
        # Not from it: its text is the platform's own, which can quote what was sent.
        raise control_error(error.status_code or 500, what) from None
    except AzureError as error:
        raise EngineUnavailableError(f"{what}: no answer ({type(error).__name__}).", retryable=True) from error
    except _UNREADABLE as error:
        raise EngineReplyError(f"{what}: the answer can't be read ({type(error).__name__}).") from error


def _silence() -> None:
    for name in ("azure", "azure.ai.ml"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
