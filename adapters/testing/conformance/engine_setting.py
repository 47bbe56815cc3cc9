"""Fixtures of the contract of engines."""

import asyncio
from collections.abc import AsyncIterator
from typing import ClassVar

import msgspec
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

    @pytest_asyncio.fixture
    async def endpoint(self, scorer: Engine, counterpart: Counterpart, transport: WatchedTransport) -> Endpoint:
        """What `scorer` scores."""
        return await self.endpoint_at(counterpart.emulator.url, scorer, counterpart, transport)

    async def endpoint_at(
        self, url: str, scorer: Engine, counterpart: Counterpart, transport: WatchedTransport
    ) -> Endpoint:
        """Return what an engine of `settings_at(url)` scores; where discovery alone tells, as if listed at that URL."""
        for configured in scorer.configured():
            if configured.name == counterpart.endpoint:
                return configured
        async with self.case.plugin.connect(counterpart.settings, transport) as engine:
            listed = msgspec.json.encode(await discovered(engine, counterpart))
        return msgspec.json.decode(listed.replace(counterpart.emulator.url.encode(), url.encode()), type=Endpoint)


async def discovered(engine: Engine, counterpart: Counterpart) -> Endpoint:
    """Return the counterpart's endpoint, as discovery finds it; where nothing is to be found, as it is configured."""
    return (await all_known(engine, counterpart))[counterpart.endpoint]


async def all_known(engine: Engine, counterpart: Counterpart) -> dict[str, Endpoint]:
    """Return the endpoints by name, as discovery finds them, or else as they are configured."""
    known = {endpoint.name: endpoint for endpoint in [*engine.configured(), *await engine.endpoints()]}
    missing = {call.endpoint for call in counterpart.calls} - set(known)
    assert not missing, "An engine of `settings` has to discover, or know, the endpoint of the case and of `others`."
    return known
