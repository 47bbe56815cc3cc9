from collections.abc import Callable
from pathlib import Path

from gateway.payloadlog.database import connect
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.salvage import salvage
from gateway.payloadlog.spool import Spool
from tests.fakes.payload_records import entry

Append = Callable[..., None]


def test_sound_spool_is_copied_whole_with_positions_and_tallies(spool: Path, append: Append, tmp_path: Path) -> None:
    append(*(entry("ab"[n % 2]) for n in range(1200)))
    connection = connect(spool)
    connection.execute("DELETE FROM record WHERE seq <= 100 OR seq > 1190")
    connection.close()
    fresh = Spool.open(tmp_path / "fresh.db", max_bytes=10**9).path
    kept = salvage(spool, fresh)
    assert (kept.records, kept.lost, kept.cursors) == (1090, 0, True)
    assert list(SpoolReader(fresh).records()) == list(SpoolReader(spool).records())
    assert _tallies(fresh) == _tallies(spool)


def test_line_that_is_not_its_record_is_left_out_and_counted(spool: Path, append: Append, tmp_path: Path) -> None:
    append(*(entry() for _ in range(3)))
    connection = connect(spool)
    connection.execute("UPDATE record SET line = CAST('{\"cut' AS BLOB) WHERE seq = 2")
    connection.close()
    kept = salvage(spool, Spool.open(tmp_path / "fresh.db", max_bytes=10**9).path)
    assert (kept.records, kept.lost) == (2, 1)


def _tallies(path: Path) -> list[tuple[object, ...]]:
    connection = connect(path)
    rows = connection.execute("SELECT *, (SELECT seq FROM sqlite_sequence) FROM stream").fetchall()
    connection.close()
    return rows
