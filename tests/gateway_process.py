"""The real gateway as a subprocess, for tests of what only a process can show.

    async def test_something(start_gateway: StartGateway) -> None:
        gateway = await start_gateway({"engines": {...}, "deployments": {...}})
        ...
        assert await gateway.stop() == 0

`start_gateway` is a fixture: import it into the `conftest.py` of the folder that uses it. Every process that it started
is killed at the end of its test.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
import yaml

EXECUTABLE = Path(sys.executable).parent / "openscale-gateway"
START_SECONDS = 30.0
STOP_SECONDS = 90.0
PROBE_SECONDS = 0.02

StartGateway = Callable[..., Awaitable["GatewayProcess"]]
"""Takes the arguments of `GatewayProcess.start` but `directory`, the test's own."""


class GatewayProcess:
    """One `openscale-gateway serve`, on a free loopback port, with its log.

    Attributes:
        url: base URL of its socket, without a slash at its end.
        config_file: what it was started with.
        log: entries of its log so far; a line that is no JSON object stands as `{"line": text}`.
    """

    def __init__(self, process: asyncio.subprocess.Process, config_file: Path) -> None:
        self.url = ""
        self.config_file = config_file
        self.log: list[dict[str, Any]] = []
        self._process = process
        self._new_entry = asyncio.Event()
        self._reader = asyncio.create_task(self._read_log())

    @classmethod
    async def start(
        cls,
        config: Mapping[str, Any] | Path,
        directory: Path,
        *,
        environ: Mapping[str, str] | None = None,
        ready: bool = True,
        executable: Path = EXECUTABLE,
    ) -> Self:
        """Start the gateway and wait until it listens, and answers `/readyz` with 200.

        Args:
            config: a file, or the tree to write to one; in a tree, `server.port` is a free one unless it is given.
            directory: working directory of the process, where relative paths of the configuration begin.
            environ: added to the environment.
            ready: whether to wait for `/readyz`.
            executable: of another environment.

        Raises:
            AssertionError: it did not come up; the message ends with its log.
        """
        config_file = config if isinstance(config, Path) else _written(config, directory)
        process = await asyncio.create_subprocess_exec(
            executable,
            "serve",
            "--config",
            config_file,
            cwd=directory,
            env={**os.environ, **(environ or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=2**20,
            start_new_session=True,
        )
        gateway = cls(process, config_file)
        try:
            async with asyncio.timeout(START_SECONDS):
                gateway.url = (await gateway.logged("listening"))["url"]
                if ready:
                    await gateway.ready()
        except TimeoutError as error:
            await gateway.kill()
            raise AssertionError(f"The gateway was not up in {START_SECONDS} s:\n{gateway.log_text()}") from error
        except BaseException:
            await gateway.kill()
            raise
        return gateway

    @property
    def pid(self) -> int:
        """Id of the process that was started: with several workers, their parent."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.returncode is None

    async def logged(self, event: str) -> dict[str, Any]:
        """Return the first log entry of this event, as soon as there is one.

        Raises:
            AssertionError: the log ended without it.
        """
        while True:
            for entry in self.log:
                if entry.get("event") == event:
                    return entry
            if self._reader.done():
                raise AssertionError(f"The gateway ended without the log entry `{event}`:\n{self.log_text()}")
            self._new_entry.clear()
            await self._new_entry.wait()

    async def ready(self) -> None:
        """Wait until `/readyz` answers 200."""
        async with aiohttp.ClientSession() as session:
            while True:
                if await self._probe(session):
                    return
                # Readiness is told over HTTP alone: asking again is the only way to learn of it.
                await asyncio.sleep(PROBE_SECONDS)

    def workers(self) -> list[int]:
        """Return the ids of its serving processes, oldest first; none where it serves itself."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return sorted(int(pid) for pid in children.split())

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)

    async def stop(self) -> int:
        """Ask it to stop (SIGTERM) and return its exit code; negative: the signal that ended it.

        Raises:
            TimeoutError: it goes on after `STOP_SECONDS`.
        """
        self.ask_to_stop()
        async with asyncio.timeout(STOP_SECONDS):
            code = await self._process.wait()
            await self._reader
        return code

    async def kill(self) -> None:
        """End it and its workers at once (SIGKILL), and return when they are gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()
        await self._reader

    def kill_parent(self) -> None:
        """End the process itself at once, and none of its workers."""
        self._process.kill()

    def kill_worker(self, pid: int) -> None:
        """End one of its serving processes at once."""
        assert pid in self.workers()
        os.kill(pid, signal.SIGKILL)

    def log_text(self) -> str:
        """Return the end of the log, a line an entry, for a failure's message."""
        return "\n".join(json.dumps(entry) for entry in self.log[-50:])

    async def _probe(self, session: aiohttp.ClientSession) -> bool:
        if not self.running:
            raise AssertionError(f"The gateway ended before it was ready:\n{self.log_text()}")
        try:
            async with session.get(f"{self.url}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        try:
            async for line in self._process.stderr:
                self.log.append(_entry(line.decode(errors="replace").rstrip("\n")))
                self._new_entry.set()
        finally:
            asyncio.get_running_loop().call_soon(self._new_entry.set)


async def ended(pid: int) -> None:
    """Wait for the end of a process that need not be a child of this one."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def run_command(*arguments: str | Path, directory: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a command of `openscale-gateway` to its end and return what it printed.

    Raises:
        AssertionError: it failed; the message ends with its complaint.
    """
    process = await asyncio.create_subprocess_exec(
        EXECUTABLE,
        *arguments,
        cwd=directory,
        env={**os.environ, **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await process.communicate()
    assert process.returncode == 0, f"{arguments[0]} ended with {process.returncode}:\n{complaint.decode()}"
    return output.decode()


async def exported_payloads(gateway: GatewayProcess, directory: Path) -> list[dict[str, Any]]:
    """Return all payload records, as `payloads export --format jsonl` writes them."""
    exported = await run_command(
        "payloads", "export", "--config", gateway.config_file, "--format", "jsonl", directory=directory
    )
    return [json.loads(line) for line in exported.splitlines()]


@pytest.fixture
async def start_gateway(tmp_path: Path) -> AsyncIterator[StartGateway]:
    """Start gateways whose working directory is the test's own; whatever still runs at its end is killed."""
    started: list[GatewayProcess] = []

    async def start(config: Mapping[str, Any] | Path, **options: Any) -> GatewayProcess:
        gateway = await GatewayProcess.start(config, tmp_path, **options)
        started.append(gateway)
        return gateway

    yield start
    for gateway in started:
        await gateway.kill()


def _written(config: Mapping[str, Any], directory: Path) -> Path:
    tree = {**config, "server": {"port": 0, **config.get("server", {})}}
    file = directory / f"gateway-{len(list(directory.glob('gateway-*.yaml'))) + 1}.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return file


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {"line": line}
    return entry if isinstance(entry, dict) else {"line": line}
