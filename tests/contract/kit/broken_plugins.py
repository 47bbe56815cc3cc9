"""Plugins that break promises, under the kit: run by test_kit.py in a process of its own, where they have to fail."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from hypothesis import strategies as st

from adapters.base import Body, EnginePlugin, FormatPlugin, Receipt, SinkPlugin
from adapters.engines import custom
from adapters.sinks import webhook
from adapters.testing.conformance import EngineConformance, FormatCase, FormatConformance, SinkConformance, tables
from schemas.configuration import Settings
from schemas.errors import EngineRefusedError, EngineTimeoutError, SinkUnavailableError
from schemas.table import Table
from tests.contract.engines.case_custom import CUSTOM
from tests.contract.sinks.case_webhook import WebhookBench


class Careless:
    """Passes on what an engine does, but for its own mistakes."""

    def __init__(self, settings: Any, engine: Any) -> None:
        self._settings = settings
        self._engine = engine
        self._listed = 0

    def configured(self) -> Any:
        return self._engine.configured()

    async def endpoints(self) -> Any:
        self._listed += 1
        found = await self._engine.endpoints()
        return [msgspec.structs.replace(item, description=str(self._listed)) for item in found]

    async def invoke(self, endpoint: Any, request: Any, context: Any) -> Any:
        logging.getLogger("careless").info("calling with %s", self._settings.credentials.password)
        patient = msgspec.structs.replace(context, deadline=asyncio.get_running_loop().time() + 60)
        call = asyncio.ensure_future(self._engine.invoke(endpoint, request, patient))
        try:
            return await asyncio.shield(call)
        except EngineTimeoutError as error:
            raise EngineRefusedError(error.message, retryable=True) from error


@asynccontextmanager
async def connect_careless(settings: Any, transport: Any) -> AsyncIterator[Any]:
    async with custom.plugin.connect(settings, transport) as engine:
        yield Careless(settings, engine)


class TestEngine(EngineConformance):
    case = msgspec.structs.replace(
        CUSTOM,
        plugin=EnginePlugin(kind="careless", settings=custom.plugin.settings, connect=connect_careless),
        failures=[failure for failure in CUSTOM.failures if failure.engine_status == 504],
    )


class NoOptions(Settings, frozen=True):
    pass


class Guessing:
    """Writes cells as text, whatever they are, and makes up rows that are missing."""

    media_type = "text/plain; charset=utf-8"

    def encode(self, table: Table) -> Body:
        lines = ["\t".join(table.columns or ()), *("\t".join(map(str, row)) for row in table.rows)]
        return Body("\n".join(lines).encode(errors="replace"), self.media_type)

    def decode(self, body: Body, n_rows: int | None) -> Table:
        names, *rows = [line.split("\t") for line in body.content.decode(errors="replace").split("\n")]
        return Table(tuple(names), (rows * (n_rows or 1))[:n_rows])


class TestFormat(FormatConformance):
    case = FormatCase(
        plugin=FormatPlugin(kind="guessing", settings=NoOptions, build=lambda _: Guessing()),
        tables=tables(st.integers(), names=st.sampled_from("abcd")),
        refused=([1],),
    )


class Forgetful(webhook.Webhook):
    """Takes nobody's no for an answer, and says that what failed is stored."""

    async def send(self, batch: Any, *, deadline: float) -> Receipt:
        try:
            return await super().send(batch, deadline=asyncio.get_running_loop().time() + 60)
        except SinkUnavailableError:
            return Receipt()


@asynccontextmanager
async def connect_forgetful(settings: Any, transport: Any) -> AsyncIterator[Any]:
    yield Forgetful(settings, transport)


class ForgetfulBench(WebhookBench):
    plugin = SinkPlugin(kind="forgetful", settings=webhook.plugin.settings, connect=connect_forgetful)


class TestSink(SinkConformance):
    case = ForgetfulBench
