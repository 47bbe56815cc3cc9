"""Reading the spool beside whoever writes it, from any process: records, books, depth. Blocking; meant for threads."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
from msgspec import Struct

from gateway.payloadlog.accounting import SinkAccount, SpoolDepth, read_accounts, read_sinks
from gateway.payloadlog.database import connect_to_read, number, query, rows, snapshot, spool_errors, used_bytes
from gateway.payloadlog.salvage import DAMAGED_RECORDS, RECOVERED_RECORDS, RECOVERIES, UNCOUNTED_RECOVERIES
from schemas.caller import Origin
from schemas.payload import Outcome

PAGE_RECORDS = 256
PAGE_BYTES = 4_000_000
REACH_RECORDS = 1000


class StoredRecord(Struct, frozen=True, kw_only=True):
    """A record in the spool.

    Attributes:
        seq: position; pass it as `after` to go on behind it.
        scoring_id: of the call.
        deployment_id: public id.
        outcome: how the call ended.
        origin: whose call it was.
        scored_at_us: start of the call, in microseconds of the Unix epoch.
        line: the record as JSON (`schemas.payload.decode_record`).
    """

    seq: int
    scoring_id: str
    deployment_id: str
    outcome: Outcome
    origin: Origin
    scored_at_us: int
    line: bytes


class Recoveries(Struct, frozen=True):
    """What damage has cost this spool, ever.

    Attributes:
        times: that a damaged file was set aside.
        records_kept: copied from such files.
        records_lost: that could not be read.
        uncounted: how often nobody could tell how many were lost.
    """

    times: int = 0
    records_kept: int = 0
    records_lost: int = 0
    uncounted: int = 0


class SpoolStats(Struct, frozen=True):
    """Books and depth of one moment."""

    accounts: list[SinkAccount]
    depth: SpoolDepth
    recoveries: Recoveries = Recoveries()


class SpoolReader:
    """Reads one spool; each call has a connection of its own, so it may be shared by threads.

    Args:
        path: of an existing spool.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def records(
        self,
        *,
        deployment_id: str | None = None,
        start_us: int | None = None,
        end_us: int | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Generator[StoredRecord, None, None]:
        """Yield records in the order of the spool, in constant memory.

        No transaction stays open between records: a slow consumer holds nobody up, and records that arrive meanwhile
        are yielded, too.

        Args:
            deployment_id: only this deployment's.
            start_us: calls that started then or later, in microseconds of the Unix epoch.
            end_us: calls that started earlier than that.
            after: only records behind this `seq`.
            limit: at most so many.

        Raises:
            SpoolUnavailableError: the spool can't be read.
        """
        with self._connection() as connection:
            wanted = _Wanted(deployment_id=deployment_id, start_us=start_us, end_us=end_us)
            while limit is None or limit > 0:
                until = _reach(connection, wanted, after) if wanted.timed else None
                page = _page(connection, wanted, after, until, PAGE_RECORDS if limit is None else limit)
                if page:
                    yield from page
                    after = page[-1].seq
                    limit = None if limit is None else limit - len(page)
                elif until is None or (following := _next_in_time(connection, wanted, until)) is None:
                    return
                else:
                    after = following - 1

    def newest(self, n_records: int, *, deployment_id: str | None = None) -> list[StoredRecord]:
        """Return the last records, in the order of the spool.

        Raises:
            SpoolUnavailableError: the spool can't be read.
        """
        with self._connection() as connection:
            first = _newest(connection, deployment_id, n_records)
        return list(self.records(deployment_id=deployment_id, after=first - 1)) if first else []

    def stats(self) -> SpoolStats:
        """Return books and depth from one read transaction.

        Raises:
            SpoolUnavailableError: the spool can't be read.
        """
        with self._connection() as connection, snapshot(connection):
            return SpoolStats(
                accounts=read_accounts(connection),
                depth=_depth(connection, self._path),
                recoveries=_recoveries(connection),
            )

    def accounts(self) -> list[SinkAccount]:
        """Return the books of all sinks.

        Raises:
            SpoolUnavailableError: the spool can't be read.
        """
        return self.stats().accounts

    def depth(self) -> SpoolDepth:
        """Return how much the spool holds.

        Raises:
            SpoolUnavailableError: the spool can't be read.
        """
        with self._connection() as connection, snapshot(connection):
            return _depth(connection, self._path)

    def configured_sinks(self) -> frozenset[str]:
        """Return the names of the sinks that are owed what is recorded from now on.

        Raises:
            SpoolUnavailableError: the spool can't be read.
        """
        with self._connection() as connection:
            return frozenset(sink.name for sink in read_sinks(connection) if sink.configured)

    def last_seq(self) -> int:
        """Return the position of the newest record, 0 where there is none: `tail` starts behind it.

        Raises:
            SpoolUnavailableError: the spool can't be read.
        """
        with self._connection() as connection:
            return number(connection, "SELECT max(seq) FROM record")

    @contextmanager
    def _connection(self) -> Iterator[apsw.Connection]:
        with spool_errors(self._path):
            connection = connect_to_read(self._path)
            try:
                yield connection
            finally:
                connection.close()


class _Wanted(Struct, frozen=True, kw_only=True):
    deployment_id: str | None
    start_us: int | None
    end_us: int | None

    @property
    def timed(self) -> bool:
        return self.start_us is not None or self.end_us is not None


def _reach(connection: apsw.Connection, wanted: _Wanted, after: int) -> int | None:
    """Return a `seq` up to which few records lie behind `after`; None where few follow at all.

    Pages follow each other: most often the next record wanted is near. The index on time finds it wherever it is, but
    reads the whole time asked for.
    """
    if wanted.deployment_id is None:
        until = after + REACH_RECORDS
        return until if until < number(connection, "SELECT max(seq) FROM record") else None
    return (
        number(
            connection,
            "SELECT seq FROM record INDEXED BY record_in_lane"
            " WHERE deployment = (SELECT no FROM deployment WHERE id = ?) AND seq > ? ORDER BY seq LIMIT 1 OFFSET ?",
            (wanted.deployment_id, after, REACH_RECORDS),
        )
        or None
    )


def _next_in_time(connection: apsw.Connection, wanted: _Wanted, after: int) -> int | None:
    """Return the first `seq` behind `after` of the calls of a time, whatever their deployment; None without any."""
    condition, bindings = _time(wanted.start_us, wanted.end_us)
    return (
        number(
            connection,
            f"SELECT min(seq) FROM record INDEXED BY record_by_time WHERE {condition} AND +seq > ?",  # noqa: S608
            (*bindings, after),
        )
        or None
    )


def _time(start_us: int | None, end_us: int | None) -> tuple[str, list[int]]:
    limits = [("scored_at >= ?", start_us), ("scored_at < ?", end_us)]
    given = [(condition, limit) for condition, limit in limits if limit is not None]
    return " AND ".join(condition for condition, _ in given), [limit for _, limit in given]


def _newest(connection: apsw.Connection, deployment_id: str | None, n_records: int) -> int:
    """Return the `seq` at which the last n records begin; 0 where there are none."""
    where = "" if deployment_id is None else " WHERE deployment = (SELECT no FROM deployment WHERE id = ?)"
    sql = f"SELECT seq FROM record{where} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - the parts are constants
    bindings = (n_records,) if deployment_id is None else (deployment_id, n_records)
    return number(connection, f"SELECT coalesce(min(seq), 0) FROM ({sql})", bindings)  # noqa: S608


def _page(
    connection: apsw.Connection, wanted: _Wanted, after: int, until: int | None, limit: int
) -> list[StoredRecord]:
    sql, bindings = _select(wanted, after, until, min(limit, PAGE_RECORDS))
    page: list[StoredRecord] = []
    n_bytes = 0
    with closing(rows(connection, sql, bindings)) as found:
        for seq, scoring_id, deployment, outcome, origin, scored_at, line in found:
            page.append(
                StoredRecord(
                    seq=seq,
                    scoring_id=scoring_id,
                    deployment_id=deployment,
                    outcome=outcome,
                    origin=origin,
                    scored_at_us=scored_at,
                    line=line,
                )
            )
            n_bytes += len(line)
            if n_bytes > PAGE_BYTES:
                break
    return page


def _select(wanted: _Wanted, after: int, until: int | None, limit: int) -> tuple[str, list[int | str]]:
    conditions, bindings = ["r.seq > ?"], list[int | str]([after])
    index = "NOT INDEXED"
    if until is not None:
        conditions.append("r.seq <= ?")
        bindings.append(until)
    if wanted.timed:
        condition, limits = _time(wanted.start_us, wanted.end_us)
        conditions.append(condition)
        bindings += limits
    if wanted.deployment_id is not None:
        index = "INDEXED BY record_in_lane"
        conditions.append("r.deployment = (SELECT no FROM deployment WHERE id = ?)")
        bindings.append(wanted.deployment_id)
    sql = (  # the parts are constants; values are bound
        "SELECT r.seq, r.scoring_id, d.id, s.outcome, s.origin, r.scored_at, r.line"  # noqa: S608
        f" FROM record r {index} CROSS JOIN stream s ON s.no = r.stream CROSS JOIN deployment d ON d.no = r.deployment"
        f" WHERE {' AND '.join(conditions)} ORDER BY r.seq LIMIT ?"
    )
    return sql, [*bindings, limit]


def _recoveries(connection: apsw.Connection) -> Recoveries:
    notes: dict[str, int] = dict(query(connection, "SELECT key, value FROM note"))
    return Recoveries(
        times=notes.get(RECOVERIES, 0),
        records_kept=notes.get(RECOVERED_RECORDS, 0),
        records_lost=notes.get(DAMAGED_RECORDS, 0),
        uncounted=notes.get(UNCOUNTED_RECOVERIES, 0),
    )


def _depth(connection: apsw.Connection, path: Path) -> SpoolDepth:
    return SpoolDepth(
        records=number(connection, "SELECT sum(accepted - deleted) FROM stream"), bytes=used_bytes(connection, path)
    )
