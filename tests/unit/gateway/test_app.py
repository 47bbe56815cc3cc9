"""The composition root: what only the whole shows."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from msgspec import json

from gateway import app
from gateway.payloadlog.reading import SpoolReader
from schemas.configuration import DiscoverySettings, ServerSettings, TlsSettings
from schemas.deployment import Endpoint
from schemas.errors import EngineUnavailableError, PayloadLogError
from tests.fakes.engines import Held, ScriptedEngine, raises
from tests.fakes.gateways import BASIC, OPEN, configuration_of, running_gateway

ROWS = {"fields": ["a"], "values": [[1]]}
FIXED = {
    "GET /v1/deployments",
    "GET /v1/deployments/credit",
    "GET /engines/aws/v1/deployments",
    "GET /engines/aws/v1/deployments/credit",
    "GET /metrics",
    "GET /docs",
    "GET /openapi.json",
    "GET /livez",
    "GET /readyz",
    "GET /v1/payloads",
}


async def test_every_fixed_route_is_served(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=BASIC) as gateway:
        for route in sorted(FIXED):
            method, path = route.split()
            assert (await gateway.call(method, path, user="ops")).status == 200, route
        for family in ("/monitor", "/monitor/engines/aws"):
            for path in ("/v1/deployments", "/v1/deployments/credit"):
                assert (await gateway.call("GET", f"{family}{path}", user="openscale")).status == 200


async def test_described_routes_are_the_served_ones(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, auth=OPEN) as gateway:
        document = (await gateway.call("GET", "/openapi.json")).body
        assert document["servers"] == [{"url": gateway.url}]
        for path, item in document["paths"].items():
            filled = path.replace("{engine}", "aws").replace("{deployment_id}", "credit")
            wrong = await gateway.call("DELETE", filled)
            methods = {method.upper() for method in item if method != "parameters"}
            assert (wrong.status, set(wrong.headers["Allow"].split(", "))) == (405, methods), path


@pytest.mark.parametrize(
    ("server", "headers", "base"),
    [
        (ServerSettings(public_url="https://gw.example.com/x/"), {}, "https://gw.example.com/x"),
        (
            ServerSettings(trusted_proxies=("127.0.0.0/8",)),
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "gw.example.com"},
            "https://gw.example.com",
        ),
        (ServerSettings(), {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example.com"}, None),
    ],
)
async def test_discovery_hands_out_urls_that_callers_can_use(
    tmp_path: Path, server: ServerSettings, headers: dict[str, str], base: str | None
) -> None:
    async with running_gateway(tmp_path, server=server) as gateway:
        listed = await gateway.call("GET", "/v1/deployments", headers=headers)
        (resource,) = listed.body["resources"]
        assert resource["metadata"]["url"] == f"{base or gateway.url}/v1/deployments/credit/online"


async def test_discovered_endpoints_are_listed_and_unknown_ids_wait_for_discovery(tmp_path: Path) -> None:
    engine = ScriptedEngine(endpoints=(), found=(Endpoint(name="loan"),))
    discover = DiscoverySettings(refresh_seconds=1)
    async with running_gateway(tmp_path, engine, deployments={}, discover=discover) as gateway:
        while not (listed := (await gateway.call("GET", "/v1/deployments")).body)["resources"]:
            pass
        assert [item["metadata"]["guid"] for item in listed["resources"]] == ["aws--loan"]
        assert (await gateway.score(ROWS, deployment="aws--loan")).error["code"] == "deployment_not_configured"
        assert (await gateway.score(ROWS, deployment="nobody")).status == 404


async def test_unknown_id_is_503_until_the_first_discovery_ends(tmp_path: Path) -> None:
    engine = ScriptedEngine(endpoints=())
    engine.found = EngineUnavailableError("away")
    async with running_gateway(tmp_path, engine, deployments={}, discover=True) as gateway:
        waiting = await gateway.score(ROWS, deployment="aws--loan")
        assert (waiting.status, waiting.error["code"]) == (503, "directory_not_ready")
        assert waiting.headers["Retry-After"] == "1"


async def test_leaving_finishes_calls_in_flight_and_keeps_their_records(tmp_path: Path) -> None:
    held = Held()
    async with aiohttp.ClientSession() as http:
        async with running_gateway(tmp_path, ScriptedEngine(held)) as gateway:
            url = f"{gateway.url}/v1/deployments/credit/online"
            call = asyncio.create_task(http.post(url, json=ROWS))
            await held.asked.wait()
            asyncio.get_running_loop().call_later(0.1, held.release.set)
        response = await call
        assert response.status == 200
        assert (await response.json())["values"] == [[1]]
    (stored,) = SpoolReader(tmp_path / "payloads.db").records()
    assert stored.scoring_id == response.headers["X-Scoring-Id"]


async def test_restart_goes_on_with_the_spool_and_the_directory_of_before(tmp_path: Path) -> None:
    engine = ScriptedEngine(endpoints=(), found=(Endpoint(name="model"),))
    async with running_gateway(tmp_path, engine, discover=True) as gateway:
        while (await gateway.score(ROWS)).status != 200:
            pass
        before = gateway.records()
    cut_off = ScriptedEngine(endpoints=())
    cut_off.found = EngineUnavailableError("no route")
    async with running_gateway(tmp_path, cut_off, discover=True) as gateway:
        assert (await gateway.score(ROWS)).status == 200
        assert gateway.records()[: len(before)] == before
        assert len(gateway.records()) == len(before) + 1


async def test_full_spool_refuses_before_the_engine_is_called(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_gb=1e-9) as gateway:
        refused = await gateway.score(ROWS)
        assert (refused.status, refused.error["code"]) == (503, "payload_log_full")
        assert refused.headers["Retry-After"] == "1"
        assert gateway.engine.requests == []
        assert await gateway.metric("refused_requests_total", reason="payload_log_full") == 1


async def test_full_spool_answers_where_told_to(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_gb=1e-9, on_failure="answer") as gateway:
        assert (await gateway.score(ROWS)).status == 200
        assert await gateway.metric("lost_records_total", deployment="credit") == 1
        assert gateway.records() == []


async def test_file_of_something_else_is_no_spool(tmp_path: Path) -> None:
    configuration = configuration_of(tmp_path, ScriptedEngine())
    await asyncio.to_thread(Path(configuration.payload_log.path).mkdir)
    with pytest.raises(PayloadLogError):
        app.prepare(configuration)


async def test_tls_is_served_with_the_configured_certificate(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=gateway", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    await asyncio.to_thread(subprocess.run, [*command, *names], check=True, capture_output=True)
    server = ServerSettings(tls=TlsSettings(cert=str(cert), key=str(key)))
    async with running_gateway(tmp_path, server=server) as gateway:
        url = gateway.url.replace("http://", "https://") + "/v1/deployments"
        trusting = ssl.create_default_context(cafile=str(cert))
        async with aiohttp.ClientSession() as http, http.get(url, ssl=trusting) as response:
            document = json.decode(await response.read())
        assert document["resources"][0]["metadata"]["url"].startswith(gateway.url.replace("http://", "https://"))


async def test_circuit_of_a_deployment_that_is_gone_is_shown_no_more(tmp_path: Path) -> None:
    engine = ScriptedEngine(raises(EngineUnavailableError("Down.")), endpoints=(), found=[Endpoint(name="model")])
    async with (
        asyncio.timeout(10),
        running_gateway(tmp_path, engine, discover=DiscoverySettings(refresh_seconds=0.05)) as gateway,
    ):
        while await gateway.metric("circuit_open", deployment="credit") == 0:
            assert (await gateway.score(ROWS)).status == 503
        engine.found = ()
        while (await gateway.score(ROWS)).status != 404:
            await asyncio.sleep(0)
        assert await gateway.metric("circuit_open", deployment="credit") == 0
