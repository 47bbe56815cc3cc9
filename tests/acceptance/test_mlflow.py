"""Real input: models in MLflow's own scoring server, scored through the gateway for every row there is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.testing.credit_risk import COLUMNS, LABELS
from tests.acceptance import mlflow_server
from tests.acceptance.credit_risk_data import CreditRisk
from tests.acceptance.every_row import AUTH, HEADERS, assert_recorded, joined, score_every_row
from tests.acceptance.mlflow_server import MlflowModels
from tests.gateway_process import GatewayProcess, StartGateway, exported_payloads

LABELS_ONLY = {"prediction": "prediction"}
VECTORS = {"probability": "probability", "probability_of": "each", "labels": list(LABELS)}
COLUMNS_OF_A_FRAME = {
    "prediction": "label",
    "probability": list(LABELS),
    "probability_of": "each",
    "labels": list(LABELS),
}


@pytest.fixture
async def gateway(
    mlflow_models: MlflowModels, start_gateway: StartGateway, request: pytest.FixtureRequest
) -> AsyncIterator[GatewayProcess]:
    """A gateway before MLflow's server; parametrize it with the name of the model and the deployment's `output`."""
    name, output = request.param
    async with mlflow_server.serving(mlflow_models, name) as url:
        yield await start_gateway(_configuration(url, output))


@pytest.mark.parametrize("gateway", [("labels", LABELS_ONLY)], indirect=True, ids=["labels"])
async def test_labels_of_a_scikit_learn_model_are_its_own_for_every_row(
    gateway: GatewayProcess, mlflow_models: MlflowModels, credit_risk: CreditRisk, tmp_path: Path
) -> None:
    answers = await score_every_row(gateway, "credit-risk", COLUMNS, credit_risk.rows)

    labels = [[label] for label, _ in mlflow_models.direct]
    assert {tuple(answer["fields"]) for answer in answers} == {("prediction",)}
    assert joined(answers) == labels
    await assert_recorded(gateway, tmp_path, credit_risk.rows, labels)
    assert await gateway.stop() == 0


@pytest.mark.parametrize(
    "gateway",
    [("probabilities", VECTORS), ("frame", COLUMNS_OF_A_FRAME)],
    indirect=True,
    ids=["vectors", "columns"],
)
async def test_probabilities_of_a_pyfunc_model_are_its_own_for_every_row(
    gateway: GatewayProcess, mlflow_models: MlflowModels, credit_risk: CreditRisk, tmp_path: Path
) -> None:
    answers = await score_every_row(gateway, "credit-risk", COLUMNS, credit_risk.rows)

    assert {tuple(answer["fields"]) for answer in answers} == {("prediction", "probability")}
    assert joined(answers) == mlflow_models.direct
    await assert_recorded(gateway, tmp_path, credit_risk.rows, mlflow_models.direct)
    assert await gateway.stop() == 0


@pytest.mark.parametrize("gateway", [("labels", LABELS_ONLY)], indirect=True, ids=["labels"])
async def test_a_row_that_the_signature_refuses_is_an_engine_error_in_its_own_words(
    gateway: GatewayProcess, credit_risk: CreditRisk, tmp_path: Path
) -> None:
    row = dict(zip(COLUMNS, credit_risk.rows[0], strict=True)) | {"Age": "thirty-three"}

    async with aiohttp.ClientSession(gateway.url, headers=HEADERS) as session:
        body = {"fields": COLUMNS, "values": [list(row.values())]}
        async with session.post("/v1/deployments/credit-risk/online", json=body) as response:
            status, (error,) = response.status, (await response.json())["errors"]

    assert (status, error["code"], error["engine_status"]) == (502, "engine_refused", 400)
    assert "Failed to convert column Age" in error["message"]
    assert "Traceback" not in error["message"]
    (record,) = await exported_payloads(gateway, tmp_path)
    assert (record["outcome"], record["response"]) == ("engine_error", None)
    assert "thirty-three" not in gateway.log_text()
    assert await gateway.stop() == 0


def _configuration(url: str, output: dict[str, Any]) -> dict[str, Any]:
    return {
        "auth": AUTH,
        "engines": {"mlflow": {"type": "mlflow", "discover": True, "endpoints": {"credit": {"url": url}}}},
        "deployments": {
            "credit-risk": {
                "engine": "mlflow",
                "endpoint": "credit",
                "format": "mlflow",
                "input": {"fields": list(COLUMNS)},
                "output": output,
                "problem_type": "binary",
            }
        },
    }
