"""What the topics hold: each message is read once, however many windows an audit has."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime

from adapters.base import Held
from adapters.sinks.kafka.reader import TopicReader
from adapters.sinks.kafka.settings import KafkaSettings


class Inventory:
    """What was read of the topics so far, from one time on."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()
        self._reader: TopicReader | None = None

    async def held(self, deployment_id: str, *, start: datetime, end: datetime, deadline: float) -> AsyncIterator[Held]:
        """Read what the deployment's topic has got since, then yield: see `AuditableSink.held`."""
        async with self._turn:
            if self._reader is not None and start < self._reader.since:
                await self.close()
            if self._reader is None:
                self._reader = await asyncio.to_thread(TopicReader, self._settings, start)
            reader = self._reader
            await self._read(reader, self._settings.topic_of(deployment_id), deadline)
        async for held in reader.holdings.held(deployment_id, start=start, end=end):
            yield held

    async def close(self) -> None:
        """Forget what was read."""
        reader, self._reader = self._reader, None
        if reader is not None:
            await asyncio.to_thread(reader.close)

    async def _read(self, reader: TopicReader, topic: str, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        until = time.monotonic() + deadline - loop.time()
        done = not await asyncio.to_thread(reader.begin, topic, until=until)
        while not done:
            if loop.time() >= deadline:
                raise reader.late(topic)
            done = await asyncio.to_thread(reader.step)
