"""Faults of engines: the documented status, exactly one record with the right outcome, and the engine's words for the
caller alone.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec import json, structs

from adapters.testing.azureml import AzureMLEmulator, model_failure
from adapters.testing.emulator import Emulator, Fault
from adapters.testing.sagemaker import SageMakerEmulator
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.calling import SPOOL, Answer, calling, credit_rows, metric, records, score, url_of_nobody
from tests.process.clouds import AWS, AZURE, OPERATOR, Tree, aws_part, azure_part, configuration

TIMEOUT_SECONDS = 0.5
WORDS = "the engine's own words, cell 4711"


class Cloud(NamedTuple):
    """An engine under test; `part` makes its part of the configuration, for its URL or another one."""

    emulator: Emulator
    route: str
    deployment: str
    part: Callable[..., Tree]


class Case(NamedTuple):
    """A fault with its ending; `said`: the engine says `WORDS`; `engine_status`: what the caller learns of it."""

    fault: Fault
    status: int
    outcome: str
    said: bool = False
    engine_status: int | None = None


def _body(value: Any) -> bytes:
    return json.encode(value)


def _says(status: int) -> Fault:
    return Fault(status=status, body=_body({"message": WORDS}))


def _model_error(status: int) -> Fault:
    body = {"OriginalStatusCode": status, "OriginalMessage": WORDS, "Message": "Received error from model."}
    return Fault(status=424, body=_body(body), headers={"x-amzn-errortype": "ModelError"})


OF_BOTH: dict[str, Case] = {
    "reset": Case(Fault(connection="reset"), 503, "engine_unavailable"),
    "lost after the work": Case(Fault(connection="lose"), 503, "engine_unavailable"),
    "truncated": Case(Fault(connection="truncate"), 503, "engine_unavailable"),
    "timeout": Case(Fault(delay_seconds=5 * TIMEOUT_SECONDS), 504, "engine_timeout"),
    "400": Case(_says(400), 502, "engine_error", said=True, engine_status=400),
    "401": Case(_says(401), 502, "engine_error", said=True, engine_status=401),
    "403": Case(_says(403), 502, "engine_error", said=True, engine_status=403),
    "404": Case(_says(404), 502, "engine_error", said=True, engine_status=404),
    "413": Case(_says(413), 502, "engine_error", said=True, engine_status=413),
    "429": Case(_says(429), 503, "engine_unavailable", said=True, engine_status=429),
    "500": Case(_says(500), 502, "engine_error", said=True, engine_status=500),
    "502": Case(_says(502), 502, "engine_error", said=True, engine_status=502),
    "503": Case(_says(503), 503, "engine_unavailable", said=True, engine_status=503),
    "504": Case(_says(504), 504, "engine_timeout", said=True, engine_status=504),
    "302": Case(Fault(status=302, headers={"Location": "/elsewhere"}), 502, "engine_error", engine_status=302),
    "not JSON": Case(Fault(body=b"<html>Welcome</html>"), 502, "engine_error"),
    "half of a JSON": Case(Fault(body=b'{"predictions": [{"sc'), 502, "engine_error"),
    "empty": Case(Fault(body=b""), 502, "engine_error"),
    "not UTF-8": Case(Fault(body=b'{"predictions": "\xff"}'), 502, "engine_error"),
    "null": Case(Fault(body=b"null"), 502, "engine_error"),
    "200 with an error": Case(Fault(body=_body({"error": {"code": "X", "message": "m"}})), 502, "engine_error"),
    "204": Case(Fault(status=204), 502, "engine_error"),
}
OF_SAGEMAKER: dict[str, Case] = {
    "ModelError": Case(_model_error(500), 502, "engine_error", said=True, engine_status=500),
    "ModelError after a timeout": Case(_model_error(0), 504, "engine_timeout", said=True, engine_status=424),
    "one row too few": Case(
        Fault(body=_body({"predictions": [{"score": 0.5, "predicted_label": 1}]})), 502, "engine_error"
    ),
    "one row too many": Case(
        Fault(body=_body({"predictions": [{"score": 0.5, "predicted_label": 1}] * 3})), 502, "engine_error"
    ),
    "a label of nobody": Case(
        Fault(body=_body({"predictions": [{"score": 0.5, "predicted_label": 7}] * 2})), 502, "engine_error"
    ),
}
ROW = {"Scored Labels": "Risk", "Scored Probabilities": [0.4, 0.6]}
OF_AZURE: dict[str, Case] = {
    "model raised": Case(model_failure(500, WORDS), 502, "engine_error", said=True, engine_status=500),
    "one row too few": Case(Fault(body=_body({"output": [ROW]})), 502, "engine_error"),
    "one row too many": Case(Fault(body=_body({"output": [ROW] * 3})), 502, "engine_error"),
    "a string that is no JSON": Case(Fault(body=_body("Traceback (most recent call last)")), 502, "engine_error"),
    "a probability too few": Case(
        Fault(body=_body({"output": [{**ROW, "Scored Probabilities": [1.0]}] * 2})), 502, "engine_error"
    ),
}


@pytest.fixture
def cloud(request: pytest.FixtureRequest, sagemaker: SageMakerEmulator, azure: AzureMLEmulator) -> Cloud:
    if request.param == "sagemaker":
        return Cloud(
            sagemaker,
            "invocations",
            AWS,
            lambda url=None, **deployment: aws_part(url or sagemaker.url, **deployment),
        )
    return Cloud(azure, "score", AZURE, lambda url=None, **deployment: azure_part(azure, url=url, **deployment))


both = pytest.mark.parametrize("cloud", ["sagemaker", "azure"], indirect=True)


@both
async def test_every_fault_has_its_ending_and_one_record(
    cloud: Cloud, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(configuration(cloud.part(timeout_seconds=TIMEOUT_SECONDS)))
    cases = OF_BOTH | (OF_SAGEMAKER if cloud.deployment == AWS else OF_AZURE)
    answers: dict[str, Answer] = {}
    async with calling(gateway) as session:
        for name, case in cases.items():
            cloud.emulator.play(structs.replace(case.fault, route=cloud.route, times=None))
            answers[name] = await score(session, cloud.deployment, credit_rows(2))
            cloud.emulator.recover()
            assert (await score(session, cloud.deployment)).status == 200, name

    recorded = {record["scoring_id"]: record for record in records(tmp_path)}
    assert len(recorded) == len(records(tmp_path)) == 2 * len(cases)
    for name, case in cases.items():
        answer = answers[name]
        (error,) = answer.body["errors"]
        assert (answer.status, answer.body["trace"]) == (case.status, answer.scoring_id), name
        assert (WORDS in error["message"], error.get("engine_status")) == (case.said, case.engine_status), name
        assert ("Retry-After" in answer.headers) == (case.status == 503), name
        record = recorded[answer.scoring_id]
        ending = (record["status"], record["outcome"], record["rows"], record["response"])
        assert ending == (case.status, case.outcome, 2, None), name
    async with calling(gateway, OPERATOR) as session:
        for outcome in {case.outcome for case in cases.values()}:
            line = f'calls_total{{deployment="{cloud.deployment}",origin="application",outcome="{outcome}"}}'
            assert await metric(session, line) == [case.outcome for case in cases.values()].count(outcome)
    await _words_are_nowhere(gateway, tmp_path)


@both
async def test_an_engine_that_refuses_connections_is_unavailable(
    cloud: Cloud, start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateway = await start_gateway(configuration(cloud.part(url_of_nobody())))
    async with calling(gateway) as session:
        answer = await score(session, cloud.deployment)
    assert (answer.status, answer.body["errors"][0]["code"]) == (503, "engine_unavailable")
    (record,) = records(tmp_path)
    assert (record["scoring_id"], record["outcome"]) == (answer.scoring_id, "engine_unavailable")


async def test_a_full_spool_refuses_before_the_engine_is_called(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    tree = configuration(aws_part(sagemaker.url), payload_log={"max_gb": 0.000_01})
    gateway = await start_gateway(tree, ready=False)
    async with calling(gateway) as session:
        answer = await score(session, AWS)
        assert (answer.status, answer.body["errors"][0]["code"]) == (503, "payload_log_full")
        async with session.get("/readyz") as response:
            assert response.status == 503
    assert sagemaker.requests == {}
    assert records(tmp_path) == []


async def test_a_full_spool_may_be_answered_without_a_record_and_is_counted(
    sagemaker: SageMakerEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    tree = configuration(aws_part(sagemaker.url), payload_log={"max_gb": 0.000_01, "on_failure": "answer"})
    gateway = await start_gateway(tree, ready=False)
    async with calling(gateway) as session:
        assert [(await score(session, AWS)).status for _ in range(3)] == [200, 200, 200]
    assert records(tmp_path) == []
    async with calling(gateway, OPERATOR) as session:
        assert await metric(session, f'lost_records_total{{deployment="{AWS}"}}') == 3


async def _words_are_nowhere(gateway: GatewayProcess, directory: Path) -> None:
    async with calling(gateway, OPERATOR) as session, session.get("/metrics") as response:
        assert WORDS not in await response.text()
    assert await gateway.stop() == 0
    assert WORDS not in json.encode(gateway.log).decode()
    assert not await asyncio.to_thread(_files_with_words, directory)


def _files_with_words(directory: Path) -> list[Path]:
    files = list(directory.glob(f"{SPOOL}*"))
    assert files
    return [file for file in files if WORDS.encode() in file.read_bytes()]
