"""What an endpoint is made of: its models, or the inference components that it hosts. Blocking, as boto3 is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from adapters.engines.sagemaker.endpoints import Found, Model
from adapters.engines.sagemaker.sdk import Answer, ControlPlane, sdk_errors
from schemas.errors import EngineError

SERVING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})
"""States of endpoints and components that answer: those that change go on serving meanwhile (assumption)."""


class Summary(Struct, frozen=True, kw_only=True):
    """What a listing says about an endpoint."""

    name: str
    arn: str
    created_at: datetime
    modified_at: datetime

    def found(self, *, model: Model | None = None, serverless: bool = False) -> Found:
        """Return the endpoint as one that scores."""
        return Found(
            endpoint=self.name,
            arn=self.arn,
            created_at=self.created_at,
            modified_at=self.modified_at,
            model=model,
            serverless=serverless,
        )


class Parts(Struct, frozen=True, kw_only=True):
    """The endpoints that one SageMaker endpoint is here.

    Attributes:
        modified_at: of the SageMaker endpoint.
        found: none for an asynchronous one.
        settled: they stay like this until `modified_at` changes.
    """

    modified_at: datetime
    found: Sequence[Found]
    settled: bool


def describe(control: ControlPlane, summary: Summary, *, variant: str | None, known: Parts | None) -> Parts:
    """Return what an endpoint is made of.

    Args:
        control: the control plane.
        summary: the endpoint, as listed.
        variant: the production variant that the configuration chooses.
        known: what it was made of before.

    Raises:
        EngineEndpointNotFoundError: it was deleted meanwhile.
        EngineError: the control plane can't be reached, or refuses to tell.
    """
    with sdk_errors(f"SageMaker endpoint {summary.name} can't be described"):
        endpoint = control.describe_endpoint(EndpointName=summary.name)
        if endpoint.get("AsyncInferenceConfig"):
            return Parts(modified_at=summary.modified_at, found=(), settled=True)
        config = control.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        variants: list[Answer] = config.get("ProductionVariants", [])
        if not any(item.get("ModelName") for item in variants):
            return Parts(modified_at=summary.modified_at, found=_components(control, summary, known), settled=False)
    chosen = _chosen(variants, endpoint.get("ProductionVariants", []), variant)
    model = _model(control, chosen)
    serverless = any(item.get("ServerlessConfig") for item in variants)
    found = summary.found(model=model, serverless=serverless)
    return Parts(modified_at=summary.modified_at, found=(found,), settled=model.arn is not None)


def is_unreached(error: EngineError) -> bool:
    """Whether nobody answered: the next question would find nobody either."""
    return error.engine_status is None


def _chosen(variants: Sequence[Answer], running: Sequence[Answer], name: str | None) -> str:
    """Return the model of the variant that was chosen, or else of the one that most of the traffic goes to."""
    weights = {item["VariantName"]: item.get("CurrentWeight") for item in running}

    def rank(item: Answer) -> tuple[bool, float]:
        weight = weights.get(item.get("VariantName"))
        return item.get("VariantName") == name, item.get("InitialVariantWeight", 0.0) if weight is None else weight

    best: str = max((item for item in variants if item.get("ModelName")), key=rank)["ModelName"]
    return best


def _model(control: ControlPlane, name: str) -> Model:
    try:
        with sdk_errors(f"SageMaker model {name} can't be described"):
            answer = control.describe_model(ModelName=name)
    except EngineError as error:
        if is_unreached(error):
            raise
        return Model(name=name)
    return Model(name=name, arn=answer.get("ModelArn"), url=_url(answer), created_at=answer.get("CreationTime"))


def _url(model: Answer) -> str | None:
    """Return where the artifact is: that of the first container of a pipeline that has one."""
    containers: list[Answer] = [model.get("PrimaryContainer") or {}, *model.get("Containers", [])]
    for container in containers:
        source: dict[str, Any] = container.get("ModelDataSource", {}).get("S3DataSource", {})
        url: str | None = container.get("ModelDataUrl") or source.get("S3Uri")
        if url:
            return url
    return None


def _components(control: ControlPlane, summary: Summary, known: Parts | None) -> list[Found]:
    complete = [found for found in known.found if found.model and found.model.arn] if known else []
    before = {(found.component, found.modified_at): found for found in complete}
    pages = control.get_paginator("list_inference_components").paginate(EndpointNameEquals=summary.name)
    listed = (item for page in pages for item in page["InferenceComponents"])
    return [
        before.get((item["InferenceComponentName"], item["LastModifiedTime"])) or _component(control, summary, item)
        for item in listed
        if item.get("InferenceComponentStatus") in SERVING
    ]


def _component(control: ControlPlane, summary: Summary, item: Answer) -> Found:
    return Found(
        endpoint=summary.name,
        component=item["InferenceComponentName"],
        arn=item["InferenceComponentArn"],
        created_at=item["CreationTime"],
        modified_at=item["LastModifiedTime"],
        model=_component_model(control, item),
    )


def _component_model(control: ControlPlane, item: Answer) -> Model | None:
    name: str = item["InferenceComponentName"]
    try:
        with sdk_errors(f"SageMaker inference component {name} can't be described"):
            answer = control.describe_inference_component(InferenceComponentName=name)
    except EngineError as error:
        if is_unreached(error):
            raise
        return None
    model: str | None = answer.get("Specification", {}).get("ModelName")
    # A component can have a container of its own, without a model.
    return Model(name=name, arn=item["InferenceComponentArn"]) if model is None else _model(control, model)
