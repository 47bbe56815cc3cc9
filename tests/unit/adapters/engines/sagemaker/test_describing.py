from datetime import UTC, datetime

import pytest

from adapters.engines.sagemaker.describing import Summary, describe
from schemas.errors import EngineEndpointNotFoundError

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"}


def create_models(client, **containers):
    for name, container in containers.items():
        client.create_model(ModelName=name, ExecutionRoleArn=ROLE, **container)


def create_endpoint(client, name, variants):
    production = [
        {
            "VariantName": f"of-{model}",
            "ModelName": model,
            "InitialInstanceCount": 1,
            "InstanceType": "ml.t2.medium",
            "InitialVariantWeight": weight,
        }
        for model, weight in variants.items()
    ]
    client.create_endpoint_config(EndpointConfigName=f"{name}-config", ProductionVariants=production)
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")


def described(client, name, *variants):
    listed = client.describe_endpoint(EndpointName=name)
    summary = Summary(
        name=name,
        arn=listed["EndpointArn"],
        created_at=listed["CreationTime"],
        modified_at=listed["LastModifiedTime"],
    )
    parts = describe(client, summary, variants=variants, known=None)
    assert parts.settled
    (found,) = parts.found
    return found


@pytest.fixture
def split(moto_client):
    create_models(moto_client, old={"PrimaryContainer": IMAGE}, new={"PrimaryContainer": IMAGE})
    create_endpoint(moto_client, "split", {"old": 0.1, "new": 0.9})
    return moto_client


def test_the_model_is_that_of_most_of_the_traffic(split):
    assert described(split, "split").model.name == "new"


def test_the_models_of_configured_variants_are_told_apart(split):
    found = described(split, "split", "of-old", "of-new")
    assert {variant: model.name for variant, model in found.variants.items()} == {"of-old": "old", "of-new": "new"}


def test_a_variant_that_does_not_exist_changes_nothing(split):
    found = described(split, "split", "of-nobody")
    assert (found.model.name, found.variants) == ("new", {})


@pytest.mark.parametrize(
    ("container", "url"),
    [
        ({"PrimaryContainer": IMAGE | {"ModelDataUrl": "s3://bucket/a.tar.gz"}}, "s3://bucket/a.tar.gz"),
        ({"PrimaryContainer": IMAGE}, None),
        ({"Containers": [IMAGE, IMAGE | {"ModelDataUrl": "s3://bucket/b.tar.gz"}]}, "s3://bucket/b.tar.gz"),
    ],
    ids=["one container", "no artifact", "pipeline"],
)
def test_the_artifact_is_that_of_the_first_container_that_has_one(moto_client, container, url):
    create_models(moto_client, credit=container)
    create_endpoint(moto_client, "credit", {"credit": 1.0})
    assert described(moto_client, "credit").model.url == url


def test_a_deleted_endpoint_is_not_found(moto_client):
    now = datetime.now(UTC)
    summary = Summary(name="gone", arn="arn:gone", created_at=now, modified_at=now)
    with pytest.raises(EngineEndpointNotFoundError):
        describe(moto_client, summary, variants=(), known=None)


def test_a_serverless_endpoint_of_an_independent_control_plane_is_known_as_such(moto_client):
    create_models(moto_client, credit={"PrimaryContainer": IMAGE})
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "credit",
        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
    }
    moto_client.create_endpoint_config(EndpointConfigName="credit-config", ProductionVariants=[variant])
    moto_client.create_endpoint(EndpointName="credit", EndpointConfigName="credit-config")
    assert described(moto_client, "credit").serverless


class OddControlPlane:
    """Answers with no more than it was given."""

    def __init__(self, endpoint, config=None, model=None, components=()):
        self._endpoint = endpoint
        self._config = config
        self._model = model or {}
        self._components = list(components)

    def describe_endpoint(self, *, EndpointName):  # noqa: N803 - AWS's spelling, here and below
        return self._endpoint

    def describe_endpoint_config(self, *, EndpointConfigName):  # noqa: N803
        return self._config

    def describe_model(self, *, ModelName):  # noqa: N803
        return self._model

    def describe_inference_component(self, *, InferenceComponentName):  # noqa: N803
        return {}

    def get_paginator(self, operation_name):
        return self

    def paginate(self, **arguments):
        return [{}, {"InferenceComponents": self._components}]


CREDIT = Summary(name="credit")
MODEL = {"ModelName": "m"}


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (OddControlPlane({}), [("credit", None)]),
        (OddControlPlane({"EndpointConfigName": "c"}, {}), []),
        (OddControlPlane({"EndpointConfigName": "c"}, {"ProductionVariants": [MODEL]}), [("credit", "m")]),
        (
            OddControlPlane({"EndpointConfigName": "c", "ProductionVariants": [{}]}, {"ProductionVariants": [MODEL]}),
            [("credit", "m")],
        ),
        (
            OddControlPlane(
                {"EndpointConfigName": "c"}, {"ProductionVariants": [MODEL]}, {"PrimaryContainer": None, "x": 1}
            ),
            [("credit", "m")],
        ),
        (
            OddControlPlane(
                {"EndpointConfigName": "c"},
                {"ProductionVariants": [{}]},
                components=[{}, {"InferenceComponentName": "a", "InferenceComponentStatus": "InService"}],
            ),
            [("credit/a", "a")],
        ),
    ],
    ids=["nothing", "no variants", "no names", "no weights", "no container", "no dates"],
)
def test_what_a_description_lacks_is_left_out(control, expected):
    parts = describe(control, CREDIT, variants=["blue"], known=None)
    assert [(found.name, found.model and found.model.name) for found in parts.found] == expected
    assert not parts.settled or all(found.model.arn for found in parts.found)


def test_a_serverless_endpoint_is_known_as_such_without_its_configuration():
    control = OddControlPlane({"ProductionVariants": [{"CurrentServerlessConfig": {"MaxConcurrency": 5}}]})
    (found,) = describe(control, CREDIT, variants=(), known=None).found
    assert found.serverless
