"""Real input: a model in Microsoft's own inference server, scored through the gateway for every row there is."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.testing.credit_risk import COLUMNS, LABELS, NUMERIC_COLUMNS
from tests.acceptance.azureml_server import TrainedModel
from tests.acceptance.credit_risk_data import CreditRisk
from tests.acceptance.every_row import (
    AUTH,
    DISCOVERY_SECONDS,
    HEADERS,
    POLL_SECONDS,
    assert_recorded,
    joined,
    score_every_row,
)
from tests.gateway_process import GatewayProcess, StartGateway

OUTPUT = {
    "prediction": "Scored Labels",
    "probability": "Scored Probabilities",
    "probability_of": "each",
    "labels": list(LABELS),
}
OPERATOR = ("ops", "password-of-ops")

both_encodings = pytest.mark.parametrize(
    "inference_server",
    [("score.py", {"ANSWER": answer}) for answer in ("json", "text")],
    indirect=True,
    ids=["json", "text"],
)
all_declarations = pytest.mark.parametrize(
    ("inference_server", "codec"),
    [
        (("score_declared.py", {"DECLARED": "records"}), "rows"),
        (("score_declared.py", {"DECLARED": "automl"}), "rows"),
        (("score_declared.py", {"DECLARED": "split"}), "table"),
    ],
    indirect=["inference_server"],
    ids=["records", "automl", "split"],
)


@both_encodings
async def test_every_row_scores_as_by_the_model_itself_and_is_in_the_records(
    inference_server: str,
    trained_model: TrainedModel,
    credit_risk: CreditRisk,
    start_gateway: StartGateway,
    tmp_path: Path,
) -> None:
    deployment = {"format": "azureml", "input": {"fields": list(COLUMNS)}}
    gateway = await start_gateway(_configuration(inference_server, deployment, discover=False))

    answers = await score_every_row(gateway, "credit-risk", COLUMNS, credit_risk.rows)

    assert {tuple(answer["fields"]) for answer in answers} == {("prediction", "probability")}
    assert joined(answers) == trained_model.direct
    await assert_recorded(gateway, tmp_path, credit_risk.rows, trained_model.direct)
    assert await gateway.stop() == 0


@all_declarations
async def test_a_script_that_declares_its_requests_is_sent_every_row_in_that_form_without_any_configuration_of_it(
    inference_server: str,
    codec: str,
    trained_model: TrainedModel,
    credit_risk: CreditRisk,
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(_configuration(inference_server, _declared(codec), discover={}))
    await _described(gateway)
    reversed_rows = [row[::-1] for row in credit_risk.rows]

    answers = await score_every_row(gateway, "credit-risk", COLUMNS[::-1], reversed_rows)

    assert joined(answers) == trained_model.direct
    await assert_recorded(gateway, gateway.config_file.parent, reversed_rows, trained_model.direct)
    assert await gateway.stop() == 0


@pytest.mark.parametrize("inference_server", [("score_declared.py", {"DECLARED": "automl"})], indirect=True, ids=[""])
async def test_declared_columns_are_listed_with_their_types_and_a_call_without_one_is_refused(
    inference_server: str, credit_risk: CreditRisk, start_gateway: StartGateway
) -> None:
    gateway = await start_gateway(_configuration(inference_server, _declared("rows"), discover={}))
    await _described(gateway)

    async with aiohttp.ClientSession(gateway.url, headers=HEADERS) as session:
        async with session.get("/v1/deployments/credit-risk") as response:
            listed = (await response.json())["entity"]["asset_properties"]["input_data_schema"]["fields"]
        body = {"fields": COLUMNS[1:], "values": [credit_risk.rows[0][1:]]}
        async with session.post("/v1/deployments/credit-risk/online", json=body) as response:
            status, (error,) = response.status, (await response.json())["errors"]

    assert [(field["name"], field["type"]) for field in listed] == [
        (name, "long" if name in NUMERIC_COLUMNS else "string") for name in COLUMNS
    ]
    assert status == 422
    assert COLUMNS[0] in error["message"]
    assert await gateway.stop() == 0


async def _described(gateway: GatewayProcess) -> None:
    """Wait until the endpoint was asked what it declares: before that it takes calls as they are configured."""
    headers = {"Authorization": aiohttp.encode_basic_auth(*OPERATOR)}
    async with aiohttp.ClientSession(gateway.url, headers=headers) as session, asyncio.timeout(DISCOVERY_SECONDS):
        while True:
            async with session.get("/readyz") as response:
                (engine,) = (await response.json())["engines"]
            if engine["refreshed_at"] is not None:
                return
            await asyncio.sleep(POLL_SECONDS)


def _declared(codec: str) -> dict[str, Any]:
    return {"request": {"format": codec}, "response": {"format": "rows", "at": "Results"}}


def _configuration(url: str, deployment: dict[str, Any], *, discover: object) -> dict[str, Any]:
    user, password = OPERATOR
    endpoints = {"credit": {"url": f"{url}/score"}}
    return {
        "auth": {"clients": AUTH["clients"] | {user: {"password": password, "role": "operator"}}},
        "engines": {"azure": {"type": "azureml", "discover": discover, "endpoints": endpoints}},
        "deployments": {
            "credit-risk": {
                "engine": "azure",
                "endpoint": "credit",
                "output": OUTPUT,
                "problem_type": "binary",
                **deployment,
            }
        },
    }
