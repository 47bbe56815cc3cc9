"""Dead letters: read, and sent back to where they came from. Blocking; beside whoever writes the spool."""

import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Literal

import apsw
from msgspec import Struct, json

from gateway.payloadlog.accounting import Stream, read_sinks, read_streams
from gateway.payloadlog.database import (
    WRITERS_TURN_SECONDS,
    connect,
    connect_to_read,
    listed,
    query,
    spool_errors,
    transaction,
)

PAGE_LETTERS = 500

Fate = Literal["requeued", "not_owed", "record_lost"]


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
    """What became of a wish to requeue records by name.

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


class RequeuedAll(Struct, frozen=True, kw_only=True):
    """How many dead letters of a sink are pending again, and how many stay what they are, as in `Requeueing`."""

    requeued: int = 0
    not_owed: int = 0
    record_lost: int = 0


def read_dead_letters(path: str | Path, *, sink: str | None = None) -> Iterator[DeadLetterRecord]:
    """Yield the dead letters of one sink or of all, by sink and in the order of the spool, in constant memory.

    Raises:
        SpoolUnavailableError: the spool can't be read.
    """
    file = Path(path)
    with spool_errors(file), closing(connect_to_read(file)) as connection:
        behind = (sink or "", 0)
        while found := query(connection, _LETTERS, (sink, *behind, PAGE_LETTERS)):
            for name, _, scoring_id, deployment_id, scored_at, reason, died_at in found:
                yield DeadLetterRecord(
                    sink=name,
                    scoring_id=scoring_id,
                    deployment_id=deployment_id,
                    scored_at_us=scored_at,
                    reason=reason,
                    died_at_us=died_at,
                )
            behind = found[-1][:2]


def requeue(path: str | Path, *, sink: str, scoring_ids: Collection[str]) -> Requeueing:
    """Make dead letters of a sink pending again, some with each transaction; the leader's shipper sends them.

    Args:
        path: of an existing spool.
        sink: its name in the configuration.
        scoring_ids: which.

    Raises:
        SpoolUnavailableError: the spool can't be written.
    """
    ended: dict[Fate, list[str]] = {"requeued": [], "not_owed": [], "record_lost": []}
    for scoring_id, fate in _requeued(Path(path), sink, scoring_ids):
        ended[fate].append(scoring_id)
    found = set(chain.from_iterable(ended.values()))
    return Requeueing(**ended, unknown=[scoring_id for scoring_id in scoring_ids if scoring_id not in found])


def requeue_all(path: str | Path, *, sink: str) -> RequeuedAll:
    """Make all dead letters of a sink pending again, as `requeue` does, in constant memory.

    Raises:
        SpoolUnavailableError: the spool can't be written.
    """
    ended = Counter[str](fate for _, fate in _requeued(Path(path), sink, None))
    return RequeuedAll(**ended)


def _requeued(path: Path, sink: str, scoring_ids: Collection[str] | None) -> Iterator[tuple[str, Fate]]:
    """Requeue page by page: looked for beside those who write, then moved under the write lock for a moment."""
    wanted = None if scoring_ids is None else json.encode(list(scoring_ids)).decode()
    with spool_errors(path), closing(connect(path)) as connection:
        last = 0
        while seqs := [seq for (seq,) in query(connection, _WANTED, (sink, last, wanted, PAGE_LETTERS))]:
            with transaction(connection):
                moved = _move(connection, sink, seqs)
            yield from moved
            last = seqs[-1]
            time.sleep(WRITERS_TURN_SECONDS)


def _move(connection: apsw.Connection, sink: str, seqs: Collection[int]) -> list[tuple[str, Fate]]:
    letters = query(
        connection,
        "SELECT l.seq, l.scoring_id, r.stream FROM dead_letter l LEFT JOIN record r ON r.seq = l.seq"
        " WHERE l.sink = ? AND l.seq IN (SELECT value FROM json_each(?)) ORDER BY l.seq",
        (sink, listed(seqs)),
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
    return [(scoring_id, _fate(stream, owed)) for _, scoring_id, stream in letters]


def _fate(stream: int | None, owed: Collection[int]) -> Fate:
    if stream is None:
        return "record_lost"
    return "requeued" if stream in owed else "not_owed"


def _owed(connection: apsw.Connection, sink: str) -> dict[int, Stream]:
    """Return the streams that a sink is owed, by number."""
    filters = [known.filter for known in read_sinks(connection) if known.name == sink]
    return {
        stream.no: stream for stream in read_streams(connection) if any(stream.passes(wanted) for wanted in filters)
    }


_LETTERS = (
    "SELECT l.sink, l.seq, l.scoring_id, d.id, r.scored_at, l.reason, l.died_at FROM dead_letter l"
    " LEFT JOIN record r ON r.seq = l.seq LEFT JOIN deployment d ON d.no = r.deployment"
    " WHERE (?1 IS NULL OR l.sink = ?1) AND (l.sink, l.seq) > (?2, ?3) ORDER BY l.sink, l.seq LIMIT ?4"
)
_WANTED = (
    "SELECT seq FROM dead_letter WHERE sink = ?1 AND seq > ?2"
    " AND (?3 IS NULL OR scoring_id IN (SELECT value FROM json_each(?3))) ORDER BY seq LIMIT ?4"
)
