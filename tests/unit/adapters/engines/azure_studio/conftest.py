from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from adapters.base import Engine
from adapters.engines.azure_studio import plugin
from adapters.engines.azure_studio.arm import ControlPlane
from adapters.testing.azure_studio import AzureStudioEmulator
from gateway.transport import HttpTransport
from tests.unit.adapters.engines.azure_studio.calls import settings_for


@pytest.fixture
async def emulator() -> AsyncIterator[AzureStudioEmulator]:
    async with AzureStudioEmulator(page_size=2) as emulator:
        yield emulator


@pytest.fixture
def connect(
    emulator: AzureStudioEmulator, transport: HttpTransport
) -> Callable[..., AbstractAsyncContextManager[Engine]]:
    """Connect to the emulator, with other options of the engine's settings where they are given."""

    def connect(**options: Any) -> AbstractAsyncContextManager[Engine]:
        return plugin.connect(settings_for(emulator, **options), transport)

    return connect


@pytest.fixture
def control(emulator: AzureStudioEmulator, transport: HttpTransport) -> ControlPlane:
    settings = settings_for(emulator)
    assert settings.credentials is not None
    tokens = settings.credentials.tokens(transport, scope=settings.control_scope, authority=emulator.url)
    return ControlPlane(settings, transport, tokens)
