"""Serving processes behind one socket: real ones."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from structlog.testing import capture_logs

from gateway import app
from gateway import supervisor as supervisor_module
from gateway.config import Configuration, load
from gateway.supervisor import Supervisor
from schemas.errors import ConfigurationError
from tests.fakes.gateways import registry


def configured(tmp_path: Path, workers: int) -> Configuration:
    tree = {
        "server": {"workers": workers, "drain_seconds": 2},
        "auth": {"mode": "none"},
        "payload_log": {"path": str(tmp_path / "payloads.db")},
    }
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    loaded = load(path, registry())
    app.prepare(loaded)
    return loaded


@asynccontextmanager
async def supervised(configuration: Configuration) -> AsyncIterator[tuple[Supervisor, asyncio.Task[None], str]]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    supervisor = Supervisor(configuration, listener, partial(app.prepare, configuration))
    running = asyncio.create_task(supervisor.run())
    try:
        yield supervisor, running, url
    finally:
        if not running.done():
            supervisor.stop()
        await running
        listener.close()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)


async def answers(url: str) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as http, http.get(f"{url}/livez") as response:
        assert response.status == 200


def pids(supervisor: Supervisor) -> set[int]:
    return {process.pid for process in supervisor._running}


async def test_keeps_its_processes_alive_and_ends_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.01)
    with capture_logs() as log:
        async with supervised(configured(tmp_path, workers=2)) as (supervisor, running, url):
            await until(lambda: len(pids(supervisor)) == 2)
            await answers(url)
            first = pids(supervisor)
            victim = min(first)
            os.kill(victim, signal.SIGKILL)
            await until(lambda: len(pids(supervisor) - first) == 1 and victim not in pids(supervisor))
            await answers(url)
            await asyncio.gather(*(answers(url) for _ in range(8)))
            last = pids(supervisor)
            supervisor.stop()
            await asyncio.wait_for(running, 30)
    died = [line for line in log if line["event"] == "worker died"]
    assert [(line["exit_code"], line["log_level"]) for line in died] == [(-signal.SIGKILL, "error")]
    for pid in last:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_process_whose_configuration_is_refused_after_it_has_served_is_tried_again_ever_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.01)
    configuration = configured(tmp_path, workers=1)
    with capture_logs() as log:
        async with supervised(configuration) as (supervisor, _, url):
            await answers(url)
            configuration.source_path.write_text("server: {port: -1}", encoding="utf-8")
            os.kill(min(pids(supervisor)), signal.SIGKILL)
            await until(lambda: len([line for line in log if line["event"] == "worker died"]) >= 3)
    died = [line for line in log if line["event"] == "worker died"]
    assert [(line["restart_seconds"], line["exit_code"]) for line in died[:3]] == [(0.01, -9), (0.02, 2), (0.04, 2)]


async def test_configuration_that_is_refused_before_a_process_has_served_ends_them_all(tmp_path: Path) -> None:
    configuration = configured(tmp_path, workers=2)
    configuration.source_path.write_text("server: {port: -1}", encoding="utf-8")
    with capture_logs() as log, socket.create_server(("127.0.0.1", 0)) as listener:
        supervisor = Supervisor(configuration, listener, partial(app.prepare, configuration))
        async with asyncio.timeout(30):
            with pytest.raises(ConfigurationError, match="A serving process refused the configuration"):
                await supervisor.run()
    assert pids(supervisor) == set()
    assert log == []
