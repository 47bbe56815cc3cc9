"""Real input: a model in Microsoft's own inference server, scored through the gateway for every row there is."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.testing.credit_risk import COLUMNS, LABELS, Value
from tests.acceptance.azureml_server import TrainedModel
from tests.acceptance.credit_risk_data import CreditRisk
from tests.gateway_process import GatewayProcess, StartGateway, exported_payloads

BATCH_ROWS = 250
USER, PASSWORD = "loans-app", "for-tests-only"

both_encodings = pytest.mark.parametrize("inference_server", ["json", "text"], indirect=True)


@both_encodings
async def test_every_row_scores_as_by_the_model_itself_and_is_in_the_records(
    inference_server: str,
    trained_model: TrainedModel,
    credit_risk: CreditRisk,
    start_gateway: StartGateway,
    tmp_path: Path,
) -> None:
    gateway = await start_gateway(_configuration(inference_server))

    answers = await _score_all(gateway, credit_risk.rows)

    assert {tuple(answer["fields"]) for answer in answers} == {("prediction", "probability")}
    assert _joined(answers) == trained_model.direct
    records = await exported_payloads(gateway, tmp_path)
    assert _joined(record["request"] for record in records) == credit_risk.rows
    assert _joined(record["response"] for record in records) == trained_model.direct
    assert {(record["outcome"], record["origin"], record["caller"]) for record in records} == {
        ("scored", "application", USER)
    }
    assert await gateway.stop() == 0


def _configuration(url: str) -> dict[str, Any]:
    return {
        "auth": {"clients": {USER: {"password": PASSWORD, "role": "application"}}},
        "engines": {"azure": {"type": "azureml", "discover": False, "endpoints": {"credit": {"url": url}}}},
        "deployments": {
            "credit-risk": {
                "engine": "azure",
                "endpoint": "credit",
                "format": "azureml",
                "input": {"fields": list(COLUMNS)},
                "output": {
                    "prediction": "Scored Labels",
                    "probability": "Scored Probabilities",
                    "probability_of": "each",
                    "labels": list(LABELS),
                },
                "problem_type": "binary",
            }
        },
    }


async def _score_all(gateway: GatewayProcess, rows: Sequence[list[Value]]) -> list[dict[str, Any]]:
    answers = []
    headers = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
    async with aiohttp.ClientSession(gateway.url, headers=headers, raise_for_status=True) as session:
        for values in _batches(rows):
            body = {"fields": COLUMNS, "values": values}
            async with session.post("/v1/deployments/credit-risk/online", json=body) as response:
                answers.append(await response.json())
    return answers


def _batches(rows: Sequence[list[Value]]) -> Iterator[Sequence[list[Value]]]:
    for start in range(0, len(rows), BATCH_ROWS):
        yield rows[start : start + BATCH_ROWS]


def _joined(tables: Any) -> list[list[Any]]:
    return [row for table in tables for row in table["values"]]
