"""SageMaker as somebody else built it: endpoints made with AWS's own SDK, at a control plane that nobody here wrote."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from adapters.testing.credit_risk import NUMERIC_COLUMNS
from tests.fakes.aws_accounts import AwsAccount, aws_account
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import POLL_SECONDS, calling, score
from tests.process.clouds import APPLICATION, AWS, ENDPOINT, KEY, Tree, aws_part, configuration

APPEARING_SECONDS = 30.0
ANSWER = '{"predictions": [{"score": 0.75, "predicted_label": 1}]}'


@pytest.fixture
async def account() -> AsyncIterator[AwsAccount]:
    async with aws_account(KEY) as account:
        yield account


async def test_endpoints_are_listed_as_the_sdk_describes_them_and_scored_at_the_same_account(
    account: AwsAccount, start_gateway: StartGateway
) -> None:
    await account.create_endpoint(ENDPOINT)
    await _queue_answer(account.url)
    gateway = await start_gateway(_configuration(account.url))

    credit = (await _listed(gateway, {AWS}))[AWS]

    endpoint = await asyncio.to_thread(account.sdk.describe_endpoint, EndpointName=ENDPOINT)
    model = await asyncio.to_thread(account.sdk.describe_model, ModelName=f"{ENDPOINT}-model")
    assert credit["entity"]["deployment_rn"] == endpoint["EndpointArn"]
    assert datetime.fromisoformat(credit["metadata"]["created_at"]) == endpoint["CreationTime"]
    asset = credit["entity"]["asset"]
    assert (asset["name"], asset["asset_rn"]) == (model["ModelName"], model["ModelArn"])
    assert asset["url"] == model["PrimaryContainer"]["ModelDataUrl"]
    async with calling(gateway) as session:
        answer = await score(session, AWS, {"fields": NUMERIC_COLUMNS, "values": [[24, 1500, 3, 2, 40, 1, 1]]})
    assert (answer.status, answer.body["values"]) == (200, [["Risk", [0.25, 0.75]]])


async def test_endpoints_come_and_go_with_those_of_the_account(
    account: AwsAccount, start_gateway: StartGateway
) -> None:
    await account.create_endpoint(ENDPOINT)
    gateway = await start_gateway(_configuration(account.url))
    await _listed(gateway, {AWS})

    await account.create_endpoint("loans")
    await _listed(gateway, {AWS, "aws--loans"})

    await asyncio.to_thread(account.sdk.delete_endpoint, EndpointName="loans")
    await _listed(gateway, {AWS})


def _configuration(url: str) -> Tree:
    part = aws_part(url, discover=True)
    part["engines"]["aws"]["discover"] = {"refresh_seconds": 1}
    return configuration(part)


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
