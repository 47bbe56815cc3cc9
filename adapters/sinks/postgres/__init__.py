"""PostgreSQL 12 or newer: a table with a row for each scored row, in monthly partitions.

A batch is one transaction, and a row that is there already stays as it is, so a batch that comes again is stored once.
The driver is asyncpg (extra `postgres`). docs/sinks/postgres.md describes the table.
"""

from adapters.sinks.postgres.settings import PostgresSettings
from adapters.sinks.postgres.sink import Postgres, connect, plugin

__all__ = ["Postgres", "PostgresSettings", "connect", "plugin"]
