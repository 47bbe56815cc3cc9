import asyncio
import resource
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from gateway.payloadlog.appending import Appender
from gateway.payloadlog.database import connect, transaction
from gateway.payloadlog.entry import SpoolEntry
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.writer import SpoolWriter
from schemas.errors import SpoolFullError, SpoolUnavailableError
from tests.fakes.payload_records import entry

MAX_BYTES = 10_000_000_000


def ids(path: Path) -> list[str]:
    return [record.scoring_id for record in SpoolReader(path).records()]


async def test_appended_record_is_on_disk_when_append_returns(spool: Path) -> None:
    one = entry()
    async with SpoolWriter(spool, max_bytes=MAX_BYTES) as writer:
        await writer.append(one)
        [stored] = SpoolReader(spool).records()
    assert (stored.scoring_id, stored.deployment_id, stored.line) == (one.scoring_id, "credit", one.line)
    assert (stored.outcome, stored.origin, stored.scored_at_us) == ("scored", "application", one.scored_at_us)


async def test_one_commit_serves_many_concurrent_calls(spool: Path) -> None:
    entries = [entry() for _ in range(200)]
    async with SpoolWriter(spool, max_bytes=MAX_BYTES) as writer:
        await asyncio.gather(*(writer.append(one) for one in entries))
        assert writer.commits <= 4
    assert ids(spool) == [one.scoring_id for one in entries]


async def test_cancelled_append_is_still_kept(spool: Path) -> None:
    one = entry()
    async with SpoolWriter(spool, max_bytes=MAX_BYTES) as writer:
        task = asyncio.create_task(writer.append(one))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ids(spool) == [one.scoring_id]


async def test_async_durability_returns_at_once_and_close_flushes(spool: Path) -> None:
    entries = [entry() for _ in range(300)]
    async with SpoolWriter(spool, max_bytes=MAX_BYTES, durability="async") as writer:
        for one in entries:
            await writer.append(one)
    assert ids(spool) == [one.scoring_id for one in entries]
    assert writer.lost == 0


async def test_async_queue_is_bounded_in_bytes(spool: Path) -> None:
    async with SpoolWriter(spool, max_bytes=MAX_BYTES, durability="async", max_queue_bytes=5_000) as writer:
        await writer.append(entry(filler=4_000))
        with pytest.raises(SpoolUnavailableError, match="waiting"):
            await writer.append(entry(filler=4_000))
        with pytest.raises(SpoolUnavailableError, match="waiting"):
            writer.reserve(4_000)
    assert len(ids(spool)) == 1


async def test_full_spool_is_refused_before_the_append_and_taken_again_when_there_is_room(spool: Path) -> None:
    async with SpoolWriter(spool, max_bytes=4_000_000) as writer:
        with pytest.raises(SpoolFullError, match="max_gb"):
            await _fill(writer)
        assert 0.5 < writer.fill < 1.1
        connection = connect(spool)
        connection.execute("DELETE FROM record")
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        connection.close()
        await _until(lambda: writer.problem is None and writer.fill < 0.9)
        writer.reserve(20_000)


