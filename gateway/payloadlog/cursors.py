"""What the leader reads and writes for the sinks: registration, the records of a lane, and cursors.

Blocking; belongs to one thread at a time. A change is one transaction.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

import apsw
from msgspec import Struct

from adapters.base.sink import RecordFilter
from gateway.payloadlog.accounting import (
    KnownSink,
    Stream,
    count_after,
    encode_filter,
    passes,
    read_cursors,
    read_sinks,
    read_streams,
)
from gateway.payloadlog.database import connect, listed, number, query, rows, snapshot, transaction
from gateway.payloadlog.salvage import CURSORS_LOST

Start = Literal["now", "beginning"]


class Registration(Struct, frozen=True):
    """A sink of the configuration: what it is owed, and where it starts if it is new."""

    filter: RecordFilter
    start: Start


class LaneKey(Struct, frozen=True):
    """One sink's way through one deployment."""

    sink: str
    deployment: int
    deployment_id: str


class Waiting(Struct, frozen=True, kw_only=True):
    """What a lane could send.

    Attributes:
        records: so many, at most those that were asked for.
        bytes: of their lines.
        last: `seq` of the last of them; 0 without any.
        seen: nothing else that the sink is owed lies at or before this `seq`.
    """

    records: int
    bytes: int
    last: int
    seen: int


class LaneRow(Struct, frozen=True):
    """A record as it stands in the spool."""

    seq: int
    scoring_id: str
    line: bytes


class DeadLetter(Struct, frozen=True):
    """A record that a sink will not take, and why (no payload value in it)."""

    seq: int
    scoring_id: str
    reason: str


class Cursors:
    """The leader's connection to the spool.

    Args:
        path: of an existing spool.

    Raises:
        apsw.Error: it can't be opened (all methods raise it where SQLite fails).
    """

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._filters: dict[str, RecordFilter] = {}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def register(self, sinks: Mapping[str, Registration]) -> None:
        """Make the books agree with the configuration.

        A new sink is owed what comes from now on, or all that the spool still holds. Where a filter grew, a sink is
        owed what lies behind its cursors; where it shrank, what was pending is dropped, and counted. A sink that has
        left the configuration stays owed what it was, until retention needs the room.
        """
        with transaction(self._connection):
            known = {sink.name: sink for sink in read_sinks(self._connection)}
            streams = read_streams(self._connection)
            cursors_lost = number(self._connection, "SELECT value FROM note WHERE key = ?", (CURSORS_LOST,)) > 0
            self._connection.execute("UPDATE sink SET configured = 0")
            for name, wanted in sinks.items():
                start: Start = "beginning" if cursors_lost else wanted.start
                _Books(self._connection, name, start).adapt(known.get(name), wanted.filter, streams)
                self._connection.execute(
                    "INSERT INTO sink (name, filter, configured) VALUES (?, ?, 1)"
                    " ON CONFLICT DO UPDATE SET filter = excluded.filter, configured = 1",
                    (name, encode_filter(wanted.filter)),
                )
            if sinks:
                self._connection.execute("DELETE FROM note WHERE key = ?", (CURSORS_LOST,))
        self._filters = {name: wanted.filter for name, wanted in sinks.items()}

    @property
    def connection(self) -> apsw.Connection:
        """The connection itself, for what else the leader keeps in the spool."""
        return self._connection

    def version(self) -> int:
        """Return a number that changes when another connection has committed."""
        return number(self._connection, "PRAGMA data_version")

    def streams(self) -> list[Stream]:
        """Return all streams with their tallies."""
        return read_streams(self._connection)

    def cursor(self, lane: LaneKey) -> int:
        """Return a lane's cursor."""
        return read_cursors(self._connection, lane.sink).get(lane.deployment, 0)

    def waiting(self, lane: LaneKey, *, after: int, records: int, n_bytes: float) -> Waiting:
        """Look what the lane has behind `after`, up to so many records or bytes, without reading their lines."""
        with snapshot(self._connection):
            end = number(self._connection, "SELECT max(seq) FROM record")
            found = size = last = 0
            sql = f"SELECT seq, length(line) {_LANE}"
            bindings = (lane.deployment, after, self._owed_streams(lane), records)
            with closing(rows(self._connection, sql, bindings)) as lengths:
                for seq, length in lengths:
                    found, size, last = found + 1, size + length, seq
                    if size >= n_bytes:
                        break
            return Waiting(records=found, bytes=size, last=last, seen=last or max(end, after))

    def read(self, lane: LaneKey, *, after: int, records: int, n_bytes: float) -> list[LaneRow]:
        """Read the records behind `after`, up to so many, and up to so many bytes unless the first alone is larger."""
        batch: list[LaneRow] = []
        size = 0
        sql = f"SELECT seq, scoring_id, line {_LANE}"
        with snapshot(self._connection):
            bindings = (lane.deployment, after, self._owed_streams(lane), records)
            with closing(rows(self._connection, sql, bindings)) as found:
                for seq, scoring_id, line in found:
                    size += len(line)
                    if batch and size > n_bytes:
                        break
                    batch.append(LaneRow(seq, scoring_id, line))
        return batch

    def advance(self, lane: LaneKey, *, cursor: int, delivered: int, dead: Sequence[DeadLetter]) -> None:
        """Move a cursor over records that the sink holds, or never will; with their counts, in one transaction."""
        died_at = time.time_ns() // 1000
        with transaction(self._connection):
            self._connection.execute(
                "INSERT INTO lane (sink, deployment, cursor, delivered) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET cursor = excluded.cursor, delivered = delivered + excluded.delivered",
                (lane.sink, lane.deployment, cursor, delivered),
            )
            self._connection.executemany(
                "INSERT INTO dead_letter (sink, seq, scoring_id, reason, died_at) VALUES (?, ?, ?, ?, ?)",
                [(lane.sink, letter.seq, letter.scoring_id, letter.reason, died_at) for letter in dead],
            )

    def _owed_streams(self, lane: LaneKey) -> str:
        # Asked for in the transaction that reads the records: one of a stream that is new must not be passed over.
        streams = query(
            self._connection, "SELECT no, outcome, origin FROM stream WHERE deployment = ?", (lane.deployment,)
        )
        wanted = self._filters[lane.sink]
        return listed(no for no, outcome, origin in streams if passes(wanted, lane.deployment_id, outcome, origin))


