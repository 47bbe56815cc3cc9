from collections.abc import AsyncIterator

import aiohttp
import pytest

from adapters.testing.watson_ml import WatsonMlEmulator

BODY = {"input_data": [{"fields": ["Age"], "values": [[33]]}, {"fields": ["Age"], "values": [[70]]}]}
VERSION = {"version": "2020-09-01"}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def emulator() -> AsyncIterator[WatsonMlEmulator]:
    async with WatsonMlEmulator(page_size=2) as emulator:
        yield emulator


async def bearer(session, emulator) -> dict[str, str]:
    form = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": emulator.tokens.apikey}
    async with session.post(emulator.iam_url, data=form) as response:
        return {"Authorization": f"Bearer {(await response.json())['access_token']}"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"space_id": "s"}, "missing_query_parameter"),
        ({"space_id": "s", "version": "today"}, "missing_query_parameter"),
        (VERSION, "missing_query_parameter"),
    ],
)
async def test_a_list_needs_version_and_space(session, emulator, query, code):
    headers = await bearer(session, emulator)
    async with session.get(f"{emulator.url}/ml/v4/deployments", params=query, headers=headers) as response:
        assert (response.status, (await response.json())["errors"][0]["code"]) == (400, code)


async def test_a_list_comes_in_pages(session, emulator):
    for n in range(3):
        emulator.add_deployment(f"d{n}")
    headers = await bearer(session, emulator)
    query = VERSION | {"space_id": emulator.space}
    async with session.get(f"{emulator.url}/ml/v4/deployments", params=query, headers=headers) as response:
        first = await response.json()
    async with session.get(first["next"]["href"], params=VERSION, headers=headers) as response:
        second = await response.json()
    assert [item["metadata"]["id"] for item in first["resources"] + second["resources"]] == ["d0", "d1", "d2"]
    assert "next" not in second


async def test_each_element_is_scored_by_id_or_serving_name(session, emulator):
    emulator.add_deployment("d0", serving_name="credit")
    headers = await bearer(session, emulator)
    for name in ("d0", "credit"):
        url = f"{emulator.url}/ml/v4/deployments/{name}/predictions"
        async with session.post(url, params=VERSION, json=BODY, headers=headers) as response:
            assert [len(item["values"]) for item in (await response.json())["predictions"]] == [1, 1]
    assert [call.deployment for call in emulator.calls] == ["d0", "d0"]


@pytest.mark.parametrize("body", [[], {}, {"input_data": [{"fields": ["Unknown"], "values": [[1]]}]}])
async def test_what_the_model_can_not_score_is_a_400_with_the_services_error_body(session, emulator, body):
    emulator.add_deployment("d0")
    headers = await bearer(session, emulator)
    url = f"{emulator.url}/ml/v4/deployments/d0/predictions"
    async with session.post(url, params=VERSION, json=body, headers=headers) as response:
        problem = await response.json()
    assert (response.status, problem["status_code"]) == (400, 400)
    assert {"code", "message"} == set(problem["errors"][0])
    assert problem["trace"]


async def test_batch_deployments_and_unknown_ones_are_not_scored(session, emulator):
    emulator.add_deployment("nightly", kind="batch")
    headers = await bearer(session, emulator)
    for name in ("nightly", "unknown"):
        url = f"{emulator.url}/ml/v4/deployments/{name}/predictions"
        async with session.post(url, params=VERSION, json=BODY, headers=headers) as response:
            assert response.status == 404


async def test_missing_and_revoked_tokens_are_refused(session, emulator):
    emulator.add_deployment("d0")
    revoked = await bearer(session, emulator)
    emulator.tokens.revoke()
    for headers in ({}, revoked):
        url = f"{emulator.url}/ml/v4/deployments/d0/predictions"
        async with session.post(url, params=VERSION, json=BODY, headers=headers) as response:
            assert response.status == 401
