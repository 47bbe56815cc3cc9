"""Databases of a real server, and sinks that write to them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from adapters.base import Sink
from adapters.sinks.postgres import PostgresSettings, connect
from gateway.transport import HttpTransport
from tests.postgres_server import PostgresServer, postgres_server
from tests.process.clouds import sagemaker

__all__ = ["postgres_server", "sagemaker"]


class Database:
    """An empty database.

    Attributes:
        server: that it is in.
        name: to connect to.
    """

    def __init__(self, server: PostgresServer, name: str, stack: AsyncExitStack, transport: HttpTransport) -> None:
        self.server, self.name = server, name
        self._stack, self._transport = stack, transport

    async def sink(self, **members: object) -> Sink:
        """Connect a sink, for as long as the test lasts."""
        settings = {"type": "postgres", "dsn": self.server.dsn(self.name), **members}
        return await self._stack.enter_async_context(
            connect(msgspec.convert(settings, PostgresSettings), self._transport)
        )

    async def execute(self, sql: str) -> None:
        await self.server.execute(self.name, sql)

    async def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return await self.server.fetch(self.name, sql)

    async def ids(self, table: str = "payload_records") -> list[str]:
        return [row[0] for row in await self.fetch(f"SELECT id FROM {table} ORDER BY 1")]  # noqa: S608

    async def partitions(self) -> list[str]:
        sql = "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE relkind = 'r' ORDER BY 1"
        return [row[0] for row in await self.fetch(sql)]


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[Database]:
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(HttpTransport())
        yield Database(postgres_server, await postgres_server.create_database(), stack, transport)
