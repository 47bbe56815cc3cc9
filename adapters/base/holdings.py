"""What a far side was read to hold, by deployment and time, for sinks that can only be read from end to end.

An audit asks for one window of time after the other. A topic or a folder of objects would have to be read again for
each of them; so what is read goes here, and each part of the far side is read once. It lies in a temporary file, which
vanishes by itself, and takes about 100 bytes of disk a record and next to nothing of memory.
"""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from adapters.base.sink import Held
from schemas.errors import SinkUnavailableError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE_RECORDS = 1000

_TABLES = """
CREATE TABLE holding (deployment_id TEXT, started_us INTEGER, scoring_id TEXT, rows INTEGER);
CREATE INDEX by_time ON holding (deployment_id, started_us);
CREATE TABLE source (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_IN_TIME = "SELECT scoring_id, rows FROM holding WHERE deployment_id = ? AND started_us >= ? AND started_us < ?"


class Holding(Struct, frozen=True):
    """One record as a far side holds it.

    Attributes:
        scoring_id: of the call.
        deployment_id: public id.
        started_us: start of the call, in microseconds of the Unix epoch.
        rows: how many it has.
    """

    scoring_id: str
    deployment_id: str
    started_us: int
    rows: int


class _Line(Struct, frozen=True):
    scoring_id: str
    deployment_id: str
    scoring_timestamp: Annotated[datetime, Meta(tz=True)]
    rows: int


def holding_of(line: bytes) -> Holding:
    """Read what counts of a record's line; the rest is passed over.

    Raises:
        msgspec.DecodeError: it is not the line of a record.
    """
    try:
        read = _decoder.decode(line)
    except RecursionError:
        raise msgspec.DecodeError("It is nested too deeply.") from None
    return Holding(read.scoring_id, read.deployment_id, _microseconds(read.scoring_timestamp), read.rows)


class Holdings:
    """Records that were read, and the parts of the far side that they were read from.

    `add`, `knows` and `close` block: they are for threads. All raise `SinkUnavailableError` where the temporary folder
    takes no more.
    """

    def __init__(self) -> None:
        with _errors():
            # Without a name it is a temporary file of its own.
            self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            self._database.executescript(_TABLES)
        # For transactions; SQLite itself takes care of single statements.
        self._lock = threading.Lock()

    def add(self, holdings: Iterable[Holding], *, source: str | None = None) -> None:
        """Add what a part of the far side holds, all or nothing; one that has a name is added only once."""
        rows = ((one.deployment_id, one.started_us, one.scoring_id, one.rows) for one in holdings)
        with _errors(), self._transaction():
            if source is not None:
                if self.knows(source):
                    return
                self._database.execute("INSERT INTO source VALUES (?)", (source,))
            self._database.executemany("INSERT INTO holding VALUES (?, ?, ?, ?)", rows)

    def knows(self, source: str) -> bool:
        """Whether a part of the far side has been read."""
        with _errors():
            return self._database.execute("SELECT 1 FROM source WHERE name = ?", (source,)).fetchone() is not None

    async def held(self, deployment_id: str, *, start: datetime, end: datetime) -> AsyncIterator[Held]:
        """Yield what was read of a deployment and a time, `end` outside; a record as often as it was read."""
        limits = (deployment_id, _microseconds(start), _microseconds(end))
        with _errors():
            found = await asyncio.to_thread(self._database.execute, _IN_TIME, limits)
        while page := await asyncio.to_thread(_page, found):
            for scoring_id, rows in page:
                yield Held(scoring_id, rows)

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        # It commits, or rolls back what an error has ended.
        with self._lock, self._database:
            self._database.execute("BEGIN")
            yield


_decoder = msgspec.json.Decoder(_Line)


def _page(found: sqlite3.Cursor) -> list[tuple[str, int]]:
    with _errors():
        return found.fetchmany(_PAGE_RECORDS)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SinkUnavailableError(
            f"What the far side holds can't be kept in the temporary folder ({type(error).__name__}): make room, or "
            "name another folder in TMPDIR."
        ) from None
