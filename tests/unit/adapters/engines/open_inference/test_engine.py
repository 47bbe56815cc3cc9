"""Scoring: what is sent. Errors of the server and the wire are in tests/contract/engines."""

import asyncio
import json

import msgspec
import pytest

from adapters.base import CallContext, NativeRequest
from adapters.engines.open_inference import plugin
from adapters.engines.open_inference.settings import OpenInferenceSettings
from adapters.testing.credit_risk import NUMERIC_COLUMNS
from adapters.testing.open_inference import OpenInferenceEmulator, credit_risk_matrix
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError, EngineRefusedError

WIDTH = len(NUMERIC_COLUMNS)
TENSOR = {"name": "predict", "datatype": "FP64", "shape": [1, WIDTH], "data": [1] * WIDTH}
REQUEST = NativeRequest(
    json.dumps({"id": "call", "inputs": [TENSOR], "outputs": [{"name": "label"}]}).encode(),
    "application/json",
    "application/json",
)


def settings(url, **options) -> OpenInferenceSettings:
    return msgspec.convert({"type": "open_inference", "url": url} | options, OpenInferenceSettings)


def context() -> CallContext:
    return CallContext("0193500000007000800000000000000a", asyncio.get_running_loop().time() + 30)


async def test_a_call_carries_credentials_and_headers(transport):
    async with OpenInferenceEmulator(authorization="Basic dTpw") as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        options = {
            "discover": False,
            "endpoints": {"credit": {}},
            "credentials": {"username": "u", "password": "p"},
            "headers": {"X-Api-Key": "k"},
        }
        async with plugin.connect(settings(emulator.url + "/", **options), transport) as engine:
            answer = json.loads((await engine.invoke(engine.configured()[0], REQUEST, context())).body)
    call = emulator.calls[-1]
    assert call.headers["X-Api-Key"] == "k"
    assert (call.headers["Content-Type"], call.headers["Accept"]) == ("application/json", "application/json")
    assert (answer["id"], [output["name"] for output in answer["outputs"]]) == ("call", ["label"])


async def test_the_scoring_id_is_the_id_of_a_request_that_has_none(transport):
    request = NativeRequest(json.dumps({"inputs": [TENSOR]}).encode(), "application/json")
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        options = {"discover": False, "endpoints": {"credit": {}}}
        async with plugin.connect(settings(emulator.url, **options), transport) as engine:
            answer = json.loads((await engine.invoke(engine.configured()[0], request, context())).body)
    assert answer["id"] == "0193500000007000800000000000000a"
    assert json.loads(emulator.calls[-1].body) == {"id": answer["id"], "inputs": [TENSOR]}


async def test_the_chosen_version_answers(transport):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", msgspec.structs.replace(credit_risk_matrix(), versions=("1", "2")))
        endpoints = {"old": {"model": "credit", "version": "1"}, "credit": {}}
        async with plugin.connect(settings(emulator.url, discover=False, endpoints=endpoints), transport) as engine:
            for endpoint in engine.configured():
                await engine.invoke(endpoint, REQUEST, context())
    assert [call.version for call in emulator.calls] == ["1", "2"]


async def test_a_server_without_versions_refuses_them(transport):
    async with OpenInferenceEmulator(versioned=False) as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        endpoints = {"credit": {"version": "1"}}
        async with plugin.connect(settings(emulator.url, discover=False, endpoints=endpoints), transport) as engine:
            with pytest.raises(EngineRefusedError) as raised:
                await engine.invoke(engine.configured()[0], REQUEST, context())
    assert raised.value.engine_status == 501
    assert raised.value.engine_message == "Model versioning is not supported."


async def test_an_endpoint_that_another_process_discovered_scores(transport):
    async with OpenInferenceEmulator() as emulator:
        emulator.add_model("credit", credit_risk_matrix())
        async with plugin.connect(settings(emulator.url), transport) as leader:
            persisted = msgspec.json.encode(await leader.endpoints())
        (endpoint,) = msgspec.json.decode(persisted, type=list[Endpoint])
        async with plugin.connect(settings(emulator.url), transport) as engine:
            assert (await engine.invoke(endpoint, REQUEST, context())).status == 200


async def test_a_model_that_is_gone_asks_for_discovery(transport):
    async with (
        OpenInferenceEmulator() as emulator,
        plugin.connect(settings(emulator.url, discover=False, endpoints={"x": {}}), transport) as engine,
    ):
        with pytest.raises(EngineEndpointNotFoundError):
            await engine.invoke(engine.configured()[0], REQUEST, context())


def test_the_plugin_waits_a_minute():
    assert (plugin.kind, plugin.timeout_seconds) == ("open_inference", 60.0)
