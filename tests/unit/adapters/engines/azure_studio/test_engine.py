"""Scoring: what is sent. Errors of the service and the wire are in tests/contract/engines."""

import json

import msgspec
import pytest

from adapters.engines.azure_studio import plugin
from adapters.testing.emulator import Fault
from schemas.deployment import Endpoint
from schemas.errors import EngineRefusedError
from tests.unit.adapters.engines.azure_studio.calls import MODEL, REQUEST, TABLE_QUERY, context


async def test_a_call_carries_the_key_and_the_query_of_its_style(emulator, connect):
    service = emulator.add_service("credit", MODEL)
    endpoints = {"credit": {"url": emulator.scoring_url(service), "key": service.keys[1]}}
    async with connect(discover=False, endpoints=endpoints) as engine:
        (endpoint,) = engine.configured()
        answer = await engine.invoke(endpoint, REQUEST, context())
        assert await engine.endpoints() == []
    call = emulator.calls[-1]
    assert call.query == TABLE_QUERY
    assert call.headers["Authorization"] == f"Bearer {service.keys[1]}"
    assert json.loads(answer.body)["Results"]["output1"]["value"]["Values"] == [["1"]]
    assert "key" not in endpoint.native


async def test_a_look_alike_without_a_key_gets_no_credential(emulator, connect):
    service = emulator.add_service("credit", MODEL)
    endpoints = {"credit": {"url": emulator.scoring_url(service)}}
    async with connect(discover=False, endpoints=endpoints, credentials=None) as engine:
        with pytest.raises(EngineRefusedError) as raised:
            await engine.invoke(engine.configured()[0], REQUEST, context())
    assert raised.value.engine_status == 401
    assert emulator.requests == {"execute": 1}


async def test_a_regenerated_key_is_fetched_and_the_call_made_once_more(emulator, connect):
    service = emulator.add_service("credit", MODEL)
    async with connect() as engine:
        (endpoint,) = await engine.endpoints()
        service.keys = ("fresh-key", "other-key")
        assert (await engine.invoke(endpoint, REQUEST, context())).status == 200
        assert (await engine.invoke(endpoint, REQUEST, context())).status == 200
    assert emulator.requests["execute"] == 3
    assert emulator.calls[-1].headers["Authorization"] == "Bearer fresh-key"


async def test_a_refusal_stays_one_when_the_key_can_not_be_fetched(emulator, connect):
    service = emulator.add_service("credit", MODEL)
    async with connect() as engine:
        (endpoint,) = await engine.endpoints()
        service.keys = ("fresh-key", "other-key")
        emulator.play(Fault(route="keys", status=503, body=b"{}"))
        with pytest.raises(EngineRefusedError) as raised:
            await engine.invoke(endpoint, REQUEST, context())
    assert raised.value.engine_status == 401
    assert raised.value.engine_message == "Invalid credentials provided."


async def test_an_endpoint_that_another_process_discovered_scores(emulator, connect):
    emulator.add_service("credit", MODEL)
    async with connect() as leader:
        persisted = msgspec.json.encode(await leader.endpoints())
    emulator.play(Fault(route="services", status=500, times=None))
    (endpoint,) = msgspec.json.decode(persisted, type=list[Endpoint])
    async with connect() as engine:
        assert (await engine.invoke(endpoint, REQUEST, context())).status == 200


def test_the_plugin_waits_two_minutes():
    assert (plugin.kind, plugin.timeout_seconds) == ("azure_studio", 120.0)
