"""The group-committing writer of one serving process.

The event loop hands entries over once per iteration; one thread commits whatever has gathered while it was busy with
the group before, and wakes the loop once per group: one sync serves many calls, and a single call waits for no timer.
"""

import asyncio
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Literal, Self

import structlog

from gateway.payloadlog.appending import Appender
from gateway.payloadlog.database import explain, is_damage, mark_suspect, spool_errors
from gateway.payloadlog.entry import SpoolEntry
from gateway.payloadlog.room import Room
from gateway.payloadlog.waiting import Waiting, next_group, outlasting_cancellation
from schemas.errors import SpoolUnavailableError

MAX_QUEUE_BYTES = 256_000_000
LOOK_SECONDS = 0.5
# With less room than this the spool is as good as full: traffic should go elsewhere.
READY_BYTES = 1_000_000

log = structlog.get_logger(__name__)


class SpoolWriter:
    """Appends records for one event loop: `async with SpoolWriter(...) as writer`. Leaving flushes what was taken.

    Args:
        path: of a spool that `Spool.open` has opened before.
        max_bytes: of the whole spool on disk.
        durability: `commit`: `append` returns when the record is synced; `async`: when it is taken.
        max_queue_bytes: of records that were taken and are not written yet.
        on_commit: called on the event loop after each group, to wake the shipper.
        on_lost: called on the event loop with the deployment of each record that was taken with `async` and could
            not be written before the writer was closed.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        max_bytes: int,
        durability: Literal["commit", "async"] = "commit",
        max_queue_bytes: int = MAX_QUEUE_BYTES,
        on_commit: Callable[[], None] | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> None:
        self._path = Path(path)
        self._waits = durability == "commit"
        self._on_commit = on_commit
        self._on_lost = on_lost
        # Records take more room on disk than their lines: a small spool must not fill between two measurements.
        self._look_bytes = max_bytes // 100
        self._ready_bytes = min(max_bytes // 40, READY_BYTES)
        self._room = Room(max_bytes=max_bytes, max_queue_bytes=max_queue_bytes)
        self._fresh: list[Waiting] = []
        self._handed: SimpleQueue[list[Waiting] | None] = SimpleQueue()
        self._open = False
        self._lost = 0
        self._commits = 0

    async def __aenter__(self) -> Self:
        """Open the spool.

        Raises:
            SpoolUnavailableError: it can't be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._appender = await asyncio.to_thread(self._connect)
        self._room.measured(*await asyncio.to_thread(self._measure))
        self._thread = threading.Thread(target=self._work, name="spool-writer", daemon=True)
        self._thread.start()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def append(self, entry: SpoolEntry) -> None:
        """Keep a record. Where this is cancelled it ends when the record is kept, all the same.

        Raises:
            SpoolUnavailableError: it is not kept (with `commit`); too many wait to be written (with `async`).
        """
        if not self._open:
            raise SpoolUnavailableError("The payload log is closed: the gateway is shutting down.")
        self._room.take(len(entry.line))
        kept = self._loop.create_future() if self._waits else None
        if not self._fresh:
            self._loop.call_soon(self._hand_over)
        self._fresh.append(Waiting(entry, kept))
        if kept is not None:
            await outlasting_cancellation(kept)

    def reserve(self, n_bytes: int) -> None:
        """Keep room for a record that is to come, or refuse before an engine is paid for; costs no I/O.

        Raises:
            SpoolFullError: the spool has reached its size, or will with what is reserved.
            SpoolUnavailableError: its disk is full or failing, or records can't be written as fast as they come.
        """
        self._room.reserve(n_bytes)

    def release(self, n_bytes: int) -> None:
        """Give back what was reserved: the record is about to be appended, or will not come."""
        self._room.release(n_bytes)

    @property
    def problem(self) -> str | None:
        """Why records are not kept now, or the last of the room is being used; None where there is enough."""
        try:
            self._room.check(self._ready_bytes)
        except SpoolUnavailableError as error:
            return error.message
        return None

    @property
    def warning(self) -> str | None:
        """What will keep records from being kept soon; None where there is room."""
        return self._room.warning

    @property
    def fill(self) -> float:
        """How full the spool is, of its largest size: 0 to 1 and beyond."""
        return self._room.fill

    @property
    def commits(self) -> int:
        """Transactions that appended records, so far."""
        return self._commits

    @property
    def lost(self) -> int:
        """Records taken with `async` that could not be written before the writer was closed."""
        return self._lost

    async def close(self) -> None:
        """Write what was taken, then close the spool; idempotent."""
        if not self._open:
            return
        self._open = False
        self._hand_over()
        self._handed.put(None)
        await asyncio.shield(asyncio.to_thread(self._thread.join))
        await asyncio.to_thread(self._appender.close)
        if self._lost:
            log.error("records lost", records=self._lost, problem=self.problem)

    def _connect(self) -> Appender:
        with spool_errors(self._path):
            self._file = self._identity()
            return Appender(self._path)

    def _identity(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_dev, found.st_ino

    def _measure(self) -> tuple[int, int]:
        with spool_errors(self._path):
            # SQLite goes on writing to a file that has lost its name, and nobody would ever read it.
            if self._identity() != self._file:
                raise FileNotFoundError
            return self._appender.used_bytes(), shutil.disk_usage(self._path.parent).free

    def _hand_over(self) -> None:
        if self._fresh:
            self._handed.put(self._fresh)
            self._fresh = []

    def _work(self) -> None:
        """Commit groups until told to stop; the body of the thread."""
        backlog: deque[Waiting] = deque()
        look_at = 0.0
        failed_bytes = unmeasured_bytes = 0
        running = True
        while running or backlog:
            if running:
                running = self._gather(backlog, wait=not backlog or failed_bytes > 0)
            group = next_group(backlog)
            if group:
                failed_bytes = self._commit(group, backlog, last=not running)
                unmeasured_bytes += sum(len(waiting.entry.line) for waiting in group)
            if time.monotonic() >= look_at or unmeasured_bytes >= self._look_bytes:
                failed_bytes, unmeasured_bytes = self._look(failed_bytes), 0
                look_at = time.monotonic() + LOOK_SECONDS

    def _gather(self, backlog: deque[Waiting], *, wait: bool) -> bool:
        try:
            while (handed := self._handed.get(timeout=LOOK_SECONDS) if wait else self._handed.get_nowait()) is not None:
                backlog.extend(handed)
                wait = False
        except Empty:
            return True
        return False

    def _commit(self, group: list[Waiting], backlog: deque[Waiting], *, last: bool) -> int:
        """Write a group; return its size where that failed, else 0."""
        n_bytes = sum(len(waiting.entry.line) for waiting in group)
        try:
            self._appender.append([waiting.entry for waiting in group])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if is_damage(error):
                mark_suspect(self._path)
            problem = explain(error, self._path)
            if self._waits or last:
                self._tell(self._failed, group, n_bytes, problem)
            else:
                # Nobody waits for these: they stay first in line, and the bound of the queue holds the callers off.
                backlog.extendleft(reversed(group))
                self._tell(self._room.failing, problem)
            return n_bytes
        self._tell(self._kept, group, n_bytes)
        return 0

    def _look(self, failed_bytes: int) -> int:
        """Measure the room there is; after a failure, learn first whether a write of that size works again."""
        try:
            with spool_errors(self._path):
                if failed_bytes:
                    self._appender.try_room(failed_bytes)
            measured = self._measure()
        except SpoolUnavailableError as error:
            self._tell(self._room.failing, error.message)
            return max(failed_bytes, 1)
        self._tell(self._room.measured, *measured)
        return 0

    def _tell(self, report: Callable[..., None], *figures: object) -> None:
        self._loop.call_soon_threadsafe(report, *figures)

    def _kept(self, group: Sequence[Waiting], n_bytes: int) -> None:
        self._commits += 1
        self._room.written(n_bytes)
        for _, kept in group:
            if kept is not None and not kept.done():
                kept.set_result(None)
        if self._on_commit is not None:
            self._on_commit()

    def _failed(self, group: Sequence[Waiting], n_bytes: int, problem: str) -> None:
        self._room.given_up(n_bytes)
        self._room.failing(problem)
        for entry, kept in group:
            if kept is None:
                self._lost += 1
                if self._on_lost is not None:
                    self._on_lost(entry.deployment_id)
            elif not kept.done():
                kept.set_exception(SpoolUnavailableError(problem))
