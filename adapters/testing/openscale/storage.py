"""What is taken now and stored later, and what goes wrong in between; the same for both APIs."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from adapters.testing.openscale.rows import Row, StoredRecord, exploded


class Taken(Struct):
    """Records that were taken. `polls` are left until they end in `state`."""

    table: str
    records: Sequence[StoredRecord]
    polls: int
    end: Literal["active", "error"]

    @property
    def settled(self) -> bool:
        """Whether it has come to its end."""
        return not self.polls


class Storage:
    """Tables of rows, by the id of a data set (API v2) or a subscription (v1).

    Args:
        polls: how often what was taken is asked for before its rows are stored; 0: they are stored at once.

    Attributes:
        rows: by table and row id, in the order of their arrival.
        poison: scoring ids of records that are taken, and end in `error`.
        refused: scoring ids of records that are not taken.
        failing: how many further requests are taken and end in `error`, whatever they hold.
        taken: how often each scoring id was taken, stored or not; a part of a record counts under its own id.
    """

    def __init__(self, polls: int) -> None:
        self._polls = polls
        self.rows: dict[str, dict[str, Row]] = {}
        self.poison: set[str] = set()
        self.refused: set[str] = set()
        self.failing = 0
        self.taken: Counter[str] = Counter()

    def refuses(self, records: Sequence[StoredRecord]) -> bool:
        """Whether one of the records is not taken."""
        return any(record.whole_id in self.refused for record in records)

    def take(self, table: str, records: Sequence[StoredRecord]) -> Taken:
        """Take the records; with one that is poison among them all end in `error`."""
        self.taken.update(record.scoring_id for record in records)
        fails = any(record.whole_id in self.poison for record in records)
        if self.failing:
            self.failing -= 1
            fails = True
        taken = Taken(table, records, self._polls, "error" if fails else "active")
        if taken.settled:
            self._finish(taken)
        return taken

    def poll(self, taken: Taken) -> None:
        """Count a question for what was taken; the last one before its end stores it."""
        taken.polls -= 1
        if taken.settled:
            self._finish(taken)

    def _finish(self, taken: Taken) -> None:
        if taken.end == "active":
            rows = self.rows.setdefault(taken.table, {})
            for record in taken.records:
                rows.update((row["scoring_id"], row) for row in exploded(record))
        taken.records = []
