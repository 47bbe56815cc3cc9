import asyncio
from collections.abc import Callable
from pathlib import Path

from adapters.base.sink import RecordFilter
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.cursors import Cursors, DeadLetter, LaneKey, Registration
from gateway.payloadlog.dead_letters import PAGE_LETTERS, read_dead_letters, requeue, requeue_all
from gateway.payloadlog.lane import ConnectedSink
from gateway.payloadlog.pace import Pace
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.retention import Retention
from gateway.payloadlog.shipper import Shipper
from schemas.configuration import BatchSettings, SinkSettings
from tests.fakes.payload_records import FIRST_US, entry
from tests.fakes.sinks import FakeSink

Append = Callable[..., None]
QUICK = Pace(poll=0.02, gather=0.0, backoff=0.001, backoff_at_most=0.002, jitter=lambda: 1.0)


def shipper(spool: Path, sink: FakeSink) -> Shipper:
    settings = SinkSettings(type="fake", start="beginning", batch=BatchSettings(records=4, seconds=0.0))
    return Shipper(spool, {"a": ConnectedSink("a", sink, settings)}, pace=QUICK)


async def settled(spool: Path) -> SinkAccount:
    """Wait until nothing is pending; the books balance at every look."""
    async with asyncio.timeout(20):
        while True:
            (account,) = SpoolReader(spool).accounts()
            assert account.balances
            if not account.pending:
                return account
            await asyncio.sleep(0.01)


async def with_dead_letters(spool: Path, append: Append, n: int) -> tuple[FakeSink, list[str]]:
    """Ship ten records; the first n are refused by name."""
    entries = [entry() for _ in range(10)]
    append(*entries)
    sink = FakeSink()
    sink.how, sink.poison = "name", {one.scoring_id for one in entries[:n]}
    async with shipper(spool, sink):
        await sink.has(10 - n)
        await settled(spool)
    return sink, [one.scoring_id for one in entries[:n]]


async def test_a_dead_letter_names_sink_deployment_time_and_reason(spool: Path, append: Append) -> None:
    _, (dead,) = await with_dead_letters(spool, append, 1)
    (letter,) = read_dead_letters(spool)
    assert (letter.sink, letter.scoring_id, letter.deployment_id) == ("a", dead, "credit")
    assert (letter.scored_at_us, letter.reason) == (FIRST_US, "The sink refuses it.")
    assert list(read_dead_letters(spool, sink="another")) == []


async def test_a_requeued_record_is_pending_until_the_running_shipper_has_sent_it(spool: Path, append: Append) -> None:
    sink, dead = await with_dead_letters(spool, append, 3)
    sink.poison = set()
    assert requeue(spool, sink="a", scoring_ids=dead[:2]).requeued == dead[:2]
    (account,) = SpoolReader(spool).accounts()
    assert (account.pending, account.dead, account.delivered, account.balances) == (2, 1, 7, True)
    assert account.oldest_pending_at_us == FIRST_US
    async with shipper(spool, sink):
        await sink.has(9)
        requeue_all(spool, sink="a")
        account = await settled(spool)
    assert (account.dead, account.delivered) == (0, 10)
    assert sink.stored[7:] == dead


async def test_a_requeued_record_that_is_refused_again_is_a_dead_letter_again(spool: Path, append: Append) -> None:
    sink, dead = await with_dead_letters(spool, append, 5)
    sink.poison = {dead[1], dead[4]}
    requeue_all(spool, sink="a")
    async with shipper(spool, sink):
        account = await settled(spool)
    assert [letter.scoring_id for letter in read_dead_letters(spool)] == [dead[1], dead[4]]
    assert (account.dead, account.delivered) == (2, 8)


async def test_what_is_no_dead_letter_is_named(spool: Path, append: Append) -> None:
    await with_dead_letters(spool, append, 1)
    result = requeue(spool, sink="a", scoring_ids=["nobody"])
    assert (result.requeued, result.unknown) == ([], ["nobody"])
    assert requeue_all(spool, sink="b").requeued == 0


async def test_a_dead_letter_that_the_filter_excludes_by_now_stays_one(spool: Path, append: Append) -> None:
    _, dead = await with_dead_letters(spool, append, 1)
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(deployments=frozenset()), "now")})
    cursors.close()
    result = requeue_all(spool, sink="a")
    assert (result.requeued, result.not_owed) == (0, 1)
    assert requeue(spool, sink="a", scoring_ids=dead).not_owed == dead


async def test_many_dead_letters_are_read_and_requeued_page_by_page(spool: Path, append: Append) -> None:
    n = PAGE_LETTERS * 2 + 1
    entries = [entry() for _ in range(n)]
    append(*entries)
    cursors = Cursors(spool)
    cursors.register({name: Registration(RecordFilter(), "beginning") for name in ("a", "b")})
    letters = [DeadLetter(seq, one.scoring_id, "refused") for seq, one in enumerate(entries, 1)]
    for name in ("a", "b"):
        cursors.advance(LaneKey(name, 1, "credit"), cursor=n, delivered=0, dead=letters)
    cursors.close()
    ids = [one.scoring_id for one in entries]
    assert [(one.sink, one.scoring_id) for one in read_dead_letters(spool)] == [(s, i) for s in "ab" for i in ids]
    assert requeue(spool, sink="b", scoring_ids=ids[::2]).requeued == ids[::2]
    assert [letter.scoring_id for letter in read_dead_letters(spool, sink="b")] == ids[1::2]
    assert requeue_all(spool, sink="a").requeued == n
    assert [(account.pending, account.balances) for account in SpoolReader(spool).accounts()] == [
        (n, True),
        (len(ids[::2]), True),
    ]


async def test_what_is_requeued_is_dropped_and_counted_when_the_filter_excludes_it(spool: Path, append: Append) -> None:
    await with_dead_letters(spool, append, 2)
    requeue_all(spool, sink="a")
    cursors = Cursors(spool)
    cursors.register({"a": Registration(RecordFilter(deployments=frozenset()), "now")})
    cursors.close()
    (account,) = SpoolReader(spool).accounts()
    assert (account.pending, account.dropped, account.balances) == (0, {"filtered_out": 2}, True)


async def test_retention_keeps_what_is_requeued_for_a_configured_sink(spool: Path, append: Append) -> None:
    _, dead = await with_dead_letters(spool, append, 2)
    requeue(spool, sink="a", scoring_ids=dead[:1])
    retention = Retention(spool, max_bytes=10**9, retain_seconds=0)
    retention.sweep()
    assert [record.scoring_id for record in SpoolReader(spool).records()] == dead[:1]
    cursors = Cursors(spool)
    cursors.register({})
    cursors.close()
    retention.sweep()
    retention.close()
    (account,) = SpoolReader(spool).accounts()
    assert account.dropped == {"dead_letter_expired": 1, "sink_removed": 1}
    assert account.balances
