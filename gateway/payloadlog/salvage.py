"""Reads what can be read of a damaged spool, and keeps its books in order."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct

from gateway.payloadlog.accounting import read_accounts, read_sinks
from gateway.payloadlog.appending import Appender
from gateway.payloadlog.database import connect, number, query, rows, transaction
from schemas.payload import PayloadRecord, decode_record

STATE_TABLES = ("deployment", "stream", "sink", "lane", "owed", "dead_letter", "requeued", "dropped")
SINK_TABLES = ("sink", "lane", "owed", "dead_letter", "requeued", "dropped")
CURSORS_LOST = "cursors_lost"
RECOVERIES = "recoveries"
RECOVERED_RECORDS = "recovered_records"
DAMAGED_RECORDS = "damaged_records"
UNCOUNTED_RECOVERIES = "uncounted_recoveries"
COMMIT_EVERY = 500
# Each unreadable range is halved until single records are left; this many reads, and the rest is given up.
MAX_READS = 100_000
ROW_COLUMNS = "seq, scored_at, scoring_id, line"

Row = tuple[int, int, str, bytes]
SpoolRow = tuple[int, int, int, int, str, bytes]


class Salvaged(Struct, frozen=True, kw_only=True):
    """What was copied: `records`; `lost` where the tallies tell; `cursors`: whether the sinks' state came along."""

    records: int
    lost: int | None
    cursors: bool


def salvage(damaged: Path, fresh: Path) -> Salvaged:
    """Copy all that is readable from a damaged spool to an empty one.

    Raises:
        apsw.Error: the new one can't be written.
    """
    target = connect(fresh)
    try:
        source = _open(damaged)
        if source is None:
            _forget_sinks(target)
            return _noted(target, Salvaged(records=0, lost=None, cursors=False))
        try:
            return _noted(target, _copy(source, target, fresh))
        finally:
            source.close()
    finally:
        # The file is about to be renamed: nothing of it may be left in a WAL.
        target.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        target.close()


def _open(damaged: Path) -> apsw.Connection | None:
    try:
        connection = connect(damaged)
    except apsw.Error:
        return None
    try:
        query(connection, "SELECT name FROM sqlite_schema")
    except apsw.Error:
        connection.close()
        return None
    return connection


def _noted(target: apsw.Connection, salvaged: Salvaged) -> Salvaged:
    """Keep the figures in the new spool, where they outlive the log line."""
    lost = 0 if salvaged.lost is None else salvaged.lost
    figures = {
        RECOVERIES: 1,
        RECOVERED_RECORDS: salvaged.records,
        DAMAGED_RECORDS: lost,
        UNCOUNTED_RECOVERIES: int(salvaged.lost is None),
    }
    with transaction(target):
        target.executemany(
            "INSERT INTO note (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
            list(figures.items()),
        )
    return salvaged


def _copy_notes(source: apsw.Connection, target: apsw.Connection) -> None:
    try:
        notes = query(source, "SELECT key, value FROM note")
    except (apsw.Error, UnicodeDecodeError):
        # They are figures of former recoveries; the records do not depend on them.
        return
    with transaction(target):
        target.executemany("INSERT INTO note (key, value) VALUES (?, ?)", notes)


def _copy(source: apsw.Connection, target: apsw.Connection, fresh: Path) -> Salvaged:
    tallies = _copy_state(source, target)
    _copy_notes(source, target)
    last_seq = _last_seq(source, target)
    n = _copy_records(source, target, fresh, last_seq)
    _keep_counting_from(target, last_seq)
    if tallies is None:
        _forget_sinks(target)
        return Salvaged(records=n, lost=None, cursors=False)
    with transaction(target):
        target.executemany(
            "UPDATE stream SET accepted = max(accepted, ?1), deleted = max(accepted, ?1) - accepted WHERE no = ?2",
            [(accepted, no) for no, accepted, _ in tallies],
        )
    known = sum(accepted - deleted for _, accepted, deleted in tallies)
    return Salvaged(records=n, lost=max(known - n, 0), cursors=_settle_books(target))


def _copy_state(source: apsw.Connection, target: apsw.Connection) -> list[tuple[int, int, int]] | None:
    """Copy all tables but the records; return accepted and deleted by stream, None where not all can be read."""
    try:
        tables = {name: query(source, f"SELECT * FROM {name}") for name in STATE_TABLES}  # noqa: S608 - constants
        read_sinks(source)
    except (apsw.Error, UnicodeDecodeError, msgspec.DecodeError):
        return None
    tallies = [(no, accepted, deleted) for no, _, _, _, accepted, deleted in tables["stream"]]
    if not all(isinstance(figure, int) for tally in tallies for figure in tally):
        return None
    tables["stream"] = [(*row[:4], 0, 0) for row in tables["stream"]]
    try:
        with transaction(target):
            for name, content in tables.items():
                if content:
                    marks = ",".join("?" * len(content[0]))
                    target.executemany(f"INSERT INTO {name} VALUES ({marks})", content)  # noqa: S608
    except apsw.ConstraintError:
        return None
    return tallies


