"""A lane: one sink's way through one deployment, in order, one batch at a time."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import msgspec
import structlog
from msgspec import Struct

from adapters.base.sink import Batch, BatchRecord, Sink
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, LaneRow
from gateway.payloadlog.database import spool_errors
from gateway.payloadlog.delivery import Delivery
from gateway.payloadlog.pace import Backoff, Budget, Pace
from schemas.configuration import SinkSettings
from schemas.errors import SinkUnavailableError, SpoolUnavailableError
from schemas.payload import PayloadRecord, decode_record

log = structlog.get_logger(__name__)
T = TypeVar("T")


class ConnectedSink(Struct, frozen=True):
    """A sink of the configuration, connected."""

    name: str
    sink: Sink
    settings: SinkSettings


class Stopped(Exception):  # noqa: N818 - no error: the lane was asked to end
    """The lane ends here; its cursor tells the next start where to go on."""


class SpoolThread:
    """The one thread in which a shipper uses the spool."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="shipper-spool")

    async def open(self) -> Self:
        """Open the spool.

        Raises:
            SpoolUnavailableError: it can't be opened.
        """
        try:
            self._cursors = await self._run(lambda: Cursors(self._path))
        except SpoolUnavailableError:
            self._executor.shutdown(wait=False)
            raise
        return self

    async def call(self, work: Callable[[Cursors], T]) -> T:
        """Do something with the spool.

        Raises:
            SpoolUnavailableError: it failed, and nothing is changed.
        """
        return await self._run(lambda: work(self._cursors))

    async def close(self) -> None:
        """Finish what was begun, and close the spool."""
        await self._run(self._cursors.close)
        self._executor.shutdown(wait=False)

    async def _run(self, work: Callable[[], T]) -> T:
        def wrapped() -> T:
            with spool_errors(self._path):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._executor, wrapped)


class Lane:
    """Ships one deployment's records to one sink.

    Args:
        key: which.
        to: the sink.
        spool: to read records and move the cursor.
        pace: patience.
        budget: memory that the lanes of this sink share.
    """

    def __init__(self, key: LaneKey, to: ConnectedSink, spool: SpoolThread, pace: Pace, budget: Budget) -> None:
        self._key = key
        self._sink = to.sink
        self._limits = to.settings.batch
        self._spool = spool
        self._budget = budget
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._pace = pace
        self._backoff = Backoff(pace)
        self._delivery = Delivery(to.sink, pace, advance=self._advance, pause=self._pause)
        self._log = log.bind(sink=key.sink, deployment=key.deployment_id)
        self._after = 0

    def wake(self) -> None:
        """Look again: the deployment has new records."""
        self._changed.set()

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._stopping.set()
        self._changed.set()

    async def run(self) -> None:
        """Ship until stopped. Failures of sink or spool only make it wait."""
        try:
            self._after = await self._patiently(partial(Cursors.cursor, lane=self._key))
            while True:
                await self._ship(await self._ripe())
        except Stopped:
            return

    async def _ripe(self) -> int:
        """Wait until the next batch is full, or its oldest record old enough; return its size in bytes."""
        clock = asyncio.get_running_loop().time
        records, size, seen = 0, 0, self._after
        due: float | None = None
        while True:
            self._changed.clear()
            if self._stopping.is_set():
                raise Stopped
            waiting = await self._patiently(
                partial(
                    Cursors.waiting,
                    lane=self._key,
                    after=seen,
                    records=self._limits.records - records,
                    n_bytes=self._max_bytes - size,
                )
            )
            records, size, seen = records + waiting.records, size + waiting.bytes, waiting.seen
            if not records:
                self._after = seen
            elif due is None:
                due = clock() + self._limits.seconds
            full = records >= self._limits.records or size >= self._max_bytes
            if full or (due is not None and clock() >= due):
                return size
            await _wait(self._changed, None if due is None else due - clock())

    async def _ship(self, held: int) -> None:
        """Read a batch and deliver it; where the sink is down, wait, and hold nothing in memory meanwhile."""
        await self._budget.take(held)
        try:
            cut = await self._patiently(self._read)
            if isinstance(cut, DeadLetter):
                await self._advance(cut.seq, 0, [cut])
            elif cut is not None:
                await self._delivery.deliver(cut)
        except SinkUnavailableError as error:
            failure = error
        else:
            if self._backoff.failures:
                self._log.info("sink works again", failures=self._backoff.failures)
            self._backoff.reset()
            return
        finally:
            await self._budget.give_back(held)
        if not self._backoff.failures:
            self._log.warning("sink unavailable", problem=failure.message)
        await self._pause(self._backoff.next(failure.retry_after))

    def _read(self, cursors: Cursors) -> Batch | DeadLetter | None:
        rows = cursors.read(self._key, after=self._after, records=self._limits.records, n_bytes=self._max_bytes)
        return cut_batch(self._key.deployment_id, rows, self._sink) if rows else None

    async def _advance(self, cursor: int, delivered: int, dead: Sequence[DeadLetter]) -> None:
        await self._patiently(self._settling(cursor, delivered, dead))
        self._after = cursor
        for letter in dead:
            self._log.error("dead letter", scoring_id=letter.scoring_id, reason=letter.reason)

    def _settling(self, cursor: int, delivered: int, dead: Sequence[DeadLetter]) -> Callable[[Cursors], None]:
        return partial(Cursors.advance, lane=self._key, cursor=cursor, delivered=delivered, dead=dead)

    async def _patiently(self, work: Callable[[Cursors], T]) -> T:
        """Use the spool; where it fails, again and again: giving up would send twice, or stop a sink for good."""
        backoff = Backoff(self._pace)
        while True:
            try:
                return await self._spool.call(work)
            except SpoolUnavailableError as error:
                if not backoff.failures:
                    self._log.warning("spool unavailable to its shipper", problem=error.message)
                await self._pause(backoff.next())

    async def _pause(self, seconds: float) -> None:
        await _wait(self._stopping, seconds)
        if self._stopping.is_set():
            raise Stopped

    @property
    def _max_bytes(self) -> float:
        return self._limits.kb * 1000


def cut_batch(deployment_id: str, rows: Sequence[LaneRow], sink: Sink) -> Batch | DeadLetter:
    """Return the first records that may go together; or the first record, where it can't go at all."""
    records: list[BatchRecord] = []
    partition = ""
    for row in rows:
        sorted_in = _partition(row, sink)
        if isinstance(sorted_in, str):
            if not records:
                return DeadLetter(row.seq, row.scoring_id, sorted_in)
            break
        record, its_partition = sorted_in
        if records and its_partition != partition:
            break
        partition = its_partition
        records.append(BatchRecord(row.seq, row.line, record))
    return Batch(deployment_id=deployment_id, partition=partition, records=records)


def _partition(row: LaneRow, sink: Sink) -> tuple[PayloadRecord, str] | str:
    """Return the record with its partition, or why it has none."""
    try:
        record = decode_record(row.line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "The record in the spool can't be read."
    try:
        return record, sink.partition(record)
    except Exception as error:  # noqa: BLE001 - a plugin that breaks over a record must not stop the others
        return f"The sink raised {type(error).__name__} when asked for its partition."


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
