"""The leader's housekeeping: keeps the WAL short, deletes what nobody is owed, and makes room."""

import asyncio
import heapq
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import islice, takewhile
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import structlog
from msgspec import Struct

from gateway.payloadlog.accounting import Stream, read_cursors, read_sinks, read_streams
from gateway.payloadlog.cursors import drop
from gateway.payloadlog.database import (
    connect,
    listed,
    query,
    rows,
    spool_errors,
    transaction,
    used_bytes,
    wait_for_locks,
    wal_bytes,
)
from schemas.errors import SpoolUnavailableError

SWEEP_SECONDS = 1.0
# Room is made before `max_bytes` is reached, and a little more than needed.
CROWDED = 0.9
ROOMY = 0.85
CHECKPOINT_BYTES = 4_000_000
TRUNCATE_BYTES = 32_000_000
TRUNCATE_SECONDS = 0.05
DELETE_AT_ONCE = 500
FOREVER = 2**63 - 1

log = structlog.get_logger(__name__)


class Swept(Struct, frozen=True):
    """What a sweep deleted: records that were old enough, and records that stood in the way of new ones."""

    expired: int
    displaced: int


class Retention:
    """Deletes records by age and size; blocking.

    Nobody is owed a record whose sinks all have their cursors behind it. Such records go first, oldest first; where
    that makes too little room, so do dead letters and what is pending for sinks that left the configuration, and that
    is counted. What a configured sink is owed is never deleted.

    Args:
        path: of an existing spool.
        max_bytes: of the spool on disk.
        retain_seconds: age at which a record that nobody is owed is deleted.
        clock: seconds of the Unix epoch.

    Raises:
        apsw.Error: the spool can't be opened (all methods raise it where SQLite fails).
    """

    def __init__(
        self, path: Path, *, max_bytes: int, retain_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._retain_seconds = retain_seconds
        self._clock = clock
        self._connection = connect(path)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def sweep(self) -> Swept:
        """Do all that is due."""
        self._checkpoint()
        older_than = round((self._clock() - self._retain_seconds) * 1e6)
        expired = self._delete_while(lambda: True, older_than=older_than, forced=True)
        displaced = 0
        if self._used() > CROWDED * self._max_bytes:
            for forced in (False, True):
                displaced += self._delete_while(self._crowded, older_than=FOREVER, forced=forced)
        return Swept(expired, displaced)

    def _crowded(self) -> bool:
        # Deleting fills the WAL, which counts, too.
        self._checkpoint()
        return self._used() > ROOMY * self._max_bytes

    def _used(self) -> int:
        return used_bytes(self._connection, self._path)

    def _checkpoint(self) -> None:
        """Copy the WAL into the file before it grows long; where writers never pause, stop them for a moment."""
        size = wal_bytes(self._path)
        if size > min(CHECKPOINT_BYTES, self._max_bytes / 10):
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        if size > min(TRUNCATE_BYTES, self._max_bytes / 5):
            self._truncate_wal()

    def _truncate_wal(self) -> None:
        # Writers are held up while this waits for readers: so it waits briefly, and tries again with the next sweep.
        wait_for_locks(self._connection, TRUNCATE_SECONDS)
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return
        finally:
            wait_for_locks(self._connection)

    def _delete_while(self, wanted: Callable[[], bool], *, older_than: int, forced: bool) -> int:
        deleted = 0
        while wanted():
            with transaction(self._connection):
                n = _Books(self._connection).delete(older_than=older_than, forced=forced)
            deleted += n
            if n < DELETE_AT_ONCE:
                break
        return deleted


class _Books:
    """Who is owed what, in one transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._streams = read_streams(connection)
        self._sinks = [(sink, read_cursors(connection, sink.name)) for sink in read_sinks(connection)]

    def delete(self, *, older_than: int, forced: bool) -> int:
        """Delete the oldest records that may go, at most `DELETE_AT_ONCE`; return how many.

        Args:
            older_than: only records of calls that started earlier, in microseconds of the Unix epoch.
            forced: dead letters, and what is owed to sinks that left the configuration, may go, too.
        """
        candidates = [self._candidates(stream, older_than, forced=forced) for stream in self._streams]
        chosen = list(islice(heapq.merge(*candidates), DELETE_AT_ONCE))
        if forced:
            self._drop_dead_letters(chosen)
            self._drop_removed(chosen)
        self._connection.execute(
            "DELETE FROM record WHERE seq IN (SELECT value FROM json_each(?))", (listed(seq for seq, _ in chosen),)
        )
        return len(chosen)

    def _candidates(self, stream: Stream, older_than: int, *, forced: bool) -> list[tuple[int, int]]:
        """Return `seq` and number of the stream of its oldest records that may go, up to the first that is too new."""
        found = rows(
            self._connection,
            "SELECT seq, scored_at FROM record INDEXED BY record_in_lane"
            " WHERE deployment = ?1 AND seq <= ?2 AND stream = ?3"
            " AND (?5 OR seq NOT IN (SELECT seq FROM dead_letter))"
            " AND seq NOT IN (SELECT q.seq FROM requeued q JOIN sink k ON k.name = q.sink WHERE k.configured OR NOT ?5)"
            " ORDER BY seq LIMIT ?4",
            (stream.deployment, self._last(stream, forced=forced), stream.no, DELETE_AT_ONCE, forced),
        )
        with closing(found):
            return [(seq, stream.no) for seq, _ in takewhile(lambda row: row[1] < older_than, found)]

    def _last(self, stream: Stream, *, forced: bool) -> int:
        """Return the `seq` up to which nobody (forced: nobody in the configuration) is owed the stream's records."""
        return min(
            (
                cursors.get(stream.deployment, 0)
                for sink, cursors in self._sinks
                if stream.passes(sink.filter) and (sink.configured or not forced)
            ),
            default=FOREVER,
        )

    def _drop_dead_letters(self, chosen: Sequence[tuple[int, int]]) -> None:
        numbers = listed(seq for seq, _ in chosen)
        for sink, n in query(
            self._connection,
            "SELECT sink, count(*) FROM dead_letter WHERE seq IN (SELECT value FROM json_each(?)) GROUP BY sink",
            (numbers,),
        ):
            drop(self._connection, sink, "dead_letter_expired", n)
        self._connection.execute("DELETE FROM dead_letter WHERE seq IN (SELECT value FROM json_each(?))", (numbers,))

    def _drop_removed(self, chosen: Sequence[tuple[int, int]]) -> None:
        numbers = listed(seq for seq, _ in chosen)
        requeued: dict[str, int] = dict(
            query(
                self._connection,
                "SELECT sink, count(*) FROM requeued WHERE seq IN (SELECT value FROM json_each(?)) GROUP BY sink",
                (numbers,),
            )
        )
        self._connection.execute("DELETE FROM requeued WHERE seq IN (SELECT value FROM json_each(?))", (numbers,))
        streams = {stream.no: stream for stream in self._streams}
        for sink, cursors in self._sinks:
            if not sink.configured:
                owed = [
                    seq
                    for seq, no in chosen
                    if streams[no].passes(sink.filter) and seq > cursors.get(streams[no].deployment, 0)
                ]
                drop(self._connection, sink.name, "sink_removed", len(owed) + requeued.get(sink.name, 0))


class Keeper:
    """Sweeps as long as it is entered; in the leader alone, beside the shipper.

    Args:
        path: of an existing spool.
        max_bytes: of the spool on disk.
        retain_seconds: age at which records that nobody is owed are deleted.
        sweep_seconds: from one sweep to the next.
    """

    def __init__(
        self, path: str | Path, *, max_bytes: int, retain_seconds: float, sweep_seconds: float = SWEEP_SECONDS
    ) -> None:
        self._path = Path(path)
        self._max_bytes = max_bytes
        self._retain_seconds = retain_seconds
        self._sweep_seconds = sweep_seconds
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Open the spool, and begin.

        Raises:
            SpoolUnavailableError: it can't be opened.
        """
        self._retention = await asyncio.to_thread(self._open)
        self._running = asyncio.create_task(self._run(), name="spool-keeper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        await self._running
        await asyncio.to_thread(self._retention.close)

    async def wait(self) -> None:
        """Wait for the keeper's end; for a supervisor, since only a fault ends it before it is left."""
        await asyncio.shield(self._running)

    def _open(self) -> Retention:
        with spool_errors(self._path):
            return Retention(self._path, max_bytes=self._max_bytes, retain_seconds=self._retain_seconds)

    async def _run(self) -> None:
        failing = False
        while not self._stopping.is_set():
            try:
                swept = await asyncio.to_thread(self._sweep)
            except SpoolUnavailableError as error:
                if not failing:
                    log.warning("spool unavailable to its keeper", problem=error.message)
                failing = True
            else:
                failing = False
                if swept.displaced:
                    log.info("made room in the spool", records=swept.displaced)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._sweep_seconds)

    def _sweep(self) -> Swept:
        with spool_errors(self._path):
            return self._retention.sweep()
