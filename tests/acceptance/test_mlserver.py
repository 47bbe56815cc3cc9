"""Real input: models in MLServer with its scikit-learn runtime, scored through the gateway for every row there is."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.testing.credit_risk import COLUMNS, LABELS, NUMERIC_COLUMNS, numeric_cells
from tests.acceptance import mlserver_process
from tests.acceptance.credit_risk_data import CreditRisk
from tests.acceptance.every_row import AUTH, assert_recorded, joined, score_every_row
from tests.gateway_process import StartGateway


@pytest.fixture(scope="module")
def repository(credit_risk: CreditRisk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlserver")
    mlserver_process.train(credit_risk.file, folder)
    return folder


@pytest.fixture
async def server(repository: Path) -> AsyncIterator[str]:
    async with mlserver_process.serving(repository) as url:
        yield url


async def test_a_discovered_model_of_one_matrix_scores_every_row_as_by_itself(
    server: str, repository: Path, credit_risk: CreditRisk, start_gateway: StartGateway, tmp_path: Path
) -> None:
    direct = mlserver_process.direct(repository, "numbers")
    rows = [numeric_cells(row) for row in credit_risk.rows]
    # The metadata of a matrix has no names for its columns.
    gateway = await start_gateway(_configuration(server, "numbers", input={"fields": list(NUMERIC_COLUMNS)}))

    answers = await score_every_row(gateway, "credit-risk", NUMERIC_COLUMNS, rows)

    assert {tuple(answer["fields"]) for answer in answers} == {("prediction", "probability")}
    assert joined(answers) == direct
    await assert_recorded(gateway, tmp_path, rows, direct)
    assert await gateway.stop() == 0


async def test_a_discovered_model_of_named_columns_scores_every_row_as_by_itself_in_any_order_of_columns(
    server: str, repository: Path, credit_risk: CreditRisk, start_gateway: StartGateway, tmp_path: Path
) -> None:
    direct = mlserver_process.direct(repository, "columns")
    reversed_rows = [row[::-1] for row in credit_risk.rows]
    gateway = await start_gateway(_configuration(server, "columns"))

    answers = await score_every_row(gateway, "credit-risk", COLUMNS[::-1], reversed_rows)

    assert {tuple(answer["fields"]) for answer in answers} == {("prediction", "probability")}
    assert joined(answers) == direct
    await assert_recorded(gateway, tmp_path, reversed_rows, direct)
    assert await gateway.stop() == 0


def _configuration(url: str, model: str, **deployment: Any) -> dict[str, Any]:
    return {
        "auth": AUTH,
        "engines": {"models": {"type": "open_inference", "url": url, "listing": "repository_index"}},
        "deployments": {
            "credit-risk": {
                "engine": "models",
                "endpoint": model,
                "request": {"format": "tensors", "outputs": ["predict", "predict_proba"]},
                "response": {"format": "tensors"},
                "output": {
                    "prediction": "predict",
                    "probability": "predict_proba",
                    "probability_of": "each",
                    "labels": list(LABELS),
                },
                "problem_type": "binary",
                **deployment,
            }
        },
    }
