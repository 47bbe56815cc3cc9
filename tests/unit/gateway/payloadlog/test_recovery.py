import asyncio
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from adapters.base.sink import RecordFilter
from gateway.payloadlog.cursors import Cursors, LaneKey, Registration
from gateway.payloadlog.database import connect, mark_suspect, query, suspect_marker
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.spool import Spool
from gateway.payloadlog.writer import SpoolWriter
from schemas.errors import SpoolUnavailableError
from tests.fakes.payload_records import entry

Append = Callable[..., None]
PAGE = 4096


@pytest.fixture
def shipped(spool: Path, append: Append) -> Path:
    """A spool of 300 records, 100 of which are delivered to the sink `a`."""
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(), "beginning")})
    append(*(entry(filler=300) for _ in range(300)))
    cursors.advance(LaneKey("a", 1, "credit"), cursor=100, delivered=100, dead=[])
    cursors.close()
    _flush(spool)
    return spool


def test_bad_page_costs_its_own_records_and_they_are_counted(shipped: Path) -> None:
    page = _leaf_with(shipped, seq=200)
    _overwrite(shipped, page)
    report = Spool.open(shipped, max_bytes=10**9).recovery
    assert report is not None
    assert report.cursors_kept
    assert report.damaged.exists()
    assert report.lost is not None
    assert 0 < report.lost < 20
    assert report.records == 300 - report.lost
    [account] = SpoolReader(shipped).accounts()
    assert account.balances
    assert (account.accepted, account.delivered, dict(account.dropped)) == (300, 100, {"damaged": report.lost})
    stored = [record.seq for record in SpoolReader(shipped).records()]
    assert stored == sorted(stored)
    assert SpoolReader(shipped).depth().records == len(stored) == report.records


def test_recovered_spool_goes_on_counting_where_the_damaged_one_stopped(shipped: Path, append: Append) -> None:
    _overwrite(shipped, _leaf_with(shipped, seq=300))
    Spool.open(shipped, max_bytes=10**9)
    append(entry())
    assert SpoolReader(shipped).last_seq() == 301


def test_recovered_spool_is_sound(shipped: Path) -> None:
    _overwrite(shipped, _leaf_with(shipped, seq=150))
    assert Spool.open(shipped, max_bytes=10**9).recovery is not None
    assert Spool.open(shipped, max_bytes=10**9).recovery is None


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one" * 100, b"\0" * 8192])
def test_file_that_is_no_database_is_set_aside(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "payloads.db"
    path.write_bytes(content)
    report = Spool.open(path, max_bytes=10**9).recovery
    assert report is not None
    assert report.damaged.read_bytes() == content
    assert (report.records, report.lost, report.cursors_kept) == (0, None, False)


def test_lost_cursors_make_sinks_start_again_rather_than_miss_records(shipped: Path) -> None:
    connection = connect(shipped)
    connection.execute("DROP TABLE lane")
    connection.close()
    report = Spool.open(shipped, max_bytes=10**9).recovery
    assert report is not None
    assert (report.records, report.cursors_kept) == (300, False)
    cursors = Cursors(shipped)
    cursors.register({"a": Registration(RecordFilter(), "now")})
    cursors.close()
    [account] = SpoolReader(shipped).accounts()
    assert (account.accepted, account.pending, account.balances) == (300, 300, True)


def test_text_that_is_no_utf_8_is_found_when_the_file_is_suspect(shipped: Path) -> None:
    connection = connect(shipped)
    connection.execute("UPDATE record SET scoring_id = CAST(x'ff' AS TEXT) WHERE seq = 7")
    connection.close()
    with pytest.raises(SpoolUnavailableError, match="damaged"):
        list(SpoolReader(shipped).records())
    report = Spool.open(shipped, max_bytes=10**9).recovery
    assert report is not None
    assert (report.records, report.lost) == (299, 1)


def test_index_that_names_a_record_which_is_gone_is_found_when_the_file_is_suspect(shipped: Path) -> None:
    index = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = 'record_by_time'"
    with closing(connect(shipped)) as connection:
        connection.pragma("writable_schema", True)
        (row,) = query(connection, index)
        connection.execute("DELETE FROM sqlite_schema WHERE name = 'record_by_time'")
    with closing(connect(shipped)) as connection:
        connection.execute(
            "INSERT INTO record SELECT 301, deployment, stream, scored_at, scoring_id, line FROM record LIMIT 1"
        )
        connection.execute("DELETE FROM record WHERE seq = 7")
        connection.pragma("writable_schema", True)
        connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)
    assert Spool.open(shipped, max_bytes=10**9).recovery is None
    mark_suspect(shipped)
    report = Spool.open(shipped, max_bytes=10**9).recovery
    assert report is not None
    assert (report.records, report.lost) == (300, 0)


@pytest.mark.parametrize("seed", range(12))
def test_any_damaged_pages_leave_a_spool_that_works(seed: int, shipped: Path, append: Append) -> None:
    chance = random.Random(seed)  # noqa: S311
    n_pages = shipped.stat().st_size // PAGE
    for page in chance.sample(range(1, n_pages + 1), k=chance.choice([1, 2, 5])):
        _overwrite(shipped, page, chance.randbytes(PAGE))
    Spool.open(shipped, max_bytes=10**9)
    append(entry())
    assert all(account.balances for account in SpoolReader(shipped).accounts())
    stored = [record.seq for record in SpoolReader(shipped).records()]
    assert stored == sorted(set(stored))
    assert SpoolReader(shipped).depth().records == len(stored)


def test_crash_between_the_last_renames_of_a_recovery_is_finished_at_the_next_open(shipped: Path) -> None:
    shipped.rename(shipped.with_name("payloads.db.recovering"))
    shipped.with_name("payloads.db-wal").write_bytes(b"of the damaged one")
    assert Spool.open(shipped, max_bytes=10**9).recovery is None
    assert SpoolReader(shipped).depth().records == 300


def test_crash_before_the_new_file_is_complete_begins_recovery_anew(shipped: Path) -> None:
    shipped.with_name("payloads.db.recovering").write_bytes(b"half")
    _overwrite(shipped, _leaf_with(shipped, seq=200))
    report = Spool.open(shipped, max_bytes=10**9).recovery
    assert report is not None
    assert report.records > 280


async def test_damage_met_while_writing_is_reported_and_checked_at_the_next_start(shipped: Path) -> None:
    _overwrite(shipped, _leaf_with(shipped, seq=300))
    async with SpoolWriter(shipped, max_bytes=10**9) as writer:
        with pytest.raises(SpoolUnavailableError, match="damaged"):
            await asyncio.gather(*(writer.append(entry(filler=3000)) for _ in range(3)))
    assert suspect_marker(shipped).exists()
    assert Spool.open(shipped, max_bytes=10**9).recovery is not None
    assert not suspect_marker(shipped).exists()


def _flush(path: Path) -> None:
    connection = connect(path)
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()


def _leaf_with(path: Path, *, seq: int) -> int:
    """Return the number of the page that holds a record."""
    marker = next(record for record in SpoolReader(path).records(after=seq - 1, limit=1)).line
    content = path.read_bytes()
    return content.index(marker) // PAGE + 1


def _overwrite(path: Path, page: int, content: bytes = b"\xff" * PAGE) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(content)
