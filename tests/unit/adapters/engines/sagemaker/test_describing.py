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


def described(client, name, variant=None):
    listed = client.describe_endpoint(EndpointName=name)
    summary = Summary(
        name=name,
        arn=listed["EndpointArn"],
        created_at=listed["CreationTime"],
        modified_at=listed["LastModifiedTime"],
    )
    parts = describe(client, summary, variant=variant, known=None)
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


def test_the_model_is_that_of_the_configured_variant(split):
    assert described(split, "split", variant="of-old").model.name == "old"


def test_a_variant_that_does_not_exist_changes_nothing(split):
    assert described(split, "split", variant="of-nobody").model.name == "new"


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
        describe(moto_client, summary, variant=None, known=None)
