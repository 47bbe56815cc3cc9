"""What an emulated workspace holds: endpoints, deployments, keys and tokens, and their documents in the control plane.

Source: REST reference of Azure Machine Learning, Online Endpoints and Online Deployments.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct, field

from adapters.testing.azureml.models import Handler, scoring_script

AuthMode = Literal["Key", "AMLToken", "AADToken", "None"]
"""`None` is a service (ACI) without keys: no online endpoint, so the control plane does not show it."""
CONTROL_SCOPE = "https://management.azure.com/.default"
SCORING_SCOPE = "https://ml.azure.com/.default"

_MANAGED_ONLY = {"instanceType": "Standard_DS3_v2", "egressPublicNetworkAccess": "Enabled"}
_RESOURCES = {"cpu": "0.1", "memory": "0.5Gi"}
_KUBERNETES_ONLY = {
    "containerResourceRequirements": {"containerResourceRequests": _RESOURCES, "containerResourceLimits": _RESOURCES}
}


class EmulatedDeployment(Struct, frozen=True, kw_only=True):
    """A model behind an endpoint.

    Attributes:
        name: unique within the endpoint.
        handler: answers requests.
        double_encoded: the answer is JSON in a JSON string, as from a script that returns `json.dumps(...)`.
        model: name and version of the registered model.
        request_timeout: ISO 8601 duration.
        concurrency: requests that an instance works on at once.
        instances: how many.
        columns: of a row, where its script declares them.
        declared_as: `rows` as objects, or a `table` of names and rows apart, which Swagger 2 can't say.
        state: of its provisioning.
    """

    name: str = "blue"
    handler: Handler = scoring_script
    double_encoded: bool = False
    model: tuple[str, int] = ("credit-risk", 1)
    request_timeout: str = "PT5S"
    concurrency: int = 1
    instances: int = 1
    columns: tuple[str, ...] | None = None
    declared_as: Literal["rows", "table"] = "rows"
    state: str = "Succeeded"


class EmulatedEndpoint(Struct, kw_only=True):
    """An online endpoint.

    `traffic` is in percent by deployment; `compute` makes it a Kubernetes one; `swagger_uri` stands in for its own.
    """

    name: str
    auth_mode: AuthMode
    deployments: dict[str, EmulatedDeployment]
    traffic: dict[str, int]
    state: str = "Succeeded"
    description: str = ""
    compute: str | None = None
    swagger_uri: str | None = None
    keys: tuple[str, str] = field(default_factory=lambda: (secrets.token_urlsafe(24), secrets.token_urlsafe(24)))

    def route(self, chosen: str | None) -> EmulatedDeployment | None:
        """Return the deployment that a call reaches: the chosen one, or the one with most traffic."""
        if chosen is not None:
            return self.deployments.get(chosen)
        name = max(self.traffic, key=lambda name: self.traffic[name], default=None)
        return self.deployments.get(name) if name is not None and self.traffic[name] else None


class Tokens:
    """Bearer tokens that were issued, with their scopes."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._issued: dict[str, tuple[frozenset[str], float]] = {}

    def issue(self, *scopes: str, seconds: float) -> tuple[str, float]:
        """Return a new token for all of these scopes, and when it expires, in seconds of the Unix epoch."""
        now = self._clock()
        self._issued = {token: grant for token, grant in self._issued.items() if grant[1] > now}
        token, expires_at = secrets.token_urlsafe(32), now + seconds
        self._issued[token] = (frozenset(scopes), expires_at)
        return token, expires_at

    def valid(self, token: str, scope: str) -> bool:
        """Whether the token was issued for this scope, and has neither expired nor been revoked."""
        scopes, expires_at = self._issued.get(token, (frozenset(), 0.0))
        return scope in scopes and self._clock() < expires_at

    def revoke(self, scope: str) -> None:
        """Forget the tokens of a scope."""
        self._issued = {token: grant for token, grant in self._issued.items() if scope not in grant[0]}


