"""Real input: a custom engine that is a process of its own, before a model that nobody here wrote: another gateway."""

from pathlib import Path
from typing import Any

from adapters.testing.credit_risk import COLUMNS, LABELS
from tests.acceptance import mlflow_server
from tests.acceptance.credit_risk_data import CreditRisk
from tests.acceptance.every_row import AUTH, assert_recorded, joined, score_every_row
from tests.acceptance.mlflow_server import MlflowModels
from tests.gateway_process import StartGateway, exported_payloads

PASSWORD = "password-of-the-outer-gateway"
OUTPUT = {"prediction": "prediction", "probability": "probability", "probability_of": "each", "labels": list(LABELS)}


async def test_every_row_scores_through_another_gateway_as_by_the_model_itself_and_is_in_the_outer_records_alone(
    mlflow_models: MlflowModels, credit_risk: CreditRisk, start_gateway: StartGateway, tmp_path: Path
) -> None:
    async with mlflow_server.serving(mlflow_models, "probabilities") as url:
        inner = await start_gateway(_before_the_model(url))
        outer = await start_gateway(_before_a_custom_engine(inner.url))

        # The inner one knows the columns by name, so that the order of the outer one's caller is its own.
        answers = await score_every_row(outer, "credit-risk", COLUMNS[::-1], [row[::-1] for row in credit_risk.rows])

        assert {(tuple(answer["fields"]), tuple(answer["labels"])) for answer in answers} == {
            (("prediction", "probability"), LABELS)
        }
        assert joined(answers) == mlflow_models.direct
        await assert_recorded(outer, tmp_path, [row[::-1] for row in credit_risk.rows], mlflow_models.direct)
        assert await exported_payloads(inner, tmp_path) == []
        assert [await gateway.stop() for gateway in (outer, inner)] == [0, 0]


def _before_the_model(url: str) -> dict[str, Any]:
    # A monitor is not logged.
    return {
        "auth": {"clients": {"outer": {"password": PASSWORD, "role": "monitor"}}},
        "engines": {"mlflow": {"type": "mlflow", "discover": False, "endpoints": {"credit": {"url": url}}}},
        "deployments": {
            "credit": {
                "engine": "mlflow",
                "endpoint": "credit",
                "format": "mlflow",
                "input": {"fields": list(COLUMNS)},
                "output": OUTPUT | {"prediction": None},
                "problem_type": "binary",
            }
        },
        "payload_log": {"path": "inner.db"},
    }


def _before_a_custom_engine(url: str) -> dict[str, Any]:
    return {
        "auth": AUTH,
        "engines": {
            "inner": {"type": "custom", "url": url, "credentials": {"username": "outer", "password": PASSWORD}}
        },
        "deployments": {
            "credit-risk": {
                "engine": "inner",
                "endpoint": "credit",
                "format": "openscale",
                "output": OUTPUT,
                "problem_type": "binary",
            }
        },
        "payload_log": {"path": "outer.db"},
    }
