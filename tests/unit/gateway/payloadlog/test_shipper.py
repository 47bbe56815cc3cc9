import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.base.sink import RecordFilter
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.lane import ConnectedSink
from gateway.payloadlog.pace import Pace
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.shipper import Shipper
from gateway.payloadlog.writer import SpoolWriter
from schemas.configuration import BatchSettings, SinkSettings
from tests.fakes.payload_records import entry
from tests.fakes.sinks import FakeSink

QUICK = Pace(
    poll=0.02, gather=0.0, backoff=0.002, backoff_at_most=0.01, ask=0.002, settled_within=2.0, jitter=lambda: 1.0
)
Append = Callable[..., None]


def ship(
    spool: Path, *, pace: Pace = QUICK, start: str = "beginning", records: int = 100, kb: float = 900, **sinks: FakeSink
) -> Shipper:
    settings = SinkSettings(type="fake", start=start, batch=BatchSettings(records=records, kb=kb, seconds=0.01))
    return Shipper(spool, {name: ConnectedSink(name, sink, settings) for name, sink in sinks.items()}, pace=pace)


def account(spool: Path, sink: str = "a") -> SinkAccount:
    found = {one.sink: one for one in SpoolReader(spool).accounts()}[sink]
    assert found.balances
    return found


async def settled(spool: Path, sink: str = "a", *, pending: int = 0) -> SinkAccount:
    """Wait until no more than so many records are pending; the books balance at every look."""
    async with asyncio.timeout(20):
        while account(spool, sink).pending > pending:
            await asyncio.sleep(0.01)
    return account(spool, sink)


async def test_records_arrive_in_order_and_the_books_balance(spool: Path, append: Append) -> None:
    entries = [entry() for _ in range(250)]
    append(*entries)
    sink = FakeSink()
    async with ship(spool, a=sink):
        await sink.has(250)
        assert (await settled(spool)).delivered == 250
    assert sink.stored == [one.scoring_id for one in entries]
    assert sink.sends == [100, 100, 50]


async def test_records_of_this_process_are_shipped_when_it_wakes_the_shipper(spool: Path) -> None:
    sink = FakeSink()
    pace = Pace(poll=1000.0, gather=0.0)
    async with (
        ship(spool, pace=pace, a=sink) as shipper,
        SpoolWriter(spool, max_bytes=10**9, on_commit=shipper.wake) as writer,
    ):
        await writer.append(entry())
        await sink.has(1)


async def test_new_sink_that_starts_now_gets_only_what_comes(spool: Path, append: Append) -> None:
    append(entry(), entry("other"))
    sink = FakeSink()
    async with ship(spool, start="now", a=sink):
        later = [entry(), entry("new")]
        append(*later)
        await sink.has(2)
        assert (await settled(spool)).accepted == 2
    assert set(sink.stored) == {one.scoring_id for one in later}


async def test_filter_leaves_out_what_a_sink_is_not_owed(spool: Path, append: Append) -> None:
    wanted = entry("a")
    append(entry("a", outcome="engine_error"), entry("b"), entry("a", origin="monitor"), wanted)
    only = RecordFilter(
        deployments=frozenset({"a"}), outcomes=frozenset({"scored"}), origins=frozenset({"application"})
    )
    sink = FakeSink(only)
    async with ship(spool, a=sink):
        assert (await settled(spool)).accepted == 1
    assert sink.stored == [wanted.scoring_id]


async def test_record_of_a_new_kind_is_not_passed_over(spool: Path, append: Append) -> None:
    """Its stream appears between records that the lane has already looked past."""
    sink = FakeSink(RecordFilter(outcomes=frozenset({"scored", "engine_timeout"})))
    append(entry())
    async with ship(spool, a=sink):
        await sink.has(1)
        for _ in range(20):
            append(entry(outcome="engine_error"), entry(outcome="engine_timeout"), entry(outcome="engine_error"))
        await sink.has(21)
        assert (await settled(spool)).delivered == 21


