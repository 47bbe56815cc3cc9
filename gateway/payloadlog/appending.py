"""Appending groups of records: one statement, one transaction, one sync."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from gateway.payloadlog.database import connect, number, transaction, used_bytes
from gateway.payloadlog.entry import SpoolEntry

StreamKey = tuple[str, str, str]


class Appender:
    """Writes to the spool; belongs to one thread at a time.

    A thread that calls SQLite gives the interpreter's lock away for every step and may wait milliseconds to get it back
    while the event loop is busy. So a group is one multi-row INSERT that is its own transaction: one step, which takes
    the write lock, inserts, keeps the tallies (a trigger) and syncs.

    Args:
        path: an existing spool.

    Raises:
        apsw.Error: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path)
        self._streams: dict[StreamKey, tuple[int, int]] = {}

    def append(self, group: Sequence[SpoolEntry]) -> None:
        """Append records in their order, durably, all or none.

        Raises:
            apsw.Error: none of them is in the spool (after a failed sync: perhaps all are).
        """
        bindings: list[int | str | bytes] = []
        for entry in group:
            numbers = self.stream((entry.deployment_id, entry.outcome, entry.origin))
            bindings += (*numbers, entry.scored_at_us, entry.scoring_id, entry.line)
        self._connection.execute(_insert(len(group)), bindings)

    def stream(self, key: StreamKey) -> tuple[int, int]:
        """Return the numbers of deployment and stream, which are added where they are new.

        Raises:
            apsw.Error: they can't be added.
        """
        return self._streams.get(key) or self._add_stream(key)

    def try_room(self, n_bytes: int) -> None:
        """Write and remove filler of this size, to learn whether there is room for records again.

        Raises:
            apsw.Error: there is not.
        """
        self._connection.execute("INSERT INTO probe (filler) VALUES (zeroblob(?))", (n_bytes,))
        self._connection.execute("DELETE FROM probe")

    def used_bytes(self) -> int:
        """Return the size of the spool on disk, without free pages."""
        return used_bytes(self._connection, self._path)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _add_stream(self, key: StreamKey) -> tuple[int, int]:
        deployment_id, outcome, origin = key
        with transaction(self._connection):
            self._connection.execute("INSERT OR IGNORE INTO deployment (id) VALUES (?)", (deployment_id,))
            deployment = number(self._connection, "SELECT no FROM deployment WHERE id = ?", (deployment_id,))
            columns = (deployment, outcome, origin)
            self._connection.execute(
                "INSERT OR IGNORE INTO stream (deployment, outcome, origin) VALUES (?, ?, ?)", columns
            )
            stream = number(
                self._connection, "SELECT no FROM stream WHERE deployment = ? AND outcome = ? AND origin = ?", columns
            )
        self._streams[key] = (deployment, stream)
        return deployment, stream


@cache
def _insert(n: int) -> str:
    rows = ",".join(["(?,?,?,?,?)"] * n)
    return f"INSERT INTO record (deployment, stream, scored_at, scoring_id, line) VALUES {rows}"  # noqa: S608
