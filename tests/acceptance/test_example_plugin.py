"""Real input: a plugin, typed off docs/write-an-adapter.md, in an environment and a folder of its own."""

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest
import yaml

from tests.acceptance.environments import PROJECT, python_of
from tests.example_page import files_of_page
from tests.gateway_process import GatewayProcess, StartGateway

TOKEN = "token-of-lantern"
PASSWORD = "password-of-loans-app"
HEADERS = {"Authorization": aiohttp.encode_basic_auth("loans-app", PASSWORD)}
KINDS = {("engines", "lantern"), ("formats", "keyvalue"), ("presets", "lantern"), ("sinks", "lantern")}


def _run(*command: str | Path, directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, with nothing in it but what the page says; it and the gateway are installed in its environment."""
    folder = tmp_path_factory.mktemp("lantern")
    for path, text in files_of_page().items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    _run(
        python_of("example-plugin"),
        *("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--force-reinstall"),
        *(PROJECT, folder),
        directory=folder,
    )
    return folder


@pytest.fixture
def emulator(package: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("lantern_emulator", package / "tests" / "lantern_emulator.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(600)
def test_its_own_tests_pass_outside_of_the_tree(package: Path) -> None:
    printed = _run(python_of("example-plugin"), "-m", "pytest", "-q", directory=package)
    assert "passed" in printed
    assert "skipped" not in printed


def test_its_plugins_are_listed_with_version_and_origin(package: Path) -> None:
    listing = [json.loads(line) for line in _run(_gateway(), "plugins", "--json", directory=package).splitlines()]
    ours = [row for row in listing if row["distribution"] == "openscale-gateway-lantern"]
    assert {(row["group"], row["kind"]) for row in ours} == KINDS
    assert {(row["version"], row["state"]) for row in ours} == {("1.0.0", "ready")}
    assert all(row["origin"].startswith("openscale_gateway_lantern.") for row in ours)


async def test_a_call_goes_through_its_engine_and_format_and_its_record_into_its_sink(
    package: Path, emulator: ModuleType, start_gateway: StartGateway
) -> None:
    config = yaml.safe_load((package / "gateway.yaml").read_text(encoding="utf-8"))
    async with emulator.LanternEmulator(token=TOKEN) as lantern:
        environ = {
            "LANTERN_URL": lantern.url,
            "LANTERN_TOKEN": TOKEN,
            "OPENSCALE_PASSWORD": "password-of-openscale",
            "LOANS_APP_PASSWORD": PASSWORD,
        }
        gateway = await start_gateway(config, environ=environ, executable=_gateway())
        status, answer = await _score(gateway, {"fields": ["Job", "Age"], "values": [["clerk", 51], [None, 22]]})
        assert status == 200, answer
        await lantern.seen("feedback")
        assert await gateway.stop() == 0
        (record,) = lantern.feedback.values()
    assert answer == {
        "fields": ["prediction", "probability"],
        "labels": ["No Risk", "Risk"],
        "values": [["No Risk", [0.75, 0.25]], ["Risk", [0.25, 0.75]]],
    }
    assert record["response"] == answer
    assert record["request"] == {"fields": ["Job", "Age"], "values": [["clerk", 51], [None, 22]]}


async def _score(gateway: GatewayProcess, body: dict[str, Any]) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers=HEADERS) as session,
        session.post(f"{gateway.url}/v1/deployments/credit/online", json=body) as response,
    ):
        return response.status, await response.json()


def _gateway() -> Path:
    return python_of("example-plugin").with_name("openscale-gateway")
