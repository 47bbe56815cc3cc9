"""The sink: a batch is a transaction."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.base import (
    Batch,
    Held,
    Receipt,
    RecordFilter,
    Refusal,
    Settlement,
    Sink,
    SinkPlugin,
    Transport,
    record_filter,
)
from adapters.sinks.postgres.connections import Connections, load_driver, transaction
from adapters.sinks.postgres.failures import sink_errors
from adapters.sinks.postgres.rows import Explosion
from adapters.sinks.postgres.settings import PostgresSettings
from adapters.sinks.postgres.statements import EXISTS, NEXT_PAGE, Statements
from adapters.sinks.postgres.table import Table
from schemas.payload import PayloadRecord

if TYPE_CHECKING:
    import asyncpg

# A statement's rows are in memory several times over.
_STATEMENT_CHARS = 4_000_000
_MONTH_CHARS = len("2026-11")


class Postgres:
    """A `Sink`: one table."""

    def __init__(self, settings: PostgresSettings, connections: Connections) -> None:
        self._connections = connections
        self._table = Table(settings)
        self._statements = Statements(settings.schema, settings.table)
        self._insert = self._statements.insert()
        self._seconds = settings.statement_timeout_seconds
        self._filter = record_filter(settings)

    @property
    def filter(self) -> RecordFilter:
        """What the settings ask for."""
        return self._filter

    def partition(self, record: PayloadRecord) -> str:
        """Return the month of the record, `2026-11`: that of its partition of the table."""
        return record.scoring_timestamp[:_MONTH_CHARS]

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        """Store the rows in one transaction: see `Sink.send`. What can't be stored is refused by name."""
        with sink_errors():
            async with asyncio.timeout_at(deadline), self._connections.lend() as connection:
                refused = await self._store(connection, batch)
        return Receipt({"refused": tuple(refused)})

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Say that it is stored: it was when `send` returned."""
        return Settlement(state="stored", refused=receipt.reference["refused"])

    async def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Count the rows by scoring id: see `AuditableSink.held`. A table that is not there holds nothing."""
        async with aclosing(self._pages(deployment_id, start, end, deadline)) as pages:
            while True:
                with sink_errors():
                    async with asyncio.timeout_at(deadline):
                        page = await anext(pages, None)
                if page is None:
                    return
                for scoring_id, rows in page:
                    yield Held(scoring_id, rows)

    async def _pages(
        self, deployment_id: str, start: datetime, end: datetime, deadline: float
    ) -> "AsyncGenerator[list[asyncpg.Record], None]":
        seconds = deadline - asyncio.get_running_loop().time()
        async with self._connections.lend() as connection:
            if not await connection.fetchval(EXISTS, self._statements.table):
                return
            async with transaction(connection, seconds=seconds, lock_seconds=seconds):
                await connection.execute(self._statements.hold(), deployment_id, start, end)
                while page := await connection.fetch(NEXT_PAGE):
                    yield page

    async def _store(self, connection: "asyncpg.Connection", batch: Batch) -> Sequence[Refusal]:
        import asyncpg  # noqa: PLC0415 - slow, and optional

        try:
            if not await self._table.admit(connection, batch.partition):
                reason = "PostgreSQL keeps no record of that month: it is older than `retain_months`."
                return [Refusal(item.record.scoring_id, reason) for item in batch.records]
            return await self._inserted(connection, batch)
        except asyncpg.PostgresError:
            # The table or a partition may be gone.
            self._table.forget()
            raise

    async def _inserted(self, connection: "asyncpg.Connection", batch: Batch) -> Sequence[Refusal]:
        explosion = Explosion([item.record for item in batch.records], _STATEMENT_CHARS)
        slices = explosion.slices()
        async with transaction(connection, seconds=self._seconds, lock_seconds=self._seconds):
            # In a thread: to take a record of 20 MB apart takes a second.
            while rows := await asyncio.to_thread(next, slices, None):
                await connection.execute(self._insert, *zip(*rows, strict=True))
        return explosion.refused


@asynccontextmanager
async def connect(settings: PostgresSettings, transport: Transport) -> AsyncIterator[Sink]:
    """Open the sink; the first record makes a connection.

    Raises:
        MissingExtraError: the driver is not installed.
    """
    await asyncio.to_thread(load_driver)
    connections = Connections(settings)
    try:
        yield Postgres(settings, connections)
    finally:
        await connections.close()


plugin = SinkPlugin(kind="postgres", settings=PostgresSettings, connect=connect)
