"""What the contract of sinks needs to know of one."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Literal

import msgspec
import pytest

from adapters.base import Batch, Receipt, Settlement, Sink, SinkPlugin
from adapters.testing.conformance.contents import Content
from adapters.testing.conformance.records import batch_of, in_seconds, payload_record
from adapters.testing.conformance.transport import gateway_transport
from adapters.testing.conformance.watched_transport import WatchedTransport
from adapters.testing.emulator import Emulator, Fault
from schemas.errors import SinkRefusedError

LinkFault = Literal["lose", "reset", "truncate", "stall"]
"""`lose`: the far side stores, its answer gets lost; `reset`: nothing is stored; `truncate`: the answer is cut short;
`stall`: no answer for as long as the test lasts, and nothing is stored."""


class SinkBench(ABC):
    """A sink beside its far side, for one test.

    Args:
        request: gives fixtures: what is slow to start is shared by the session.

    Attributes:
        plugin: the sink's descriptor.
        secrets: values that must not show anywhere, from what `start` returns.
        tells_repeats: the far side stores a record once that comes twice. False: its readers have to tell, by the ids,
            and `stored` may return one several times.
        config: what `start` returned; `transport` what the sink was lent.
        sink: connected, after `open`.
    """

    plugin: SinkPlugin
    secrets: Sequence[str]
    tells_repeats: bool = True

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.request = request

    @abstractmethod
    async def start(self, stack: AsyncExitStack) -> dict[str, object]:
        """Start the far side and return the sink's configuration."""

    @abstractmethod
    async def stop(self) -> None:
        """End the far side: nobody listens any more."""

    @abstractmethod
    async def stored(self) -> list[str]:
        """Return the ids of the stored rows, sorted."""

    @abstractmethod
    async def refuse(self, scoring_id: str) -> None:
        """Let the far side refuse a record, whenever it comes."""

    @abstractmethod
    def play(self, fault: LinkFault) -> None:
        """Let the next batch meet a fault on its way."""

    @abstractmethod
    async def seen(self) -> None:
        """Wait until a batch has reached the far side."""

    async def content(self, scoring_id: str) -> Content | None:
        """Return what is stored of a record; None, as here: that is not looked at."""
        return None

    async def open(self, stack: AsyncExitStack) -> None:
        """Start the far side and connect the sink, until the stack is closed."""
        self.config = await self.start(stack)
        self.transport = WatchedTransport(await stack.enter_async_context(gateway_transport()))
        self.sink: Sink = await stack.enter_async_context(self.connected())

    def connected(self, **options: object) -> AbstractAsyncContextManager[Sink]:
        """Connect a sink to the same far side, with further options."""
        settings = msgspec.convert({**self.config, **options}, self.plugin.settings)
        return self.plugin.connect(settings, self.transport)

    async def ids(self) -> list[str]:
        """Return the ids of the stored rows, sorted; each once, where only readers can tell repeats."""
        stored = await self.stored()
        return stored if self.tells_repeats else sorted(set(stored))

    def batch(self, *scoring_ids: str, rows: int = 1) -> Batch:
        """Return a batch of records with these ids, of so many rows each."""
        records = [payload_record(rows, scoring_id=scoring_id) for scoring_id in scoring_ids]
        return batch_of(records, self.sink.partition(records[0]))

    async def settled(self, receipt: Receipt) -> Settlement:
        """Ask what became of a batch, again while it is not yet known."""
        for _ in range(100):
            settlement = await self.sink.settle(receipt, deadline=in_seconds(10))
            if settlement.state != "not_yet":
                return settlement
        raise AssertionError("the batch never settled")

    async def deliver(self, batch: Batch) -> Settlement:
        """Send a batch and settle it."""
        return await self.settled(await self.sink.send(batch, deadline=in_seconds(10)))

    async def verdict(self, batch: Batch) -> set[str]:
        """Deliver a batch and return the ids of the records that are not said to be stored."""
        everything = {item.record.scoring_id for item in batch.records}
        try:
            settlement = await self.deliver(batch)
        except SinkRefusedError:
            return everything
        return everything if settlement.state == "failed" else {item.scoring_id for item in settlement.refused}


class HttpSinkBench(SinkBench):
    """A sink whose far side is an emulator, which takes batches at `store_route`.

    Attributes:
        store_route: name of the route that takes batches.
        emulator: that listens; `start` sets it.
        down_statuses: by which the far side says that it takes nothing now.
        refused_statuses: by which it says that it will never take these records.
        misconfigured_statuses: by which it says that something is wrong with who sends them, or where to.
    """

    store_route: str
    emulator: Emulator
    down_statuses: Collection[int] = (408, 429, 500, 502, 503)
    refused_statuses: Collection[int] = (400, 413, 422)
    misconfigured_statuses: Collection[int] = (302, 401, 403, 404)

    async def stop(self) -> None:
        """End the emulator."""
        await self.emulator.__aexit__(None, None, None)

    def play(self, fault: LinkFault) -> None:
        """Let the next request to `store_route` meet a fault."""
        if fault == "stall":
            self.emulator.play(Fault(route=self.store_route, delay_seconds=30))
        else:
            self.emulator.play(Fault(route=self.store_route, connection=fault))

    def answer(self, status: int, **options: object) -> None:
        """Answer the next batch with a status, and store nothing; `times=None`: every batch, until `recover`."""
        self.emulator.play(msgspec.convert({"route": self.store_route, "status": status, **options}, Fault))

    async def seen(self) -> None:
        """Wait for the first request to `store_route`."""
        async with asyncio.timeout(10):
            await self.emulator.seen(self.store_route)
