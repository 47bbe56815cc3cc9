from collections.abc import AsyncIterator

import pytest

from adapters.testing.watson_ml import WatsonMlEmulator


@pytest.fixture
async def emulator() -> AsyncIterator[WatsonMlEmulator]:
    async with WatsonMlEmulator() as emulator:
        yield emulator
