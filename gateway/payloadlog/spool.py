"""The spool: payload records on local disk, from the answer of a call until every sink has them.

One SQLite file in WAL mode, with `synchronous=FULL`. Several processes append to it; one, the leader, moves cursors,
deletes and checkpoints. The tables stand in `database.py`; this is what they mean.

- A *record* is the line that `PayloadRecord.encode` made, with the columns that filters need. It counts as durable when
  the transaction that inserted it has been synced to the WAL. `seq` grows in the order of commits and is never reused,
  not even for deleted records.
- A *stream* is the set of records of one deployment, outcome and origin: what a sink's filter can tell apart. A trigger
  counts its records in `accepted` and `deleted`, in the very transaction that inserts or deletes them. At any moment a
  stream holds `accepted - deleted` records.
- A *lane* is one sink's way through one deployment. Its `cursor` is a `seq`: of the records at or before it that the
  sink is owed, each is delivered, a dead letter, or dropped; each one after it is pending. A cursor only grows, and
  only after the sink holds the records, in the transaction that counts them as delivered or dead. Without a row the
  cursor is 0.
- `owed` says since which of a stream's tallies a sink is owed its records, where that is not the first: a sink that
  started later, or a filter that changed. `since` is null while the filter excludes the stream; `closed` counts former
  periods. Records of the present period lie behind the `seq` `behind`.
- A *dead letter* names a record that a sink will not take. The record itself stays as long as retention allows.
- A dead letter that is *requeued* is pending again, though it lies before the cursor: `requeued` names it until it is
  delivered, or dead once more. It is sent out of order, beside the lane.
- A record that is *replayed* was owed and settled before, or never owed: it is only sent, and `sink.replayed` counts it
  apart from the books.
- `dropped` counts, by sink and reason, what was given up: `filtered_out` (pending when a filter changed),
  `dead_letter_expired`, `sink_removed` (pending for a sink that left the configuration), `damaged` (lost with a damaged
  file). So at every commit, for each sink: accepted = delivered + pending + dead + dropped.
- A record may be deleted when no sink is owed it any more; in any other case only where that is counted in `dropped`.
  A record that is pending for a configured sink is never deleted: a full spool refuses new ones instead.
- A crash loses what was not synced, and nothing else: SQLite replays the WAL at the next open. A damaged file is set
  aside, what can be read of it moves to a new one (`recovery.py`), and the rest is counted.
"""

from contextlib import closing
from pathlib import Path
from typing import Self

import apsw
import structlog
from msgspec import Struct

from gateway.payloadlog.database import (
    APPLICATION_ID,
    FORMAT_VERSION,
    TABLES,
    TALLIES,
    check_library,
    connect,
    connect_to_read,
    create_file,
    is_damage,
    number,
    spool_errors,
    suspect_marker,
    transaction,
)
from gateway.payloadlog.leader import LeaderLock
from gateway.payloadlog.recovery import RecoveryReport, finish_interrupted, is_damaged, is_foreign, recover
from schemas.errors import PayloadLogError

log = structlog.get_logger(__name__)


class Spool(Struct, frozen=True, kw_only=True):
    """An opened spool: the file exists, is whole, and has its tables.

    Attributes:
        path: of the SQLite file.
        max_bytes: of the spool on disk.
        recovery: what was kept of a damaged file, where there was one.
    """

    path: Path
    max_bytes: int
    recovery: RecoveryReport | None

    @classmethod
    def open(cls, path: str | Path, *, max_bytes: int) -> Self:
        """Make the spool ready for writers: create, or recover, its file.

        Blocking. It may be in use by another gateway, unless it is damaged: a damaged file is moved away.

        Raises:
            PayloadLogError: SQLite is too old; the file belongs to something else, or to another release; it is
                damaged, and somebody uses it.
            SpoolUnavailableError: the file can't be made or opened.
        """
        check_library()
        file = Path(path)
        with spool_errors(file):
            finish_interrupted(file)
            if is_foreign(file, APPLICATION_ID):
                raise PayloadLogError(
                    f"{file} is a database of something else: give `payload_log.path` another name.",
                    target="payload_log.path",
                )
            _refuse_other_format(file)
            suspect = suspect_marker(file)
            report = _recovered(file) if is_damaged(file) else None
            _create(file)
            if report is None and suspect.exists():
                log.warning("spool found sound", path=str(file), why_checked="somebody had met damage")
            suspect.unlink(missing_ok=True)
        return cls(path=file, max_bytes=max_bytes, recovery=report)

    def close(self) -> None:
        """Move the WAL into the file, where nobody else has it open."""
        with spool_errors(self.path):
            connection = connect(self.path)
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                # Somebody reads: whoever closes last does it.
                return
            finally:
                connection.close()


def _refuse_other_format(path: Path) -> None:
    """Check the format before the tables: those that another release has are no damage."""
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with closing(connect_to_read(path)) as connection:
            if number(connection, "PRAGMA application_id") == APPLICATION_ID:
                _check_version(connection, path)
    except apsw.Error as error:
        if not is_damage(error):
            raise


def _recovered(path: Path) -> RecoveryReport | None:
    """Recover the file while nobody leads: those who write it would go on writing to what is moved away."""
    with LeaderLock(path) as lock:
        if not lock.try_acquire():
            raise PayloadLogError(
                f"The spool {path} is damaged, and another gateway is using it: stop that one, "
                "then start again to keep what can be read.",
                target="payload_log.path",
            )
        if not is_damaged(path):
            return None
        report = recover(path, _create)
    log.error("damaged spool recovered", **report.figures())
    return report


def _create(path: Path) -> None:
    create_file(path)
    with closing(connect(path)) as connection:
        if not _has_tables(connection):
            with transaction(connection):
                # Another gateway may have been faster.
                if not _has_tables(connection):
                    connection.execute(TABLES)
                    connection.execute(TALLIES)
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        _check_version(connection, path)


def _has_tables(connection: apsw.Connection) -> bool:
    return number(connection, "SELECT count(*) FROM sqlite_schema") > 0


def _check_version(connection: apsw.Connection, path: Path) -> None:
    found = number(connection, "PRAGMA user_version")
    if found != FORMAT_VERSION:
        raise PayloadLogError(
            f"The spool {path} has format {found}, this release writes {FORMAT_VERSION}: "
            "run the release that wrote it until its sinks have everything, or give `payload_log.path` another name.",
            target="payload_log.path",
        )
