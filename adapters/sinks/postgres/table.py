"""The table in the database: made or checked before it is used, one partition a month, old ones dropped."""

import asyncio
from typing import TYPE_CHECKING

from adapters.sinks.postgres.connections import transaction
from adapters.sinks.postgres.rows import Row
from adapters.sinks.postgres.settings import PostgresSettings
from adapters.sinks.postgres.statements import INSPECT, LOCK, OLDEST_MONTH, PARTITIONS, Statements
from schemas.errors import SinkUnavailableError

if TYPE_CHECKING:
    import asyncpg

_RETENTION_SECONDS = 3600.0
_RETENTION_RETRY_SECONDS = 60.0
# To drop a partition locks the whole table, and whoever waits for that lock holds up all who come later.
_DROP_LOCK_SECONDS = 1.0


class Table:
    """One table, and what is known of it: nothing before the first batch, and after an error."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._create = settings.create
        self._retain_months = settings.retain_months
        self._seconds = settings.statement_timeout_seconds
        self._statements = Statements(settings.schema, settings.table)
        self._ready: set[str] = set()
        self._oldest = ""
        self._retention_due = 0.0

    async def admit(self, connection: "asyncpg.Connection", month: str) -> bool:
        """Make the table ready for rows of a month (`2026-11`); False: it is past its retention.

        Raises:
            SinkUnavailableError: there is no such table, or it is not as the rows need it.
            asyncpg.PostgresError: anything else.
        """
        await self._retain(connection)
        if month < self._oldest:
            return False
        if month not in self._ready:
            async with transaction(connection, seconds=self._seconds, lock_seconds=self._seconds):
                await self._open(connection, month)
            self._ready.add(month)
        return True

    def forget(self) -> None:
        """Look again before the next rows."""
        self._ready.clear()

    async def _open(self, connection: "asyncpg.Connection", month: str) -> None:
        name = self._statements.table
        if self._create:
            await connection.execute(LOCK, name)
        found = await connection.fetchrow(INSPECT, name)
        if found is None and self._create:
            await connection.execute(self._statements.create_table())
        elif found is None:
            raise _unusable("does not exist: create it, or set `create: true`")
        else:
            self._check(found)
        partition = self._statements.partition(month)
        if self._create and partition not in await self._partitions(connection):
            await connection.execute(self._statements.create_partition(month))

    def _check(self, found: "asyncpg.Record") -> None:
        missing = [name for name in Row._fields if name not in found["columns"]]
        if missing:
            raise _unusable(f"lacks columns: {', '.join(missing)}")
        if not found["keyed"]:
            raise _unusable("has no unique key (id, scoring_timestamp), so repeats would be stored twice")
        if self._create and not found["monthly"]:
            raise _unusable("is not partitioned by range of scoring_timestamp: set `create: false` to use it as it is")

    async def _retain(self, connection: "asyncpg.Connection") -> None:
        """Drop partitions that are past their retention, once an hour; later where somebody reads the table."""
        import asyncpg  # noqa: PLC0415 - slow, and optional

        clock = asyncio.get_running_loop().time
        if self._retain_months is None or clock() < self._retention_due:
            return
        # Taken at once, so that the other batches under way don't do the same.
        self._retention_due = clock() + _RETENTION_SECONDS
        try:
            self._oldest = await connection.fetchval(OLDEST_MONTH, self._retain_months)
            for name in await self._partitions(connection):
                if name < self._statements.partition(self._oldest):
                    await self._drop(connection, name)
        except asyncpg.LockNotAvailableError:
            self._retention_due = clock() + _RETENTION_RETRY_SECONDS
        except BaseException:
            self._retention_due = 0.0
            raise

    async def _drop(self, connection: "asyncpg.Connection", name: str) -> None:
        async with transaction(connection, seconds=self._seconds, lock_seconds=_DROP_LOCK_SECONDS):
            await connection.execute(self._statements.drop_partition(name))

    async def _partitions(self, connection: "asyncpg.Connection") -> list[str]:
        return [row[0] for row in await connection.fetch(PARTITIONS, self._statements.table)]


def _unusable(problem: str) -> SinkUnavailableError:
    return SinkUnavailableError(
        f"The table in PostgreSQL {problem} (docs/sinks/postgres.md describes it).", target="table"
    )
