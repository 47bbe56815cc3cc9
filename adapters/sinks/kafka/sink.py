"""The sink: batches become messages, and their reports become verdicts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from adapters.base import (
    Batch,
    BatchRecord,
    Held,
    Receipt,
    RecordFilter,
    Refusal,
    Settlement,
    Sink,
    SinkPlugin,
    Transport,
    record_filter,
)
from adapters.sinks.kafka.answers import judge
from adapters.sinks.kafka.inventory import Inventory
from adapters.sinks.kafka.producer import Message, Producer, Reports
from adapters.sinks.kafka.settings import KafkaSettings
from schemas.errors import ConfigurationError, SinkUnavailableError
from schemas.payload import PayloadRecord


class Kafka:
    """A `Sink`: topics of one cluster."""

    def __init__(self, settings: KafkaSettings, producer: Producer) -> None:
        self._settings = settings
        self._filter = record_filter(settings)
        self._producer = producer
        self._inventory = Inventory(settings)
        self._replacing: asyncio.Task[str | None] | None = None
        self._left_behind: dict[str, Reports] = {}

    @property
    def filter(self) -> RecordFilter:
        """What the settings select."""
        return self._filter

    def partition(self, record: PayloadRecord) -> str:
        """Return the record's topic."""
        return self._settings.topic_of(record.deployment_id)

    async def send(self, batch: Batch, *, deadline: float) -> Receipt:
        """Produce the records, and wait for all acknowledgements: see `Sink.send`."""
        if deadline <= asyncio.get_running_loop().time():
            raise SinkUnavailableError("There is no time left to reach Kafka.")
        try:
            async with asyncio.timeout_at(deadline):
                reports = await self._published(batch)
        except TimeoutError:
            raise SinkUnavailableError(
                f"Kafka has not acknowledged the records in topic {batch.partition} in time."
            ) from None
        judge(reports.errors.values(), self._producer.last_error, topic=batch.partition)
        return Receipt({"refused": tuple(self._refusal(batch.records[number]) for number in reports.oversized)})

    async def settle(self, receipt: Receipt, *, deadline: float) -> Settlement:
        """Return what is known since `send`: all is acknowledged but what is too large."""
        return Settlement(state="stored", refused=receipt.reference["refused"])

    def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Read the deployment's topic: see `AuditableSink.held`."""
        return self._inventory.held(deployment_id, start=start, end=end, deadline=deadline)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._inventory.close()
        if self._replacing is not None:
            await self._replacing
        await self._producer.close()

    async def _published(self, batch: Batch) -> Reports:
        """Return the reports of a batch when all have come."""
        # Messages of an attempt that was left would end up behind or amid those of the next.
        earlier = self._left_behind.get(batch.deployment_id)
        if earlier is not None:
            await earlier.wait()
            self._left_behind.pop(batch.deployment_id, None)
        await self._renew()
        reports = self._producer.publish(batch.partition, [_message(item) for item in batch.records])
        try:
            await reports.wait()
        except asyncio.CancelledError:
            self._left_behind[batch.deployment_id] = reports
            raise
        return reports

    async def _renew(self) -> None:
        """Make another producer where a fatal error has ended this one."""
        if self._producer.broken and (self._replacing is None or self._replacing.done()):
            self._replacing = asyncio.create_task(self._replace(), name="kafka-producer")
        if self._replacing is None:
            return
        # Shielded: a producer that is half made when its sender leaves would be lost, with its threads.
        problem = await asyncio.shield(self._replacing)
        if problem is not None:
            raise SinkUnavailableError(problem)

    async def _replace(self) -> str | None:
        """Put another producer into the place of this one; return why that fails."""
        await self._producer.close()
        try:
            self._producer = await _open(self._settings)
        except ConfigurationError as error:
            return error.message
        return None

    def _refusal(self, item: BatchRecord) -> Refusal:
        reason = (
            f"The record is larger than `message_max_bytes`: {len(item.line)} bytes of "
            f"{self._settings.message_max_bytes}."
        )
        return Refusal(item.record.scoring_id, reason)


@asynccontextmanager
async def connect(settings: KafkaSettings, transport: Transport) -> AsyncIterator[Sink]:
    """Open the sink; its client connects in the background.

    Raises:
        ConfigurationError: librdkafka does not take `config`.
        MissingExtraError: confluent-kafka is not installed.
    """
    kafka = Kafka(settings, await _open(settings))
    try:
        yield kafka
    finally:
        await kafka.close()


plugin = SinkPlugin(kind="kafka", settings=KafkaSettings, connect=connect)


async def _open(settings: KafkaSettings) -> Producer:
    # In a thread: the client is slow to import, and reads certificates from files.
    return await asyncio.to_thread(Producer, settings, asyncio.get_running_loop())


def _message(item: BatchRecord) -> Message:
    record = item.record
    return Message(
        key=record.deployment_id.encode(),
        value=item.line,
        headers=[
            ("content-type", "application/json"),
            ("scoring_id", record.scoring_id),
            ("outcome", record.outcome),
            ("origin", record.origin),
        ],
    )
