"""What every sink promises to the shipper (adapters.base.sink), over sockets, against its far side."""

import asyncio
from typing import get_args

import pytest

from adapters.base import Settlement
from schemas.errors import SinkRefusedError, SinkUnavailableError
from tests.contract.sinks.benches import Bench, LinkFault
from tests.contract.sinks.case_openscale import OpenScaleBench
from tests.contract.sinks.records import in_seconds, payload_record


async def test_a_settled_batch_is_stored_with_every_row_of_every_record(bench: Bench) -> None:
    settlement = await bench.deliver(bench.batch("a", "b", rows=2))
    assert settlement == Settlement(state="stored")
    assert await bench.stored() == ["a-1", "a-2", "b-1", "b-2"]


async def test_a_batch_that_comes_again_in_other_cuts_is_stored_once(bench: Bench) -> None:
    await bench.deliver(bench.batch("a", "b"))
    await bench.deliver(bench.batch("a"))
    await bench.deliver(bench.batch("b", "c"))
    assert await bench.stored() == ["a-1", "b-1", "c-1"]


async def test_a_batch_whose_answer_was_lost_is_unavailable_and_stored_once_when_it_comes_again(bench: Bench) -> None:
    bench.play("lose")
    with pytest.raises(SinkUnavailableError):
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
    await bench.deliver(bench.batch("a"))
    assert await bench.stored() == ["a-1"]


@pytest.mark.parametrize("fault", sorted({*get_args(LinkFault)} - {"stall"}))
async def test_a_broken_connection_is_unavailable_and_the_sink_goes_on(bench: Bench, fault: LinkFault) -> None:
    bench.play(fault)
    with pytest.raises(SinkUnavailableError):
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))
    assert (await bench.deliver(bench.batch("b"))).state == "stored"


async def test_nobody_listening_is_unavailable(bench: Bench) -> None:
    await bench.stop()
    with pytest.raises(SinkUnavailableError):
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(10))


async def test_a_refused_record_is_found_by_sending_the_halves(bench: Bench) -> None:
    await bench.refuse("b")
    with pytest.raises(SinkRefusedError):
        await bench.sink.send(bench.batch("a", "b"), deadline=in_seconds(10))
    with pytest.raises(SinkRefusedError):
        await bench.sink.send(bench.batch("b"), deadline=in_seconds(10))
    assert (await bench.deliver(bench.batch("a"))).state == "stored"
    assert await bench.stored() == ["a-1"]


async def test_a_slow_far_side_is_left_at_the_deadline(bench: Bench) -> None:
    await bench.deliver(bench.batch("a"))
    bench.play("stall")
    async with asyncio.timeout(5):
        with pytest.raises(SinkUnavailableError):
            await bench.sink.send(bench.batch("b"), deadline=in_seconds(0.3))


async def test_a_deadline_in_the_past_is_unavailable_at_once(bench: Bench) -> None:
    with pytest.raises(SinkUnavailableError):
        await bench.sink.send(bench.batch("a"), deadline=in_seconds(-1))


async def test_a_cancelled_send_ends_at_once_and_the_sink_goes_on(bench: Bench) -> None:
    bench.play("stall")
    sending = asyncio.create_task(bench.sink.send(bench.batch("a"), deadline=in_seconds(60)))
    async with asyncio.timeout(5):
        await bench.seen()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    await bench.deliver(bench.batch("b"))
    assert await bench.stored() == ["b-1"]


async def test_batches_may_be_under_way_at_the_same_time(bench: Bench) -> None:
    ids = [f"{n:02}" for n in range(20)]
    settlements = await asyncio.gather(*(bench.deliver(bench.batch(scoring_id)) for scoring_id in ids))
    assert {settlement.state for settlement in settlements} == {"stored"}
    assert await bench.stored() == [f"{scoring_id}-1" for scoring_id in ids]


async def test_the_filter_and_the_partition_stay_the_same(bench: Bench) -> None:
    record = payload_record()
    assert bench.sink.filter == bench.sink.filter
    assert bench.sink.partition(record) == bench.sink.partition(record)


async def test_credentials_that_expired_are_renewed_within_the_same_send_and_settle(openscale: OpenScaleBench) -> None:
    await openscale.deliver(openscale.batch("a"))
    openscale.expire_credentials()
    receipt = await openscale.sink.send(openscale.batch("b"), deadline=in_seconds(10))
    openscale.expire_credentials()
    assert (await openscale.settled(receipt)).state == "stored"
    assert await openscale.stored() == ["a-1", "b-1"]


async def test_a_deadline_in_the_past_leaves_open_what_became_of_a_batch(openscale: OpenScaleBench) -> None:
    receipt = await openscale.sink.send(openscale.batch("a"), deadline=in_seconds(10))
    with pytest.raises(SinkUnavailableError):
        await openscale.sink.settle(receipt, deadline=in_seconds(-1))
