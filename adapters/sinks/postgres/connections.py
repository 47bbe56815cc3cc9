"""A few connections, made when they are needed, and thrown away at the first doubt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from adapters.sinks.postgres.settings import PostgresSettings
from adapters.sinks.postgres.statements import COMMIT, ROLLBACK, begin
from schemas.errors import MissingExtraError, SinkUnavailableError

if TYPE_CHECKING:
    import asyncpg

# Firewalls forget connections that nobody uses, without a word to either side.
_IDLE_SECONDS = 60.0
_CLOSE_SECONDS = 2.0


def load_driver() -> None:
    """Import the driver: slow, so meant for a thread.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import asyncpg  # noqa: F401, PLC0415 - slow, and optional
    except ImportError as error:
        raise MissingExtraError(needed_by="Sink type postgres", package="asyncpg", extra="postgres") from error


class Connections:
    """Connections to one database; lent to one task each."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._dsn = settings.dsn
        self._connect_timeout = settings.connect_timeout_seconds
        self._places = asyncio.Semaphore(settings.connections)
        self._idle: list[tuple[float, asyncpg.Connection]] = []

    @asynccontextmanager
    async def lend(self) -> "AsyncIterator[asyncpg.Connection]":
        """Lend a connection. After any error but the server's own it is closed, whatever it was doing."""
        import asyncpg  # noqa: PLC0415 - slow, and optional

        async with self._places:
            connection = self._rested() or await self._connect()
            try:
                yield connection
            except asyncpg.PostgresError:
                self._take_back(connection)
                raise
            except BaseException:
                connection.terminate()
                raise
            self._take_back(connection)

    async def close(self) -> None:
        """Close what is not lent."""
        import asyncpg  # noqa: PLC0415 - slow, and optional

        for _, connection in self._idle:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=_CLOSE_SECONDS)
        self._idle.clear()

    def _rested(self) -> "asyncpg.Connection | None":
        until = asyncio.get_running_loop().time() - _IDLE_SECONDS
        while self._idle:
            since, connection = self._idle.pop()
            if since >= until and not connection.is_closed():
                return connection
            connection.terminate()
        return None

    def _take_back(self, connection: "asyncpg.Connection") -> None:
        if connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append((asyncio.get_running_loop().time(), connection))

    async def _connect(self) -> "asyncpg.Connection":
        import asyncpg  # noqa: PLC0415 - slow, and optional

        try:
            return await asyncpg.connect(
                self._dsn,
                timeout=self._connect_timeout,
                # Named statements get lost behind a pooler that hands each transaction to another server connection.
                statement_cache_size=0,
                server_settings={"application_name": "openscale-gateway"},
            )
        except ValueError:
            raise SinkUnavailableError(
                "`dsn` can't be read: check it against postgresql://user:password@host/database.", target="dsn"
            ) from None


@asynccontextmanager
async def transaction(connection: "asyncpg.Connection", *, seconds: float, lock_seconds: float) -> AsyncIterator[None]:
    """Commit what the block does, or nothing of it.

    Args:
        connection: not in a transaction.
        seconds: that one statement may take, and that the server waits for the next one.
        lock_seconds: that a statement may wait for a lock.
    """
    import asyncpg  # noqa: PLC0415 - slow, and optional

    await connection.execute(begin(_milliseconds(seconds), _milliseconds(lock_seconds)))
    try:
        yield
        await connection.execute(COMMIT)
    except asyncpg.PostgresError:
        if not connection.is_closed():
            await connection.execute(ROLLBACK)
        raise


def _milliseconds(seconds: float) -> int:
    # 0 would mean for ever.
    return max(int(seconds * 1000), 1)
