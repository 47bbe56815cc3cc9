"""The leader's housekeeping: keeps the WAL short, deletes what nobody is owed, and makes room."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import structlog
from msgspec import Struct

from gateway.payloadlog.database import (
    STREAM_INDEX,
    WRITERS_TURN_SECONDS,
    connect,
    spool_errors,
    used_bytes,
    wait_for_locks,
    wal_bytes,
)
from gateway.payloadlog.deleting import Age, deletions, read_age
from schemas.errors import SpoolUnavailableError

SWEEP_SECONDS = 1.0
# Room is made before `max_bytes` is reached, and a little more than needed.
CROWDED = 0.9
ROOMY = 0.85
CHECKPOINT_BYTES = 4_000_000
TRUNCATE_BYTES = 32_000_000
TRUNCATE_SECONDS = 0.05

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
        self._stopped = threading.Event()
        self._connection = connect(path)
        try:
            # A spool may be older than this index.
            self._connection.execute(STREAM_INDEX)
        except apsw.Error:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def stop(self) -> None:
        """Let a sweep that is under way in another thread end with its next step; later ones do one step each."""
        self._stopped.set()

    def sweep(self) -> Swept:
        """Do all that is due."""
        self._checkpoint()
        return Swept(expired=self._expire(), displaced=self._make_room())

    def _expire(self) -> int:
        now = self._clock()
        age = read_age(self._connection, older_than=round((now - self._retain_seconds) * 1e6), now=round(now * 1e6))
        return self._delete(age, forced=True, until=lambda: False) if age else 0

    def _make_room(self) -> int:
        displaced = 0
        if self._used() > CROWDED * self._max_bytes:
            for forced in (False, True):
                if not self._roomy():
                    displaced += self._delete(None, forced=forced, until=self._roomy)
        return displaced

    def _delete(self, age: Age | None, *, forced: bool, until: Callable[[], bool]) -> int:
        deleted = 0
        for n in deletions(self._connection, age=age, forced=forced):
            deleted += n
            # Deleting fills the WAL, which counts, too.
            self._checkpoint()
            if until() or self._stopped.wait(WRITERS_TURN_SECONDS):
                break
        return deleted

    def _roomy(self) -> bool:
        return self._used() <= ROOMY * self._max_bytes

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
        self._retention.stop()
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
