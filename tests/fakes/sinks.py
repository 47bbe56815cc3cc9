"""A sink in memory that can be told to misbehave."""

import asyncio
from collections.abc import Callable

from adapters.base.sink import Batch, Receipt, RecordFilter, Refusal, Settlement
from schemas.errors import SinkRefusedError, SinkUnavailableError
from schemas.payload import PayloadRecord


class FakeSink:
    """Keeps what it stores, in order.

    Attributes:
        stored: scoring ids, in the order in which they were stored, repeats included.
        sends: sizes of all batches that were sent.
        poison: ids that make it refuse the batch (`how`: refuse), fail at settling (fail), break (break),
            or be refused by name (name).
        down: deployments that it takes nothing of.
        hanging: deployments whose `send` never returns.
        asks: how often `settle` says not yet.
        forgetful: how many more batches it stores and then claims not to have answered.
    """

    def __init__(self, wanted: RecordFilter | None = None, partition: Callable[[PayloadRecord], str] | None = None):
        self._filter = wanted or RecordFilter()
        self._partition = partition or (lambda _: "")
        self.stored: list[str] = []
        self.batches: list[list[str]] = []
        self.sends: list[int] = []
        self.poison: set[str] = set()
        self.how = "refuse"
        self.down: set[str] = set()
        self.hanging: set[str] = set()
        self.asks = 0
        self.forgetful = 0
        self.broken = False
        self._receipts: dict[int, tuple[Batch, int]] = {}
        self._grew = asyncio.Condition()

    @property
    def filter(self) -> RecordFilter:
        return self._filter

    def partition(self, record: PayloadRecord) -> str:
        return self._partition(record)

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        self.sends.append(len(batch.records))
        async with self._grew:
            self._grew.notify_all()
        if batch.deployment_id in self.hanging:
            await asyncio.Event().wait()
        if batch.deployment_id in self.down:
            raise SinkUnavailableError("The sink is down.")
        bad = self._bad(batch)
        if bad and self.how == "refuse":
            raise SinkRefusedError("The sink refuses the batch.")
        if bad and self.how == "break":
            raise ValueError("a bug over a record")
        self._receipts[len(self.sends)] = (batch, self.asks)
        return Receipt({"n": len(self.sends)})

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        batch, asks = self._receipts[receipt.reference["n"]]
        if asks:
            self._receipts[receipt.reference["n"]] = (batch, asks - 1)
            return Settlement(state="not_yet")
        bad = self._bad(batch)
        if self.broken or (bad and self.how == "fail"):
            return Settlement(state="failed", reason="The sink failed.")
        await self._store([r.record.scoring_id for r in batch.records if r.record.scoring_id not in bad])
        if self.forgetful:
            self.forgetful -= 1
            self._receipts.clear()
            return Settlement(state="failed", reason="The sink lost track.")
        return Settlement(state="stored", refused=[Refusal(scoring_id, "The sink refuses it.") for scoring_id in bad])

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something to become true of this sink."""
        async with asyncio.timeout(20), self._grew:
            await self._grew.wait_for(holds)

    async def has(self, n: int) -> None:
        """Wait until it has stored so many."""
        await self.until(lambda: len(self.stored) >= n)

    def _bad(self, batch: Batch) -> list[str]:
        return [r.record.scoring_id for r in batch.records if r.record.scoring_id in self.poison]

    async def _store(self, ids: list[str]) -> None:
        async with self._grew:
            self.stored += ids
            self.batches.append(ids)
            self._grew.notify_all()
