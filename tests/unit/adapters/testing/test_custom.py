from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.testing.custom import CustomEngineEmulator

BODY = {"fields": ["Age"], "values": [[33]]}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def entity(session, emulator) -> dict:
    async with session.get(f"{emulator.url}/v1/deployments") as response:
        (resource,) = (await response.json())["resources"]
        return resource["entity"]


async def test_the_list_has_the_form_of_ibms_examples_or_that_of_the_sdks(session):
    async with CustomEngineEmulator(schema="A") as first, CustomEngineEmulator(schema="B") as second:
        for emulator in (first, second):
            emulator.add_deployment("credit", asset="model")
        a, b = await entity(session, first), await entity(session, second)
    assert (a["scoring_url"], a["asset"]["guid"]) == (f"{first.url}/v1/deployments/credit/online", "model")
    assert (b["scoring_endpoint"]["url"], b["asset"]["asset_id"]) == (
        f"{second.url}/v1/deployments/credit/online",
        "model",
    )
    assert "scoring_endpoint" not in a
    assert "scoring_url" not in b


async def test_a_deployment_answers_at_its_own_path_alone(session):
    async with CustomEngineEmulator() as emulator:
        emulator.add_deployment("credit", path="/score", handler=lambda body: body)
        async with session.post(f"{emulator.url}/score", json=BODY) as response:
            assert await response.json() == BODY
        async with session.post(f"{emulator.url}/v1/deployments/credit/online", json=BODY) as response:
            assert response.status == 404
    assert [call.path for call in emulator.calls] == ["/score"]


async def test_a_failing_model_is_a_500_with_a_text(session):
    async with CustomEngineEmulator() as emulator:
        emulator.add_deployment("credit")
        for body, words in ((b"{}", "The input needs fields and values."), (b"{", "The body is not JSON.")):
            async with session.post(f"{emulator.url}/v1/deployments/credit/online", data=body) as response:
                assert (response.status, (await response.json())["error"]) == (500, words)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Basic dTp3"}, 401), ({"Authorization": "Basic dTpw"}, 200)],
)
async def test_with_a_user_both_routes_want_the_password(session, headers, status):
    async with CustomEngineEmulator(username="u", password="p") as emulator:
        emulator.add_deployment("credit")
        async with session.get(f"{emulator.url}/v1/deployments", headers=headers) as response:
            assert response.status == status
        url = f"{emulator.url}/v1/deployments/credit/online"
        async with session.post(url, json=BODY, headers=headers) as response:
            assert response.status == status


async def test_count_and_host_of_the_list_may_be_wrong(session):
    async with CustomEngineEmulator(count=7, listed_base="https://elsewhere") as emulator:
        emulator.add_deployment("credit")
        async with session.get(f"{emulator.url}/v1/deployments") as response:
            listing = await response.json()
    assert listing["count"] == 7
    assert listing["resources"][0]["metadata"]["url"] == "https://elsewhere/v1/deployments/credit/online"
