"""Fixtures of the contract of engines."""

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
import pytest_asyncio

from adapters.base import CallContext, Engine
from adapters.testing.conformance.engine_case import Counterpart, EngineCase
from adapters.testing.conformance.transport import gateway_transport
from adapters.testing.conformance.watched_transport import WatchedTransport
from schemas.deployment import Endpoint

SCORING_ID = "0193500000007000800000000000000a"


def call_context(seconds: float = 30.0) -> CallContext:
    """Return the context of an attempt that must end in so many seconds."""
    return CallContext(SCORING_ID, asyncio.get_running_loop().time() + seconds)


class EngineSetting:
    """A counterpart for each test, and the engine connected to it: once discovering, once by configuration alone."""

    case: ClassVar[EngineCase]

    @pytest_asyncio.fixture
    async def transport(self) -> AsyncIterator[WatchedTransport]:
        """The transport that the gateway lends."""
        async with gateway_transport() as transport:
            yield WatchedTransport(transport)

    @pytest_asyncio.fixture
    async def counterpart(self) -> AsyncIterator[Counterpart]:
        """A platform that runs."""
        async with self.case.start() as counterpart:
            yield counterpart

    @pytest_asyncio.fixture
    async def engine(self, counterpart: Counterpart, transport: WatchedTransport) -> AsyncIterator[Engine]:
        """The engine, discovering."""
        async with self.case.plugin.connect(counterpart.settings, transport) as engine:
            yield engine

    @pytest_asyncio.fixture
    async def scorer(self, counterpart: Counterpart, transport: WatchedTransport) -> AsyncIterator[Engine]:
        """The engine, not discovering."""
        settings = counterpart.settings_at(counterpart.emulator.url)
        async with self.case.plugin.connect(settings, transport) as scorer:
            yield scorer

    @pytest.fixture
    def endpoint(self, scorer: Engine) -> Endpoint:
        """What `scorer` knows by configuration."""
        (endpoint,) = scorer.configured()
        return endpoint


async def discovered(engine: Engine, counterpart: Counterpart) -> Endpoint:
    """Return the counterpart's endpoint, as discovery finds it; where nothing is to be found, as it is configured."""
    known = [*await engine.endpoints(), *engine.configured()]
    return next(endpoint for endpoint in known if endpoint.name == counterpart.endpoint)
