"""Real input: a plugin, typed off docs/write-an-adapter.md, made and tried by the very commands of that page."""

import asyncio
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest
import yaml

from tests.acceptance.environments import PROJECT
from tests.acceptance.every_row import DISCOVERY_SECONDS, POLL_SECONDS
from tests.example_page import Step, files_of_page, steps_of_page
from tests.gateway_process import GatewayProcess, StartGateway

SECONDS = 600
TOKEN = "token-of-lantern"
PASSWORD = "password-of-loans-app"
HEADERS = {"Authorization": aiohttp.encode_basic_auth("loans-app", PASSWORD)}
KINDS = {("engines", "lantern"), ("formats", "keyvalue"), ("presets", "lantern"), ("sinks", "lantern")}
ENDING = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"
GATEWAY = Path(".venv", "bin", "openscale-gateway")
LISTED = "deployments --config gateway.yaml | grep credit"

ENVIRON = os.environ | {
    # The page's python3 is the one that this project is tried with, and what it installs has the versions of this one.
    "PATH": f"{Path(sys.base_prefix, 'bin')}{os.pathsep}{os.environ['PATH']}",
    "PIP_CONSTRAINT": str(PROJECT / "constraints.txt"),
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything was done that the page says, in its order, until it comes to a gateway."""
    folder = tmp_path_factory.mktemp("lantern")
    making, trying = _parts_of_page()
    for step in making:
        if isinstance(step, str):
            _shell(folder, [step.replace("/path/to/openscale-gateway", str(PROJECT))])
        else:
            _type(folder, step)
    for step in trying:
        if isinstance(step, tuple):
            _type(folder, step)
    return folder


@pytest.fixture
def emulator(package: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("lantern_emulator", package / "tests" / "lantern_emulator.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(2 * SECONDS)
def test_its_own_tests_pass_outside_of_the_tree(package: Path) -> None:
    printed = _shell(package, [".venv/bin/python -m pytest -q"])
    assert "passed" in printed
    assert "skipped" not in printed


@pytest.mark.timeout(2 * SECONDS)
def test_the_commands_of_the_page_end_with_a_scored_call_and_its_record(package: Path) -> None:
    lantern, gateway = _free_ports(2)
    _type(package, ("gateway.yaml", f"server: {{port: {gateway}}}\n{files_of_page()['gateway.yaml']}"))
    _, trying = _parts_of_page()

    lines = [step.replace(":8090", f":{lantern}") for step in trying if isinstance(step, str)]
    printed = _shell(package, _patient(lines, [f"(exec 3<>/dev/tcp/127.0.0.1/{lantern})", f"{GATEWAY} {LISTED}"]))

    (record,) = [entry for line in printed.splitlines() if "scoring_id" in (entry := _json(line))]
    assert record["request"] == {"fields": ["Job", "Age"], "values": [["clerk", 51], ["teacher", 22]]}
    assert record["response"]["values"] == [["No Risk", [0.75, 0.25]], ["Risk", [0.25, 0.75]]]
    assert record["outcome"] == "scored"


@pytest.mark.timeout(2 * SECONDS)
def test_its_plugins_are_listed_with_version_and_origin(package: Path) -> None:
    listing = [json.loads(line) for line in _shell(package, [f"{GATEWAY} plugins --json"]).splitlines()]
    ours = [row for row in listing if row["distribution"] == "openscale-gateway-lantern"]
    assert {(row["group"], row["kind"]) for row in ours} == KINDS
    assert {(row["version"], row["state"]) for row in ours} == {("1.0.0", "ready")}
    assert all(row["origin"].startswith("openscale_gateway_lantern.") for row in ours)


@pytest.mark.timeout(2 * SECONDS)
async def test_a_call_goes_through_its_engine_and_format_and_its_record_into_its_sink(
    package: Path, emulator: ModuleType, start_gateway: StartGateway
) -> None:
    config = yaml.safe_load(files_of_page()["gateway.yaml"])
    async with emulator.LanternEmulator(token=TOKEN) as lantern:
        environ = {
            "LANTERN_URL": lantern.url,
            "LANTERN_TOKEN": TOKEN,
            "OPENSCALE_PASSWORD": "password-of-openscale",
            "LOANS_APP_PASSWORD": PASSWORD,
        }
        gateway = await start_gateway(config, environ=environ, executable=package / GATEWAY)
        answer = await _score(gateway, {"fields": ["Job", "Age"], "values": [["clerk", 51], [None, 22]]})
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


async def _score(gateway: GatewayProcess, body: dict[str, Any]) -> Any:
    """Return the answer, as soon as the deployment is known."""
    async with aiohttp.ClientSession(gateway.url, headers=HEADERS) as session, asyncio.timeout(DISCOVERY_SECONDS):
        while True:
            async with session.post("/v1/deployments/credit/online", json=body) as response:
                answer = await response.json()
                if response.status != 503:
                    assert response.status == 200, answer
                    return answer
            await asyncio.sleep(POLL_SECONDS)


def _parts_of_page() -> tuple[list[Step], list[Step]]:
    """Return the steps that make the package, and those that try it in a gateway."""
    steps = steps_of_page()
    first = next(n for n, step in enumerate(steps) if isinstance(step, str) and step.startswith("export "))
    return steps[:first], steps[first:]


def _type(folder: Path, file: tuple[str, str]) -> None:
    path, text = file
    typed = folder / path
    typed.parent.mkdir(parents=True, exist_ok=True)
    typed.write_text(text, encoding="utf-8")


def _shell(folder: Path, lines: Iterable[str]) -> str:
    """Type lines into a shell in a folder and return what they print; the first that fails ends it, and its servers."""
    shell = subprocess.Popen(
        ["bash", "-euc", "\n".join([ENDING, *lines])],
        cwd=folder,
        env=ENVIRON,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, complaint = shell.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        raise
    assert shell.returncode == 0, f"{printed[-4000:]}\n{complaint[-4000:]}"
    return printed


def _patient(lines: Iterable[str], serving: Iterable[str]) -> list[str]:
    """Add the patience of somebody at a terminal: the next line when a server serves, and the end when all ended.

    Args:
        lines: for a shell; those that start a server end with `&`.
        serving: for each server, a command that succeeds when it serves.
    """
    tries = iter(serving)
    waiting = []
    for line in lines:
        waiting.append(line)
        if line.endswith("&"):
            waiting.append(f"until {next(tries)} >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done")
    return [*waiting, "wait"]


def _free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def _json(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
