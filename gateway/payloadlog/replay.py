"""Sending records once more, or to a sink that was never owed them, beside the running shipper and its books."""

import asyncio
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from gateway.payloadlog.accounting import KnownSink, passes, read_cursors, read_sinks
from gateway.payloadlog.cursors import DeadLetter, LaneRow
from gateway.payloadlog.database import connect, connect_to_read, query, snapshot, spool_errors, transaction
from gateway.payloadlog.delivery import Delivery
from gateway.payloadlog.lane import ConnectedSink, cut_batch
from gateway.payloadlog.pace import Backoff, Pace
from gateway.payloadlog.reading import SpoolReader, StoredRecord
from schemas.errors import PayloadLogError, SinkUnavailableError

# Failures in a row, before the rest is left to another replay.
PATIENCE = 5


class Replayed(Struct):
    """What a replay has done so far.

    Attributes:
        sent: records that the sink has stored (again).
        refused: records that it will not take.
    """

    sent: int
    refused: list[DeadLetter]


class _Lane(Struct, frozen=True):
    """Up to where the sink's way through a deployment is settled, and what is not, before that."""

    deployment_id: str
    cursor: int
    unsettled: frozenset[int]


class Replay:
    """Sends one sink's settled records of a time, deployment by deployment, in their order.

    What is pending is the shipper's, and dead letters are `requeue`'s: both are left out. Nothing moves but the sink's
    count `replayed`.

    Args:
        path: of an existing spool.
        to: the sink.
        pace: patience with it.
        progress: called with the records of each batch that is through.
    """

    def __init__(
        self, path: Path, to: ConnectedSink, *, pace: Pace | None = None, progress: Callable[[int], None] | None = None
    ) -> None:
        self._path = path
        self._to = to
        self._pace = pace or Pace()
        self._progress = progress or (lambda _: None)
        self._delivery = Delivery(to.sink, self._pace, advance=self._advance, pause=asyncio.sleep)
        self._cursor = 0
        self.done = Replayed(0, [])

    async def run(self, *, start_us: int, end_us: int, deployment_id: str | None = None) -> Replayed:
        """Send what there is of calls that started at `start_us` or later, and before `end_us`.

        Raises:
            PayloadLogError: the spool knows no such sink.
            SinkUnavailableError: the sink takes nothing now; `done` tells how much it took before.
            SpoolUnavailableError: the spool can't be used.
        """
        sink, lanes = await asyncio.to_thread(self._lanes)
        for lane in lanes:
            if deployment_id in (None, lane.deployment_id):
                records = self._settled(sink, lane, start_us, end_us)
                try:
                    await self._send(lane, records)
                finally:
                    await asyncio.to_thread(records.close)
        return self.done

    async def _send(self, lane: _Lane, records: Iterator[LaneRow]) -> None:
        limits = self._to.settings.batch
        backoff = Backoff(self._pace)
        rows: list[LaneRow] = []
        self._cursor = 0
        while True:
            rows += await asyncio.to_thread(_next, records, limits.records - len(rows), limits.kb * 1000 - _bytes(rows))
            if not rows:
                return
            try:
                await self._deliver(lane.deployment_id, rows)
            except SinkUnavailableError as error:
                if backoff.failures == PATIENCE:
                    raise
                await asyncio.sleep(backoff.next(error.retry_after))
            else:
                backoff.reset()
            rows = [row for row in rows if row.seq > self._cursor]

    async def _deliver(self, deployment_id: str, rows: Sequence[LaneRow]) -> None:
        cut = await asyncio.to_thread(cut_batch, deployment_id, rows, self._to.sink)
        if isinstance(cut, DeadLetter):
            await self._advance(cut.seq, 0, [cut])
        else:
            await self._delivery.deliver(cut)

    async def _advance(self, cursor: int, delivered: int, dead: Sequence[DeadLetter]) -> None:
        self._cursor = cursor
        if delivered:
            await asyncio.to_thread(_count, self._path, self._to.name, delivered)
        self.done.sent += delivered
        self.done.refused += dead
        self._progress(delivered + len(dead))

    def _lanes(self) -> tuple[KnownSink, list[_Lane]]:
        name = self._to.name
        with spool_errors(self._path), closing(connect_to_read(self._path)) as connection, snapshot(connection):
            sinks = [sink for sink in read_sinks(connection) if sink.name == name]
            if not sinks:
                raise PayloadLogError(f"The spool does not know the sink {name} yet: start the gateway with it first.")
            cursors = read_cursors(connection, name)
            deployments = query(connection, "SELECT no, id FROM deployment ORDER BY no")
            unsettled = frozenset(
                seq
                for table in ("dead_letter", "requeued")
                for (seq,) in query(connection, f"SELECT seq FROM {table} WHERE sink = ?", (name,))  # noqa: S608
            )
        return sinks[0], [
            _Lane(deployment_id, cursors[no], unsettled) for no, deployment_id in deployments if no in cursors
        ]

    def _settled(self, sink: KnownSink, lane: _Lane, start_us: int, end_us: int) -> Generator[LaneRow, None, None]:
        found = SpoolReader(self._path).records(deployment_id=lane.deployment_id, start_us=start_us, end_us=end_us)
        with closing(found):
            for record in found:
                if record.seq > lane.cursor:
                    return
                if record.seq not in lane.unsettled and _passes(sink, record):
                    yield LaneRow(record.seq, record.scoring_id, record.line)


def _passes(sink: KnownSink, record: StoredRecord) -> bool:
    return passes(sink.filter, record.deployment_id, record.outcome, record.origin)


def _next(records: Iterator[LaneRow], n_records: int, n_bytes: float) -> list[LaneRow]:
    """Take the next records: so many, or until they have so many bytes."""
    taken: list[LaneRow] = []
    while len(taken) < n_records and n_bytes > 0 and (row := next(records, None)) is not None:
        taken.append(row)
        n_bytes -= len(row.line)
    return taken


def _bytes(rows: Sequence[LaneRow]) -> int:
    return sum(len(row.line) for row in rows)


def _count(path: Path, sink: str, n: int) -> None:
    with spool_errors(path), closing(connect(path)) as connection, transaction(connection):
        connection.execute("UPDATE sink SET replayed = replayed + ? WHERE name = ?", (n, sink))
