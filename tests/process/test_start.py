"""Starting beside clouds that don't answer."""

import asyncio
from pathlib import Path
from typing import Any

from adapters.testing.azureml import AzureMLEmulator
from adapters.testing.emulator import Fault
from adapters.testing.sagemaker import SageMakerEmulator
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import POLL_SECONDS, calling, records, score
from tests.process.clouds import AWS, AZURE, OPERATOR, Tree, aws_part, configuration, discovering_azure_part


async def test_ready_does_not_wait_for_discovery_and_neither_does_the_stop(
    sagemaker: SageMakerEmulator, azure: AzureMLEmulator, start_gateway: StartGateway
) -> None:
    for emulator in (sagemaker, azure):
        emulator.play(Fault(delay_seconds=300.0, times=None))
    gateway = await start_gateway(_both(sagemaker, azure))
    await asyncio.gather(sagemaker.seen("control"), azure.seen("endpoints"))

    async with calling(gateway, OPERATOR) as session:
        async with session.get("/readyz") as response:
            assert response.status == 200
            assert {(engine["name"], engine["ready"]) for engine in (await response.json())["engines"]} == {
                ("aws", False),
                ("azure", False),
            }
        assert await _listed(gateway) == []
        answer = await score(session, AWS)
        assert (answer.status, answer.body["errors"][0]["code"]) == (503, "directory_not_ready")
        assert int(answer.headers["Retry-After"]) >= 1
    async with asyncio.timeout(10):
        assert await gateway.stop() == 0


async def test_a_restart_without_clouds_lists_and_scores_the_deployments_it_knew(
    sagemaker: SageMakerEmulator, azure: AzureMLEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    first = await start_gateway(_both(sagemaker, azure))
    async with asyncio.timeout(60):
        while len(known := await _listed(first)) < 2:
            await asyncio.sleep(POLL_SECONDS)
    assert await first.stop() == 0

    sagemaker.play(Fault(route="control", connection="reset", times=None))
    azure.play(Fault(route="endpoints", connection="reset", times=None))
    second = await start_gateway(_both(sagemaker, azure))
    assert [_without_url(item) for item in await _listed(second)] == [_without_url(item) for item in known]
    async with calling(second) as session:
        answers = [await score(session, deployment) for deployment in (AWS, AZURE)]
    assert [answer.status for answer in answers] == [200, 200]
    assert [record["scoring_id"] for record in records(tmp_path)] == [answer.scoring_id for answer in answers]


def _both(sagemaker: SageMakerEmulator, azure: AzureMLEmulator) -> Tree:
    return configuration(aws_part(sagemaker.url, discover=True), discovering_azure_part(azure))


async def _listed(gateway: GatewayProcess) -> list[dict[str, Any]]:
    async with calling(gateway, OPERATOR) as session, session.get("/v1/deployments") as response:
        assert response.status == 200
        resources: list[dict[str, Any]] = (await response.json())["resources"]
        return resources


def _without_url(resource: dict[str, Any]) -> tuple[str, Any]:
    return resource["metadata"]["guid"], resource["entity"]["asset"]
