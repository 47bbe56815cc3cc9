import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.base.sink import RecordFilter
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
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


def test_records_dated_ahead_by_a_wrong_clock_make_room_when_it_is_needed(
    spool: Path, append: Append, cursors: Cursors
) -> None:
    cursors.register({"a": ALL})
    append(entry(scored_at_us=FIRST_US + 3650 * DAY_US), entry(), entry())
    advance(cursors, "a", 2)
    assert sweep(spool, days=1, now_us=FIRST_US + 2 * DAY_US) == (0, 0)
    assert sweep(spool, max_bytes=1) == (0, 2)
    assert kept(spool) == [3]


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
