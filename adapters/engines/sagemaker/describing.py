"""What an endpoint is made of: its models, or the inference components that it hosts. Blocking, as boto3 is.

Only names are relied upon. Whatever else a description lacks is left out: one odd endpoint must not hide the others.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from adapters.engines.sagemaker.endpoints import Found, Model
from adapters.engines.sagemaker.sdk import Answer, ControlPlane, sdk_errors
from schemas.errors import EngineRefusedError

PAGE = 100
"""Items on a page of a listing: the most that SageMaker allows."""
SERVING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"})
"""States of endpoints and components that answer. Those that change go on serving (assumption); the last is in service
with a mix of the old and the new configuration (DescribeEndpoint, API reference)."""


class Summary(Struct, frozen=True, kw_only=True):
    """What a listing says about an endpoint."""

    name: str
    arn: str | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None

    def found(
        self, *, model: Model | None = None, variants: Mapping[str, Model] | None = None, serverless: bool = False
    ) -> Found:
        """Return the endpoint as one that scores."""
        return Found(
            endpoint=self.name,
            arn=self.arn,
            created_at=self.created_at,
            modified_at=self.modified_at,
            model=model,
            variants=variants or {},
            serverless=serverless,
        )


class Parts(Struct, frozen=True, kw_only=True):
    """The endpoints that one SageMaker endpoint is here.

    Attributes:
        modified_at: of the SageMaker endpoint.
        found: none for an asynchronous one.
        settled: they stay like this until `modified_at` changes.
    """

    modified_at: datetime | None
    found: Sequence[Found]
    settled: bool


def describe(control: ControlPlane, summary: Summary, *, variants: Collection[str], known: Parts | None) -> Parts:
    """Return what an endpoint is made of.

    Args:
        control: the control plane.
        summary: the endpoint, as listed.
        variants: production variants that the configuration chooses.
        known: what it was made of before.

    Raises:
        EngineEndpointNotFoundError: it was deleted meanwhile.
        EngineUnavailableError: the control plane can't be reached, or throttles.
        EngineRefusedError: it refuses to tell.
    """
    with sdk_errors(f"SageMaker endpoint {summary.name} can't be described"):
        endpoint = control.describe_endpoint(EndpointName=summary.name)
    if endpoint.get("AsyncInferenceConfig"):
        return Parts(modified_at=summary.modified_at, found=(), settled=True)
    running = _items(endpoint, "ProductionVariants")
    serverless = any(item.get("CurrentServerlessConfig") for item in running)
    production = _production_variants(control, endpoint, summary.name)
    if production is None:
        return Parts(modified_at=summary.modified_at, found=(summary.found(serverless=serverless),), settled=False)
    if not any(item.get("ModelName") for item in production):
        return Parts(modified_at=summary.modified_at, found=_components(control, summary, known), settled=False)
    model, chosen = _models(control, production, running, variants)
    serverless = serverless or any(item.get("ServerlessConfig") for item in production)
    found = summary.found(model=model, variants=chosen, serverless=serverless)
    settled = all(item.arn is not None for item in (model, *chosen.values()))
    return Parts(modified_at=summary.modified_at, found=(found,), settled=settled)


def _production_variants(control: ControlPlane, endpoint: Answer, name: str) -> list[Answer] | None:
    """Return the variants with their models; None where nobody tells."""
    config: str | None = endpoint.get("EndpointConfigName")
    if config is None:
        return None
    try:
        with sdk_errors(f"The configuration of SageMaker endpoint {name} can't be described"):
            return _items(control.describe_endpoint_config(EndpointConfigName=config), "ProductionVariants")
    except EngineRefusedError:
        return None


def _models(
    control: ControlPlane, production: Sequence[Answer], running: Sequence[Answer], variants: Collection[str]
) -> tuple[Model, dict[str, Model]]:
    """Return the model that most of the traffic goes to, and those of the variants that were chosen."""
    weights = {item.get("VariantName"): item.get("CurrentWeight") for item in running}

    def weight(item: Answer) -> float:
        current: float | None = weights.get(item.get("VariantName"))
        return item.get("InitialVariantWeight", 0.0) if current is None else current

    with_model = [item for item in production if item.get("ModelName")]
    most: str = max(with_model, key=weight)["ModelName"]
    chosen = {item["VariantName"]: item["ModelName"] for item in with_model if item.get("VariantName") in variants}
    models = {name: _model(control, name) for name in {most, *chosen.values()}}
    return models[most], {variant: models[name] for variant, name in chosen.items()}


def _model(control: ControlPlane, name: str) -> Model:
    try:
        with sdk_errors(f"SageMaker model {name} can't be described"):
            answer = control.describe_model(ModelName=name)
    except EngineRefusedError:
        return Model(name=name)
    return Model(name=name, arn=answer.get("ModelArn"), url=_url(answer), created_at=answer.get("CreationTime"))


def _url(model: Answer) -> str | None:
    """Return where the artifact is: that of the first container of a pipeline that has one."""
    containers: list[Answer] = [model.get("PrimaryContainer") or {}, *_items(model, "Containers")]
    for container in containers:
        source: dict[str, Any] = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
        url: str | None = container.get("ModelDataUrl") or source.get("S3Uri")
        if url:
            return url
    return None


def _components(control: ControlPlane, summary: Summary, known: Parts | None) -> list[Found]:
    before: dict[tuple[str | None, datetime | None], Found] = {
        (found.component, found.modified_at): found
        for found in (known.found if known else ())
        if found.modified_at is not None and found.model is not None and found.model.arn is not None
    }
    with sdk_errors(f"The inference components of SageMaker endpoint {summary.name} can't be listed"):
        pages = control.get_paginator("list_inference_components").paginate(
            EndpointNameEquals=summary.name, PaginationConfig={"PageSize": PAGE}
        )
        listed = [item for page in pages for item in _items(page, "InferenceComponents")]
    return [
        before.get((item["InferenceComponentName"], item.get("LastModifiedTime"))) or _component(control, summary, item)
        for item in listed
        if item.get("InferenceComponentStatus") in SERVING and item.get("InferenceComponentName")
    ]


def _component(control: ControlPlane, summary: Summary, item: Answer) -> Found:
    return Found(
        endpoint=summary.name,
        component=item["InferenceComponentName"],
        arn=item.get("InferenceComponentArn"),
        created_at=item.get("CreationTime"),
        modified_at=item.get("LastModifiedTime"),
        model=_component_model(control, item),
    )


def _component_model(control: ControlPlane, item: Answer) -> Model | None:
    name: str = item["InferenceComponentName"]
    try:
        with sdk_errors(f"SageMaker inference component {name} can't be described"):
            answer = control.describe_inference_component(InferenceComponentName=name)
    except EngineRefusedError:
        return None
    model: str | None = (answer.get("Specification") or {}).get("ModelName")
    # A component can have a container of its own, without a model.
    return Model(name=name, arn=item.get("InferenceComponentArn")) if model is None else _model(control, model)


def _items(answer: Answer, key: str) -> list[Answer]:
    items: list[Answer] = answer.get(key) or []
    return items
