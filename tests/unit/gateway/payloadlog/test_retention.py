import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from adapters.base.sink import RecordFilter
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
from gateway.payloadlog.database import connect
from gateway.payloadlog.deleting import STEP_RECORDS
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.retention import Keeper, Retention
from schemas.errors import SpoolUnavailableError
from tests.fakes.payload_records import FIRST_US, entry

Append = Callable[..., None]
DAY_US = 86_400_000_000
ALL = Registration(RecordFilter(), "beginning")


def sweep(spool: Path, *, max_bytes: int = 10**10, days: float = 10**6, now_us: int = FIRST_US) -> tuple[int, int]:
    retention = Retention(spool, max_bytes=max_bytes, retain_seconds=days * 86_400, clock=lambda: now_us / 1e6)
    swept = retention.sweep()
    retention.close()
    assert all(account.balances for account in SpoolReader(spool).accounts())
    return swept.expired, swept.displaced


def kept(spool: Path) -> list[int]:
    return [record.seq for record in SpoolReader(spool).records()]


def fill(spool: Path, n: int) -> None:
    """Append so many delivered records of the first stream."""
    connection = connect(spool)
    connection.execute(
        "INSERT INTO record (deployment, stream, scored_at, scoring_id, line)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " SELECT 1, 1, ?, printf('%032x', i), zeroblob(20) FROM n",
        (n, FIRST_US),
    )
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()


class Work:
    """What SQLite does for connections that are opened from now on."""

    EVERY = 100

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.steps = self.write_transactions = 0

    def watch(self, connection: apsw.Connection) -> None:
        connection.set_progress_handler(self._progress, self.EVERY)
        connection.set_exec_trace(self._execute)

    def _progress(self) -> bool:
        self.steps += self.EVERY
        return False

    def _execute(self, _: apsw.Cursor, sql: str, __: object) -> bool:
        self.write_transactions += sql.startswith("BEGIN IMMEDIATE")
        return True


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    watched = Work()
    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, watched.watch])
    return watched


@pytest.fixture
def cursors(spool: Path) -> Cursors:
    return Cursors(spool)


def advance(cursors: Cursors, sink: str, cursor: int, *dead: int) -> None:
    letters = [DeadLetter(seq, f"{seq:032x}", "refused") for seq in dead]
    cursors.advance(LaneKey(sink, 1, "credit"), cursor=cursor, delivered=cursor - len(dead), dead=letters)


def test_delivered_records_go_when_they_are_old_enough(spool: Path, append: Append, cursors: Cursors) -> None:
    cursors.register({"a": ALL, "b": ALL})
    append(*(entry(scored_at_us=FIRST_US + n * DAY_US) for n in range(6)))
    advance(cursors, "a", 6)
    advance(cursors, "b", 4)
    assert sweep(spool, days=1, now_us=FIRST_US + 3 * DAY_US) == (2, 0)
    assert kept(spool) == [3, 4, 5, 6]
    assert sweep(spool, days=1, now_us=FIRST_US + 100 * DAY_US) == (2, 0)
    assert kept(spool) == [5, 6]


def test_records_without_any_sink_stay_for_their_days(spool: Path, append: Append) -> None:
    append(entry(), entry(scored_at_us=FIRST_US + 5 * DAY_US))
    assert sweep(spool, days=3, now_us=FIRST_US + 4 * DAY_US) == (1, 0)


def test_undelivered_records_are_never_deleted_however_full_the_spool(
    spool: Path, append: Append, cursors: Cursors
) -> None:
    cursors.register({"a": ALL})
    append(*(entry(filler=5000) for _ in range(100)))
    advance(cursors, "a", 10)
    assert sweep(spool, max_bytes=100_000, days=0, now_us=FIRST_US + DAY_US) == (10, 0)
    assert len(kept(spool)) == 90


def test_room_is_made_with_the_oldest_of_what_nobody_is_owed(spool: Path, append: Append, cursors: Cursors) -> None:
    cursors.register({"a": Registration(RecordFilter(outcomes=frozenset({"scored"})), "beginning")})
    append(*(entry(filler=5000, outcome="scored" if n % 2 else "engine_error") for n in range(200)))
    expired, displaced = sweep(spool, max_bytes=1_000_000)
    assert expired == 0
    assert displaced > 10
    left = kept(spool)
    assert all(seq in left for seq in range(2, 201, 2))


def test_dead_letters_go_after_everything_else_and_are_counted(spool: Path, append: Append, cursors: Cursors) -> None:
    cursors.register({"a": ALL})
    append(*(entry() for _ in range(3)))
    advance(cursors, "a", 3, 2)
    assert sweep(spool, max_bytes=1) == (0, 3)
    [account] = SpoolReader(spool).accounts()
    assert (account.delivered, account.dead, account.dropped) == (2, 0, {"dead_letter_expired": 1})


