import asyncio
from pathlib import Path

import pytest

from gateway.payloadlog.database import mark_suspect
from schemas.configuration import AuthSettings, ServerSettings
from schemas.errors import EngineUnavailableError
from tests.fakes.engines import ScriptedEngine
from tests.fakes.gateways import BASIC, running_gateway


async def test_probes_need_no_credential_and_tell_no_details(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=BASIC) as gateway:
        alive = await gateway.call("GET", "/livez")
        ready = await gateway.call("GET", "/readyz")
        assert (alive.status, alive.body) == (200, {"alive": True})
        assert (ready.status, ready.body) == (200, {"ready": True})
        for user in ("loans-app", "openscale"):
            assert (await gateway.call("GET", "/readyz", user=user)).body == {"ready": True}


@pytest.mark.parametrize("auth", [BASIC, AuthSettings(mode="none")])
async def test_operator_sees_engines_and_obstacles(tmp_path: Path, auth: AuthSettings) -> None:
    async with running_gateway(tmp_path, auth=auth) as gateway:
        details = await gateway.call("GET", "/readyz", user="ops")
        assert details.status == 200
        assert details.body["not_ready"] == []
        assert details.body["payload_log"] == {"fill": 0.0, "warning": None}
        (engine,) = details.body["engines"]
        assert engine == {"name": "aws", "ready": True, "endpoints": 1, "refreshed_at": None, "error": None}


async def test_wrong_credential_is_no_failure_of_a_probe(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=BASIC) as gateway:
        answer = await gateway.call("GET", "/readyz", headers={"Authorization": "Basic !"})
        assert (answer.status, answer.body) == (200, {"ready": True})


async def test_full_spool_makes_it_unready_and_says_why(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=BASIC, max_gb=1e-9) as gateway:
        seen = await gateway.call("GET", "/readyz")
        assert (seen.status, seen.body) == (503, {"ready": False})
        (reason,) = (await gateway.call("GET", "/readyz", user="ops")).body["not_ready"]
        assert "payload_log.max_gb" in reason
        assert (await gateway.call("GET", "/livez")).status == 200


async def test_damaged_spool_makes_it_unready_and_says_why(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=BASIC) as gateway, asyncio.timeout(10):
        mark_suspect(gateway.spool)
        while (await gateway.call("GET", "/readyz")).status == 200:
            await asyncio.sleep(0.01)
        (reason,) = (await gateway.call("GET", "/readyz", user="ops")).body["not_ready"]
        assert "damaged" in reason


async def test_engine_that_cannot_be_discovered_keeps_nobody_from_scoring(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    engine.found = EngineUnavailableError("The control plane is away.")
    async with running_gateway(tmp_path, engine, auth=BASIC, discover=True) as gateway:
        while not (details := await gateway.call("GET", "/readyz", user="ops")).body["engines"][0]["error"]:
            pass
        assert details.status == 200
        assert details.body["engines"][0]["error"] == "The control plane is away."
        scored = await gateway.score({"fields": ["a"], "values": [[1]]}, user="loans-app")
        assert scored.status == 200


async def test_details_are_anybodys_where_operations_are_public(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=BASIC, server=ServerSettings(public_operations=True)) as gateway:
        assert (await gateway.call("GET", "/readyz")).body["not_ready"] == []
