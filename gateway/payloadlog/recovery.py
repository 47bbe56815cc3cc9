"""A damaged spool: noticed, copied to a new file as far as it can be read, and set aside.

The new file grows beside the damaged one and takes its place when it is complete, so a crash during recovery costs
nothing: without a spool, a complete `<path>.recovering` takes its place; beside one, it is begun anew.
"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct

from gateway.payloadlog.accounting import read_sinks, read_streams
from gateway.payloadlog.database import (
    connect,
    connect_to_read,
    is_damage,
    number,
    query,
    rows,
    suspect_marker,
    used_bytes,
)
from gateway.payloadlog.salvage import STATE_TABLES, salvage

# A larger file is checked as a whole only when something was found wrong with it: that reads all of it.
FULL_CHECK_BYTES = 64_000_000
SIDE_FILES = ("", "-wal", "-shm")


class RecoveryReport(Struct, frozen=True, kw_only=True):
    """What became of a damaged spool.

    Attributes:
        damaged: where the damaged file is now.
        records: copied to the new file.
        lost: records that the tallies knew and that can't be read; None where the tallies are lost, too.
        cursors_kept: whether the sinks' cursors could be read; if not, sinks get all records again.
    """

    damaged: Path
    records: int
    lost: int | None
    cursors_kept: bool

    def figures(self) -> dict[str, object]:
        """Return the report as fields of a log line."""
        return {
            "damaged_file": str(self.damaged),
            "records_kept": self.records,
            "records_lost": self.lost,
            "cursors_kept": self.cursors_kept,
        }


def is_damaged(path: Path) -> bool:
    """Tell whether a spool has to be recovered; False where there is none.

    Raises:
        apsw.Error: it can't be opened, for another reason than damage.
    """
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        connection = connect(path)
    except apsw.Error as error:
        if is_damage(error):
            return True
        raise
    try:
        return _fails(connection, path)
    finally:
        connection.close()


def is_foreign(path: Path, application_id: int) -> bool:
    """Tell whether the file is a sound database of something else, which must not be touched."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    connection = connect_to_read(path)
    try:
        if number(connection, "PRAGMA application_id") == application_id:
            return False
        tables = {name for (name,) in query(connection, "SELECT name FROM sqlite_schema WHERE type = 'table'")}
        return bool(tables) and not {"record", "stream", "lane"} <= tables
    except apsw.Error as error:
        if is_damage(error):
            return False
        raise
    finally:
        connection.close()


def recover(path: Path, create: Callable[[Path], None]) -> RecoveryReport:
    """Replace a damaged spool by a new one with everything that can be read of it.

    Args:
        path: the damaged file.
        create: makes an empty spool.

    Raises:
        apsw.Error: the new file can't be written.
        OSError: files can't be renamed.
    """
    fresh = _fresh(path)
    for suffix in SIDE_FILES:
        Path(f"{fresh}{suffix}").unlink(missing_ok=True)
    create(fresh)
    kept = salvage(path, fresh)
    damaged = _set_aside(path)
    fresh.rename(path)
    return RecoveryReport(damaged=damaged, records=kept.records, lost=kept.lost, cursors_kept=kept.cursors)


def finish_interrupted(path: Path) -> None:
    """Put a complete new file in its place, where a crash came between the last two renames of a recovery."""
    fresh = _fresh(path)
    if not path.exists() and fresh.exists():
        _set_aside(path)
        fresh.rename(path)


def _fails(connection: apsw.Connection, path: Path) -> bool:
    try:
        if number(connection, "SELECT count(*) FROM sqlite_schema") == 0:
            return False
        _probe(connection)
        if suspect_marker(path).exists():
            # SQLite does not check that text is UTF-8.
            deque(rows(connection, "SELECT scoring_id FROM record"), maxlen=0)
            # Unlike a quick check it sees an index that contradicts its table: whatever was met must be found.
            return query(connection, "PRAGMA integrity_check(1)") != [("ok",)]
        small = used_bytes(connection, path) <= FULL_CHECK_BYTES
        return small and query(connection, "PRAGMA quick_check(1)") != [("ok",)]
    except (apsw.SQLError, msgspec.DecodeError):
        # A table is missing, or a filter is not one.
        return True
    except (apsw.Error, UnicodeDecodeError) as error:
        if is_damage(error):
            return True
        raise


def _probe(connection: apsw.Connection) -> None:
    """Read a little of everything."""
    read_sinks(connection)
    read_streams(connection)
    for table in STATE_TABLES:
        query(connection, f"SELECT * FROM {table} LIMIT 1000")  # noqa: S608 - constants
    for order in ("ASC", "DESC"):
        query(connection, f"SELECT * FROM record ORDER BY seq {order} LIMIT 1")  # noqa: S608 - constants


def _fresh(path: Path) -> Path:
    return path.with_name(f"{path.name}.recovering")


def _set_aside(path: Path) -> Path:
    """Move a file and its WAL away; its WAL must never meet another database."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    damaged = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in SIDE_FILES:
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{damaged}{suffix}")
    return damaged
