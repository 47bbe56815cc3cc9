"""From start to ready, with both engines configured and their discovery going on in the background.

    python -m benchmarks.start [--rounds 5]

The clouds are emulated in this process, on a core of its own; each round begins with a new spool.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import yaml
from msgspec import Struct

from adapters.testing.azureml import AzureMLEmulator
from adapters.testing.sagemaker import AccessKey, LinearLearner, SageMakerEmulator
from benchmarks.processes import SERVER_CORE, BenchmarkError, free_port, on_core, prepare_machine

KEY = AccessKey(id="AKIDEXAMPLE", secret="for-benchmarks-only")  # noqa: S106 - of an emulator
USER, PASSWORD = "monitor", "for-benchmarks-only"
START_SECONDS = 60.0
POLL_SECONDS = 0.005


class Start(Struct, frozen=True):
    """Seconds since the start of the process, until `/readyz` is 200, and until both engines are discovered."""

    ready: float
    discovered: float


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    rounds = parser.parse_args(arguments).rounds
    try:
        prepare_machine()
        starts = asyncio.run(_measure(rounds))
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    _print("start to ready", [start.ready for start in starts])
    _print("start to both engines discovered", [start.discovered for start in starts])
    return 0


async def _measure(rounds: int) -> list[Start]:
    async with SageMakerEmulator(key=KEY) as sagemaker, AzureMLEmulator() as azure:
        sagemaker.add_endpoint("credit", model=LinearLearner(weights=(1.0,)))
        azure.add_endpoint("credit")
        starts = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
                starts.append(await _start(Path(folder), sagemaker, azure))
        return starts


async def _start(folder: Path, sagemaker: SageMakerEmulator, azure: AzureMLEmulator) -> Start:
    port = free_port()
    file = folder / "gateway.yaml"
    file.write_text(yaml.safe_dump(_configuration(folder, port, sagemaker, azure)), encoding="utf-8")
    auth = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
    started = time.perf_counter()
    async with (
        _running([sys.executable, "-m", "gateway", "serve", "--config", str(file)], folder / "gateway.log"),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=auth) as session,
    ):
        await _until(session, "/readyz", lambda _: True, folder)
        ready = time.perf_counter() - started
        await _until(session, "/v1/deployments", lambda answer: len(answer["resources"]) == 2, folder)
        return Start(ready, time.perf_counter() - started)


@asynccontextmanager
async def _running(command: Sequence[str], log: Path) -> AsyncIterator[None]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*on_core(SERVER_CORE, command), stderr=output)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def _until(session: aiohttp.ClientSession, path: str, holds: Callable[[Any], bool], folder: Path) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    async with session.get(path) as response:
                        if response.status == 200 and holds(await response.json()):
                            return
                except aiohttp.ClientConnectorError:
                    pass
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        log = (folder / "gateway.log").read_text(errors="replace")
        raise BenchmarkError(f"The gateway did not come up within {START_SECONDS:g} s:\n{log}") from None


def _configuration(folder: Path, port: int, sagemaker: SageMakerEmulator, azure: AzureMLEmulator) -> dict[str, object]:
    return {
        "server": {"port": port},
        "auth": {"clients": {USER: {"password": PASSWORD, "role": "monitor"}}},
        "engines": {
            "aws": {
                "type": "sagemaker",
                "region": "us-east-1",
                "endpoint_url": sagemaker.url,
                "control_url": sagemaker.url,
                "credentials": {"access_key_id": KEY.id, "secret_access_key": KEY.secret},
            },
            "azure": {
                "type": "azureml",
                "subscription_id": azure.subscription_id,
                "resource_group": azure.resource_group,
                "workspace": azure.workspace,
                "control_url": azure.url,
                "credentials": {"token": azure.issue_token()},
            },
        },
        "payload_log": {"path": str(folder / "payloads.db")},
    }


def _print(what: str, seconds: Sequence[float]) -> None:
    print(f"{what}: {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f} in {len(seconds)} rounds)")


if __name__ == "__main__":
    sys.exit(main())
