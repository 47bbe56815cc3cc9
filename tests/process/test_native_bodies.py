"""Applications that send what the platform's own client sends: the endpoint gets and gives the very bytes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import Struct, json

from adapters.testing.azureml import AzureMLEmulator
from adapters.testing.credit_risk import COLUMNS, LABELS, NUMERIC_COLUMNS, numeric_cells
from adapters.testing.emulator import Fault
from adapters.testing.mlflow import MlflowEmulator
from adapters.testing.sagemaker import SageMakerEmulator
from gateway.body_form import is_fields_values
from tests.corpus.malformed import corpus
from tests.corpus.mutated import mutated
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import calling, credit_rows, records
from tests.process.clouds import AWS, AZURE, ENDPOINT, Tree, aws_part, azure_part, configuration

MLFLOW = "credit-mlflow"
DEPLOYMENTS = (AWS, AZURE, MLFLOW)
ROWS = credit_rows(3)
NUMBERS = [numeric_cells(row) for row in ROWS["values"]]
# As no writer of ours would write them: what arrives is what was sent, or it shows.
CSV = b"\r\n".join(b", ".join(str(cell).encode() for cell in row) for row in NUMBERS) + b"\r\n"
OBJECTS = json.format(
    json.encode({"note": "kept", "input": [dict(zip(COLUMNS, row, strict=True)) for row in ROWS["values"]]}), indent=3
)
FRAME = b' {"params": {}, "dataframe_split" : ' + json.encode({"data": ROWS["values"], "columns": list(COLUMNS)}) + b"}"


class Native(Struct, frozen=True):
    """A native call, and the request that its record shows."""

    content: bytes
    content_type: str | None
    request: dict[str, Any]


CALLS = {
    AWS: Native(CSV, "text/csv", {"fields": list(NUMERIC_COLUMNS), "values": NUMBERS}),
    AZURE: Native(OBJECTS, "application/json", ROWS),
    MLFLOW: Native(FRAME, None, ROWS),
}


class Answer(Struct, frozen=True):
    status: int
    scoring_id: str
    content_type: str
    content: bytes

    @property
    def error(self) -> dict[str, Any]:
        body = json.decode(self.content)
        assert body["trace"] == self.scoring_id
        (found,) = body["errors"]
        return dict(found)


async def post(session: aiohttp.ClientSession, deployment: str, content: bytes, kind: str | None = None) -> Answer:
    headers = {} if kind is None else {"Content-Type": kind}
    async with session.post(
        f"/v1/deployments/{deployment}/online", data=content, headers=headers, skip_auto_headers=["Content-Type"]
    ) as response:
        body = await response.read()
        return Answer(response.status, response.headers["X-Scoring-Id"], response.headers["Content-Type"], body)


@pytest.fixture
async def mlflow() -> AsyncIterator[MlflowEmulator]:
    async with MlflowEmulator() as emulator:
        yield emulator


def mlflow_part(url: str) -> Tree:
    return {
        "engines": {"mlflow": {"type": "mlflow", "endpoints": {ENDPOINT: {"url": url}}}},
        "deployments": {
            MLFLOW: {
                "engine": "mlflow",
                "endpoint": ENDPOINT,
                "format": "mlflow",
                "output": {"prediction": "prediction", "labels": list(LABELS)},
                "log": "native",
            }
        },
    }


@pytest.fixture
async def gateway(
    sagemaker: SageMakerEmulator, azure: AzureMLEmulator, mlflow: MlflowEmulator, start_gateway: StartGateway
) -> GatewayProcess:
    parts = (aws_part(sagemaker.url, log="native"), azure_part(azure, log="native"), mlflow_part(mlflow.url))
    return await start_gateway(configuration(*parts))


async def test_native_calls_pass_byte_for_byte_and_are_recorded_as_fields_values(
    gateway: GatewayProcess,
    sagemaker: SageMakerEmulator,
    azure: AzureMLEmulator,
    mlflow: MlflowEmulator,
    tmp_path: Path,
) -> None:
    async with calling(gateway) as session:
        answers = {name: await post(session, name, call.content, call.content_type) for name, call in CALLS.items()}
        alike = {name: await post(session, name, json.encode(call.request)) for name, call in CALLS.items()}

    received = {AWS: sagemaker.invocations[0], AZURE: azure.calls[0], MLFLOW: mlflow.calls[0]}
    assert {name: seen.body for name, seen in received.items()} == {name: call.content for name, call in CALLS.items()}
    assert received[AWS].headers["Content-Type"] == "text/csv"
    assert received[MLFLOW].headers["Content-Type"] == "application/json"
    assert {answer.status for answer in [*answers.values(), *alike.values()]} == {200}
    assert [answer.content_type.partition(";")[0] for answer in answers.values()] == ["application/json"] * 3
    assert [list(json.decode(answer.content)) for answer in answers.values()] == [
        ["predictions"],
        ["output"],
        ["predictions"],
    ]
    kept = records(tmp_path)
    assert [record["scoring_id"] for record in kept] == [answer.scoring_id for answer in answers.values()]
    for name, record in zip(DEPLOYMENTS, kept, strict=True):
        assert (record["deployment_id"], record["outcome"], record["rows"]) == (name, "scored", 3)
        assert record["request"] == CALLS[name].request
        # The same rows in fields/values are answered in kind, with what the native call's record says.
        assert json.decode(alike[name].content) == record["response"]


async def test_answers_of_any_kind_come_back_as_they_are_or_as_an_error(
    gateway: GatewayProcess, sagemaker: SageMakerEmulator, tmp_path: Path
) -> None:
    odd = b'\n{"predictions" : [{"score": NaN, "predicted_label": 1.0, "more": [1]}] }\n'
    faults = (
        Fault(route="invocations", body=odd, content_type="application/vnd.model+json"),
        Fault(route="invocations", body=b"no prediction"),
        Fault(route="invocations", body=b'{"predictions": []}'),
        Fault(route="invocations", status=400, body=b'{"message": "refused"}'),
    )
    sagemaker.play(*faults)
    async with calling(gateway) as session:
        row = ",".join(map(str, NUMBERS[0])).encode()
        scored, *failed = [await post(session, AWS, row, "text/csv") for _ in faults]

    assert (scored.status, scored.content) == (200, odd)
    assert scored.content_type.startswith("application/vnd.model+json")
    assert [answer.status for answer in failed] == [502] * 3
    assert [answer.error["code"] for answer in failed] == ["engine_reply", "engine_reply", "engine_refused"]
    kept = records(tmp_path)
    assert [record["outcome"] for record in kept] == ["scored"] + ["engine_error"] * 3
    assert [record["response"] is None for record in kept] == [False, True, True, True]
    assert all(record["request"]["values"] == [NUMBERS[0]] for record in kept)


async def test_bodies_of_neither_form_are_refused_and_reach_nobody(
    gateway: GatewayProcess, sagemaker: SageMakerEmulator, tmp_path: Path
) -> None:
    bodies = [case.body for case in corpus()] + [*mutated(300), *damaged(OBJECTS), *damaged(FRAME)]
    calls = [(name, body) for name in (AZURE, MLFLOW) for body in bodies]
    async with calling(gateway) as session:
        turns = asyncio.Semaphore(4)

        async def answered(deployment: str, content: bytes) -> Answer:
            async with turns:
                return await post(session, deployment, content, "application/json")

        answers = await asyncio.gather(*(answered(*call) for call in calls))
        ragged = await post(session, AWS, CSV + b"1,2\r\n", "text/csv")
        empty = await post(session, AWS, b"", "text/csv")
        strange = await post(session, AWS, CSV, "text/\xe9")
        good = await post(session, AZURE, OBJECTS, "application/json")

    assert {answer.status for answer in answers} <= {200, 400, 422, 502}
    refused = [answer for answer in answers if answer.status in (400, 422)]
    assert len(refused) >= 400
    assert all(answer.error["message"] for answer in refused)
    assert (ragged.status, empty.status, strange.status, good.status) == (400, 422, 415, 200)
    assert "not in the endpoint's own form" in ragged.error["message"]
    assert sagemaker.requests.get("invocations", 0) == 0
    native = [
        answer.scoring_id
        for (_, body), answer in zip(calls, answers, strict=True)
        if answer.status in (200, 502) and not is_fields_values(body)
    ]
    assert sorted(record["scoring_id"] for record in records(tmp_path)) == sorted([*native, good.scoring_id])
    assert not [entry for entry in gateway.log if entry.get("level") == "error"]


def damaged(body: bytes) -> list[bytes]:
    """Cut a body everywhere, and break each of its brackets."""
    cut = [body[:end] for end in range(0, len(body), 97)]
    return cut + [body.replace(bracket, b"", 1) for bracket in (b"{", b"[", b"]", b"}", b":", b'"')]
