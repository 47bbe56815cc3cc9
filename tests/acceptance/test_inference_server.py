"""Real input: a model in Microsoft's own inference server, scored through the gateway for every row there is."""

from pathlib import Path
from typing import Any

import pytest

from adapters.testing.credit_risk import COLUMNS, LABELS
from tests.acceptance.azureml_server import TrainedModel
from tests.acceptance.credit_risk_data import CreditRisk
from tests.acceptance.every_row import AUTH, assert_recorded, joined, score_every_row
from tests.gateway_process import StartGateway

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

    answers = await score_every_row(gateway, "credit-risk", COLUMNS, credit_risk.rows)

    assert {tuple(answer["fields"]) for answer in answers} == {("prediction", "probability")}
    assert joined(answers) == trained_model.direct
    await assert_recorded(gateway, tmp_path, credit_risk.rows, trained_model.direct)
    assert await gateway.stop() == 0


def _configuration(url: str) -> dict[str, Any]:
    return {
        "auth": AUTH,
        "engines": {"azure": {"type": "azureml", "discover": False, "endpoints": {"credit": {"url": f"{url}/score"}}}},
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
