"""Several serving processes behind one socket: the parent starts them, starts dead ones again, and stops them."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import structlog

from gateway.config import Configuration
from gateway.payloadlog.damage import DamageWatch
from schemas.errors import ConfigurationError

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
# A process that has served this long was sound: the next start of its place is not delayed.
SOUND_SECONDS = 30.0
# Beyond `drain_seconds`, for what follows the last call: records, a batch under way, connections.
KILL_GRACE_SECONDS = 20.0
# What a process writes once it serves, and its exit code where it won't serve with this configuration.
READY = b"+"
REFUSED = 2

log = structlog.get_logger(__name__)


class Supervisor:
    """Keeps `server.workers` serving processes alive until it is told to stop.

    A spool that one of them found damaged can be recovered only while none of them uses it: then all of them finish
    their calls and end, and begin again on what could be kept. Connections wait at the listener meanwhile.

    Args:
        configuration: the file is read again by each process.
        listener: bound and listening; inherited, so no connection is lost while a process is replaced.
        recover: makes a damaged spool whole again; blocking.
    """

    def __init__(self, configuration: Configuration, listener: socket.socket, recover: Callable[[], None]) -> None:
        self._configuration = configuration
        self._listener = listener
        self._recover = recover
        self._stopped = False
        self._refused = False
        self._sound: set[int] = set()
        self._ending = asyncio.Event()
        self._running: set[asyncio.subprocess.Process] = set()

    async def run(self) -> None:
        """Serve until `stop`; return when the last process has ended.

        Raises:
            ConfigurationError: a process refused the configuration before it had ever served; it has said why.
            PayloadLogError: a damaged spool can't be recovered.
        """
        with tempfile.TemporaryDirectory(prefix="openscale-gateway-metrics-") as metrics:
            environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": metrics}
            while not self._stopped:
                self._ending.clear()
                await self._serve(environment)
                if self._refused:
                    raise ConfigurationError(["A serving process refused the configuration, for the reason above."])
                if not self._stopped:
                    await asyncio.to_thread(self._recover)

    def stop(self) -> None:
        """Accept no more connections, and send SIGTERM to all processes: they finish their calls."""
        log.info("stopping")
        self._stopped = True
        self._listener.close()
        self._end()

    def _end(self) -> None:
        self._ending.set()
        for process in self._running:
            _terminate(process)

    async def _serve(self, environment: dict[str, str]) -> None:
        """Keep the processes alive until they are to end, and return when they have."""
        async with asyncio.TaskGroup() as tasks:
            for place in range(self._configuration.server.workers):
                tasks.create_task(self._keep_alive(place, environment), name=f"worker {place}")
            watching = tasks.create_task(self._end_where_damaged(), name="damage watch")
            await self._ending.wait()
            watching.cancel()

    async def _end_where_damaged(self) -> None:
        await DamageWatch(self._configuration.payload_log.path).met()
        log.error("spool damaged", then="all workers end, what can be read is kept, and they start again")
        self._end()

    async def _keep_alive(self, place: int, environment: dict[str, str]) -> None:
        pause = FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while not self._ending.is_set():
            started = loop.time()
            with _Readiness() as readiness:
                code = await self._run_one(environment, readiness)
                if readiness.told:
                    self._sound.add(place)
            if self._ending.is_set():
                return
            if code == REFUSED and place not in self._sound:
                # It would be refused for ever. Later it may be the file that was changed: then the others go on.
                self._refused = True
                self._end()
                return
            pause = FIRST_PAUSE_SECONDS if loop.time() - started > SOUND_SECONDS else pause
            log.error("worker died", worker=place, exit_code=code, restart_seconds=pause)
            await self._ending_within(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _run_one(self, environment: dict[str, str], readiness: "_Readiness") -> int:
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
            "--ready",
            str(readiness.descriptor),
            # Nothing is ever written: its end tells the worker that this process is gone, however it went.
            stdin=asyncio.subprocess.PIPE,
            pass_fds=(descriptor, readiness.descriptor),
            env=environment,
        )
        self._running.add(process)
        if self._ending.is_set():
            _terminate(process)
        ended = asyncio.ensure_future(process.wait())
        try:
            if not await self._ending_before(ended):
                return await ended
            return await self._ended_or_killed(process, ended)
        finally:
            self._running.discard(process)
            if process.returncode is None:
                process.kill()

    async def _ending_before(self, ended: asyncio.Future[int]) -> bool:
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait((ending, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
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

    async def _ending_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            pass


class _Readiness:
    """How a process tells that it has begun to serve: it writes to `descriptor`."""

    def __enter__(self) -> Self:
        self._reader, self.descriptor = os.pipe()
        os.set_blocking(self._reader, False)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._reader)
        os.close(self.descriptor)

    @property
    def told(self) -> bool:
        """Whether it has."""
        with suppress(BlockingIOError):
            return os.read(self._reader, len(READY)) == READY
        return False


def _terminate(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
