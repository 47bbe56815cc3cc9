"""Keys and tokens over the life of an engine: renewed in time, once for all who wait, and not asked for in vain."""

import asyncio

import pytest

from adapters.base import Token
from adapters.engines.azureml.authorization import PAUSE_SECONDS, Authorization
from adapters.engines.azureml.native import Native
from adapters.testing.azureml.workspace import SCORING_SCOPE
from adapters.testing.emulator import Fault
from schemas.errors import EngineRefusedError, EngineUnavailableError
from tests.unit.adapters.engines.azureml.calls import REQUEST, by_url, context, settings_for


async def discovered(engine):
    (endpoint,) = await engine.endpoints()
    return endpoint


async def test_a_rotated_key_is_fetched_once_and_kept_until_discovery_has_it(emulator, connect):
    emulator.add_endpoint("credit")
    async with connect() as engine:
        stale = await discovered(engine)
        emulator.rotate_keys("credit")
        emulator.requests.clear()
        await engine.invoke(stale, REQUEST, context())
        assert (emulator.requests["keys"], emulator.requests["score"]) == (1, 2)
        await engine.invoke(stale, REQUEST, context())
        assert (emulator.requests["keys"], emulator.requests["score"]) == (1, 3)
        emulator.rotate_keys("credit")
        fresh = await discovered(engine)
        emulator.requests.clear()
        await engine.invoke(fresh, REQUEST, context())
        assert emulator.requests == {"score": 1}


async def test_many_calls_with_a_rotated_key_ask_for_it_once(emulator, connect):
    emulator.add_endpoint("credit")
    async with connect() as engine:
        stale = await discovered(engine)
        emulator.rotate_keys("credit")
        emulator.requests.clear()
        await asyncio.gather(*(engine.invoke(stale, REQUEST, context()) for _ in range(20)))
    assert emulator.requests["keys"] == 1


async def test_a_key_that_discovery_could_not_fetch_is_fetched_by_the_first_call(emulator, connect):
    emulator.add_endpoint("credit")
    emulator.play(Fault(route="keys", status=403, body=b"{}"))
    async with connect() as engine:
        endpoint = await discovered(engine)
        assert "key" not in endpoint.native
        await engine.invoke(endpoint, REQUEST, context())
        await engine.invoke(endpoint, REQUEST, context())
    assert emulator.requests["keys"] == 2


async def test_a_key_that_may_not_be_listed_is_not_asked_for_at_every_call(emulator, connect):
    emulator.add_endpoint("credit")
    emulator.play(Fault(route="keys", status=403, body=b"{}", times=None))
    async with connect() as engine:
        endpoint = await discovered(engine)
        emulator.requests.clear()
        for _ in range(5):
            with pytest.raises(EngineRefusedError, match="The key of Azure ML endpoint credit"):
                await engine.invoke(endpoint, REQUEST, context())
    assert emulator.requests == {}


async def test_a_key_of_the_configuration_is_used_for_a_discovered_endpoint(emulator, connect):
    second = emulator.add_endpoint("credit").keys[1]
    async with connect(endpoints={"credit": {"key": second}}) as engine:
        await engine.invoke(await discovered(engine), REQUEST, context())
    assert emulator.calls[-1].headers["Authorization"] == f"Bearer {second}"
    assert "keys" not in emulator.requests


async def test_a_wrong_key_by_url_is_refused_without_asking_the_control_plane(emulator, connect):
    emulator.add_endpoint("credit")
    async with connect(**by_url(emulator, "credit", key="another")) as engine:
        with pytest.raises(EngineRefusedError) as caught:
            await engine.invoke(engine.configured()[0], REQUEST, context())
    assert caught.value.engine_status == 401
    assert emulator.requests == {"score": 1}


async def test_calls_that_go_on_being_refused_do_not_flood_the_control_plane(emulator, connect):
    emulator.add_endpoint("credit")
    async with connect() as engine:
        endpoint = await discovered(engine)
        emulator.requests.clear()
        emulator.play(Fault(route="score", status=403, body=b"{}", times=None))
        for _ in range(5):
            with pytest.raises(EngineRefusedError):
                await engine.invoke(endpoint, REQUEST, context())
        assert emulator.requests == {"score": 5, "keys": 1}


