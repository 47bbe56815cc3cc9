"""One batch on its way to a sink: taken, settled, or searched for the record at fault."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from adapters.base.sink import Batch, BatchRecord, Receipt, Refusal, Settlement, Sink
from gateway.payloadlog.cursors import DeadLetter
from gateway.payloadlog.pace import Backoff, Pace
from schemas.errors import SinkRefusedError, SinkUnavailableError

# A batch that fails without a culprit is sent so often before it is halved, and a record before it is given up;
# a record more often while the sink has not shown that it stores anything else.
TRIES = 3
TRIES_UNPROVEN = 10
MAX_REASON = 500

T = TypeVar("T")
Advance = Callable[[int, int, Sequence[DeadLetter]], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]


class _Refused(Struct, frozen=True):
    """The far side will not take the batch, however often it comes."""

    reason: str


class _Failed(Struct, frozen=True):
    """Taken, and not stored; or the sink broke over it."""

    reason: str


class Delivery:
    """Delivers batches of one lane.

    Args:
        sink: where to.
        pace: deadlines and backoff.
        advance: `advance(cursor, delivered, dead)` moves the lane's cursor.
        pause: waits so many seconds; raises where the lane is to stop.
    """

    def __init__(self, sink: Sink, pace: Pace, *, advance: Advance, pause: Pause) -> None:
        self._sink = sink
        self._pace = pace
        self._advance = advance
        self._pause = pause
        self._proven = False

    async def deliver(self, batch: Batch) -> None:
        """Bring all records to the sink, or to the dead letters; the cursor follows piece by piece.

        Raises:
            SinkUnavailableError: the sink takes nothing now; what it holds already is behind the cursor.
        """
        self._proven = False
        await self._deliver(batch, tries=self._tries(batch.records, first=True), guilty=False)

    async def _deliver(self, batch: Batch, *, tries: int, guilty: bool) -> bool:
        """Deliver a piece; return whether a culprit was in it. `guilty`: one is known to be, so halves are sent."""
        alone = len(batch.records) == 1
        if alone or not guilty:
            verdict = await self._try(batch, tries)
            if isinstance(verdict, Settlement):
                await self._stored(batch, verdict.refused)
                return False
            if alone:
                await self._bury(batch.records[0], verdict.reason)
                return True
        middle = len(batch.records) // 2
        left_guilty = await self._half(batch, batch.records[:middle], guilty=False)
        await self._half(batch, batch.records[middle:], guilty=not left_guilty)
        return True

    async def _half(self, batch: Batch, records: Sequence[BatchRecord], *, guilty: bool) -> bool:
        half = Batch(deployment_id=batch.deployment_id, partition=batch.partition, records=records)
        return await self._deliver(half, tries=self._tries(records, first=False), guilty=guilty)

    def _tries(self, records: Sequence[BatchRecord], *, first: bool) -> int:
        if len(records) > 1:
            return TRIES if first else 1
        return TRIES if self._proven else TRIES_UNPROVEN

    async def _try(self, batch: Batch, tries: int) -> Settlement | _Refused | _Failed:
        """Send until it is stored, refused, or has failed so often."""
        backoff = Backoff(self._pace)
        while True:
            verdict = await self._once(batch)
            if not isinstance(verdict, _Failed) or backoff.failures + 1 >= tries:
                return verdict
            await self._pause(backoff.next())

    async def _once(self, batch: Batch) -> Settlement | _Refused | _Failed:
        try:
            return await self._settled(await self._within(self._send(batch)))
        except SinkUnavailableError:
            raise
        except SinkRefusedError as error:
            return _Refused(error.message)
        except Exception as error:  # noqa: BLE001 - a plugin that breaks over a record must not stop the others
            return _Failed(f"The sink raised {type(error).__name__}.")

    def _send(self, batch: Batch) -> Awaitable[Receipt]:
        return self._sink.send(batch, deadline=self._deadline())

    async def _settled(self, receipt: Receipt) -> Settlement | _Failed:
        clock = asyncio.get_running_loop().time
        until = clock() + self._pace.settled_within
        ask = self._pace.ask
        while True:
            settlement = await self._ask(receipt)
            if settlement.state == "failed":
                return _Failed(settlement.reason or "The sink took it, and failed to store it.")
            if settlement.state == "stored":
                return settlement
            if clock() + ask > until:
                raise SinkUnavailableError(
                    f"The sink has not stored what it took within {self._pace.settled_within:g} s."
                )
            await asyncio.sleep(ask)
            ask = min(ask * 1.5, self._pace.ask_at_most)

    async def _ask(self, receipt: Receipt) -> Settlement:
        try:
            return await self._within(self._sink.settle(receipt, deadline=self._deadline()))
        except SinkUnavailableError:
            # The batch may well be stored: asking again is cheaper than sending again.
            return Settlement(state="not_yet")

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._pace.send

    async def _within(self, step: Awaitable[T]) -> T:
        """Wait for a sink that should keep to its deadline, and not for one that doesn't."""
        try:
            async with asyncio.timeout(self._pace.send * 1.1):
                return await step
        except TimeoutError:
            raise SinkUnavailableError(f"The sink gave no answer within {self._pace.send:g} s.") from None

    async def _stored(self, batch: Batch, refused: Sequence[Refusal]) -> None:
        reasons = {refusal.scoring_id: refusal.reason for refusal in refused}
        dead = [
            _dead_letter(record, reasons[record.record.scoring_id])
            for record in batch.records
            if record.record.scoring_id in reasons
        ]
        delivered = len(batch.records) - len(dead)
        self._proven = self._proven or delivered > 0
        await self._advance(batch.records[-1].seq, delivered, dead)

    async def _bury(self, record: BatchRecord, reason: str) -> None:
        await self._advance(record.seq, 0, [_dead_letter(record, reason)])


def _dead_letter(record: BatchRecord, reason: str) -> DeadLetter:
    return DeadLetter(record.seq, record.record.scoring_id, reason[:MAX_REASON])
