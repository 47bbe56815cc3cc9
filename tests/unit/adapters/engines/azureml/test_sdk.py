import asyncio
import json
import sys
from threading import Event

import pytest
from aiohttp import web

from adapters.base import Token
from adapters.engines.azureml.sdk import list_endpoints
from adapters.engines.azureml.settings import CONTROL_SCOPE
from adapters.testing.azureml import AzureMLEmulator
from adapters.testing.emulator import Emulator, Fault
from schemas.errors import EngineRefusedError, EngineReplyError, EngineUnavailableError, MissingExtraError
from tests.unit.adapters.engines.azureml.calls import settings_for


async def names(emulator, abandoned=None, **options):
    listed = await asyncio.to_thread(
        list_endpoints,
        settings_for(emulator, **options),
        Token(emulator.issue_token(CONTROL_SCOPE), float("inf")),
        wanted=lambda _: True,
        abandoned=abandoned or Event(),
    )
    return [endpoint.name for endpoint in listed]


async def test_the_token_goes_to_the_control_url_alone_wherever_next_links_point(emulator):
    emulator.add_endpoint("credit")
    async with AzureMLEmulator() as stranger:
        first = {"value": [], "nextLink": f"{stranger.url}{emulator.workspace_id}/onlineEndpoints?$skip=0"}
        emulator.play(Fault(route="endpoints", status=200, body=json.dumps(first).encode()))
        assert await names(emulator) == ["credit"]
        assert stranger.requests == {}
    assert emulator.requests["endpoints"] == 2


async def test_redirections_are_not_followed(emulator):
    async with AzureMLEmulator() as stranger:
        emulator.play(Fault(route="endpoints", status=307, body=b"{}", headers={"Location": f"{stranger.url}/x"}))
        with pytest.raises(EngineRefusedError, match="307"):
            await names(emulator)
        assert stranger.requests == {}


async def test_a_control_url_may_have_a_path():
    paths = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        link = f"{proxy.url}{request.path}?$skip=1" if len(paths) == 1 else None
        return web.json_response({"value": [], "nextLink": link})

    async with Emulator([web.get("/{path:.*}", answer)]) as proxy, AzureMLEmulator() as behind:
        assert await names(behind, control_url=f"{proxy.url}/behind/a/proxy/") == []
        assert paths == [f"/behind/a/proxy{behind.workspace_id}/onlineEndpoints"] * 2


async def test_nothing_is_sent_for_a_discovery_that_was_abandoned(emulator):
    abandoned = Event()
    abandoned.set()
    with pytest.raises(TimeoutError):
        await names(emulator, abandoned)
    assert emulator.requests == {}


@pytest.mark.parametrize("fault", [{"connection": "reset"}, {"connection": "truncate"}])
async def test_a_lost_connection_is_not_tried_again_here(emulator, fault):
    emulator.play(Fault(route="endpoints", times=None, **fault))
    with pytest.raises(EngineUnavailableError) as caught:
        await names(emulator)
    assert caught.value.retryable
    assert emulator.requests == {"endpoints": 1}


@pytest.mark.parametrize("body", [b'{"value": 7}', b"[]"])
async def test_an_answer_in_another_form_is_reported(emulator, body):
    emulator.play(Fault(route="endpoints", status=200, body=body))
    with pytest.raises(EngineReplyError):
        await names(emulator)


async def test_a_missing_package_names_the_extra(emulator, monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.ai.ml", None)
    with pytest.raises(MissingExtraError, match=r"openscale-gateway\[azureml\]"):
        await names(emulator)
