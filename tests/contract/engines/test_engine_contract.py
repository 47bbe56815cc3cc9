"""Every engine passes the conformance kit. To add one: a module with its case, and a class here."""

import sys

from adapters.testing.conformance import EngineConformance
from gateway.registry import Registry
from tests.contract.engines.case_azure_studio import AZURE_STUDIO
from tests.contract.engines.case_azureml import AZUREML
from tests.contract.engines.case_custom import CUSTOM
from tests.contract.engines.case_mlflow import MLFLOW
from tests.contract.engines.case_open_inference import OPEN_INFERENCE
from tests.contract.engines.case_sagemaker import SAGEMAKER
from tests.contract.engines.case_watson_ml import WATSON_ML


class TestSageMaker(EngineConformance):
    case = SAGEMAKER


class TestAzureMachineLearning(EngineConformance):
    case = AZUREML


class TestAzureStudio(EngineConformance):
    case = AZURE_STUDIO


class TestWatsonMachineLearning(EngineConformance):
    case = WATSON_ML


class TestCustom(EngineConformance):
    case = CUSTOM


class TestOpenInference(EngineConformance):
    case = OPEN_INFERENCE


class TestMlflow(EngineConformance):
    case = MLFLOW


def test_every_engine_is_under_contract() -> None:
    suites = [item for name, item in vars(sys.modules[__name__]).items() if name.startswith("Test")]
    assert {suite.case.plugin.kind for suite in suites} == set(Registry.load().engines)