async def test_after_the_pause_another_key_is_asked_for_again(emulator, transport):
    now = 0.0
    keys = emulator.add_endpoint("credit").keys
    authorization = Authorization(settings_for(emulator), transport, clock=lambda: now)
    native = Native(scoring_uri=emulator.scoring_url("credit"), auth_mode="key", key=keys[0], in_workspace=True)
    deadline = context().deadline
    refused = Token(keys[0], float("inf"))
    assert await authorization.another("credit", native, refused, deadline) is None
    emulator.rotate_keys("credit")
    assert await authorization.another("credit", native, refused, deadline) is None
    now = PAUSE_SECONDS
    another = await authorization.another("credit", native, refused, deadline)
    assert another is not None
    assert another.value == emulator.endpoints["credit"].keys[0]


@pytest.mark.parametrize(
    ("auth_mode", "scope", "route"),
    [("AMLToken", "endpoint:credit", "endpoint_token"), ("AADToken", SCORING_SCOPE, "entra")],
)
async def test_a_revoked_token_is_renewed_within_the_call(emulator, connect, auth_mode, scope, route):
    emulator.add_endpoint("credit", auth_mode=auth_mode)
    async with connect() as engine:
        endpoint = await discovered(engine)
        await engine.invoke(endpoint, REQUEST, context())
        emulator.requests.clear()
        await engine.invoke(endpoint, REQUEST, context())
        assert emulator.requests == {"score": 1}
        emulator.revoke_tokens(scope)
        await engine.invoke(endpoint, REQUEST, context())
        assert emulator.requests == {"score": 3, route: 1}


async def test_a_refused_key_stays_the_answer_where_another_can_not_be_had(emulator, connect):
    emulator.add_endpoint("credit")
    async with connect() as engine:
        stale = await discovered(engine)
        emulator.rotate_keys("credit")
        emulator.play(Fault(route="keys", status=503, body=b"{}"))
        with pytest.raises(EngineRefusedError) as caught:
            await engine.invoke(stale, REQUEST, context())
    assert caught.value.engine_status == 401


async def test_a_forbidden_token_of_entra_is_not_renewed(emulator, connect):
    emulator.add_endpoint("credit", auth_mode="AADToken")
    async with connect() as engine:
        endpoint = await discovered(engine)
        await engine.invoke(endpoint, REQUEST, context())
        emulator.requests.clear()
        emulator.play(Fault(route="score", status=403, body=b"{}"))
        with pytest.raises(EngineRefusedError):
            await engine.invoke(endpoint, REQUEST, context())
    assert emulator.requests == {"score": 1}


@pytest.mark.parametrize("auth_mode", ["AMLToken", "AADToken"])
async def test_waiting_for_a_token_ends_at_the_deadline(emulator, connect, auth_mode):
    emulator.add_endpoint("credit", auth_mode=auth_mode)
    async with connect() as other:
        endpoint = await discovered(other)
    async with connect() as engine:
        for route in ("entra", "endpoint_token"):
            emulator.play(Fault(route=route, delay_seconds=20.0, times=None))
        with pytest.raises(EngineUnavailableError):
            await engine.invoke(endpoint, REQUEST, context(0.2))


async def test_a_token_of_the_configuration_serves_discovery_and_scoring(emulator, connect):
    emulator.add_endpoint("credit", auth_mode="AADToken")
    async with connect(credentials={"token": emulator.issue_token()}) as engine:
        endpoint = await discovered(engine)
        await engine.invoke(endpoint, REQUEST, context())
        emulator.revoke_tokens(SCORING_SCOPE)
        with pytest.raises(EngineRefusedError) as caught:
            await engine.invoke(endpoint, REQUEST, context())
        with pytest.raises(EngineRefusedError, match=r"credentials\.token"):
            await engine.endpoints()
    assert caught.value.engine_status == 401
    assert "entra" not in emulator.requests
