"""The shipper: brings records from the spool to all sinks, each lane for itself. Runs in the leader alone."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from gateway.payloadlog.accounting import Stream
from gateway.payloadlog.cursors import Cursors, LaneKey, Registration
from gateway.payloadlog.lane import ConnectedSink, Lane, SpoolThread
from gateway.payloadlog.pace import Budget, Pace
from gateway.payloadlog.requeue_lane import RequeueLane
from gateway.payloadlog.requeued import requeued_lanes
from schemas.errors import SpoolUnavailableError

# Records that the lanes of one sink hold in memory together.
MAX_BYTES_IN_FLIGHT = 64_000_000

log = structlog.get_logger(__name__)


class Shipper:
    """Ships as long as it is entered: `async with Shipper(path, sinks) as shipper: ... await shipper.wait()`.

    Args:
        path: of a spool that is open.
        sinks: by their names in the configuration.
        pace: patience.
    """

    def __init__(self, path: str | Path, sinks: Mapping[str, ConnectedSink], *, pace: Pace | None = None) -> None:
        self._spool = SpoolThread(Path(path))
        self._sinks = sinks
        self._pace = pace or Pace()
        self._budgets = {name: Budget(MAX_BYTES_IN_FLIGHT) for name in sinks}
        self._lanes: dict[LaneKey, Lane] = {}
        self._requeue_lanes: dict[LaneKey, RequeueLane] = {}
        self._tallies: dict[int, int] = {}
        self._version = -1
        self._woken = asyncio.Event()
        self._stopping = False

    async def __aenter__(self) -> Self:
        """Register the sinks, and begin.

        Raises:
            SpoolUnavailableError: the spool can't be opened.
        """
        await self._spool.open()
        registrations = {
            name: Registration(connected.sink.filter, connected.settings.start)
            for name, connected in self._sinks.items()
        }
        try:
            await self._spool.call(partial(Cursors.register, sinks=registrations))
        except SpoolUnavailableError:
            await self._spool.close()
            raise
        self._running = asyncio.create_task(self._run(), name="shipper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop(0.0)

    def wake(self) -> None:
        """Look at once: this process has appended."""
        self._woken.set()

    async def wait(self) -> None:
        """Wait for the shipper's end, which only `stop` should bring about; for a supervisor.

        Raises:
            ExceptionGroup: a fault ended it.
        """
        await asyncio.shield(self._running)

    async def stop(self, seconds: float) -> None:
        """Let batches that are under way end within so many seconds, then leave the rest to the next start; idempotent.

        Raises:
            ExceptionGroup: a fault had ended the shipper.
        """
        if self._stopping:
            return
        self._stopping = True
        self._woken.set()
        for lane in (*self._lanes.values(), *self._requeue_lanes.values()):
            lane.stop()
        await asyncio.wait({self._running}, timeout=seconds)
        if not self._running.done():
            self._running.cancel()
            await asyncio.wait({self._running})
        await self._spool.close()
        if not self._running.cancelled() and (fault := self._running.exception()) is not None:
            raise fault

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping:
                self._woken.clear()
                await self._look(tasks)
                await self._sleep()

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(self._pace.poll):
                await self._woken.wait()
        except TimeoutError:
            return
        if not self._stopping:
            await asyncio.sleep(self._pace.gather)

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        """Find deployments with new records; begin their lanes, or wake them."""
        try:
            version = await self._spool.call(Cursors.version)
            if version == self._version:
                return
            streams = await self._spool.call(Cursors.streams)
            requeued = await self._spool.call(requeued_lanes)
        except SpoolUnavailableError as error:
            log.warning("spool unavailable to its shipper", problem=error.message)
            return
        self._version = version
        for stream in streams:
            if stream.accepted != self._tallies.get(stream.no, 0):
                self._tallies[stream.no] = stream.accepted
                self._notice(stream, tasks)
        for key in requeued:
            self._notice_requeued(key, tasks)

    def _notice(self, stream: Stream, tasks: asyncio.TaskGroup) -> None:
        for name, connected in self._sinks.items():
            if self._stopping or not stream.passes(connected.sink.filter):
                continue
            key = LaneKey(name, stream.deployment, stream.deployment_id)
            lane = self._lanes.get(key)
            if lane is None:
                lane = Lane(key, connected, self._spool, self._pace, self._budgets[name])
                self._lanes[key] = lane
                tasks.create_task(lane.run(), name=f"lane {name} {stream.deployment_id}")
            lane.wake()

    def _notice_requeued(self, key: LaneKey, tasks: asyncio.TaskGroup) -> None:
        connected = self._sinks.get(key.sink)
        if self._stopping or connected is None:
            return
        lane = self._requeue_lanes.get(key)
        if lane is None:
            lane = RequeueLane(key, connected, self._spool, self._pace, self._budgets[key.sink])
            self._requeue_lanes[key] = lane
            tasks.create_task(lane.run(), name=f"requeued {key.sink} {key.deployment_id}")
        lane.wake()