_LANE = (
    "FROM record INDEXED BY record_in_lane"
    " WHERE deployment = ? AND seq > ? AND stream IN (SELECT value FROM json_each(?)) ORDER BY seq LIMIT ?"
)


class _Books:
    """The books of one sink, while they are adapted to its filter."""

    def __init__(self, connection: apsw.Connection, sink: str, start: Start) -> None:
        self._connection = connection
        self._sink = sink
        self._start = start

    def adapt(self, known: KnownSink | None, wanted: RecordFilter, streams: Sequence[Stream]) -> None:
        self._cursors = read_cursors(self._connection, self._sink)
        self._owed = {
            stream: (closed, since)
            for stream, closed, since in query(
                self._connection, "SELECT stream, closed, since FROM owed WHERE sink = ?", (self._sink,)
            )
        }
        owed_before = [stream for stream in streams if known is not None and stream.passes(known.filter)]
        busy = {stream.deployment for stream in owed_before}
        for stream in streams:
            if stream in owed_before and not stream.passes(wanted):
                self._exclude(stream)
            elif stream not in owed_before and stream.passes(wanted):
                self._include(stream, in_use=stream.deployment in busy)

    def _include(self, stream: Stream, *, in_use: bool) -> None:
        cursor = self._cursors.get(stream.deployment)
        if cursor is None:
            # A lane that is in use without a row stands at the beginning, whatever a new one would do.
            cursor = 0 if in_use or self._start == "beginning" else self._end()
            self._cursors[stream.deployment] = cursor
            self._connection.execute(
                "INSERT INTO lane (sink, deployment, cursor, delivered) VALUES (?, ?, ?, 0)",
                (self._sink, stream.deployment, cursor),
            )
        pending = count_after(self._connection, stream.deployment, [stream.no], cursor)
        closed = self._owed.get(stream.no, (0, None))[0]
        self._keep(stream, closed=closed, since=stream.accepted - pending, behind=cursor)

    def _exclude(self, stream: Stream) -> None:
        cursor = self._cursors.get(stream.deployment, 0)
        pending = count_after(self._connection, stream.deployment, [stream.no], cursor)
        drop(self._connection, self._sink, "filtered_out", pending + self._forget_requeued(stream))
        closed, since = self._owed.get(stream.no, (0, 0))
        self._keep(stream, closed=closed + stream.accepted - (since or 0), since=None, behind=self._end())

    def _forget_requeued(self, stream: Stream) -> int:
        self._connection.execute(
            "DELETE FROM requeued WHERE sink = ? AND deployment = ?"
            " AND seq IN (SELECT q.seq FROM requeued q JOIN record r ON r.seq = q.seq WHERE r.stream = ?)",
            (self._sink, stream.deployment, stream.no),
        )
        return self._connection.changes()

    def _keep(self, stream: Stream, *, closed: int, since: int | None, behind: int) -> None:
        self._connection.execute(
            "INSERT INTO owed (sink, stream, closed, since, behind) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET closed = excluded.closed, since = excluded.since, behind = excluded.behind",
            (self._sink, stream.no, closed, since, behind),
        )

    def _end(self) -> int:
        return number(self._connection, "SELECT seq FROM sqlite_sequence WHERE name = 'record'")


def drop(connection: apsw.Connection, sink: str, reason: str, n: int) -> None:
    """Count records that a sink was owed and won't get."""
    if n:
        connection.execute(
            "INSERT INTO dropped (sink, reason, n) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            (sink, reason, n),
        )
