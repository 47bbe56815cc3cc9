from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from adapters.base.sink import RecordFilter
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
from tests.fakes.payload_records import entry

Append = Callable[..., None]
LANE = LaneKey("a", 1, "credit")


@pytest.fixture
def cursors(spool: Path, append: Append) -> Cursors:
    made = Cursors(spool)
    only = RecordFilter(outcomes=frozenset({"scored"}))
    made.register({"a": Registration(only, "beginning")})
    append(*(entry(outcome="scored" if n % 2 else "engine_error") for n in range(1, 8)))
    return made


def test_lane_reads_what_its_sink_is_owed_within_limits(cursors: Cursors) -> None:
    def seqs(**limits: float) -> list[int]:
        return [row.seq for row in cursors.read(LANE, **{"after": 0, "records": 100, "n_bytes": 1e9} | limits)]  # type: ignore[arg-type]

    size = len(entry().line)
    assert seqs() == [1, 3, 5, 7]
    assert seqs(after=3) == [5, 7]
    assert seqs(records=2) == [1, 3]
    assert seqs(n_bytes=2.5 * size) == [1, 3]
    assert seqs(n_bytes=1) == [1]


def test_looking_ahead_tells_sizes_and_how_far_nothing_else_is_owed(cursors: Cursors, append: Append) -> None:
    ahead = cursors.waiting(LANE, after=0, records=3, n_bytes=1e9)
    assert (ahead.records, ahead.last, ahead.seen) == (3, 5, 5)
    assert ahead.bytes == sum(len(row.line) for row in cursors.read(LANE, after=0, records=3, n_bytes=1e9))
    append(entry(outcome="engine_error"))
    ahead = cursors.waiting(LANE, after=7, records=3, n_bytes=1e9)
    assert (ahead.records, ahead.last, ahead.seen) == (0, 0, 8)


def test_cursor_and_counts_move_together_or_not_at_all(cursors: Cursors) -> None:
    letter = DeadLetter(3, "x", "refused")
    cursors.advance(LANE, cursor=3, delivered=1, dead=[letter])
    with pytest.raises(apsw.ConstraintError):
        cursors.advance(LANE, cursor=5, delivered=1, dead=[letter])
    assert cursors.cursor(LANE) == 3


def test_version_tells_of_other_connections(cursors: Cursors, append: Append) -> None:
    before = cursors.version()
    assert cursors.version() == before
    append(entry())
    assert cursors.version() != before