async def test_batches_end_at_bytes_and_at_partitions(spool: Path, append: Append) -> None:
    entries = [entry(filler=400) for _ in range(6)]
    append(*entries)
    day = {one.scoring_id: str(n // 4) for n, one in enumerate(entries)}
    sink = FakeSink(partition=lambda record: day[record.scoring_id])
    async with ship(spool, a=sink, kb=len(entries[0].line) * 3.5 / 1000):
        await settled(spool)
    assert sink.sends == [3, 1, 2]


async def test_record_larger_than_a_batch_is_sent_alone(spool: Path, append: Append) -> None:
    append(entry(), entry(filler=50_000), entry())
    sink = FakeSink()
    async with ship(spool, a=sink, kb=10):
        assert (await settled(spool)).delivered == 3
    assert sink.sends == [1, 1, 1]


async def test_sink_that_settles_later_is_asked_again(spool: Path, append: Append) -> None:
    append(entry())
    sink = FakeSink()
    sink.asks = 5
    async with ship(spool, a=sink):
        assert (await settled(spool)).delivered == 1
    assert sink.sends == [1]


async def test_batch_that_is_never_settled_is_sent_again(spool: Path, append: Append) -> None:
    append(entry())
    sink = FakeSink()
    sink.asks = 1_000_000
    pace = Pace(poll=0.02, gather=0.0, backoff=0.002, ask=0.002, ask_at_most=0.002, settled_within=0.02)
    async with ship(spool, pace=pace, a=sink):
        await sink.until(lambda: len(sink.sends) >= 2)
        assert account(spool).pending == 1
        sink.asks = 0
        assert (await settled(spool)).delivered == 1


async def test_down_sink_keeps_its_records_and_gets_them_when_it_is_back(spool: Path, append: Append) -> None:
    entries = [entry() for _ in range(5)]
    append(*entries)
    sink = FakeSink()
    sink.down = {"credit"}
    async with ship(spool, a=sink):
        await sink.until(lambda: len(sink.sends) >= 4)
        assert account(spool).pending == 5
        sink.down = set()
        await settled(spool)
    assert sink.stored == [one.scoring_id for one in entries]


async def test_slow_deployment_delays_only_itself(spool: Path, append: Append) -> None:
    append(entry("stuck"), *(entry("quick") for _ in range(3)))
    sink, other = FakeSink(), FakeSink()
    sink.hanging = {"stuck"}
    async with ship(spool, a=sink, b=other):
        await sink.has(3)
        await other.has(4)
        assert (await settled(spool, pending=1)).delivered == 3
        assert (await settled(spool, "b")).delivered == 4


async def test_sink_that_does_not_keep_its_deadline_is_given_up_for_now(spool: Path, append: Append) -> None:
    append(entry())
    sink = FakeSink()
    sink.hanging = {"credit"}
    pace = Pace(poll=0.02, gather=0.0, backoff=0.002, send=0.02)
    async with ship(spool, pace=pace, a=sink):
        await sink.until(lambda: len(sink.sends) >= 3)
        sink.hanging = set()
        assert (await settled(spool)).delivered == 1


async def test_lost_answer_makes_a_record_come_again_with_the_same_id(spool: Path, append: Append) -> None:
    one = entry()
    append(one)
    sink = FakeSink()
    sink.forgetful = 1
    async with ship(spool, a=sink):
        await sink.has(2)
        assert (await settled(spool)).delivered == 1
    assert sink.stored == [one.scoring_id] * 2


async def test_restart_goes_on_behind_the_last_batch(spool: Path, append: Append) -> None:
    entries = [entry() for _ in range(6)]
    append(*entries[:3])
    sink = FakeSink()
    async with ship(spool, a=sink):
        await settled(spool)
    append(*entries[3:])
    async with ship(spool, a=sink):
        assert (await settled(spool)).delivered == 6
    assert sink.stored == [one.scoring_id for one in entries]


async def test_stop_lets_the_batch_under_way_end(spool: Path, append: Append) -> None:
    append(entry())
    sink = FakeSink()
    sink.asks = 3
    async with ship(spool, a=sink) as shipper:
        await sink.until(lambda: len(sink.sends) == 1)
        await shipper.stop(5.0)
    assert account(spool).delivered == 1


async def test_stop_leaves_a_hanging_batch_to_the_next_start(spool: Path, append: Append) -> None:
    append(entry())
    sink = FakeSink()
    sink.hanging = {"credit"}
    async with ship(spool, a=sink) as shipper:
        await sink.until(lambda: len(sink.sends) == 1)
        await shipper.stop(0.05)
    assert account(spool).pending == 1


async def test_wider_filter_owes_what_lies_behind_the_cursor_and_a_narrower_one_drops_and_counts(
    spool: Path, append: Append
) -> None:
    append(entry("a"), entry("b"), entry("a", outcome="engine_error"))
    only_a = RecordFilter(deployments=frozenset({"a"}), outcomes=frozenset({"scored"}))
    async with ship(spool, a=FakeSink(only_a)):
        assert (await settled(spool)).delivered == 1
    wide = FakeSink()
    async with ship(spool, a=wide):
        assert (await settled(spool)).delivered == 3
    down = FakeSink()
    down.down = {"a", "b"}
    append(entry("b"))
    async with ship(spool, a=down):
        await down.until(lambda: bool(down.sends))
    async with ship(spool, a=FakeSink(only_a)):
        books = account(spool)
    assert (books.accepted, books.delivered, books.pending, books.dropped) == (4, 3, 0, {"filtered_out": 1})


async def test_sink_that_left_the_configuration_stays_owed_its_records(spool: Path, append: Append) -> None:
    async with ship(spool, a=FakeSink()):
        pass
    async with ship(spool, b=FakeSink()):
        append(entry())
        await settled(spool, "b")
        assert (account(spool).pending, account(spool).configured) == (1, False)
    back = FakeSink()
    async with ship(spool, a=back):
        assert (await settled(spool)).delivered == 1


async def test_fault_in_the_shipper_reaches_its_supervisor(spool: Path, append: Append) -> None:
    class Faulty(FakeSink):
        faults = False

        @property
        def filter(self) -> RecordFilter:
            if self.faults:
                raise RuntimeError("a bug")
            return RecordFilter()

    sink = Faulty()
    shipper = ship(spool, a=sink)
    await shipper.__aenter__()
    sink.faults = True
    append(entry())
    with pytest.raises(ExceptionGroup):
        await shipper.wait()
    with pytest.raises(ExceptionGroup):
        await shipper.stop(1.0)


async def test_a_batch_that_is_full_waits_neither_for_its_age_nor_for_further_records(spool: Path) -> None:
    sink = FakeSink()
    settings = SinkSettings(type="fake", batch=BatchSettings(records=10, kb=900, seconds=600))
    async with (
        Shipper(spool, {"a": ConnectedSink("a", sink, settings)}, pace=QUICK) as shipper,
        SpoolWriter(spool, max_bytes=10**10, on_commit=shipper.wake) as writer,
    ):
        for _ in range(10):
            await writer.append(entry())
        await sink.has(10)
    assert sink.sends == [10]
