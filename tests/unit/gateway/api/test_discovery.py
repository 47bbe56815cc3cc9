from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from gateway.api.discovery import UNKNOWN_TIME, deployment_document, deployments_document
from gateway.api.urls import RouteFamily
from schemas.configuration import DeploymentSettings, OutputSettings
from schemas.deployment import Asset, Deployment, Endpoint
from schemas.json_schemas import json_schema

BASE = "https://gw.example.com/x"
STRUCT = {"type": "struct", "fields": [{"name": "Age", "type": "integer", "nullable": True, "metadata": {}}]}
BARE = Deployment(id="aws--bare", engine="aws", endpoint=Endpoint(name="bare"), settings=None)
GONE = Deployment(id="gone", engine="aws", endpoint=None, settings=DeploymentSettings(name="Gone"))
FULL = Deployment(
    id="credit-risk",
    engine="aws",
    endpoint=Endpoint(
        name="credit",
        description="native text",
        rn="arn:aws:sagemaker:us-east-1:1:endpoint/credit",
        created_at="2026-05-01T10:00:00Z",
        modified_at="2026-05-02T10:00:00Z",
        asset=Asset(
            id="model-1", name="Model 1", url="https://models/1", rn="arn:model", created_at="2026-04-01T00:00:00Z"
        ),
        input_schema=STRUCT,
        output_schema=STRUCT,
        native={"key": "s3cret"},
    ),
    settings=DeploymentSettings(
        name="German credit risk",
        description="our text",
        problem_type="binary",
        output=OutputSettings(prediction="predicted_label"),
    ),
)
ALL = [BARE, FULL, GONE]


def test_the_list_follows_the_published_schema() -> None:
    document = deployments_document(ALL, BASE, RouteFamily())
    validator = Draft202012Validator(json_schema("discovery"), format_checker=FormatChecker())
    validator.validate(document)
    assert document["count"] == 3
    assert [entry["metadata"]["guid"] for entry in document["resources"]] == ["aws--bare", "credit-risk", "gone"]
    assert "s3cret" not in str(document)


def test_an_empty_list_is_a_list() -> None:
    assert deployments_document([], BASE, RouteFamily()) == {"count": 0, "resources": []}


@pytest.mark.parametrize("deployment", ALL, ids=lambda deployment: deployment.id)
@pytest.mark.parametrize(
    "path",
    [
        "metadata.guid",
        "metadata.url",
        "metadata.created_at",
        "entity.name",
        "entity.type",
        "entity.description",
        "entity.scoring_url",
        "entity.scoring_endpoint.url",
        "entity.asset.asset_id",
        "entity.asset.guid",
        "entity.asset.name",
        "entity.asset.url",
        "entity.asset.asset_type",
        "entity.asset.created_at",
        "entity.asset_properties.model_type",
        "entity.asset_properties.runtime_environment",
        "entity.asset_properties.input_data_type",
    ],
)
def test_every_key_that_a_reader_indexes_is_a_text(deployment: Deployment, path: str) -> None:
    value: Any = deployment_document(deployment, BASE, RouteFamily())
    for key in path.split("."):
        value = value[key]
    assert isinstance(value, str)


@pytest.mark.parametrize("family", [RouteFamily(), RouteFamily(monitor=True, engine="aws")], ids=["plain", "prefixed"])
def test_all_urls_are_the_scoring_url_below_the_prefix(family: RouteFamily) -> None:
    entry = deployment_document(BARE, BASE, family)
    url = f"{BASE}{family.prefix}/v1/deployments/aws--bare/online"
    entity = entry["entity"]
    assert entry["metadata"]["url"] == entity["scoring_url"] == entity["asset"]["url"] == url
    assert entity["scoring_endpoint"] == {"url": url, "request_headers": {}}


def test_what_the_platform_tells_is_told_on() -> None:
    entry = deployment_document(FULL, BASE, RouteFamily())
    assert entry["metadata"]["created_at"] == "2026-05-01T10:00:00Z"
    assert entry["metadata"]["modified_at"] == "2026-05-02T10:00:00Z"
    assert entry["entity"]["description"] == "our text"
    assert entry["entity"]["deployment_rn"].endswith("endpoint/credit")
    assert entry["entity"]["asset"] == {
        "guid": "model-1",
        "asset_id": "model-1",
        "name": "Model 1",
        "asset_type": "model",
        "asset_rn": "arn:model",
        "url": "https://models/1",
        "created_at": "2026-04-01T00:00:00Z",
    }
    assert entry["entity"]["asset_properties"] == {
        "model_type": "custom",
        "runtime_environment": "python",
        "input_data_type": "structured",
        "problem_type": "binary",
        "predicted_target_field": "prediction",
        "input_data_schema": STRUCT,
        "output_data_schema": STRUCT,
    }


def test_what_nobody_tells_has_a_constant_in_its_place() -> None:
    entry = deployment_document(GONE, BASE, RouteFamily())
    assert entry["metadata"]["created_at"] == entry["metadata"]["modified_at"] == UNKNOWN_TIME
    assert entry["entity"]["name"] == entry["entity"]["asset"]["name"] == "Gone"
    assert entry["entity"]["asset"]["asset_id"] == "gone"
    assert "predicted_target_field" not in entry["entity"]["asset_properties"]


def test_a_deployment_whose_platform_dates_the_model_alone_takes_that_date() -> None:
    asset = Asset(id="m", name="m", created_at="2026-04-01T00:00:00Z")
    deployment = Deployment(id="d", engine="aws", endpoint=Endpoint(name="d", asset=asset), settings=None)
    assert deployment_document(deployment, BASE, RouteFamily())["metadata"]["created_at"] == "2026-04-01T00:00:00Z"
