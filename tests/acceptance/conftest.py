from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from tests.acceptance import azureml_server, mlflow_server
from tests.acceptance.azureml_server import TrainedModel
from tests.acceptance.credit_risk_data import CreditRisk, credit_risk_data
from tests.acceptance.mlflow_server import MlflowModels
from tests.gateway_process import start_gateway

__all__ = ["start_gateway"]

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Mark everything in this folder, so that no test can be forgotten."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(scope="session")
def credit_risk(tmp_path_factory: pytest.TempPathFactory) -> CreditRisk:
    return credit_risk_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def trained_model(credit_risk: CreditRisk, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return azureml_server.train(credit_risk.file, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def mlflow_models(credit_risk: CreditRisk, tmp_path_factory: pytest.TempPathFactory) -> MlflowModels:
    return mlflow_server.train(credit_risk.file, tmp_path_factory.mktemp("mlflow"))


@pytest.fixture
async def inference_server(trained_model: TrainedModel, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """URL of Microsoft's inference server; parametrize it with the name of its script, and what that is told."""
    script, environ = request.param
    async with azureml_server.serving(trained_model, script, **environ) as url:
        yield url
