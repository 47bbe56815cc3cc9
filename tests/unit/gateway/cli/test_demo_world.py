from pathlib import Path

import aiohttp
import pytest

from gateway.cli import demo_world
from gateway.cli.demo_world import DATA_SETS, PASSWORD, running_world
from gateway.cli.errors import CommandError
from gateway.config import load
from tests.fakes.gateways import basic, registry


async def test_world_runs_the_real_gateway_and_ends_it(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world, aiohttp.ClientSession() as http:
        configuration = load(world.configuration, registry())
        assert set(configuration.deployments) == set(DATA_SETS)
        assert Path(configuration.payload_log.path) == world.spool
        async with http.get(f"{world.url}/v1/deployments", headers=basic("openscale", PASSWORD)) as response:
            assert response.status == 200
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"{world.url}/livez")


async def test_gateway_that_does_not_start_is_told_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_world, "CONFIGURATION", "server: {{port: -1}}")
    with pytest.raises(CommandError, match=r"(?s)did not start:\n.*server\.port"):
        async with running_world(tmp_path):
            pass
