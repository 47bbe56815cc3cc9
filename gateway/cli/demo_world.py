"""What the demo runs: emulated clouds in this process, and the real gateway in another."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from adapters.testing.azureml import AzureMLEmulator
from adapters.testing.credit_risk import NUMERIC_COLUMNS
from adapters.testing.openscale import OpenScaleEmulator
from adapters.testing.sagemaker import AccessKey, LinearLearner, SageMakerEmulator
from gateway.cli.errors import CommandError

START_SECONDS = 60.0
STOP_SECONDS = 30.0
SPOOL = "payloads.db"
DATA_SETS = {"credit-risk-aws": "aws-payloads", "credit-risk-azure": "azure-payloads"}
CLIENTS = {"loans-app": "application", "openscale": "monitor", "ops": "operator"}
PASSWORD = "demo"  # noqa: S105 - of the demo, on loopback
KEY = AccessKey(id="DEMO", secret="demo-secret")  # noqa: S106 - of the emulator
# One weight for each numeric column: long and large loans of the young are risky.
MODEL = LinearLearner(weights=(0.05, 0.0002, 0.1, 0.05, -0.04, -0.1, 0.2), bias=-1.2)

CONFIGURATION = """\
# The demo's configuration. Everything in it runs on this machine.
server: {{port: 0}}
auth:
  clients:
    loans-app: {{password: demo, role: application}}     # its calls are recorded
    openscale: {{password: demo, role: monitor}}         # its calls are not
    ops: {{password: demo, role: operator}}
engines:
  aws:
    type: sagemaker
    region: us-east-1
    endpoint_url: {sagemaker}
    control_url: {sagemaker}
    credentials: {{access_key_id: {key_id}, secret_access_key: {key_secret}}}
  azure:
    type: azureml
    subscription_id: {subscription}
    resource_group: {group}
    workspace: {workspace}
    control_url: {azure}
    credentials: {{token: {azure_token}}}
deployments:
  credit-risk-aws:
    engine: aws
    endpoint: credit-linear-learner
    name: Credit, SageMaker
    format: sagemaker-linear-learner
    input: {{fields: [{columns}]}}
    output:
      prediction: predicted_label
      prediction_is: index
      probability: score
      probability_of: positive
      labels: [No Risk, Risk]
    problem_type: binary
  credit-risk-azure:
    engine: azure
    endpoint: credit-scoring
    name: Credit, Azure ML
    format: azureml
    output:
      prediction: Scored Labels
      probability: Scored Probabilities
      probability_of: each
      labels: [No Risk, Risk]
    problem_type: binary
payload_log: {{path: {spool}}}
sinks:
  openscale:
    type: openscale
    url: {openscale}
    token_url: {iam}
    apikey: openscale-apikey
    data_sets: {{credit-risk-aws: aws-payloads, credit-risk-azure: azure-payloads}}
    start: beginning
    batch: {{seconds: 0.2}}
"""


class World(Struct, frozen=True, kw_only=True):
    """Where everything is.

    Attributes:
        url: base URL of the gateway.
        configuration: path of its configuration.
        spool: path of its payload log.
        openscale: where its records arrive.
    """

    url: str
    configuration: Path
    spool: Path
    openscale: OpenScaleEmulator


@asynccontextmanager
async def running_world(folder: Path) -> AsyncIterator[World]:
    """Start the clouds and the gateway, with its files in `folder`; stop all of them at the end.

    Raises:
        CommandError: the gateway does not start.
    """
    async with (
        SageMakerEmulator(key=KEY) as sagemaker,
        AzureMLEmulator() as azure,
        OpenScaleEmulator(polls=1, data_sets=list(DATA_SETS.values())) as openscale,
    ):
        sagemaker.add_endpoint("credit-linear-learner", model=MODEL)
        azure.add_endpoint("credit-scoring")
        path = folder / "gateway.yaml"
        path.write_text(_configuration(folder, sagemaker, azure, openscale), encoding="utf-8")
        async with _running_gateway(path) as url:
            yield World(url=url, configuration=path, spool=folder / SPOOL, openscale=openscale)


def _configuration(
    folder: Path, sagemaker: SageMakerEmulator, azure: AzureMLEmulator, openscale: OpenScaleEmulator
) -> str:
    return CONFIGURATION.format(
        sagemaker=sagemaker.url,
        key_id=KEY.id,
        key_secret=KEY.secret,
        azure=azure.url,
        azure_token=azure.issue_token(),
        subscription=azure.subscription_id,
        group=azure.resource_group,
        workspace=azure.workspace,
        columns=", ".join(NUMERIC_COLUMNS),
        spool=folder / SPOOL,
        openscale=openscale.url,
        iam=openscale.iam_url,
    )


@asynccontextmanager
async def _running_gateway(configuration: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "serve",
        "--config",
        str(configuration),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stderr is not None  # noqa: S101 - asked for above
    echo = None
    try:
        url = await _address(process.stderr)
        echo = asyncio.create_task(_echo(process.stderr), name="gateway's log")
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        if echo is not None:
            await echo


async def _address(log: asyncio.StreamReader) -> str:
    """Read the gateway's log up to the line that says where it listens."""
    seen: list[str] = []
    try:
        async with asyncio.timeout(START_SECONDS):
            async for line in log:
                seen.append(line.decode(errors="replace").rstrip())
                url = _url(line)
                if url is not None:
                    return url
    except TimeoutError:
        pass
    raise CommandError("The gateway did not start:\n" + "\n".join(seen))


def _url(line: bytes) -> str | None:
    entry = _entry(line)
    return entry.get("url") if entry.get("event") == "listening" else None


async def _echo(log: asyncio.StreamReader) -> None:
    """Show what the gateway warns of."""
    async for line in log:
        if _entry(line).get("level") not in ("debug", "info"):
            sys.stderr.write(line.decode(errors="replace"))


def _entry(line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
