"""Discovery and what is sent. Errors of the platform and the wire are in tests/contract/engines."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters.base import Body, CallContext, NativeRequest
from adapters.engines.custom import plugin
from adapters.engines.custom.settings import CustomSettings
from adapters.testing.custom import CustomEngineEmulator
from adapters.testing.emulator import Fault
from gateway.registry import Registry
from gateway.transport import HttpTransport
from schemas.configuration import DeploymentSettings
from schemas.deployment import Endpoint
from schemas.errors import EngineRefusedError, EngineReplyError, EngineUnavailableError
from schemas.table import Table

SCORING_ID = "0193500000007000800000000000000a"
REQUEST = NativeRequest(json.dumps({"fields": ["Age"], "values": [[33]]}).encode(), "application/json")
BASIC = f"Basic {base64.b64encode('gäst:wörd'.encode()).decode()}"


def context() -> CallContext:
    return CallContext(SCORING_ID, asyncio.get_running_loop().time() + 30.0)


@pytest.fixture
async def emulator() -> AsyncIterator[CustomEngineEmulator]:
    async with CustomEngineEmulator(username="gäst", password="wörd") as emulator:
        yield emulator


def connect(emulator: CustomEngineEmulator, transport: HttpTransport, **options: Any):
    credentials = {"username": "gäst", "password": "wörd"}
    config = {"type": "custom", "url": emulator.url, "credentials": credentials} | options
    return plugin.connect(msgspec.convert(config, CustomSettings), transport)


@pytest.mark.parametrize("schema", ["A", "B"])
async def test_both_forms_of_the_list_lead_to_scores(schema, transport):
    async with CustomEngineEmulator(schema=schema) as emulator:
        emulator.add_deployment("credit", name="Credit risk", asset="model")
        emulator.add_deployment("nightly", kind="batch")
        async with connect(emulator, transport, credentials=None) as engine:
            (endpoint,) = await engine.endpoints()
            answer = await engine.invoke(endpoint, REQUEST, context())
    assert (endpoint.name, endpoint.title) == ("credit", "Credit risk")
    assert endpoint.asset is not None
    assert endpoint.asset.id == "model"
    assert json.loads(answer.body)["fields"] == ["prediction", "probability"]
    assert "Authorization" not in emulator.calls[-1].headers
    assert emulator.calls[-1].headers.get("X-Deployment") == ("credit" if schema == "B" else None)


async def test_a_wrong_count_hides_nothing(transport):
    async with CustomEngineEmulator(count=1) as emulator:
        for name in ("a", "b", "c"):
            emulator.add_deployment(name)
        async with connect(emulator, transport, credentials=None) as engine:
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["a", "b", "c"]


async def test_an_engine_that_lists_https_and_speaks_http_is_reached(emulator, transport):
    emulator.add_deployment("credit")
    emulator.listed_base = emulator.url.replace("http:", "https:")
    async with connect(emulator, transport) as engine:
        (endpoint,) = await engine.endpoints()
        assert (await engine.invoke(endpoint, REQUEST, context())).status == 200


async def test_a_call_follows_the_listed_path_with_credentials_and_scoring_id(emulator, transport):
    emulator.add_deployment("assistant", path="/v1/deployments/assistant/message")
    async with connect(emulator, transport, headers={"X-Api-Key": "k"}) as engine:
        (endpoint,) = await engine.endpoints()
        await engine.invoke(endpoint, REQUEST, context())
    call = emulator.calls[-1]
    assert call.path == "/v1/deployments/assistant/message"
    assert call.body == REQUEST.body
    assert call.headers.getall("Authorization") == [BASIC]
    assert call.headers["X-Api-Key"] == "k"
    assert call.headers["X-Global-Transaction-Id"] == SCORING_ID
    assert call.headers.getall("Content-Type") == ["application/json"]


async def test_headers_of_the_configuration_replace_those_of_the_request(emulator, transport):
    emulator.add_deployment("credit")
    headers = {
        "x-api-key": "theirs",
        "authorization": "theirs",
        "X-Global-Transaction-ID": "theirs",
        "X-Extra": "1",
        "Accept": "x/y",
        "host": "elsewhere",
    }
    request = NativeRequest(REQUEST.body, "application/json", "application/json", headers)
    async with connect(emulator, transport, headers={"X-Api-Key": "k"}) as engine:
        (endpoint,) = await engine.endpoints()
        await engine.invoke(endpoint, request, context())
    sent = emulator.calls[-1].headers
    assert sent.getall("X-Api-Key") == ["k"]
    assert sent.getall("X-Global-Transaction-Id") == [SCORING_ID]
    assert sent.getall("Authorization") == [BASIC]
    assert sent.getall("Accept") == ["application/json"]
    assert sent["X-Extra"] == "1"
    assert sent["Host"] in emulator.url


async def test_a_listed_host_that_nobody_configured_gets_no_credentials(emulator, transport):
    async with CustomEngineEmulator() as elsewhere:
        elsewhere.add_deployment("credit")
        emulator.add_deployment("credit")
        emulator.listed_base = elsewhere.url
        async with connect(emulator, transport, headers={"X-Api-Key": "k"}) as engine:
            (endpoint,) = await engine.endpoints()
            await engine.invoke(endpoint, REQUEST, context())
        assert not {"Authorization", "X-Api-Key"} & set(elsewhere.calls[-1].headers)
        trusted = [elsewhere.url.removeprefix("http://")]
        async with connect(emulator, transport, headers={"X-Api-Key": "k"}, trusted_hosts=trusted) as engine:
            await engine.invoke(endpoint, REQUEST, context())
        assert elsewhere.calls[-1].headers["Authorization"] == BASIC


@pytest.mark.parametrize(("credentials", "sent"), [(None, "Bearer listed"), ({"token": "own"}, "Bearer own")])
async def test_a_listed_token_is_sent_where_the_configuration_has_no_credentials(transport, credentials, sent):
    async with CustomEngineEmulator() as emulator:
        deployment = emulator.add_deployment("credit")
        scoring = {"url": emulator.url + deployment.path, "credentials": {"token": "listed"}}
        listed = {"resources": [{"metadata": {"guid": "credit"}, "entity": {"scoring_endpoint": scoring}}]}
        emulator.play(Fault(route="deployments", body=json.dumps(listed).encode()))
        async with connect(emulator, transport, credentials=credentials) as engine:
            (endpoint,) = await engine.endpoints()
            await engine.invoke(endpoint, REQUEST, context())
    assert emulator.calls[-1].headers.getall("Authorization") == [sent]


async def test_configured_deployments_need_no_list(emulator, transport):
    emulator.add_deployment("credit")
    emulator.add_deployment("other", path="/score")
    entries = {"credit": {"limits": {"max_rows": 5}}, "mine": {"url": f"{emulator.url}/score?version=1"}}
    async with connect(emulator, transport, discover=False, endpoints=entries) as engine:
        credit, mine = engine.configured()
        await engine.invoke(credit, REQUEST, context())
        await engine.invoke(mine, REQUEST, context())
    assert credit.limits.max_rows == 5
    assert [call.path for call in emulator.calls] == ["/v1/deployments/credit/online", "/score"]
    assert emulator.requests == {"online": 2}


async def test_an_endpoint_that_another_process_discovered_scores(emulator, transport):
    emulator.add_deployment("credit")
    async with connect(emulator, transport) as leader:
        persisted = msgspec.json.encode(await leader.endpoints())
    async with connect(emulator, transport) as engine:
        (endpoint,) = msgspec.json.decode(persisted, type=list[Endpoint])
        assert (await engine.invoke(endpoint, REQUEST, context())).status == 200


async def test_unreadable_entries_are_logged_by_their_number(emulator, transport):
    emulator.play(Fault(route="deployments", body=b'{"resources": [{}, {"metadata": {"guid": "credit"}}]}'))
    async with connect(emulator, transport) as engine:
        with capture_logs() as logs:
            endpoints = await engine.endpoints()
    assert [endpoint.name for endpoint in endpoints] == ["credit"]
    assert [entry["entries"] for entry in logs] == [1]


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault(status=401, body=b"{}"), EngineRefusedError, "credentials"),
        (Fault(status=404, body=b"{}"), EngineRefusedError, "check `url`"),
        (Fault(status=503, body=b"{}"), EngineUnavailableError, "now"),
        (Fault(status=204), EngineRefusedError, "204"),
        (Fault(body=b"<html>Hello</html>"), EngineReplyError, "check|Check"),
    ],
)
async def test_a_list_that_can_not_be_had_is_an_error_and_not_an_empty_one(emulator, transport, fault, error, words):
    emulator.play(fault)
    async with connect(emulator, transport) as engine:
        with pytest.raises(error, match=words) as caught:
            await engine.endpoints()
    assert type(caught.value) is error


async def test_the_preset_openscale_speaks_the_engines_language(emulator, transport):
    emulator.add_deployment("credit")
    request_format, response_format = Registry.load().compile_formats(DeploymentSettings(format="openscale"))
    body = request_format.encode(Table(("Age", "Job"), [[33, "skilled"], [61, None]]))
    async with connect(emulator, transport) as engine:
        (endpoint,) = await engine.endpoints()
        answer = await engine.invoke(endpoint, NativeRequest(body.content, body.content_type), context())
    table = response_format.decode(Body(answer.body, answer.content_type), 2)
    assert table.columns is not None
    assert list(table.columns) == ["prediction", "probability"]
    assert [sum(row[1]) for row in table.rows] == pytest.approx([1.0, 1.0])


async def test_an_error_behind_a_200_passes_to_the_format_that_refuses_it(emulator, transport):
    emulator.add_deployment("credit", handler=lambda _: {"error": "words of the model"})
    _, response_format = Registry.load().compile_formats(DeploymentSettings(format="openscale"))
    async with connect(emulator, transport) as engine:
        (endpoint,) = await engine.endpoints()
        answer = await engine.invoke(endpoint, REQUEST, context())
    with pytest.raises(EngineReplyError) as caught:
        response_format.decode(Body(answer.body, answer.content_type), 1)
    assert caught.value.engine_message == "words of the model"
