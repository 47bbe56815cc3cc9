"""Emulated clouds in the test's own loop, and configurations of gateways in front of them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from adapters.testing.azureml import AzureMLEmulator
from adapters.testing.credit_risk import LABELS, NUMERIC_COLUMNS
from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import AccessKey, LinearLearner, SageMakerEmulator

Tree = dict[str, Any]

ENDPOINT = "credit"
AWS, AZURE = "credit-aws", "credit-azure"
"""Public ids of the deployments."""
DATA_SETS = {AWS: "aws-payloads", AZURE: "azure-payloads"}
APPLICATION, MONITOR, OPERATOR = "loans-app", "openscale", "ops"
"""Names of the clients; each has the password `PASSWORD`."""
PASSWORD = "for-tests-only"
KEY = AccessKey(id="AKIATESTS", secret="for-tests-only")


@pytest.fixture
async def sagemaker() -> AsyncIterator[SageMakerEmulator]:
    """SageMaker with one linear learner."""
    async with SageMakerEmulator(key=KEY) as emulator:
        emulator.add_endpoint(ENDPOINT, model=LinearLearner(weights=(0.05, 0.0002, 0.1, 0.05, -0.04, -0.1, 0.2)))
        yield emulator


@pytest.fixture
async def azure() -> AsyncIterator[AzureMLEmulator]:
    """Azure ML with one credit-risk scorer."""
    async with AzureMLEmulator() as emulator:
        emulator.add_endpoint(ENDPOINT)
        yield emulator


@pytest.fixture
async def openscale() -> AsyncIterator[OpenScaleEmulator]:
    """OpenScale with the data sets of `DATA_SETS`."""
    async with OpenScaleEmulator(data_sets=list(DATA_SETS.values())) as emulator:
        yield emulator


def configuration(
    *engines: Tree,
    deployments: Mapping[str, Tree] | None = None,
    sinks: Mapping[str, Tree] | None = None,
    server: Mapping[str, Any] | None = None,
    payload_log: Mapping[str, Any] | None = None,
) -> Tree:
    """Return a whole configuration: `engines` are parts that `aws`, `azure` or alike have made."""
    tree: Tree = {
        "server": dict(server or {}),
        "auth": {
            "clients": {
                name: {"password": PASSWORD, "role": role}
                for name, role in ((APPLICATION, "application"), (MONITOR, "monitor"), (OPERATOR, "operator"))
            }
        },
        "engines": {},
        "deployments": dict(deployments or {}),
        "payload_log": {"path": "payloads.db", **(payload_log or {})},
        "sinks": dict(sinks or {}),
    }
    for part in engines:
        tree["engines"] |= part["engines"]
        tree["deployments"] |= part["deployments"]
    return tree


def aws_part(url: str, *, discover: bool = False, **deployment: Any) -> Tree:
    """Return an engine `aws` at this URL, and the deployment `AWS` of its endpoint."""
    engine: Tree = {
        "type": "sagemaker",
        "region": "us-east-1",
        "endpoint_url": url,
        "control_url": url,
        "credentials": {"access_key_id": KEY.id, "secret_access_key": KEY.secret},
        "discover": discover,
    }
    if not discover:
        engine["endpoints"] = {ENDPOINT: {}}
    settings: Tree = {
        "engine": "aws",
        "endpoint": ENDPOINT,
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
    return {"engines": {"aws": engine}, "deployments": {AWS: settings | deployment}}


def azure_part(emulator: AzureMLEmulator, *, url: str | None = None, **deployment: Any) -> Tree:
    """Return an engine `azure` for the emulator's endpoint, and the deployment `AZURE`; its scoring URL may differ."""
    engine: Tree = {
        "type": "azureml",
        "discover": False,
        "endpoints": {
            ENDPOINT: {"url": url or emulator.scoring_url(ENDPOINT), "key": emulator.endpoints[ENDPOINT].keys[0]}
        },
    }
    return {"engines": {"azure": engine}, "deployments": {AZURE: _AZURE_DEPLOYMENT | deployment}}


def discovering_azure_part(emulator: AzureMLEmulator, **deployment: Any) -> Tree:
    """Return an engine `azure` that finds its endpoints itself, and the deployment `AZURE`."""
    engine: Tree = {
        "type": "azureml",
        "subscription_id": emulator.subscription_id,
        "resource_group": emulator.resource_group,
        "workspace": emulator.workspace,
        "control_url": emulator.url,
        "credentials": {"token": emulator.issue_token()},
    }
    return {"engines": {"azure": engine}, "deployments": {AZURE: _AZURE_DEPLOYMENT | deployment}}


def openscale_sinks(emulator: OpenScaleEmulator, *deployments: str) -> Tree:
    """Return `sinks` with OpenScale for these deployments."""
    return {
        "openscale": {
            "type": "openscale",
            "url": emulator.url,
            "token_url": emulator.iam_url,
            "apikey": "openscale-apikey",
            "data_sets": {deployment: DATA_SETS[deployment] for deployment in deployments},
            "batch": {"seconds": 0.1},
        }
    }


_AZURE_DEPLOYMENT: Tree = {
    "engine": "azure",
    "endpoint": ENDPOINT,
    "format": "azureml",
    "output": {
        "prediction": "Scored Labels",
        "probability": "Scored Probabilities",
        "probability_of": "each",
        "labels": list(LABELS),
    },
    "problem_type": "binary",
}
