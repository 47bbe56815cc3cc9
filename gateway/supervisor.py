"""Several serving processes behind one socket: the parent starts them, starts dead ones again, and stops them."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from contextlib import suppress

import structlog

from gateway.config import Configuration

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
# A process that has served this long was sound: the next start of its place is not delayed.
SOUND_SECONDS = 30.0
# Beyond `drain_seconds`, for what follows the last call: records, a batch under way, connections.
KILL_GRACE_SECONDS = 20.0

log = structlog.get_logger(__name__)


class Supervisor:
    """Keeps `server.workers` serving processes alive until it is told to stop.

    Args:
        configuration: the file is read again by each process.
        listener: bound and listening; inherited, so no connection is lost while a process is replaced.
    """

    def __init__(self, configuration: Configuration, listener: socket.socket) -> None:
        self._configuration = configuration
        self._listener = listener
        self._stop = asyncio.Event()
        self._running: set[asyncio.subprocess.Process] = set()

    async def run(self) -> None:
        """Serve until `stop`; return when the last process has ended."""
        with tempfile.TemporaryDirectory(prefix="openscale-gateway-metrics-") as metrics:
            environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": metrics}
            async with asyncio.TaskGroup() as tasks:
                for place in range(self._configuration.server.workers):
                    tasks.create_task(self._keep_alive(place, environment), name=f"worker {place}")

    def stop(self) -> None:
        """Accept no more connections, and send SIGTERM to all processes: they finish their calls."""
        log.info("stopping")
        self._stop.set()
        self._listener.close()
        for process in self._running:
            _terminate(process)

    async def _keep_alive(self, place: int, environment: dict[str, str]) -> None:
        pause = FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            started = loop.time()
            code = await self._run_one(environment)
            if self._stop.is_set():
                return
            pause = FIRST_PAUSE_SECONDS if loop.time() - started > SOUND_SECONDS else pause
            log.error("worker died", worker=place, exit_code=code, restart_seconds=pause)
            await self._stopped_within(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_one(self, environment: dict[str, str]) -> int:
        descriptor = self._listener.fileno()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            "serve",
            "--config",
            str(self._configuration.source_path),
            "--listener",
            str(descriptor),
            # Nothing is ever written: its end tells the worker that this process is gone, however it went.
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(descriptor,),
            env=environment,
        )
        self._running.add(process)
        if self._stop.is_set():
            _terminate(process)
        ended = asyncio.ensure_future(process.wait())
        try:
            if not await self._stopped_before(ended):
                return await ended
            return await self._ended_or_killed(process, ended)
        finally:
            self._running.discard(process)
            if process.returncode is None:
                process.kill()

    async def _stopped_before(self, ended: asyncio.Future[int]) -> bool:
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((stopped, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
        return not ended.done()

    async def _ended_or_killed(self, process: asyncio.subprocess.Process, ended: asyncio.Future[int]) -> int:
        patience = self._configuration.server.drain_seconds + KILL_GRACE_SECONDS
        try:
            async with asyncio.timeout(patience):
                return await asyncio.shield(ended)
        except TimeoutError:
            log.error("worker killed", pid=process.pid, after_seconds=patience)
            process.kill()
            return await ended

    async def _stopped_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass


def _terminate(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
