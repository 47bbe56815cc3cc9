"""What one process among those that share a spool does for all: discovery, delivery, retention.

Whoever holds the lock beside the spool leads; the others follow what it persists, and one of them takes over when it is
gone.
"""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import structlog

from adapters.base import Transport
from gateway.config import Configuration
from gateway.connecting import connected_sink
from gateway.directory import Directory
from gateway.payloadlog.lane import ConnectedSink
from gateway.payloadlog.leader import LeaderLock
from gateway.payloadlog.reading import SpoolReader
from gateway.payloadlog.retention import Keeper
from gateway.payloadlog.shipper import Shipper

TAKE_OVER_SECONDS = 1.0
SHIP_SECONDS_AT_END = 5.0
# A leader that is starting, too, registers its sinks within moments.
REGISTER_SECONDS = 10.0
LOOK_SECONDS = 0.05

log = structlog.get_logger(__name__)


class Leading:
    """Leads or follows, from entering to leaving.

    Args:
        configuration: its sinks are connected while this process leads.
        directory: discovers while leading.
        transport: for the sinks.
    """

    def __init__(self, configuration: Configuration, directory: Directory, transport: Transport) -> None:
        self._configuration = configuration
        self._directory = directory
        self._transport = transport
        self._lock = LeaderLock(configuration.payload_log.path)
        self._stack = AsyncExitStack()
        self._shipper: Shipper | None = None

    async def __aenter__(self) -> Self:
        """Lead at once where nobody else does; sinks are owed every record from here on, whoever leads.

        Raises:
            ConfigurationError: a sink can't be connected; the message names it.
            PayloadLogError: the spool or its lock can't be used.
        """
        if self._lock.try_acquire() or not await self._registered():
            try:
                await self._begin()
            except BaseException:
                await self._end()
                raise
        return self

    async def _registered(self) -> bool:
        """Wait until the leader has registered the sinks; False where this process leads in the end."""
        reader = SpoolReader(self._configuration.payload_log.path)
        deadline = asyncio.get_running_loop().time() + REGISTER_SECONDS
        while not self._configuration.sinks.keys() <= await asyncio.to_thread(reader.configured_sinks):
            if self._lock.try_acquire():
                return False
            if asyncio.get_running_loop().time() > deadline:
                log.warning("sinks not registered by the leader: another gateway on the same spool?")
                break
            await asyncio.sleep(LOOK_SECONDS)
        return True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        try:
            if self._shipper is not None:
                await self._shipper.stop(SHIP_SECONDS_AT_END)
            await self._stack.aclose()
        finally:
            self._lock.release()

    def wake(self) -> None:
        """This process has appended records."""
        if self._shipper is not None:
            self._shipper.wake()

    async def run(self) -> None:
        """Work for ever; a fault ends it.

        Raises:
            ExceptionGroup: what ended it.
        """
        if self._shipper is None:
            await self._follow()
            await self._begin()
        assert self._shipper is not None  # noqa: S101 - leading has begun
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._directory.lead(), name="directory")
            tasks.create_task(self._shipper.wait(), name="shipper")
            tasks.create_task(self._keeper.wait(), name="keeper")

    async def _begin(self) -> None:
        sinks = {
            name: ConnectedSink(
                name,
                await self._stack.enter_async_context(connected_sink(sink, self._transport)),
                sink.settings,
            )
            for name, sink in self._configuration.sinks.items()
        }
        payload_log = self._configuration.payload_log
        shipper = Shipper(payload_log.path, sinks)
        await shipper.__aenter__()
        self._shipper = shipper
        # Only now is it known what the sinks are owed.
        self._keeper = await self._stack.enter_async_context(
            Keeper(payload_log.path, max_bytes=payload_log.max_bytes, retain_seconds=payload_log.retain_seconds)
        )
        log.info("leading", sinks=sorted(sinks))

    async def _follow(self) -> None:
        following = asyncio.create_task(self._directory.follow(), name="directory follower")
        try:
            while not self._lock.try_acquire():
                done, _ = await asyncio.wait({following}, timeout=TAKE_OVER_SECONDS)
                if done:
                    await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
