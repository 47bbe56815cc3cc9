"""The only module that touches azure-ai-ml, which takes seconds to import and blocks: everything here runs in a thread.

MLClient takes no base URL, but hands its keyword arguments on to the clients that it is made of. So one policy, in the
place of the one that adds the token, leads every request to the configured control plane, links to next pages included:
a token never goes elsewhere.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import structlog
from msgspec import Struct

from adapters.base import Token
from adapters.engines.azureml.errors import control_error
from adapters.engines.azureml.settings import AzureSettings
from schemas.errors import EngineError, EngineReplyError, EngineUnavailableError, MissingExtraError

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import OnlineDeployment, OnlineEndpoint
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
        model: ARM id of a registered model.
        timeout_seconds: after which Azure stops waiting for the model.
        n_parallel: requests that its instances work on at once.
    """

    name: str
    model: str | None = None
    timeout_seconds: float | None = None
    n_parallel: int | None = None


class ListedEndpoint(Struct, frozen=True, kw_only=True):
    """An online endpoint. `traffic` is in percent by name of the deployment; dates are as Azure wrote them."""

    name: str
    id: str | None
    state: str | None
    auth_mode: str
    scoring_uri: str | None
    swagger_uri: str | None
    description: str
    created_at: str | None
    modified_at: str | None
    traffic: dict[str, int]
    deployments: tuple[ListedDeployment, ...]


def list_endpoints(
    settings: AzureSettings, token: Token, *, wanted: Callable[[str], bool], abandoned: Event
) -> list[ListedEndpoint]:
    """Return the online endpoints of the workspace, with their deployments.

    An endpoint whose deployments can't be listed has none here, and doesn't stop the others.

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
            _listed(endpoint, _deployments(client, endpoint))
            for endpoint in client.online_endpoints.list()
            if endpoint.name and wanted(endpoint.name)
        ]


def _deployments(client: "MLClient", endpoint: "OnlineEndpoint") -> tuple[ListedDeployment, ...]:
    try:
        with _our_errors("The deployments can't be listed"):
            return tuple(_deployment(item) for item in client.online_deployments.list(endpoint_name=str(endpoint.name)))
    except EngineError as error:
        log.warning("deployments of an endpoint not listed", endpoint=endpoint.name, problem=error.message)
        return ()


def _deployment(deployment: "OnlineDeployment") -> ListedDeployment:
    requests = deployment.request_settings
    timeout_ms = requests.request_timeout_ms if requests else None
    per_instance = requests.max_concurrent_requests_per_instance if requests else None
    return ListedDeployment(
        name=str(deployment.name),
        model=deployment.model if isinstance(deployment.model, str) else None,
        timeout_seconds=timeout_ms / 1000 if timeout_ms else None,
        n_parallel=per_instance * (deployment.instance_count or 1) if per_instance else None,
    )


def _listed(endpoint: "OnlineEndpoint", deployments: tuple[ListedDeployment, ...]) -> ListedEndpoint:
    properties = endpoint.properties or {}
    return ListedEndpoint(
        name=str(endpoint.name),
        id=endpoint.id,
        state=endpoint.provisioning_state,
        auth_mode=(endpoint.auth_mode or "").lower().replace("_", ""),
        scoring_uri=endpoint.scoring_uri,
        swagger_uri=endpoint.openapi_uri,
        description=endpoint.description or "",
        created_at=properties.get("createdAt"),
        modified_at=properties.get("lastModifiedAt"),
        traffic={name: int(share) for name, share in endpoint.traffic.items()},
        deployments=deployments,
    )


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
            "authentication_policy": _policy(settings.base_url, token, abandoned),
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


def _policy(base_url: str, token: Token, abandoned: Event) -> "SansIOHTTPPolicy[Any, Any]":
    from azure.core.pipeline.policies import SansIOHTTPPolicy  # noqa: PLC0415 - slow, and optional

    class ControlPlanePolicy(SansIOHTTPPolicy[Any, Any]):
        """Leads a request to the configured control plane, and adds the token."""

        def on_request(self, request: "PipelineRequest[Any]") -> None:
            if abandoned.is_set():
                raise TimeoutError
            request.http_request.url = _led_to(base_url, request.http_request.url)
            request.http_request.headers["Authorization"] = f"Bearer {token.value}"
            # Meant for the policy in whose place this one is. The settings have made sure of TLS, or loopback.
            request.context.options.pop("enforce_https", None)

    return ControlPlanePolicy()


def _led_to(base_url: str, url: str) -> str:
    base, parts = urlsplit(base_url), urlsplit(url)
    path = parts.path if parts.path.startswith(f"{base.path}/") else base.path + parts.path
    return urlunsplit((base.scheme, base.netloc, path, parts.query, ""))


@contextmanager
def _our_errors(what: str) -> Iterator[None]:
    from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415 - slow, and optional

    try:
        yield
    except HttpResponseError as error:
        # Their messages quote URLs and answers.
        raise control_error(error.status_code or 500, what) from error
    except AzureError as error:
        raise EngineUnavailableError(f"{what}: no answer ({type(error).__name__}).", retryable=True) from error
    except _UNREADABLE as error:
        raise EngineReplyError(f"{what}: the answer can't be read ({type(error).__name__}).") from error


def _silence() -> None:
    for name in ("azure", "azure.ai.ml"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
