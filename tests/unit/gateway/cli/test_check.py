import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.testing.sagemaker import AccessKey, LinearLearner, SageMakerEmulator
from tests.plugin_distributions import write_distribution
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


MODULE_OF_FAULTS = """
from msgspec.structs import replace

from adapters.engines.custom import plugin as custom
from adapters.formats.csv import plugin as csv
from tests.example_plugins import sink as pail


class Panic(BaseException):
    pass


def fail(*arguments):
    raise RuntimeError("planted-value")


def panic(*arguments):
    raise Panic("planted-value")


engine = replace(custom, kind="failing", connect=fail)
sink = replace(pail, kind="panicking", connect=panic)
format = replace(csv, kind="dividing", build=lambda settings: 1 / 0)
"""


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install plugins that fail when they are used."""
    (tmp_path / "module_of_faults_in_check.py").write_text(MODULE_OF_FAULTS)
    named = {"engines": "engine", "sinks": "sink", "formats": "format"}
    entry_points = {group: {"bad": f"module_of_faults_in_check:{name}"} for group, name in named.items()}
    write_distribution(tmp_path, "bad-plugins", entry_points, version="0.3")
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("online", [[], ["--online"]])
def test_every_plugin_that_can_not_be_connected_is_named_with_its_line(
    run: Run, write_config: Callable[..., Path], online: list[str]
) -> None:
    failing = {"type": "failing", "url": "http://127.0.0.1:9"}
    config = write_config(engines={"one": failing, "two": failing}, sinks={"far": {"type": "panicking"}})
    outcome = run("check", "--config", config, *online)
    assert (outcome.code, outcome.output) == (2, "")
    assert "planted-value" not in outcome.errors
    place = r"\(test_every_[^ ]*/module_of_faults_in_check\.py:\d+"
    told = [
        rf"engines\.one \(type failing, of bad-plugins 0\.3\): its `connect` failed with RuntimeError {place} fail\)\.",
        rf"engines\.two \(type failing, of bad-plugins 0\.3\): its `connect` failed with RuntimeError {place} fail\)\.",
        rf"sinks\.far \(type panicking, of bad-plugins 0\.3\): its `connect` failed with Panic {place} panic\)\.",
    ]
    assert re.fullmatch("\n".join(told) + "\n", outcome.errors)


@pytest.mark.usefixtures("faulty")
def test_a_format_that_fails_hides_no_other_mistake(run: Run, write_config: Callable[..., Path]) -> None:
    config = write_config(
        engines={"aws": sagemaker("http://127.0.0.1:1")},
        deployments={"a": deployed("x") | {"request": {"format": "dividing"}}, "b": deployed("x") | {"format": "gone"}},
    )
    outcome = run("check", "--config", config)
    assert outcome.code == 2
    first, second = outcome.errors.splitlines()
    assert "deployments.a.request: The format dividing of bad-plugins 0.3: its `build` failed with Zero" in first
    assert "deployments.b.format: There is no preset of this name" in second


@pytest.mark.usefixtures("faulty")
def test_faulty_plugins_that_nothing_names_are_no_mistake(run: Run, write_config: Callable[..., Path]) -> None:
    assert run("check", "--config", write_config()).code == 0
