"""Plugins that are right in a way that no built-in one is, under the kit: it takes them."""

from contextlib import asynccontextmanager
from typing import Any

import msgspec

from adapters.base import EnginePlugin, SinkPlugin
from adapters.engines import custom
from adapters.sinks import webhook
from adapters.testing.conformance import EngineConformance, HttpSinkConformance
from tests.contract.engines.case_custom import CUSTOM
from tests.contract.sinks.case_webhook import WebhookBench


class KnownByDiscoveryAlone:
    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.endpoints = engine.endpoints
        self.invoke = engine.invoke

    def configured(self) -> Any:
        return []


@asynccontextmanager
async def connect_engine(settings: Any, transport: Any) -> Any:
    async with custom.plugin.connect(settings, transport) as engine:
        yield KnownByDiscoveryAlone(engine)


class TestAnEngineWhoseEndpointsOnlyDiscoveryKnows(EngineConformance):
    plugin = EnginePlugin(kind="unusual", settings=custom.plugin.settings, connect=connect_engine)
    case = msgspec.structs.replace(CUSTOM, plugin=plugin, discovery_only=True)


class Translated:
    """A transport to a far side that says 422 for `later` and 409 for `never`."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def request(self, *asked: Any, **options: Any) -> Any:
        response = await self._transport.request(*asked, **options)
        meant = {422: 503, 409: 400}.get(response.status, response.status)
        return msgspec.structs.replace(response, status=meant)


@asynccontextmanager
async def connect_sink(settings: Any, transport: Any) -> Any:
    async with webhook.plugin.connect(settings, Translated(transport)) as sink:
        yield sink


class UnusualBench(WebhookBench):
    plugin = SinkPlugin(kind="unusual", settings=webhook.plugin.settings, connect=connect_sink)
    down_statuses = (422, 503)
    refused_statuses = (400, 409)
    misconfigured_statuses = (401,)


class TestASinkWhoseFarSideHasStatusesOfItsOwn(HttpSinkConformance):
    case = UnusualBench
