"""SageMaker as somebody else built it: endpoints made with AWS's own SDK, at a control plane that nobody here wrote."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Any

import aiohttp
import boto3
import pytest

from adapters.testing.credit_risk import NUMERIC_COLUMNS
from tests.fakes.object_stores import moto_server
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import POLL_SECONDS, calling, score
from tests.process.clouds import APPLICATION, AWS, ENDPOINT, KEY, Tree, aws_part, configuration

APPEARING_SECONDS = 30.0
ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1"
ANSWER = '{"predictions": [{"score": 0.75, "predicted_label": 1}]}'


@pytest.fixture
async def control_plane() -> AsyncIterator[str]:
    """URL of moto's server, without anything in its account."""
    with moto_server() as url:
        async with aiohttp.ClientSession(raise_for_status=True) as session, session.post(f"{url}/moto-api/reset"):
            yield url


@pytest.fixture
async def sdk(control_plane: str) -> AsyncIterator[Any]:
    client = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=control_plane,
        aws_access_key_id=KEY.id,
        aws_secret_access_key=KEY.secret,
    )
    yield client
    client.close()


async def test_endpoints_are_listed_as_the_sdk_describes_them_and_scored_at_the_same_account(
    control_plane: str, sdk: Any, start_gateway: StartGateway
) -> None:
    await asyncio.to_thread(_create, sdk, ENDPOINT)
    await _queue_answer(control_plane)
    gateway = await start_gateway(_configuration(control_plane))

    credit = (await _listed(gateway, {AWS}))[AWS]

    endpoint = await asyncio.to_thread(sdk.describe_endpoint, EndpointName=ENDPOINT)
    model = await asyncio.to_thread(sdk.describe_model, ModelName=f"{ENDPOINT}-model")
    assert credit["entity"]["deployment_rn"] == endpoint["EndpointArn"]
    assert datetime.fromisoformat(credit["metadata"]["created_at"]) == endpoint["CreationTime"]
    asset = credit["entity"]["asset"]
    assert (asset["name"], asset["asset_rn"]) == (model["ModelName"], model["ModelArn"])
    assert asset["url"] == model["PrimaryContainer"]["ModelDataUrl"]
    async with calling(gateway) as session:
        answer = await score(session, AWS, {"fields": NUMERIC_COLUMNS, "values": [[24, 1500, 3, 2, 40, 1, 1]]})
    assert (answer.status, answer.body["values"]) == (200, [["Risk", [0.25, 0.75]]])


async def test_endpoints_come_and_go_with_those_of_the_account(
    control_plane: str, sdk: Any, start_gateway: StartGateway
) -> None:
    await asyncio.to_thread(_create, sdk, ENDPOINT)
    gateway = await start_gateway(_configuration(control_plane))
    await _listed(gateway, {AWS})

    await asyncio.to_thread(_create, sdk, "loans")
    await _listed(gateway, {AWS, "aws--loans"})

    await asyncio.to_thread(sdk.delete_endpoint, EndpointName="loans")
    await _listed(gateway, {AWS})


def _configuration(url: str) -> Tree:
    part = aws_part(url, discover=True)
    part["engines"]["aws"]["discover"] = {"refresh_seconds": 1}
    return configuration(part)


def _create(sdk: Any, name: str) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://models/{name}.tar.gz"}
    sdk.create_model(ModelName=f"{name}-model", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"{name}-model",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.t2.medium",
        "InitialVariantWeight": 1.0,
    }
    sdk.create_endpoint_config(EndpointConfigName=f"{name}-config", ProductionVariants=[variant])
    sdk.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")


async def _queue_answer(control_plane: str) -> None:
    answer = {
        "Body": ANSWER,
        "ContentType": "application/json",
        "InvokedProductionVariant": "AllTraffic",
        "CustomAttributes": "",
    }
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(f"{control_plane}/moto-api/static/sagemaker/endpoint-results", json={"results": [answer]}),
    ):
        pass


async def _listed(gateway: GatewayProcess, expected: Collection[str]) -> dict[str, Any]:
    """Return the gateway's list by id, as soon as it holds these deployments and no others."""
    async with asyncio.timeout(APPEARING_SECONDS), calling(gateway, APPLICATION) as session:
        while True:
            async with session.get("/v1/deployments") as response:
                listed = {item["metadata"]["guid"]: item for item in (await response.json())["resources"]}
            if listed.keys() == set(expected):
                return listed
            await asyncio.sleep(POLL_SECONDS)
