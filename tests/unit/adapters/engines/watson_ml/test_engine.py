"""Tokens, paging and what is sent. Errors of the platform and the wire are in tests/contract/engines."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters.base import Body, CallContext, NativeRequest
from adapters.engines.watson_ml import plugin
from adapters.engines.watson_ml.settings import WatsonMlSettings
from adapters.testing.emulator import Fault
from adapters.testing.watson_ml import WatsonMlEmulator
from gateway.registry import Registry
from gateway.transport import HttpTransport
from schemas.configuration import DeploymentSettings
from schemas.deployment import Endpoint
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineReplyError,
    EngineUnavailableError,
)
from schemas.table import Table

SCORING_ID = "0193500000007000800000000000000a"
REQUEST = NativeRequest(b'{"input_data": [{"fields": ["Age"], "values": [[33]]}]}', "application/json")


def context() -> CallContext:
    return CallContext(SCORING_ID, asyncio.get_running_loop().time() + 30.0)


@pytest.fixture
async def emulator() -> AsyncIterator[WatsonMlEmulator]:
    async with WatsonMlEmulator(page_size=2) as emulator:
        yield emulator


def connect(emulator: WatsonMlEmulator, transport: HttpTransport, **options: Any):
    config = {"type": "watson_ml", "url": emulator.url, "spaces": [emulator.space], "apikey": emulator.tokens.apikey}
    return plugin.connect(
        msgspec.convert(config | {"token_url": emulator.iam_url} | options, WatsonMlSettings), transport
    )


async def test_all_pages_of_all_spaces_are_listed(emulator, transport):
    for n in range(5):
        emulator.add_deployment(f"a{n}")
    emulator.add_deployment("b0", space="another")
    emulator.add_deployment("hidden", space="third")
    emulator.add_deployment("nightly", kind="batch")
    emulator.add_deployment("broken", state="failed")
    async with connect(emulator, transport, spaces=[emulator.space, "another"]) as engine:
        names = [endpoint.name for endpoint in await engine.endpoints()]
    assert names == ["a0", "a1", "a2", "a3", "a4", "b0"]
    assert emulator.requests == {"iam_token": 1, "deployments": 5}


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_space_that_is_refused_hides_no_other(emulator, transport, status):
    emulator.add_deployment("credit")
    emulator.play(Fault(route="deployments", status=status, body=b"{}"))
    async with connect(emulator, transport, spaces=["gone", emulator.space]) as engine:
        with capture_logs() as logs:
            assert [endpoint.name for endpoint in await engine.endpoints()] == ["credit"]
    assert [(entry["space"], str(status) in entry["problem"]) for entry in logs] == [("gone", True)]


async def test_a_page_that_is_refused_is_not_a_space_that_is(emulator, transport):
    emulator.add_deployment("other", space="another")
    page = {"resources": [], "next": {"href": "/ml/v4/deployments?start=1"}}
    emulator.play(Fault(route="deployments", body=json.dumps(page).encode()))
    emulator.play(Fault(route="deployments", status=404, body=b"{}"))
    async with connect(emulator, transport, spaces=[emulator.space, "another"]) as engine:
        with pytest.raises(EngineRefusedError, match="is not there"):
            await engine.endpoints()


async def test_where_every_space_is_refused_the_first_is_named(emulator, transport):
    emulator.play(Fault(route="deployments", status=404, body=b"{}", times=None))
    async with connect(emulator, transport, spaces=["gone", "lost", "gone"]) as engine:
        with pytest.raises(EngineRefusedError, match=r"space gone is not there \(404\): check `spaces`") as caught:
            await engine.endpoints()
    assert type(caught.value) is EngineRefusedError


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_a_space_that_can_not_be_listed_now_leaves_all_as_it_was(emulator, transport, status):
    emulator.add_deployment("credit")
    emulator.play(Fault(route="deployments", status=status, body=b"{}", times=2))
    async with connect(emulator, transport, spaces=["down", emulator.space]) as engine:
        with pytest.raises(EngineError, match="space down"):
            await engine.endpoints()


async def test_links_to_a_host_that_is_not_reached_from_here_are_followed_on_the_configured_one(emulator, transport):
    emulator.listed_base = "https://us-south.ml.cloud.ibm.invalid"
    for n in range(3):
        emulator.add_deployment(f"a{n}")
    async with connect(emulator, transport) as engine:
        endpoints = await engine.endpoints()
        assert (await engine.invoke(endpoints[2], REQUEST, context())).status == 200
    assert len(endpoints) == 3


async def test_a_list_that_leads_back_to_itself_ends(emulator, transport):
    page = {"resources": [], "next": {"href": "/ml/v4/deployments?start=1"}}
    emulator.play(Fault(route="deployments", times=None, body=json.dumps(page).encode()))
    async with connect(emulator, transport) as engine:
        assert await engine.endpoints() == []
    assert emulator.requests["deployments"] == 2


async def test_a_call_carries_token_version_and_scoring_id_and_no_space(emulator, transport):
    emulator.add_deployment("credit")
    headers = {"authorization": "theirs", "X-GLOBAL-TRANSACTION-ID": "theirs", "X-Extra": "1"}
    request = NativeRequest(REQUEST.body, "application/json; charset=utf-8", "application/json", headers)
    async with connect(emulator, transport, version="2024-01-31") as engine:
        (endpoint,) = await engine.endpoints()
        answer = await engine.invoke(endpoint, request, context())
    call = emulator.calls[-1]
    assert dict(call.query) == {"version": "2024-01-31"}
    assert call.headers.getall("X-Global-Transaction-Id") == [SCORING_ID]
    assert call.headers.getall("Authorization")[0].startswith("Bearer ")
    assert len(call.headers.getall("Authorization")) == 1
    assert call.headers["X-Extra"] == "1"
    assert call.headers["Content-Type"] == "application/json"
    assert call.body == REQUEST.body
    assert json.loads(answer.body)["predictions"][0]["fields"] == ["prediction", "probability"]


@pytest.mark.parametrize("identity", ["credit", "credit-serving"])
async def test_a_configured_deployment_is_called_by_id_or_serving_name_without_discovery(emulator, transport, identity):
    emulator.add_deployment("credit", serving_name="credit-serving")
    entries = {"mine": {"id": identity}}
    async with connect(emulator, transport, discover=False, endpoints=entries, spaces=[]) as engine:
        (endpoint,) = engine.configured()
        await engine.invoke(endpoint, REQUEST, context())
    assert endpoint.name == "mine"
    assert emulator.calls[-1].deployment == "credit"


@pytest.mark.parametrize("token_path", [None, "", "/icp4d-api/v1/authorize"])
@pytest.mark.parametrize("secret", ["password", "apikey"])
async def test_a_cluster_issues_tokens_for_password_or_api_key(emulator, transport, secret, token_path):
    emulator.add_deployment("credit")
    options = {
        "apikey": None,
        "username": emulator.tokens.username,
        secret: getattr(emulator.tokens, secret),
        "token_url": None if token_path is None else emulator.url + token_path,
    }
    async with connect(emulator, transport, **options) as engine:
        assert len(await engine.endpoints()) == 1
    assert emulator.requests["authorize"] == 1


async def test_a_cluster_with_iam_integration_lists_and_scores(emulator, transport):
    emulator.add_deployment("credit")
    emulator.tokens.is_integrated = True
    options = {
        "apikey": None,
        "username": emulator.tokens.username,
        "password": emulator.tokens.password,
        "token_url": None,
        "identity_url": emulator.url,
    }
    async with connect(emulator, transport, **options) as engine:
        (endpoint,) = await engine.endpoints()
        emulator.tokens.revoke()
        assert (await engine.invoke(endpoint, REQUEST, context())).status == 200
    assert (emulator.requests["authorize"], emulator.requests["identity_token"]) == (1, 2)


async def test_mcsp_issues_tokens_for_services_on_aws(emulator, transport):
    emulator.add_deployment("credit")
    async with connect(emulator, transport, token_url=f"{emulator.url}/siusermgr/api/1.0/apikeys/token") as engine:
        assert len(await engine.endpoints()) == 1
    assert "iam_token" not in emulator.requests


async def test_a_token_serves_many_calls_and_a_rejected_one_is_replaced_once(emulator, transport):
    emulator.add_deployment("credit")
    async with connect(emulator, transport) as engine:
        (endpoint,) = await engine.endpoints()
        await engine.invoke(endpoint, REQUEST, context())
        assert emulator.requests["iam_token"] == 1
        emulator.tokens.revoke()
        await asyncio.gather(*(engine.invoke(endpoint, REQUEST, context()) for _ in range(5)))
        emulator.tokens.revoke()
        assert len(await engine.endpoints()) == 1
    assert emulator.requests["iam_token"] == 3


async def test_a_service_that_rejects_every_token_does_not_flood_the_token_service(emulator, transport):
    emulator.add_deployment("credit")
    async with connect(emulator, transport) as engine:
        (endpoint,) = await engine.endpoints()
        emulator.play(Fault(route="predictions", status=401, body=b"{}", times=None))
        for _ in range(5):
            with pytest.raises(EngineRefusedError) as caught:
                await engine.invoke(endpoint, REQUEST, context())
            assert caught.value.engine_status == 401
    assert emulator.requests["iam_token"] == 2
    assert emulator.requests["predictions"] == 6


async def test_a_token_service_that_is_down_is_unavailable_and_nothing_was_sent(emulator, transport):
    emulator.add_deployment("credit")
    emulator.play(Fault(route="iam_token", status=503, body=b"{}"))
    entries = {"credit": {}}
    async with connect(emulator, transport, discover=False, endpoints=entries) as engine:
        with pytest.raises(EngineUnavailableError) as caught:
            await engine.invoke(engine.configured()[0], REQUEST, context())
    assert caught.value.retryable
    assert "predictions" not in emulator.requests


async def test_an_endpoint_that_another_process_discovered_scores(emulator, transport):
    emulator.add_deployment("credit")
    async with connect(emulator, transport) as leader:
        persisted = msgspec.json.encode(await leader.endpoints())
    async with connect(emulator, transport) as engine:
        (endpoint,) = msgspec.json.decode(persisted, type=list[Endpoint])
        assert (await engine.invoke(endpoint, REQUEST, context())).status == 200


async def test_an_endpoint_that_another_release_persisted_asks_for_discovery(emulator, transport):
    async with connect(emulator, transport) as engine:
        with pytest.raises(EngineEndpointNotFoundError, match="next discovery"):
            await engine.invoke(Endpoint(name="credit", native={"url": "x"}), REQUEST, context())


async def test_a_deployment_that_is_gone_asks_for_discovery(emulator, transport):
    async with connect(emulator, transport, discover=False, endpoints={"a/b?c": {}}) as engine:
        with pytest.raises(EngineEndpointNotFoundError) as caught:
            await engine.invoke(engine.configured()[0], REQUEST, context())
    assert caught.value.engine_message == "There is no such online deployment."


async def test_a_page_of_a_proxy_is_no_list(emulator, transport):
    emulator.play(Fault(route="deployments", body=b"<html>Sign in</html>"))
    async with connect(emulator, transport) as engine:
        with pytest.raises(EngineReplyError):
            await engine.endpoints()


async def test_the_preset_wml_speaks_the_services_language(emulator, transport):
    emulator.add_deployment("credit")
    request_format, response_format = Registry.load().compile_formats(DeploymentSettings(format="wml"))
    body = request_format.encode(Table(("Age", "Job"), [[33, "skilled"], [61, None]]))
    async with connect(emulator, transport) as engine:
        (endpoint,) = await engine.endpoints()
        answer = await engine.invoke(endpoint, NativeRequest(body.content, body.content_type), context())
    table = response_format.decode(Body(answer.body, answer.content_type), 2)
    assert table.columns is not None
    assert list(table.columns) == ["prediction", "probability"]
    assert [sum(row[1]) for row in table.rows] == pytest.approx([1.0, 1.0])