def _last_seq(source: apsw.Connection, target: apsw.Connection) -> int:
    """Return the highest number that was ever given to a record, as far as anything tells."""
    highest = number(target, "SELECT max(cursor) FROM lane")
    for sql in (
        "SELECT seq FROM sqlite_sequence WHERE name = 'record'",
        "SELECT max(seq) FROM record",
        "SELECT max(seq) FROM record INDEXED BY record_in_lane",
    ):
        try:
            highest = max(highest, number(source, sql))
        except apsw.Error:
            continue
    return highest


def _copy_records(source: apsw.Connection, target: apsw.Connection, fresh: Path, last_seq: int) -> int:
    streams = Appender(fresh)
    n = 0
    try:
        copied: list[SpoolRow] = []
        for seq, scored_at, scoring_id, line in _readable(source, last_seq):
            record = _whole(scoring_id, line)
            if record is None:
                continue
            numbers = streams.stream((record.deployment_id, record.outcome, record.origin))
            copied.append((seq, *numbers, scored_at, scoring_id, line))
            if len(copied) == COMMIT_EVERY:
                n += _insert(target, copied)
                copied = []
        return n + _insert(target, copied)
    finally:
        streams.close()


def _insert(target: apsw.Connection, records: list[SpoolRow]) -> int:
    with transaction(target):
        target.executemany(
            "INSERT INTO record (seq, deployment, stream, scored_at, scoring_id, line) VALUES (?, ?, ?, ?, ?, ?)",
            records,
        )
    return len(records)


def _whole(scoring_id: object, line: object) -> PayloadRecord | None:
    if not isinstance(line, bytes):
        return None
    try:
        record = decode_record(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if record.scoring_id == scoring_id else None


def _readable(source: apsw.Connection, last_seq: int) -> Iterator[Row]:
    """Yield what can be read: upwards to a bad page, downwards to it, and then the halves of what is between."""
    ranges = [(1, last_seq)]
    reads = 0
    while ranges and reads < MAX_READS:
        low, high = ranges.pop()
        reads += 2
        below = low - 1
        for row in _until_unreadable(source, low, high, "ASC"):
            below = row[0]
            yield row
        above = high + 1
        for row in _until_unreadable(source, below + 1, high, "DESC"):
            above = row[0]
            yield row
        if above - below > 2:  # noqa: PLR2004 - more than one record is left between
            middle = (below + above) // 2
            ranges += [(below + 1, middle), (middle + 1, above - 1)]


def _until_unreadable(source: apsw.Connection, low: int, high: int, order: str) -> Iterator[Row]:
    sql = f"SELECT {ROW_COLUMNS} FROM record WHERE seq BETWEEN ? AND ? ORDER BY seq {order}"  # noqa: S608
    try:
        yield from rows(source, sql, (low, high))
    except (apsw.Error, UnicodeDecodeError):
        return


def _keep_counting_from(target: apsw.Connection, last_seq: int) -> None:
    with transaction(target):
        target.execute("DELETE FROM sqlite_sequence WHERE name = 'record'")
        target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('record', ?)", (last_seq,))


def _settle_books(target: apsw.Connection) -> bool:
    """Count what is missing of each sink's pending records; without sound books, let all sinks start again."""
    with transaction(target):
        target.execute("DELETE FROM requeued WHERE seq NOT IN (SELECT seq FROM record)")
        for account in read_accounts(target):
            missing = account.accepted - account.delivered - account.pending - account.dead
            missing -= sum(account.dropped.values())
            if missing < 0:
                break
            target.execute(
                "INSERT INTO dropped (sink, reason, n) SELECT ?1, 'damaged', ?2 WHERE ?2 > 0"
                " ON CONFLICT DO UPDATE SET n = n + excluded.n",
                (account.sink, missing),
            )
        else:
            return True
    _forget_sinks(target)
    return False


def _forget_sinks(target: apsw.Connection) -> None:
    with transaction(target):
        for name in SINK_TABLES:
            target.execute(f"DELETE FROM {name}")  # noqa: S608 - constants
        target.execute("INSERT OR REPLACE INTO note (key, value) VALUES (?, 1)", (CURSORS_LOST,))
