import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.testing.sagemaker import AccessKey, LinearLearner, SageMakerEmulator
from tests.unit.gateway.cli.conftest import Outcome, Run

KEY = AccessKey(id="KEY", secret="planted-secret")
MODEL = LinearLearner(weights=(1.0,), bias=0.0)


def sagemaker(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "type": "sagemaker",
        "region": "us-east-1",
        "endpoint_url": url,
        "control_url": url,
        "credentials": {"access_key_id": KEY.id, "secret_access_key": KEY.secret},
    } | changes


def deployed(endpoint: str) -> dict[str, Any]:
    return {"engine": "aws", "endpoint": endpoint, "format": "sagemaker-linear-learner", "input": {"fields": ["a"]}}


@pytest.fixture
async def cloud() -> AsyncIterator[SageMakerEmulator]:
    async with SageMakerEmulator(key=KEY) as emulator:
        emulator.add_endpoint("credit", model=MODEL)
        emulator.add_endpoint("credit-test", model=MODEL)
        yield emulator


@pytest.fixture
def check(run: Run, write_config: Callable[..., Path]) -> Callable[..., Any]:
    async def check_it(**sections: Any) -> Outcome:
        return await asyncio.to_thread(run, "check", "--online", "--config", write_config(**sections))

    return check_it


def test_configuration_without_mistakes_is_counted(run: Run, write_config: Callable[..., Path]) -> None:
    config = write_config(engines={"aws": sagemaker("http://127.0.0.1:1")}, deployments={"a": deployed("x")})
    outcome = run("check", "--config", config)
    assert (outcome.code, outcome.errors) == (0, "")
    assert outcome.output == f"{config}: no mistakes; 1 engine, 1 deployment, 0 sinks.\n"


def test_every_mistake_is_told_with_its_place(run: Run, write_config: Callable[..., Path]) -> None:
    config = write_config(engines={"aws": {"type": "sagemaker", "regoin": "x"}}, deployments={"a": {"engine": "gone"}})
    outcome = run("check", "--config", config)
    assert (outcome.code, outcome.output) == (2, "")
    lines = outcome.errors.splitlines()
    assert len(lines) >= 3
    assert all(line.startswith(f"{config}:") for line in lines)


def test_missing_file_is_a_mistake_too(run: Run, tmp_path: Path) -> None:
    outcome = run("check", "--config", tmp_path / "none.yaml")
    assert outcome.code == 2
    assert "can't be read" in outcome.errors


async def test_online_lists_what_would_be_served(check: Callable[..., Any], cloud: SageMakerEmulator) -> None:
    discover = {"exclude": ["*-test"]}
    outcome = await check(
        engines={"aws": sagemaker(cloud.url, discover=discover)}, deployments={"credit-risk": deployed("credit")}
    )
    assert (outcome.code, outcome.errors) == (0, "")
    assert outcome.output.splitlines()[1] == "engines.aws: 1 endpoint: credit"


async def test_online_names_deployments_whose_endpoint_is_not_there(
    check: Callable[..., Any], cloud: SageMakerEmulator
) -> None:
    outcome = await check(
        engines={"aws": sagemaker(cloud.url, discover={"exclude": ["*-test"]})},
        deployments={"gone": deployed("nowhere"), "hidden": deployed("credit-test"), "there": deployed("credit")},
    )
    assert outcome.code == 1
    assert [line.split(":")[0] for line in outcome.errors.splitlines()] == [
        "deployments.gone.endpoint",
        "deployments.hidden.endpoint",
    ]


async def test_online_asks_the_others_when_one_does_not_answer(
    check: Callable[..., Any], cloud: SageMakerEmulator
) -> None:
    wrong = {"access_key_id": KEY.id, "secret_access_key": "another-planted-secret"}
    outcome = await check(
        engines={"wrong": sagemaker(cloud.url, credentials=wrong), "aws": sagemaker(cloud.url)}, deployments={}
    )
    assert outcome.code == 1
    assert outcome.errors.startswith("engines.wrong: ")
    assert "planted" not in outcome.errors + outcome.output
    assert "engines.aws: 2 endpoints: credit, credit-test" in outcome.output
