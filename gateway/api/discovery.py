"""Discovery: deployments in the form that OpenScale and its SDKs read.

Two forms exist: IBM's example engines emit one, the SDKs read the other. An entry is the union of both, which
satisfies either reader; the keys that the SDKs index are always there.

Source: the engines in pmservice/ai-openscale-tutorials; of IBM's SDKs `client_with_ml_gateway_support.py`
(`ibm_ai_openscale` 2.2.1), `subscriptions.py` and `model.py` (`ibm_watson_openscale` 3.1.11).
"""

from collections.abc import Iterable
from typing import Any

from gateway.api.urls import RouteFamily
from schemas.configuration import DeploymentSettings
from schemas.deployment import Asset, Deployment, Endpoint

UNKNOWN_TIME = "1970-01-01T00:00:00Z"
"""Where a platform does not tell: it never changes, unlike the time at which an endpoint was first seen."""

Document = dict[str, Any]


def deployments_document(deployments: Iterable[Deployment], base_url: str, family: RouteFamily) -> Document:
    """Return the list of `GET /v1/deployments`, in the order given.

    Args:
        deployments: what to list.
        base_url: of the gateway, without a trailing slash.
        family: prefix that the caller used; the URLs stay below it.
    """
    resources = [deployment_document(deployment, base_url, family) for deployment in deployments]
    return {"count": len(resources), "resources": resources}


def deployment_document(deployment: Deployment, base_url: str, family: RouteFamily) -> Document:
    """Return one deployment, as it stands in `resources`."""
    endpoint = deployment.endpoint or Endpoint(name=deployment.id)
    url = f"{base_url}{family.prefix}/v1/deployments/{deployment.id}/online"
    created_at = _created_at(endpoint)
    return {
        "metadata": {
            "guid": deployment.id,
            "url": url,
            "created_at": created_at,
            "modified_at": endpoint.modified_at or created_at,
        },
        "entity": {
            "name": deployment.name,
            "description": _description(deployment.settings, endpoint),
            "type": "online",
            "scoring_url": url,
            "scoring_endpoint": {"url": url, "request_headers": {}},
            **({} if endpoint.rn is None else {"deployment_rn": endpoint.rn}),
            "asset": _asset(deployment, endpoint, url),
            "asset_properties": _asset_properties(deployment.settings, endpoint),
        },
    }


def _created_at(endpoint: Endpoint) -> str:
    return endpoint.created_at or (endpoint.asset and endpoint.asset.created_at) or UNKNOWN_TIME


def _description(settings: DeploymentSettings | None, endpoint: Endpoint) -> str:
    if settings is not None and settings.description is not None:
        return settings.description
    return endpoint.description


def _asset(deployment: Deployment, endpoint: Endpoint, url: str) -> Document:
    asset = endpoint.asset or Asset(id=deployment.id, name=deployment.name)
    return {
        "guid": asset.id,
        "asset_id": asset.id,
        "name": asset.name,
        "asset_type": "model",
        **({} if asset.rn is None else {"asset_rn": asset.rn}),
        "url": asset.url or url,
        "created_at": asset.created_at or _created_at(endpoint),
    }


def _asset_properties(settings: DeploymentSettings | None, endpoint: Endpoint) -> Document:
    properties: Document = {
        "model_type": "custom",
        "runtime_environment": "python",
        "input_data_type": "structured" if settings is None else settings.input_data_type,
    }
    if settings is not None and settings.problem_type is not None:
        properties["problem_type"] = settings.problem_type
    if settings is not None and _makes_prediction(settings):
        properties["predicted_target_field"] = "prediction"
    if endpoint.input_schema is not None:
        properties["input_data_schema"] = endpoint.input_schema
    if endpoint.output_schema is not None:
        properties["output_data_schema"] = endpoint.output_schema
    return properties


def _makes_prediction(settings: DeploymentSettings) -> bool:
    """Whether the mapping answers a column of this name, whatever the endpoint calls its own."""
    return settings.output.prediction is not None or settings.output.threshold is not None
