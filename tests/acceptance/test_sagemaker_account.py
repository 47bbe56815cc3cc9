"""Real input: an endpoint found in an account that nobody here wrote, and scored at an emulated runtime for every row.

moto keeps endpoints as AWS describes them, and has no models: its runtime says what it was told to. So the models are
the emulator's, and what they say themselves is asked of them without any server.
"""

import json
from pathlib import Path
from typing import Any

from adapters.testing.credit_risk import LABELS, NUMERIC_COLUMNS, numeric_cells
from adapters.testing.sagemaker import AccessKey, LinearLearner, SageMakerEmulator
from tests.acceptance import moto_process
from tests.acceptance.credit_risk_data import CreditRisk
from tests.acceptance.every_row import AUTH, BATCH_ROWS, Rows, assert_recorded, joined, score_every_row
from tests.fakes.aws_accounts import aws_account_at
from tests.gateway_process import StartGateway

KEY = AccessKey(id="AKIAACCEPTANCE", secret="for-tests-only")
MODEL = LinearLearner(weights=(0.05, 0.0002, 0.1, 0.05, -0.04, -0.1, 0.2), bias=-1.5)
MAX_ROWS = 100


async def test_every_row_scores_as_by_the_model_itself_in_parts_and_is_in_the_records(
    credit_risk: CreditRisk, start_gateway: StartGateway, tmp_path: Path
) -> None:
    rows = [numeric_cells(row) for row in credit_risk.rows]
    direct = _direct(rows)
    assert {label for label, _ in direct} == set(LABELS)
    async with moto_process.serving(tmp_path) as control_plane, SageMakerEmulator(key=KEY) as runtime:
        with aws_account_at(control_plane, KEY) as account:
            await account.create_endpoint("credit")
        runtime.add_endpoint("credit", model=MODEL)
        gateway = await start_gateway(_configuration(control_plane, runtime.url))

        answers = await score_every_row(gateway, "credit-risk", NUMERIC_COLUMNS, rows)

        assert joined(answers) == direct
        await assert_recorded(gateway, tmp_path, rows, direct)
        parts_of_a_batch = -(-BATCH_ROWS // MAX_ROWS)
        assert runtime.requests == {"invocations": len(answers) * parts_of_a_batch}
        assert await gateway.stop() == 0


def _direct(rows: Rows) -> list[list[Any]]:
    lines = "\n".join(",".join(map(str, row)) for row in rows)
    answer, _ = MODEL(lines.encode(), "text/csv", "application/json")
    return [
        [LABELS[item["predicted_label"]], [1 - item["score"], item["score"]]]
        for item in json.loads(answer)["predictions"]
    ]


def _configuration(control_url: str, endpoint_url: str) -> dict[str, Any]:
    return {
        "auth": AUTH,
        "engines": {
            "aws": {
                "type": "sagemaker",
                "region": "us-east-1",
                "control_url": control_url,
                "endpoint_url": endpoint_url,
                "credentials": {"access_key_id": KEY.id, "secret_access_key": KEY.secret},
                "endpoints": {"credit": {"limits": {"max_rows": MAX_ROWS}}},
            }
        },
        "deployments": {
            "credit-risk": {
                "engine": "aws",
                "endpoint": "credit",
                "format": "sagemaker-linear-learner",
                "input": {"fields": list(NUMERIC_COLUMNS)},
                "output": {
                    "prediction": "predicted_label",
                    "prediction_is": "index",
                    "probability": "score",
                    "probability_of": "positive",
                    "labels": list(LABELS),
                },
                "problem_type": "binary",
            }
        },
    }
