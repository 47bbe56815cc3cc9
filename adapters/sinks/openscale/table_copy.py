"""What an audit has read of a payload table of API v1, which can only be read from end to end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from adapters.base import Held
from adapters.sinks.openscale.records import new_rows, record_id
from adapters.sinks.openscale.transactions import Transactions


class TableCopy:
    """The rows of one table; it is read again where it has another number of rows by then.

    A row takes about 400 bytes of memory while the table is read, and 250 from then on.

    Args:
        transactions: the table.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._turn = asyncio.Lock()
        self._counted: int | None = None
        self._rows: Sequence[tuple[datetime, Held]] = ()

    async def held(self, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Yield the rows of calls that started in this time: see `AuditableSink.held`."""
        async with self._turn:
            # Counted before it is read: what arrives meanwhile makes a difference the next time.
            counted = await self._transactions.count(deadline=deadline)
            if counted != self._counted:
                self._rows = await self._read(deadline)
                self._counted = counted
            rows = self._rows
        for moment, held in rows:
            if start <= moment < end:
                yield held

    async def _read(self, deadline: float) -> Sequence[tuple[datetime, Held]]:
        seen: set[str] = set()
        rows: list[tuple[datetime, Held]] = []
        async for page in self._transactions.all(deadline=deadline):
            moments = {row.row_id: row.moment for row in page}
            rows += [
                (moments[row_id], Held(record_id(row_id), times))
                for row_id, times in new_rows((row.row_id for row in page), seen).items()
            ]
        return rows
