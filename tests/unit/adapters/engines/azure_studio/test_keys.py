import asyncio

import pytest

from adapters.engines.azure_studio.keys import PAUSE_SECONDS, Keys
from adapters.engines.azure_studio.native import Native
from adapters.testing.emulator import Fault
from schemas.errors import EngineUnavailableError
from tests.unit.adapters.engines.azure_studio.calls import MODEL, deadline


@pytest.fixture
async def service(emulator):
    return emulator.add_service("credit", MODEL)


@pytest.fixture
async def arm_id(service, control):
    return (await control.services(deadline()))[0].id


async def test_a_regenerated_key_replaces_the_discovered_one(service, arm_id, control):
    keys, native = Keys(control), Native(url="u", key="old", arm_id=arm_id)
    assert keys.key(native) == "old"
    assert await keys.another(native, "old", deadline()) == service.keys[0]
    assert keys.key(native) == service.keys[0]


async def test_what_discovery_finds_later_counts_again(arm_id, control):
    keys = Keys(control)
    await keys.another(Native(url="u", key="old", arm_id=arm_id), "old", deadline())
    assert keys.key(Native(url="u", key="newest", arm_id=arm_id)) == "newest"


async def test_refused_calls_at_once_ask_one_time(emulator, service, arm_id, control):
    keys, native = Keys(control), Native(url="u", key="old", arm_id=arm_id)
    fetched = await asyncio.gather(*(keys.another(native, "old", deadline()) for _ in range(10)))
    assert fetched == [service.keys[0]] * 10
    assert emulator.requests["keys"] == 1


async def test_a_key_that_is_still_the_same_is_not_tried_again_and_not_asked_for_at_once(
    emulator, service, arm_id, control
):
    now = 0.0
    keys = Keys(control, clock=lambda: now)
    native = Native(url="u", key=service.keys[0], arm_id=arm_id)
    assert await keys.another(native, service.keys[0], deadline()) is None
    assert await keys.another(native, service.keys[0], deadline()) is None
    assert emulator.requests["keys"] == 1
    now = PAUSE_SECONDS
    service.keys = ("another", "other")
    assert await keys.another(native, native.key, deadline()) == "another"


@pytest.mark.parametrize("native", [Native(url="u", key="old")])
async def test_a_service_by_url_has_no_other_key(control, native):
    assert await Keys(control).another(native, "old", deadline()) is None
    assert await Keys(None).another(native, "old", deadline()) is None


async def test_a_control_plane_that_fails_says_so(emulator, arm_id, control):
    emulator.play(Fault(route="keys", status=503, body=b"{}"))
    with pytest.raises(EngineUnavailableError):
        await Keys(control).another(Native(url="u", key="old", arm_id=arm_id), "old", deadline())


async def test_a_key_is_not_waited_for_beyond_the_deadline(emulator, arm_id, control):
    emulator.play(Fault(route="keys", delay_seconds=20.0))
    keys, native = Keys(control), Native(url="u", key="old", arm_id=arm_id)
    first = asyncio.create_task(keys.another(native, "old", deadline()))
    await emulator.seen("keys")
    assert await keys.another(native, "old", deadline(0.05)) is None
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
