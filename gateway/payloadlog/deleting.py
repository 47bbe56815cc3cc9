"""Deleting records in small steps: chosen beside whoever writes the spool, checked once more under the write lock.

Blocking. Every function raises apsw.Error where SQLite fails.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import apsw
from msgspec import Struct

from gateway.payloadlog.accounting import Stream, read_cursors, read_sinks, read_streams
from gateway.payloadlog.cursors import drop
from gateway.payloadlog.database import listed, query, snapshot, transaction

# What is chosen at once is kept in memory; a step is as long as writers wait for the lock.
CHOSEN_AT_ONCE = 10_000
STEP_RECORDS = 500
STEP_BYTES = 4_000_000
FIRST_LOOK_RECORDS = 8
LOOK_RECORDS = 512
FOREVER = 2**63 - 1


class Age(Struct, frozen=True):
    """Which records are old enough.

    Attributes:
        older_than: those of calls that started earlier, in microseconds of the Unix epoch.
        now: a later date is that of a clock which was ahead, and says nothing; likewise.
        last: `seq` of the newest record that is old enough: what was appended before it is so, too.
    """

    older_than: int
    now: int
    last: int

    def reached_by(self, seq: int, scored_at: int) -> bool:
        """Whether a record is old enough."""
        return scored_at < self.older_than or (scored_at > self.now and seq < self.last)


class _Chosen(Struct, frozen=True, order=True):
    seq: int
    stream: int
    n_bytes: int


def read_age(connection: apsw.Connection, *, older_than: int, now: int) -> Age | None:
    """Look whether any record is old enough; None where there is none. The index on time tells at once."""
    newest = query(
        connection,
        "SELECT seq FROM record INDEXED BY record_by_time WHERE scored_at < ?"
        " ORDER BY scored_at DESC, seq DESC LIMIT 1",
        (older_than,),
    )
    return Age(older_than, now, newest[0][0]) if newest else None


def deletions(connection: apsw.Connection, *, age: Age | None, forced: bool) -> Iterator[int]:
    """Delete records that may go, oldest first; each step is a short transaction. Yield how many went with it.

    Args:
        connection: to write with; between two steps it holds no lock.
        age: only those that are old enough, up to the first of a stream that is not; None: all.
        forced: dead letters, and what is owed to sinks that left the configuration, may go, too, and are counted.
    """
    chosen_all = False
    while not chosen_all:
        streams, chosen = _choose(connection, age, forced=forced)
        chosen_all = len(chosen) < CHOSEN_AT_ONCE
        for step in _steps(chosen):
            with transaction(connection):
                n = _Step(connection, streams, forced=forced).delete(step)
            yield n


def _choose(
    connection: apsw.Connection, age: Age | None, *, forced: bool
) -> tuple[Mapping[int, Stream], Sequence[_Chosen]]:
    with snapshot(connection):
        streams = [stream for stream in read_streams(connection) if stream.accepted > stream.deleted]
        owed = _Owed(connection, forced=forced)
        oldest = heapq.merge(
            *(_expendable(connection, stream.no, owed.settled(stream), age, forced=forced) for stream in streams)
        )
        return {stream.no: stream for stream in streams}, list(islice(oldest, CHOSEN_AT_ONCE))


def _expendable(
    connection: apsw.Connection, stream: int, settled: int, age: Age | None, *, forced: bool
) -> Iterator[_Chosen]:
    """Yield a stream's records that may go; most streams have few, so the first look is a short one."""
    after, n = 0, FIRST_LOOK_RECORDS
    while True:
        found = query(connection, _EXPENDABLE, (forced, stream, after, settled, n))
        for seq, scored_at, n_bytes in found:
            if age is not None and not age.reached_by(seq, scored_at):
                return
            yield _Chosen(seq, stream, n_bytes)
        if len(found) < n:
            return
        after, n = found[-1][0], LOOK_RECORDS


