"""Dead letters: read, and sent back to where they came from. Blocking; beside whoever writes the spool."""

from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import apsw
from msgspec import Struct, json

from gateway.payloadlog.accounting import Stream, read_sinks, read_streams
from gateway.payloadlog.database import connect, connect_to_read, listed, query, spool_errors, transaction


class DeadLetterRecord(Struct, frozen=True, kw_only=True):
    """A record that a sink would not take.

    Attributes:
        sink: its name in the configuration.
        scoring_id: of the call.
        deployment_id: public id; None where the record was lost with a damaged file.
        scored_at_us: start of the call, in microseconds of the Unix epoch; None likewise.
        reason: the sink's, without payload values.
        died_at_us: when it was given up.
    """

    sink: str
    scoring_id: str
    deployment_id: str | None
    scored_at_us: int | None
    reason: str
    died_at_us: int


class Requeueing(Struct, frozen=True, kw_only=True):
    """What became of a wish to requeue.

    Attributes:
        requeued: scoring ids of the records that are pending again.
        not_owed: scoring ids that stay dead letters, since the sink's filter excludes them by now.
        record_lost: scoring ids that stay dead letters, since their record was lost with a damaged file.
        unknown: scoring ids that are no dead letters of the sink.
    """

    requeued: list[str]
    not_owed: list[str]
    record_lost: list[str]
    unknown: list[str]


def read_dead_letters(path: str | Path, *, sink: str | None = None) -> list[DeadLetterRecord]:
    """Return the dead letters of one sink or of all, in the order of the spool.

    Raises:
        SpoolUnavailableError: the spool can't be read.
    """
    file = Path(path)
    with spool_errors(file), closing(connect_to_read(file)) as connection:
        found = query(
            connection,
            "SELECT l.sink, l.scoring_id, d.id, r.scored_at, l.reason, l.died_at FROM dead_letter l"
            " LEFT JOIN record r ON r.seq = l.seq LEFT JOIN deployment d ON d.no = r.deployment"
            " WHERE ?1 IS NULL OR l.sink = ?1 ORDER BY l.sink, l.seq",
            (sink,),
        )
    return [
        DeadLetterRecord(
            sink=name,
            scoring_id=scoring_id,
            deployment_id=deployment_id,
            scored_at_us=scored_at,
            reason=reason,
            died_at_us=died_at,
        )
        for name, scoring_id, deployment_id, scored_at, reason, died_at in found
    ]


def requeue(path: str | Path, *, sink: str, scoring_ids: Collection[str] | None = None) -> Requeueing:
    """Make dead letters of a sink pending again, in one transaction; the leader's shipper sends them.

    Args:
        path: of an existing spool.
        sink: its name in the configuration.
        scoring_ids: which; None: all.

    Raises:
        SpoolUnavailableError: the spool can't be written.
    """
    file = Path(path)
    with spool_errors(file), closing(connect(file)) as connection, transaction(connection):
        letters = query(
            connection,
            "SELECT l.seq, l.scoring_id, r.stream FROM dead_letter l LEFT JOIN record r ON r.seq = l.seq"
            " WHERE l.sink = ?1 AND (?2 IS NULL OR l.scoring_id IN (SELECT value FROM json_each(?2))) ORDER BY l.seq",
            (sink, None if scoring_ids is None else json.encode(list(scoring_ids)).decode()),
        )
        owed = _owed(connection, sink)
        chosen = [(seq, owed[stream]) for seq, _, stream in letters if stream in owed]
        connection.execute(
            "DELETE FROM dead_letter WHERE sink = ? AND seq IN (SELECT value FROM json_each(?))",
            (sink, listed(seq for seq, _ in chosen)),
        )
        connection.executemany(
            "INSERT INTO requeued (sink, deployment, seq) VALUES (?, ?, ?)",
            [(sink, stream.deployment, seq) for seq, stream in chosen],
        )
    found = {scoring_id for _, scoring_id, _ in letters}
    return Requeueing(
        requeued=[scoring_id for _, scoring_id, stream in letters if stream in owed],
        not_owed=[scoring_id for _, scoring_id, stream in letters if stream is not None and stream not in owed],
        record_lost=[scoring_id for _, scoring_id, stream in letters if stream is None],
        unknown=[scoring_id for scoring_id in scoring_ids or () if scoring_id not in found],
    )


def _owed(connection: apsw.Connection, sink: str) -> dict[int, Stream]:
    """Return the streams that a sink is owed, by number."""
    filters = [known.filter for known in read_sinks(connection) if known.name == sink]
    return {
        stream.no: stream for stream in read_streams(connection) if any(stream.passes(wanted) for wanted in filters)
    }
