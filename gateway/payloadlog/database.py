"""Connections to the spool's SQLite file: settings, the tables, and SQLite's errors as ours."""

import errno
import os
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
from msgspec import json

from schemas.errors import PayloadLogError, SpoolUnavailableError

OLDEST_SQLITE = (3, 51, 3)
APPLICATION_ID = 0x6F736770
FORMAT_VERSION = 1
BUSY_SECONDS = 5.0
LOOK_FOR_LOCK_SECONDS = 0.001
# Whoever writes for long leaves the lock to the others for so long in between.
WRITERS_TURN_SECONDS = 2 * LOOK_FOR_LOCK_SECONDS
# The leader checkpoints long before this; a writer does it only where no leader is alive.
CHECKPOINT_BY_WRITERS_PAGES = 16_384
JOURNAL_LIMIT_BYTES = 64_000_000

STREAM_INDEX = "CREATE INDEX IF NOT EXISTS record_of_stream ON record (stream);"
TABLES = f"""
CREATE TABLE deployment (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE stream (
    no INTEGER PRIMARY KEY,
    deployment INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    origin TEXT NOT NULL,
    accepted INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (deployment, outcome, origin)
);
CREATE TABLE record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    scored_at INTEGER NOT NULL,
    scoring_id TEXT NOT NULL,
    line BLOB NOT NULL
);
CREATE INDEX record_in_lane ON record (deployment, seq, stream);
CREATE INDEX record_by_time ON record (scored_at);
{STREAM_INDEX}
CREATE TABLE sink (
    name TEXT PRIMARY KEY, filter BLOB NOT NULL, configured INTEGER NOT NULL, replayed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE lane (
    sink TEXT NOT NULL,
    deployment INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    PRIMARY KEY (sink, deployment)
) WITHOUT ROWID;
CREATE TABLE owed (
    sink TEXT NOT NULL,
    stream INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    since INTEGER,
    behind INTEGER NOT NULL,
    PRIMARY KEY (sink, stream)
) WITHOUT ROWID;
CREATE TABLE dead_letter (
    sink TEXT NOT NULL,
    seq INTEGER NOT NULL,
    scoring_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    died_at INTEGER NOT NULL,
    PRIMARY KEY (sink, seq)
) WITHOUT ROWID;
CREATE INDEX dead_letter_of_record ON dead_letter (seq);
CREATE TABLE requeued (
    sink TEXT NOT NULL, deployment INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (sink, deployment, seq)
) WITHOUT ROWID;
CREATE INDEX requeued_record ON requeued (seq);
CREATE TABLE dropped (
    sink TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (sink, reason)
) WITHOUT ROWID;
CREATE TABLE note (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE probe (filler BLOB NOT NULL);
"""
TALLIES = """
CREATE TRIGGER record_accepted AFTER INSERT ON record BEGIN
    UPDATE stream SET accepted = accepted + 1 WHERE no = new.stream;
END;
CREATE TRIGGER record_deleted AFTER DELETE ON record BEGIN
    UPDATE stream SET deleted = deleted + 1 WHERE no = old.stream;
END;
"""


def check_library() -> None:
    """Refuse a SQLite that can corrupt a WAL which several connections write.

    Raises:
        PayloadLogError: the library that apsw brings is too old.
    """
    found = apsw.sqlite_lib_version()
    if tuple(int(part) for part in found.split(".")) < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise PayloadLogError(f"SQLite {found} is too old for the spool: {oldest} is needed. Upgrade the package apsw.")


def create_file(path: Path) -> None:
    """Make an empty file, where there is none, that its owner alone can read: its WAL will be like it.

    Raises:
        OSError: it can't be made.
    """
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def connect(path: Path) -> apsw.Connection:
    """Open an existing spool for writing.

    Raises:
        apsw.Error: SQLite can't open it.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=256)
    try:
        wait_for_locks(connection)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("cell_size_check", True)
        connection.pragma("journal_size_limit", JOURNAL_LIMIT_BYTES)
        connection.pragma("wal_autocheckpoint", CHECKPOINT_BY_WRITERS_PAGES)
    except apsw.Error:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> apsw.Connection:
    """Open the spool for reading alone, beside whoever writes it.

    Raises:
        apsw.Error: SQLite can't open it.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    wait_for_locks(connection)
    return connection


