"""Scoring and pings. Errors of the server and the wire are in tests/contract/engines."""

import asyncio

import msgspec
import pytest

from adapters.base import CallContext, NativeRequest
from adapters.engines.mlflow import plugin
from adapters.engines.mlflow.settings import MlflowSettings
from adapters.testing.emulator import Fault
from adapters.testing.mlflow import MlflowEmulator
from schemas.deployment import Asset, Endpoint, Limits
from schemas.errors import EngineEndpointNotFoundError, EngineRefusedError, EngineUnavailableError

BODY = b'{"dataframe_split": {"columns": ["Age"], "data": [[33]]}}'
REQUEST = NativeRequest(BODY, "application/json", "application/json")


def settings(**endpoints) -> MlflowSettings:
    return msgspec.convert({"type": "mlflow", "discover": True, "endpoints": endpoints}, MlflowSettings)


def context() -> CallContext:
    return CallContext("0193500000007000800000000000000a", asyncio.get_running_loop().time() + 30)


async def test_the_content_type_goes_without_parameters_since_mlflow_refuses_them(transport):
    request = NativeRequest(BODY, "application/json; format=pandas-split", "application/json")
    async with (
        MlflowEmulator() as emulator,
        plugin.connect(settings(credit={"url": emulator.url}), transport) as engine,
    ):
        answer = await engine.invoke(engine.configured()[0], request, context())
    assert answer.status == 200
    assert emulator.calls[-1].headers["Content-Type"] == "application/json"


async def test_each_server_has_its_own_credentials_and_limits(transport):
    async with MlflowEmulator(authorization="Bearer t") as one, MlflowEmulator() as other:
        endpoints = {
            "one": {"url": one.url, "credentials": {"token": "t"}, "headers": {"X-Key": "k"}},
            "other": {"url": other.url + "/", "limits": {"max_rows": 10}},
        }
        async with plugin.connect(settings(**endpoints), transport) as engine:
            first, second = engine.configured()
            for endpoint in (first, second):
                await engine.invoke(endpoint, REQUEST, context())
    assert one.calls[-1].headers["X-Key"] == "k"
    assert "Authorization" not in other.calls[-1].headers
    assert (first.limits, second.limits) == (Limits(), Limits(max_rows=10))
    assert second.asset == Asset(id="other", name="other", url=other.url)


async def test_endpoints_are_the_servers_that_are_up(transport):
    async with MlflowEmulator() as up, MlflowEmulator() as down:
        down.play(Fault(route="ping", status=503))
        endpoints = {"up": {"url": up.url}, "down": {"url": down.url}, "gone": {"url": "http://127.0.0.1:1"}}
        async with plugin.connect(settings(**endpoints), transport) as engine:
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["up"]
            assert len(engine.configured()) == 3


async def test_when_no_server_is_up_the_reason_is_told(transport):
    async with plugin.connect(settings(credit={"url": "http://127.0.0.1:1"}), transport) as engine:
        with pytest.raises(EngineUnavailableError, match="MLflow server credit"):
            await engine.endpoints()


async def test_a_url_that_is_not_that_of_a_server_is_told(transport):
    async with (
        MlflowEmulator() as emulator,
        plugin.connect(settings(credit={"url": f"{emulator.url}/models"}), transport) as engine,
    ):
        with pytest.raises(EngineRefusedError, match=r"MLflow server credit has no /ping \(404\): check its `url`"):
            await engine.endpoints()


async def test_without_servers_there_is_nothing_to_discover(transport):
    async with plugin.connect(settings(), transport) as engine:
        assert await engine.endpoints() == []


async def test_an_endpoint_that_left_the_configuration_is_not_called(transport):
    async with plugin.connect(settings(), transport) as engine:
        with pytest.raises(EngineEndpointNotFoundError, match="not in the configuration"):
            await engine.invoke(Endpoint(name="credit"), REQUEST, context())


async def test_what_mlflow_objects_to_reaches_the_caller(transport):
    async with (
        MlflowEmulator() as emulator,
        plugin.connect(settings(credit={"url": emulator.url}), transport) as engine,
    ):
        with pytest.raises(EngineRefusedError) as raised:
            await engine.invoke(engine.configured()[0], NativeRequest(b"[[1]]", "application/json"), context())
    assert raised.value.engine_status == 400
    assert "exactly one of" in raised.value.engine_message


def test_the_plugin_waits_as_long_as_mlflow_does():
    assert (plugin.kind, plugin.timeout_seconds) == ("mlflow", 60.0)
