"""Scoring: what is sent, and what is returned. Errors of the platform and the wire are in tests/contract/engines."""

import json

import msgspec
import pytest

from adapters.base import NativeRequest
from adapters.engines.azureml import plugin
from adapters.engines.azureml.discovery import MAX_BYTES
from adapters.testing.azureml import EmulatedDeployment, credit_risk
from adapters.testing.emulator import Fault
from schemas.deployment import Endpoint
from schemas.errors import EngineEndpointNotFoundError, EngineRefusedError
from tests.unit.adapters.engines.azureml.calls import REQUEST, SCORING_ID, by_url, context


def predicted(**row: object) -> list[object]:
    prediction = credit_risk(row)
    return [{"Scored Labels": prediction.label, "Scored Probabilities": list(prediction.probabilities)}]


def test_the_plugin_waits_as_long_as_a_managed_endpoint_may_take():
    assert (plugin.kind, plugin.timeout_seconds) == ("azureml", 95.0)


async def test_a_call_carries_key_type_and_scoring_id(emulator, connect):
    endpoint = emulator.add_endpoint("credit")
    async with connect(**by_url(emulator, "credit", key=endpoint.keys[1])) as engine:
        answer = await engine.invoke(engine.configured()[0], REQUEST, context())
    call = emulator.calls[-1]
    assert call.body == REQUEST.body
    assert call.headers["Authorization"] == f"Bearer {endpoint.keys[1]}"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["x-ms-client-request-id"] == SCORING_ID
    assert "azureml-model-deployment" not in call.headers
    assert answer.headers["x-ms-client-request-id"] == SCORING_ID
    assert json.loads(answer.body) == {"output": predicted(Age=33, Job="skilled")}


async def test_a_service_without_keys_gets_no_credential(emulator, connect):
    emulator.add_endpoint("aci", auth_mode="None")
    async with connect(**by_url(emulator, "aci"), credentials=None) as engine:
        await engine.invoke(engine.configured()[0], REQUEST, context())
    assert "Authorization" not in emulator.calls[-1].headers


async def test_the_chosen_deployment_answers_whatever_the_traffic(emulator, connect):
    deployments = [EmulatedDeployment(), EmulatedDeployment(name="green", handler=lambda _: ["green"])]
    key = emulator.add_endpoint("credit", deployments=deployments).keys[0]
    native = NativeRequest(REQUEST.body, "application/json", None, {"Azureml-Model-Deployment": "blue"})
    async with connect(**by_url(emulator, "credit", key=key, deployment="green")) as engine:
        answer = await engine.invoke(engine.configured()[0], native, context())
    assert json.loads(answer.body) == ["green"]
    assert emulator.calls[-1].headers.getall("azureml-model-deployment") == ["green"]


async def test_further_headers_pass_but_for_those_that_are_ours(emulator, connect):
    key = emulator.add_endpoint("credit").keys[0]
    headers = {"azureml-model-deployment": "blue", "x-extra": "1", "authorization": "Bearer theirs", "Accept": "x/y"}
    request = NativeRequest(REQUEST.body, "application/json", "application/json", headers)
    async with connect(**by_url(emulator, "credit", key=key)) as engine:
        await engine.invoke(engine.configured()[0], request, context())
    sent = emulator.calls[-1].headers
    assert (sent["azureml-model-deployment"], sent["x-extra"]) == ("blue", "1")
    assert sent.getall("Authorization") == [f"Bearer {key}"]
    assert sent.getall("Accept") == ["application/json"]


async def test_double_encoded_answers_pass_as_they_are(emulator, connect):
    key = emulator.add_endpoint("credit", deployments=[EmulatedDeployment(double_encoded=True)]).keys[0]
    async with connect(**by_url(emulator, "credit", key=key)) as engine:
        answer = await engine.invoke(engine.configured()[0], REQUEST, context())
    assert answer.body.startswith(b'"{')
    assert json.loads(json.loads(answer.body)) == {"output": predicted(Age=33, Job="skilled")}


async def test_a_failing_model_is_reported_with_its_own_status_and_words(emulator, connect):
    key = emulator.add_endpoint("credit").keys[0]
    async with connect(**by_url(emulator, "credit", key=key)) as engine:
        with pytest.raises(EngineRefusedError) as caught:
            await engine.invoke(engine.configured()[0], NativeRequest(b'{"rows": []}', "application/json"), context())
    assert caught.value.engine_status == 500
    assert caught.value.engine_message == "The input needs input."


async def test_endpoints_by_url_have_the_limits_of_the_configuration(emulator, connect):
    limits = {"max_bytes": 1000, "max_rows": 10, "max_parallel": 2}
    endpoints = {
        "aks": {"url": "https://10.0.0.1/api/v1/service/credit/score", "key": "k", "limits": limits},
        "aci": {"url": "http://credit.westeurope.azurecontainer.io/score"},
        "managed": {"url": "https://credit.westeurope.inference.ml.azure.com/score", "auth": "token"},
    }
    async with connect(discover=False, endpoints=endpoints) as engine:
        aks, aci, managed = engine.configured()
    assert (aks.limits.max_bytes, aks.limits.max_rows, aks.limits.max_parallel) == (1000, 10, 2)
    assert (managed.limits.max_bytes, managed.limits.max_rows) == (MAX_BYTES, None)
    assert aci.limits.max_bytes is None
    assert (aks.timeout_seconds, managed.timeout_seconds) == (120.0, None)
    assert emulator.requests == {}


@pytest.mark.parametrize("auth_mode", ["Key", "AMLToken", "AADToken"])
async def test_an_endpoint_that_another_process_discovered_scores(emulator, connect, auth_mode):
    emulator.add_endpoint("credit", auth_mode=auth_mode)
    async with connect() as leader:
        persisted = msgspec.json.encode(await leader.endpoints())
    emulator.play(Fault(route="endpoints", status=500, times=None))
    async with connect() as engine:
        (endpoint,) = msgspec.json.decode(persisted, type=list[Endpoint])
        answer = await engine.invoke(endpoint, REQUEST, context())
    assert json.loads(answer.body) == {"output": predicted(Age=33, Job="skilled")}


async def test_an_endpoint_that_another_release_persisted_asks_for_discovery(connect):
    async with connect() as engine:
        with pytest.raises(EngineEndpointNotFoundError):
            await engine.invoke(Endpoint(name="credit", native={"uri": "http://127.0.0.1"}), REQUEST, context())


async def test_an_unknown_endpoint_asks_for_discovery(emulator, connect):
    async with connect(**by_url(emulator, "gone", key="k")) as engine:
        with pytest.raises(EngineEndpointNotFoundError):
            await engine.invoke(engine.configured()[0], REQUEST, context())