def endpoint_document(endpoint: EmulatedEndpoint, workspace_id: str, base_url: str) -> dict[str, Any]:
    """Return the endpoint as the control plane shows it. `base_url` is that of the emulator."""
    scoring = f"{base_url}/endpoints/{endpoint.name}"
    return {
        "id": f"{workspace_id}/onlineEndpoints/{endpoint.name}",
        "name": endpoint.name,
        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "location": "westeurope",
        "kind": "K8S" if endpoint.compute else "Managed",
        "tags": {},
        "identity": {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"},
        "properties": {
            "authMode": endpoint.auth_mode,
            "compute": endpoint.compute,
            "description": endpoint.description,
            "provisioningState": endpoint.state,
            "scoringUri": f"{scoring}/score",
            "swaggerUri": endpoint.swagger_uri or f"{scoring}/swagger.json",
            "traffic": endpoint.traffic,
            "mirrorTraffic": {},
            "publicNetworkAccess": "Enabled",
            "properties": {"createdAt": "2024-03-01T08:00:00.123456+0000"},
        },
        "systemData": _system_data(),
    }


def deployment_document(
    endpoint: EmulatedEndpoint, deployment: EmulatedDeployment, workspace_id: str
) -> dict[str, Any]:
    """Return a deployment as the control plane shows it."""
    name, version = deployment.model
    return {
        "id": f"{workspace_id}/onlineEndpoints/{endpoint.name}/deployments/{deployment.name}",
        "name": deployment.name,
        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
        "location": "westeurope",
        "tags": {},
        "sku": {"name": "Default", "capacity": deployment.instances},
        "properties": {
            "endpointComputeType": "Kubernetes" if endpoint.compute else "Managed",
            "model": f"{workspace_id}/models/{name}/versions/{version}",
            "provisioningState": deployment.state,
            "requestSettings": {
                "maxConcurrentRequestsPerInstance": deployment.concurrency,
                "maxQueueWait": "PT0.5S",
                "requestTimeout": deployment.request_timeout,
            },
            "scaleSettings": {"scaleType": "Default"},
            "properties": {},
            "environmentVariables": {},
            "appInsightsEnabled": False,
            **(_KUBERNETES_ONLY if endpoint.compute else _MANAGED_ONLY),
        },
        "systemData": _system_data(),
    }


def swagger_document(endpoint: EmulatedEndpoint, chosen: str | None, version: str) -> dict[str, Any] | None:
    """Return the description of the endpoint's own API, as the deployment gives it that a call would reach.

    None where there is none in this version, `2` or `3`. Source: microsoft/azureml-inference-server, `swagger.json`;
    inference-schema, whose data frames in other forms than `records` only OpenAPI 3 can say.
    """
    deployment = endpoint.route(chosen)
    if deployment is not None and deployment.columns is not None:
        schema = _rows_schema(deployment.columns) if deployment.declared_as == "rows" else _table(deployment.columns)
    else:
        schema = {"type": "object"}
    if version == "3":
        return {"openapi": "3.0.3", "components": {"schemas": {"ServiceInput": schema}}} | _about(endpoint)
    if deployment is not None and deployment.declared_as == "table":
        return None
    return {"swagger": "2.0", "definitions": {"ServiceInput": schema}} | _about(endpoint)


def _rows_schema(columns: Sequence[str]) -> dict[str, Any]:
    row = {"type": "object", "properties": {name: {"type": "object"} for name in columns}}
    return {"type": "object", "properties": {"input": {"type": "array", "items": row}}}


def _table(columns: Sequence[str]) -> dict[str, Any]:
    example = {"columns": list(columns), "index": [0], "data": [[None] * len(columns)]}
    return {"type": "object", "properties": {"input": {"type": "object"}}, "example": {"input": example}}


def _about(endpoint: EmulatedEndpoint) -> dict[str, Any]:
    return {"info": {"title": endpoint.name, "version": "1.0"}, "paths": {"/score": {"post": {}}}}


def _system_data() -> dict[str, str]:
    return {
        "createdAt": "2024-02-29T08:00:00.123456Z",
        "createdBy": "somebody",
        "createdByType": "User",
        "lastModifiedAt": "2024-03-02T10:30:00Z",
        "lastModifiedBy": "somebody",
        "lastModifiedByType": "User",
    }
