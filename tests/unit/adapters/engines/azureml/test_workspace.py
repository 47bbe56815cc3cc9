import asyncio

import pytest

from adapters.engines.azureml.tokens import entra_tokens
from adapters.engines.azureml.workspace import Workspace
from adapters.testing.emulator import Fault
from schemas.errors import EngineUnavailableError
from tests.unit.adapters.engines.azureml.calls import settings_for


@pytest.fixture
def workspace(emulator, transport):
    settings = settings_for(emulator)
    return Workspace(settings, entra_tokens(settings, transport, settings.control_scope))


async def listed(workspace, seconds=30.0):
    return await workspace.listed(asyncio.get_running_loop().time() + seconds)


async def test_a_workspace_that_takes_too_long_is_given_up(emulator, workspace):
    emulator.add_endpoint("credit")
    await listed(workspace)  # the SDK is imported by now
    emulator.play(Fault(route="endpoints", delay_seconds=1.0))
    with pytest.raises(EngineUnavailableError, match="not listed within") as caught:
        await listed(workspace, seconds=0.2)
    assert caught.value.retryable


async def test_what_was_known_of_an_endpoint_that_is_gone_is_forgotten(emulator, workspace):
    emulator.add_endpoint("credit")
    (first,) = await listed(workspace)
    del emulator.endpoints["credit"]
    assert await listed(workspace) == []
    emulator.add_endpoint("credit")
    emulator.play(Fault(route="deployments", status=403, body=b"{}"))
    (second,) = await listed(workspace)
    assert [item.name for item in first.deployments or ()] == ["blue"]
    assert second.deployments is None
