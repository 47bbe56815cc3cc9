"""The running gateway and its own OpenAPI document agree, as schemathesis finds out."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.testing.azureml import AzureMLEmulator, EmulatedDeployment
from tests.gateway_process import GatewayProcess, StartGateway
from tests.process.clouds import AZURE, ENDPOINT, MONITOR, OPERATOR, PASSWORD, azure_part, configuration

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = 8

# Only semantics refuse some bodies: ragged rows and repeated names with 400, columns that an endpoint lacks with 422.
CONFIG = f"""
[parameters]
"path.deployment_id" = "{AZURE}"
"path.engine" = "azure"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 422]
"""


@pytest.mark.parametrize(
    ("user", "paths"),
    [(OPERATOR, ("--exclude-path-regex", "^/monitor")), (MONITOR, ("--include-path-regex", "^/monitor"))],
)
async def test_the_document_says_what_the_gateway_does(
    user: str, paths: tuple[str, str], azure: AzureMLEmulator, start_gateway: StartGateway, tmp_path: Path
) -> None:
    azure.add_endpoint(ENDPOINT, deployments=[EmulatedDeployment(handler=_anything)])
    server = {"public_operations": user == MONITOR}  # else a monitor could not read the document
    gateway = await start_gateway(configuration(azure_part(azure, output={}), server=server))

    code, report = await _schemathesis(gateway, tmp_path, "--auth", f"{user}:{PASSWORD}", *paths)

    assert code == 0, report
    assert not [entry for entry in gateway.log if entry.get("level") == "error"]


async def _schemathesis(gateway: GatewayProcess, directory: Path, *options: str) -> tuple[int, str]:
    config = directory / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS,
        *("--config-file", config, "run", f"{gateway.url}/openapi.json"),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--phases", "examples,coverage,fuzzing"),
        *("--workers", "1", "--warnings", "off", "--continue-on-failure", "--request-timeout", "10"),
        *options,
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    report, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, report.decode(errors="replace")


def _anything(body: Any) -> Any:
    return {"output": [{"prediction": 1} for _ in body["input"]]}
