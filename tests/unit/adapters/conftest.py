from collections.abc import AsyncIterator

import pytest

from gateway.transport import HttpTransport


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport() as transport:
        yield transport