def test_records_owed_to_a_removed_sink_go_when_they_are_old_and_are_counted(
    spool: Path, append: Append, cursors: Cursors
) -> None:
    cursors.register({"a": ALL})
    append(entry(), entry())
    advance(cursors, "a", 1)
    cursors.register({})
    assert sweep(spool) == (0, 0)
    assert sweep(spool, days=1, now_us=FIRST_US + 2 * DAY_US) == (2, 0)
    [account] = SpoolReader(spool).accounts()
    assert (account.pending, account.dropped, account.configured) == (0, {"sink_removed": 1}, False)


def test_clock_that_jumps_ahead_by_years_costs_no_record_that_a_sink_is_owed(
    spool: Path, append: Append, cursors: Cursors
) -> None:
    cursors.register({"a": ALL, "b": ALL})
    append(*(entry() for _ in range(4)))
    advance(cursors, "a", 4)
    advance(cursors, "b", 2)
    assert sweep(spool, days=30, now_us=FIRST_US + 3650 * DAY_US) == (2, 0)
    assert kept(spool) == [3, 4]


def test_records_dated_ahead_by_a_wrong_clock_go_with_those_that_came_after_them(
    spool: Path, append: Append, cursors: Cursors
) -> None:
    cursors.register({"a": ALL})
    ahead = FIRST_US + 3650 * DAY_US
    append(entry(scored_at_us=ahead), entry(), entry(scored_at_us=FIRST_US + 2 * DAY_US), entry(scored_at_us=ahead))
    advance(cursors, "a", 4)
    assert sweep(spool, days=1, now_us=FIRST_US + 2 * DAY_US) == (2, 0)
    assert kept(spool) == [3, 4]
    assert sweep(spool, max_bytes=1) == (0, 2)


def test_sweep_with_nothing_to_delete_takes_no_write_lock_and_little_work(
    spool: Path, append: Append, cursors: Cursors, work: Work
) -> None:
    cursors.register({"a": ALL})
    append(entry(outcome="engine_error"), *(entry() for _ in range(3)), entry(outcome="engine_timeout"))
    fill(spool, 100_000)
    advance(cursors, "a", 100_005)
    assert sweep(spool, days=1, now_us=FIRST_US) == (0, 0)
    retention = Retention(spool, max_bytes=10**10, retain_seconds=86_400, clock=lambda: FIRST_US / 1e6)
    work.reset()
    assert retention.sweep().expired == 0
    retention.close()
    assert work.write_transactions == 0
    assert work.steps < 1000


def test_rare_streams_cost_a_sweep_that_makes_room_nothing(
    spool: Path, append: Append, cursors: Cursors, work: Work
) -> None:
    cursors.register({"a": ALL})
    append(entry(), entry(outcome="engine_error"), entry(outcome="engine_timeout"))
    fill(spool, 60_000)
    append(entry(outcome="engine_error"))
    advance(cursors, "a", 60_004)
    used = SpoolReader(spool).depth().bytes
    retention = Retention(spool, max_bytes=used, retain_seconds=10**9, clock=lambda: FIRST_US / 1e6)
    work.reset()
    displaced = retention.sweep().displaced
    retention.close()
    assert displaced > STEP_RECORDS
    assert work.write_transactions >= displaced / STEP_RECORDS
    assert work.steps < displaced * 400


def test_spool_without_the_index_of_streams_is_given_it(spool: Path, append: Append) -> None:
    append(entry(), entry())
    connection = connect(spool)
    connection.execute("DROP INDEX record_of_stream")
    connection.close()
    assert sweep(spool, max_bytes=1) == (0, 2)


def test_long_wal_is_moved_into_the_file(spool: Path, append: Append) -> None:
    append(*(entry(filler=20_000) for _ in range(20)))
    wal = spool.with_name("payloads.db-wal")
    cursors = Cursors(spool)
    append(*(entry(filler=20_000) for _ in range(20)))
    before = wal.stat().st_size
    sweep(spool, max_bytes=1_000_000)
    assert wal.stat().st_size < before
    cursors.close()


async def test_keeper_sweeps_by_itself(spool: Path, append: Append) -> None:
    append(entry(), entry())
    async with Keeper(spool, max_bytes=10**9, retain_seconds=0.0, sweep_seconds=0.01), asyncio.timeout(10):
        while await asyncio.to_thread(kept, spool):
            await asyncio.sleep(0.01)


async def test_keeper_without_a_spool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnavailableError):
        async with Keeper(tmp_path / "none" / "payloads.db", max_bytes=1, retain_seconds=1):
            pass
