"""What the spool says a sink holds, window of time by window of time: the near side of an audit. Blocking."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
from msgspec import Struct

from gateway.payloadlog.accounting import KnownSink, Stream, read_cursors, read_sinks, read_streams
from gateway.payloadlog.database import connect_to_read, number, query, rows, snapshot, spool_errors

WINDOW_RECORDS = 20_000
# Retention deletes in the order in which calls ended; what is asked for here is the time at which they began.
UNSURE_US = 600_000_000


class Expected(Struct, frozen=True):
    """What one sink should hold of one deployment in a window.

    Attributes:
        delivered: rows by scoring id, of the records that were delivered.
        known: scoring ids of the records that it may hold beside these: pending, dead, or owed by an earlier filter.
    """

    delivered: dict[str, int]
    known: set[str]


class Window(Struct, frozen=True, kw_only=True):
    """A stretch of time, in microseconds of the Unix epoch; `end_us` is outside.

    Attributes:
        complete: whether the spool still has all records of it, so that others are surplus.
        expected: by sink and public id of the deployment, for all deployments that the sink's filter takes.
    """

    start_us: int
    end_us: int
    complete: bool
    expected: dict[tuple[str, str], Expected]


def read_window(path: Path, after_us: int, until_us: int, *, max_records: int = WINDOW_RECORDS) -> Window | None:
    """Return the next window; None where no record is left.

    Args:
        path: of an existing spool.
        after_us: where the window before it ended; 0 for the first, which begins with the oldest record.
        until_us: where the last window ends, unless a record is later.
        max_records: of a window; more where they started in the same microsecond.

    Raises:
        SpoolUnavailableError: the spool can't be read.
    """
    with spool_errors(path), closing(connect_to_read(path)) as connection, snapshot(connection):
        oldest, newest = query(connection, "SELECT min(scored_at), max(scored_at) FROM record")[0]
        if newest is None or newest < after_us:
            return None
        streams = read_streams(connection)
        sure_from = oldest + UNSURE_US if any(stream.deleted for stream in streams) else oldest
        start = after_us or oldest
        following = number(connection, _FOLLOWING, (start, max_records))
        end = max(following, start + 1) if following else max(until_us, newest + 1)
        if start < sure_from:
            end = min(end, sure_from)
        return Window(
            start_us=start,
            end_us=end,
            complete=start >= sure_from,
            expected=_expected(connection, start, end, streams),
        )


def read_again(path: Path, window: Window) -> Window:
    """Return a window as it is by now.

    Raises:
        SpoolUnavailableError: the spool can't be read.
    """
    with spool_errors(path), closing(connect_to_read(path)) as connection, snapshot(connection):
        expected = _expected(connection, window.start_us, window.end_us, read_streams(connection))
    return msgspec.structs.replace(window, expected=expected)


_FOLLOWING = "SELECT scored_at FROM record WHERE scored_at >= ? ORDER BY scored_at LIMIT 1 OFFSET ?"
_IN_TIME = "FROM record INDEXED BY record_by_time WHERE scored_at >= ? AND scored_at < ?"
_AMONG = "JOIN record r ON r.seq = x.seq WHERE x.sink = ? AND r.scored_at >= ? AND r.scored_at < ?"


class _Rows(Struct):
    rows: int


_decoder = msgspec.json.Decoder(_Rows)


class _Side:
    """One sink's share of a window."""

    def __init__(self, connection: apsw.Connection, sink: KnownSink, streams: Sequence[Stream], time: tuple[int, int]):
        self._cursors = read_cursors(connection, sink.name)
        periods = query(connection, "SELECT stream, closed, since, behind FROM owed WHERE sink = ?", (sink.name,))
        self._behind = {stream: behind for stream, _, since, behind in periods if since is not None}
        self._streams = {stream.no: stream for stream in streams}
        self._owed = {stream.no for stream in streams if stream.passes(sink.filter)}
        self._was_owed = {stream for stream, closed, _, _ in periods if closed}
        self._unsettled = {
            seq
            for table in ("dead_letter", "requeued")
            for (seq,) in query(connection, f"SELECT x.seq FROM {table} x {_AMONG}", (sink.name, *time))  # noqa: S608
        }
        self.expected = {self._streams[no].deployment_id: Expected({}, set()) for no in self._owed}

    def sort_in(self, seq: int, stream: int, scoring_id: str, line: bytes) -> None:
        expected = self.expected.get(self._streams[stream].deployment_id)
        if expected is None or stream not in self._owed | self._was_owed:
            return
        cursor = self._cursors.get(self._streams[stream].deployment, 0)
        if stream in self._owed and self._behind.get(stream, 0) < seq <= cursor and seq not in self._unsettled:
            expected.delivered[scoring_id] = _decoder.decode(line).rows
        else:
            expected.known.add(scoring_id)


def _expected(
    connection: apsw.Connection, start: int, end: int, streams: Sequence[Stream]
) -> dict[tuple[str, str], Expected]:
    sides = {sink.name: _Side(connection, sink, streams, (start, end)) for sink in read_sinks(connection)}
    with closing(rows(connection, f"SELECT seq, stream, scoring_id, line {_IN_TIME}", (start, end))) as found:
        for seq, stream, scoring_id, line in found:
            for side in sides.values():
                side.sort_in(seq, stream, scoring_id, line)
    return {
        (name, deployment_id): expected
        for name, side in sides.items()
        for deployment_id, expected in side.expected.items()
    }
