from collections.abc import AsyncIterator

import pytest

from adapters.testing.watson_ml import WatsonMlEmulator
from gateway.transport import HttpTransport


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport() as transport:
        yield transport


@pytest.fixture
async def emulator() -> AsyncIterator[WatsonMlEmulator]:
    async with WatsonMlEmulator() as emulator:
        yield emulator