def wait_for_locks(connection: apsw.Connection, seconds: float = BUSY_SECONDS) -> None:
    """Let a connection wait so long for locks of others, before it fails with BusyError."""
    # SQLite's own handler soon looks ten times a second: it would miss every pause of one who writes all the time.
    waiting_since = 0.0

    def wait(looks: int) -> bool:
        nonlocal waiting_since
        if looks == 0:
            waiting_since = time.monotonic()
        time.sleep(LOOK_FOR_LOCK_SECONDS)
        return time.monotonic() - waiting_since < seconds

    connection.set_busy_handler(wait)


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Write in one transaction, begun with the write lock: it can't fail halfway for another writer's sake."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: apsw.Connection) -> Iterator[None]:
    """Read in one transaction: everything is seen as it was at one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def spool_errors(path: Path) -> Iterator[None]:
    """Raise SpoolUnavailableError for an error of SQLite or of the file system in the block."""
    try:
        yield
    except (apsw.Error, OSError, UnicodeDecodeError) as error:
        if is_damage(error):
            mark_suspect(path)
        raise SpoolUnavailableError(explain(error, path)) from error


def explain(error: Exception, path: Path) -> str:
    """Return what is wrong with the spool and what to do, without a value of it."""
    match error:
        case apsw.FullError() | OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return f"The disk of the spool {path} is full: free some room there."
        case apsw.BusyError() | apsw.LockedError():
            return f"The spool {path} was locked by another process for {BUSY_SECONDS:g} s."
        case apsw.ReadOnlyError() | apsw.PermissionsError() | PermissionError() | OSError(errno=errno.EROFS):
            return f"The spool {path} can't be written: check its permissions and those of its folder."
        case apsw.CorruptError() | apsw.NotADBError() | UnicodeDecodeError():
            return f"The spool {path} is damaged: a gateway that runs, or starts, keeps what can be read of it."
        case apsw.CantOpenError() | FileNotFoundError():
            return f"The spool {path} is not there, or can't be opened: check the file and its folder."
    return f"The spool {path} fails ({type(error).__name__}): check its disk."


def is_damage(error: BaseException) -> bool:
    """Tell whether an error means that the file itself is broken (SQLite does not check that text is UTF-8)."""
    return isinstance(error, apsw.CorruptError | apsw.NotADBError | UnicodeDecodeError)


def suspect_marker(path: Path) -> Path:
    """Return the file whose presence asks for a full check: of a gateway that runs, else at the next start."""
    return path.with_name(f"{path.name}.suspect")


def mark_suspect(path: Path) -> None:
    """Ask for a full check of the file."""
    try:
        suspect_marker(path).touch()
    except OSError:
        # The start after this one still probes the file; there is nobody else to tell.
        return


def query(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return all rows; their types are those of the columns asked for."""
    return connection.execute(sql, tuple(bindings)).fetchall()


def rows(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> Generator[tuple[Any, ...], None, None]:
    """Yield rows one by one; closing the iterator ends the read."""
    cursor = connection.execute(sql, tuple(bindings))
    try:
        yield from cursor
    finally:
        cursor.close(True)


def number(connection: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> int:
    """Return the one integer that a statement yields; 0 for NULL or no row."""
    value = connection.execute(sql, tuple(bindings)).get
    return value if isinstance(value, int) else 0


def listed(numbers: Iterable[int]) -> str:
    """Return the binding for `IN (SELECT value FROM json_each(?))`."""
    return json.encode(list(numbers)).decode()


def used_bytes(connection: apsw.Connection, path: Path) -> int:
    """Return the size of the spool: file and WAL, without the pages that are free for new records."""
    page_size = number(connection, "PRAGMA page_size")
    pages = number(connection, "PRAGMA page_count") - number(connection, "PRAGMA freelist_count")
    return pages * page_size + wal_bytes(path)


def wal_bytes(path: Path) -> int:
    """Return the size of the write-ahead log in bytes."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except FileNotFoundError:
        return 0