def _steps(chosen: Sequence[_Chosen]) -> Iterator[list[_Chosen]]:
    step: list[_Chosen] = []
    n_bytes = 0
    for record in chosen:
        n_bytes += record.n_bytes
        if step and (len(step) == STEP_RECORDS or n_bytes > STEP_BYTES):
            yield step
            step, n_bytes = [], record.n_bytes
        step.append(record)
    if step:
        yield step


class _Owed:
    """How far the sinks are, in one transaction."""

    def __init__(self, connection: apsw.Connection, *, forced: bool) -> None:
        self._forced = forced
        self.sinks = [(sink, read_cursors(connection, sink.name)) for sink in read_sinks(connection)]

    def settled(self, stream: Stream) -> int:
        """Return the `seq` up to which nobody (forced: nobody in the configuration) is owed the stream's records."""
        return min(
            (
                cursors.get(stream.deployment, 0)
                for sink, cursors in self.sinks
                if stream.passes(sink.filter) and (sink.configured or not self._forced)
            ),
            default=FOREVER,
        )


class _Step:
    """One transaction: what was chosen may have been requeued meanwhile, or be owed to a sink that is new."""

    def __init__(self, connection: apsw.Connection, streams: Mapping[int, Stream], *, forced: bool) -> None:
        self._connection = connection
        self._streams = streams
        self._forced = forced
        self._owed = _Owed(connection, forced=forced)

    def delete(self, chosen: Sequence[_Chosen]) -> int:
        settled = {no: self._owed.settled(self._streams[no]) for no in {record.stream for record in chosen}}
        numbers = listed(record.seq for record in chosen if record.seq <= settled[record.stream])
        leaving: list[tuple[int, int]] = query(self._connection, _STILL_EXPENDABLE, (self._forced, numbers))
        numbers = listed(seq for seq, _ in leaving)
        if self._forced:
            self._drop_dead_letters(numbers)
            self._drop_owed_to_removed(leaving, numbers)
        self._connection.execute("DELETE FROM record WHERE seq IN (SELECT value FROM json_each(?))", (numbers,))
        return len(leaving)

    def _drop_dead_letters(self, numbers: str) -> None:
        for sink, n in self._taken("dead_letter", numbers).items():
            drop(self._connection, sink, "dead_letter_expired", n)

    def _drop_owed_to_removed(self, leaving: Sequence[tuple[int, int]], numbers: str) -> None:
        requeued = self._taken("requeued", numbers)
        for sink, cursors in self._owed.sinks:
            if not sink.configured:
                owed = sum(
                    self._streams[no].passes(sink.filter) and seq > cursors.get(self._streams[no].deployment, 0)
                    for seq, no in leaving
                )
                drop(self._connection, sink.name, "sink_removed", owed + requeued.get(sink.name, 0))

    def _taken(self, table: str, numbers: str) -> dict[str, int]:
        """Take the records out of a table of sinks; return how many by sink."""
        among = f"FROM {table} WHERE seq IN (SELECT value FROM json_each(?))"  # noqa: S608 - the tables are constants
        taken = query(self._connection, f"SELECT sink, count(*) {among} GROUP BY sink", (numbers,))
        self._connection.execute(f"DELETE {among}", (numbers,))
        return dict(taken)


_FREE = (
    "(?1 OR NOT EXISTS (SELECT 1 FROM dead_letter l WHERE l.seq = r.seq))"
    " AND NOT EXISTS (SELECT 1 FROM requeued q JOIN sink k ON k.name = q.sink"
    " WHERE q.seq = r.seq AND (k.configured OR NOT ?1))"
)
_EXPENDABLE = (
    "SELECT r.seq, r.scored_at, length(r.line) FROM record r INDEXED BY record_of_stream"  # noqa: S608 - constants
    f" WHERE r.stream = ?2 AND r.seq > ?3 AND r.seq <= ?4 AND {_FREE} ORDER BY r.seq LIMIT ?5"
)
_STILL_EXPENDABLE = f"SELECT r.seq, r.stream FROM record r WHERE r.seq IN (SELECT value FROM json_each(?2)) AND {_FREE}"  # noqa: S608