async def test_failed_write_fails_its_own_group_alone_and_the_writer_recovers_by_itself(spool: Path) -> None:
    """The kernel refuses to let files grow: what SQLite sees of a full disk."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with SpoolWriter(spool, max_bytes=MAX_BYTES) as writer:
        kept, refused, later = entry(), entry(filler=3_000_000), entry()
        await writer.append(kept)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, unlimited[1]))
            with pytest.raises(SpoolUnavailableError, match="disk"):
                await writer.append(refused)
            assert writer.problem is not None
            with pytest.raises(SpoolUnavailableError):
                writer.reserve(10)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        await _until(lambda: writer.problem is None)
        await writer.append(later)
    assert ids(spool) == [kept.scoring_id, later.scoring_id]


async def test_async_records_wait_for_a_failing_disk(spool: Path) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    entries = [entry(filler=2_000_000), entry()]
    async with SpoolWriter(spool, max_bytes=MAX_BYTES, durability="async") as writer:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, unlimited[1]))
            for one in entries:
                await writer.append(one)
            await _until(lambda: writer.problem is not None)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        await _until(lambda: len(ids(spool)) == 2)
    assert ids(spool) == [one.scoring_id for one in entries]


async def test_async_records_that_are_given_up_at_close_are_counted(spool: Path) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    lost: list[str] = []
    with capture_logs() as log:
        async with SpoolWriter(spool, max_bytes=MAX_BYTES, durability="async", on_lost=lost.append) as writer:
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, unlimited[1]))
                for one in (entry("a", filler=2_000_000), entry("b")):
                    await writer.append(one)
                await writer.close()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert lost == ["a", "b"]
    assert writer.lost == 2
    assert [(line["event"], line["records"]) for line in log] == [("records lost", 2)]
    assert ids(spool) == []


async def test_record_larger_than_a_group_is_kept(spool: Path) -> None:
    async with SpoolWriter(spool, max_bytes=MAX_BYTES) as writer:
        await asyncio.gather(writer.append(entry(filler=9_000_000)), writer.append(entry()))
    assert len(ids(spool)) == 2


async def test_append_after_close_is_refused(spool: Path) -> None:
    writer = SpoolWriter(spool, max_bytes=MAX_BYTES)
    async with writer:
        await writer.append(entry())
    await writer.close()
    with pytest.raises(SpoolUnavailableError, match="closed"):
        await writer.append(entry())


async def test_writer_waits_for_another_process_that_holds_the_lock(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = asyncio.Event()
    loop, really_append = asyncio.get_running_loop(), Appender.append

    def append(self: Appender, group: Sequence[SpoolEntry]) -> None:
        loop.call_soon_threadsafe(began.set)
        really_append(self, group)

    other, first, second, waiting = connect(spool), entry(), entry(), entry()
    async with SpoolWriter(spool, max_bytes=MAX_BYTES) as writer, asyncio.timeout(10):
        await writer.append(first)
        with transaction(other):
            monkeypatch.setattr(Appender, "append", append)
            appending = asyncio.create_task(writer.append(waiting))
            await began.wait()
            columns = "deployment, stream, scored_at, scoring_id, line"
            other.execute(
                f"INSERT INTO record ({columns}) SELECT deployment, stream, scored_at, ?, ? FROM record",  # noqa: S608
                (second.scoring_id, second.line),
            )
        await appending
    other.close()
    assert ids(spool) == [first.scoring_id, second.scoring_id, waiting.scoring_id]


async def test_commit_wakes_the_shipper(spool: Path) -> None:
    woken = asyncio.Event()
    async with SpoolWriter(spool, max_bytes=MAX_BYTES, on_commit=woken.set) as writer:
        await writer.append(entry())
        assert woken.is_set()


async def test_record_that_the_disk_has_no_room_for_is_refused(spool: Path) -> None:
    async with SpoolWriter(spool, max_bytes=2**62) as writer:
        with pytest.raises(SpoolUnavailableError, match="disk"):
            writer.reserve(2**60)
        assert writer.problem is None


async def test_spool_that_is_moved_away_takes_no_records_until_it_is_back(spool: Path) -> None:
    async with SpoolWriter(spool, max_bytes=MAX_BYTES) as writer, asyncio.timeout(10):
        away = await asyncio.to_thread(spool.rename, spool.with_name("away.db"))
        while writer.problem is None:
            await asyncio.sleep(0.01)
        with pytest.raises(SpoolUnavailableError, match="not there"):
            writer.reserve(1)
        await asyncio.to_thread(away.rename, spool)
        while writer.problem is not None:
            await asyncio.sleep(0.01)
        await writer.append(entry())
    assert len(ids(spool)) == 1


async def test_missing_spool_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(SpoolUnavailableError, match="folder"):
        async with SpoolWriter(tmp_path / "nowhere" / "payloads.db", max_bytes=MAX_BYTES):
            pass


async def _fill(writer: SpoolWriter) -> None:
    for _ in range(1000):
        writer.reserve(20_000)
        await writer.append(entry(filler=20_000))


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)
