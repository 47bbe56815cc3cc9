"""Deliveries to a sink, as the shipper makes them."""

from adapters.base import Batch, Settlement, Sink
from adapters.testing.conformance.records import batch_of, in_seconds
from schemas.payload import PayloadRecord


def batch(sink: Sink, *records: PayloadRecord) -> Batch:
    return batch_of(records, sink.partition(records[0]))


async def deliver(sink: Sink, *records: PayloadRecord) -> Settlement:
    receipt = await sink.send(batch(sink, *records), deadline=in_seconds(20))
    return await sink.settle(receipt, deadline=in_seconds(20))
