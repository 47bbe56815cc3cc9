"""Batches beyond the limits of an endpoint: several native requests, one call, one record."""

import asyncio
import io
import json
from pathlib import Path

import aiohttp
import pytest

from adapters.testing.azureml import AzureMLEmulator, EmulatedDeployment, credit_risk, model_failure
from adapters.testing.credit_risk import COLUMNS
from adapters.testing.emulator import Emulator, Fault
from adapters.testing.sagemaker import SageMakerEmulator, aws_error
from tests.gateway_process import StartGateway
from tests.process.calling import ANSWER_SECONDS, POLL_SECONDS, calling, credit_rows, records, score
from tests.process.clouds import AWS, AZURE, Tree, aws_part, azure_part, configuration, discovering_azure_part

SERVERLESS_BYTES = 4 * 2**20
BATCH = credit_rows(25)


def echo(body: bytes, content_type: str, accept: str | None) -> tuple[bytes, str]:
    """Answer each row with its first cell, as the score."""
    scores = [float(line.partition(",")[0]) for line in body.decode().splitlines()]
    predictions = [{"score": score, "predicted_label": 1} for score in scores]
    return json.dumps({"predictions": predictions}).encode(), "application/json"


def azure_in_parts(azure: AzureMLEmulator, **limits: int) -> Tree:
    azure.add_endpoint("credit", deployments=[EmulatedDeployment(concurrency=2)])
    part = discovering_azure_part(azure)
    part["engines"]["azure"]["endpoints"] = {"credit": {"limits": limits}}
    return configuration(part)


async def discovered(session: aiohttp.ClientSession, deployment: str) -> None:
    """Wait until a deployment is known."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            async with session.get(f"/v1/deployments/{deployment}") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(POLL_SECONDS)


async def test_a_discovered_serverless_endpoint_gets_no_more_than_it_takes(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    """The emulator refuses more than 4 MiB there; nothing but discovery says that it is serverless."""
    sagemaker.add_endpoint("credit", model=echo, serverless=True)
    part = aws_part(sagemaker.url, discover=True, input={"fields": ["k", "text"]}, request={"cells": "any"})
    gateway = await start_gateway(configuration(part))
    rows = [[k / 64, "x" * 100_000] for k in range(64)]
    async with calling(gateway) as session:
        await discovered(session, AWS)
        body = io.BytesIO(json.dumps({"fields": ["k", "text"], "values": rows}).encode())
        async with session.post(
            f"/v1/deployments/{AWS}/online", data=body, headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 200
            answer = await response.json()
    assert [vector[1] for _, vector in answer["values"]] == [k for k, _ in rows]
    assert [len(item.body) <= SERVERLESS_BYTES for item in sagemaker.invocations] == [True, True]
    ids = {item.headers["X-Amzn-SageMaker-Inference-Id"] for item in sagemaker.invocations}
    (record,) = records(tmp_path)
    assert ids == {response.headers["X-Scoring-Id"]} == {record["scoring_id"]}
    assert len(record["response"]["values"]) == len(rows)


async def test_parts_are_scored_as_many_at_once_as_the_deployments_take_and_joined_in_order(
    azure: AzureMLEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(azure_in_parts(azure, max_rows=3))
    # The first part is the last to be answered.
    azure.play(Fault(route="score", delay_seconds=0.5), Fault(route="score", delay_seconds=0.02, times=None))
    async with calling(gateway) as session:
        await discovered(session, AZURE)
        answer = await score(session, AZURE, BATCH)
    assert answer.status == 200
    expected = [credit_risk(dict(zip(COLUMNS, row, strict=True))) for row in BATCH["values"]]
    assert answer.body["values"] == [[item.label, list(item.probabilities)] for item in expected]
    assert (azure.requests["score"], azure.most_at_once["score"]) == (9, 2)
    assert {call.headers["x-ms-client-request-id"] for call in azure.calls} == {answer.scoring_id}
    (record,) = records(tmp_path)
    assert (record["outcome"], record["request"], record["response"]["values"]) == (
        "scored",
        BATCH,
        answer.body["values"],
    )


@pytest.mark.parametrize("cloud", ["sagemaker", "azure"])
async def test_a_part_that_fails_fails_the_call(
    cloud: str, sagemaker: SageMakerEmulator, azure: AzureMLEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    if cloud == "azure":
        part, engine, deployment, failure = azure_part(azure), "azure", AZURE, model_failure(500)
    else:
        part, engine, deployment = aws_part(sagemaker.url), "aws", AWS
        failure = aws_error("ModelError", 424, OriginalStatusCode=500, OriginalMessage="words")
    part["engines"][engine]["endpoints"]["credit"]["limits"] = {"max_rows": 3}
    emulator: Emulator = azure if cloud == "azure" else sagemaker
    emulator.play(Fault(delay_seconds=0.05, times=2), failure)
    gateway = await start_gateway(configuration(part))
    async with calling(gateway) as session:
        answer = await score(session, deployment, BATCH)
    assert (answer.status, answer.body["errors"][0]["engine_status"]) == (502, 500)
    (record,) = records(tmp_path)
    assert (record["outcome"], record["response"]) == ("engine_error", None)
    assert len(record["request"]["values"]) == len(BATCH["values"])
