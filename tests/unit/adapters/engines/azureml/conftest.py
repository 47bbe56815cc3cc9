from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from adapters.base import Engine
from adapters.engines.azureml import plugin
from adapters.testing.azureml import AzureMLEmulator
from gateway.transport import HttpTransport
from tests.unit.adapters.engines.azureml.calls import settings_for


@pytest.fixture
async def emulator() -> AsyncIterator[AzureMLEmulator]:
    async with AzureMLEmulator() as emulator:
        yield emulator


@pytest.fixture
def connect(emulator: AzureMLEmulator, transport: HttpTransport) -> Callable[..., AbstractAsyncContextManager[Engine]]:
    """Connect to the emulator, with other options of the engine's settings where they are given."""

    def connect(**options: Any) -> AbstractAsyncContextManager[Engine]:
        return plugin.connect(settings_for(emulator, **options), transport)

    return connect
