"""Requeued dead letters in the spool, as the leader reads and settles them: pending, though before the cursor.

Blocking, with the leader's connection. Every function raises apsw.Error where SQLite fails; then nothing is changed.
"""

import time
from collections.abc import Sequence
from contextlib import closing

from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, LaneRow
from gateway.payloadlog.database import listed, number, query, rows, transaction


def requeued_lanes(cursors: Cursors) -> list[LaneKey]:
    """Return the lanes that have any."""
    found = query(
        cursors.connection,
        "SELECT DISTINCT q.sink, q.deployment, d.id FROM requeued q JOIN deployment d ON d.no = q.deployment",
    )
    return [LaneKey(sink, deployment, deployment_id) for sink, deployment, deployment_id in found]


def requeued_bytes(cursors: Cursors, *, lane: LaneKey, records: int) -> int:
    """Return the size of a lane's next requeued records, so many at most; 0 where there are none."""
    lengths = f"SELECT length(r.line) AS n {_REQUEUED}"
    return number(cursors.connection, f"SELECT sum(n) FROM ({lengths})", (lane.sink, lane.deployment, records))  # noqa: S608


def read_requeued(cursors: Cursors, *, lane: LaneKey, records: int, n_bytes: float) -> list[LaneRow]:
    """Read them, up to so many, and up to so many bytes unless the first alone is larger."""
    batch: list[LaneRow] = []
    size = 0
    sql = f"SELECT r.seq, r.scoring_id, r.line {_REQUEUED}"
    with closing(rows(cursors.connection, sql, (lane.sink, lane.deployment, records))) as found:
        for seq, scoring_id, line in found:
            size += len(line)
            if batch and size > n_bytes:
                break
            batch.append(LaneRow(seq, scoring_id, line))
    return batch


def settle_requeued(cursors: Cursors, *, lane: LaneKey, seqs: Sequence[int], dead: Sequence[DeadLetter]) -> None:
    """Count these as delivered, but for those that are dead letters once more. A second time changes nothing."""
    connection = cursors.connection
    died_at = time.time_ns() // 1000
    with transaction(connection):
        settled = query(
            connection,
            "DELETE FROM requeued WHERE sink = ? AND deployment = ? AND seq IN (SELECT value FROM json_each(?))"
            " RETURNING seq",
            (lane.sink, lane.deployment, listed(seqs)),
        )
        dead = [letter for letter in dead if (letter.seq,) in settled]
        connection.execute(
            "UPDATE lane SET delivered = delivered + ? WHERE sink = ? AND deployment = ?",
            (len(settled) - len(dead), lane.sink, lane.deployment),
        )
        connection.executemany(
            "INSERT INTO dead_letter (sink, seq, scoring_id, reason, died_at) VALUES (?, ?, ?, ?, ?)",
            [(lane.sink, letter.seq, letter.scoring_id, letter.reason, died_at) for letter in dead],
        )


_REQUEUED = (
    "FROM requeued q CROSS JOIN record r ON r.seq = q.seq WHERE q.sink = ? AND q.deployment = ? ORDER BY q.seq LIMIT ?"
)
