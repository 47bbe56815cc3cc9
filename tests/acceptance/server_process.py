"""A server of somebody else's as a subprocess, which says in its output where it listens."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

START_SECONDS = 90.0


@asynccontextmanager
async def announced_server(
    *command: str | Path, announcement: str, ready: str, directory: Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """Run a server and yield its URL, as soon as it has announced it and is ready; at the end it is killed.

    Args:
        command: the program and its arguments.
        announcement: pattern of the line with the URL, which is the pattern's first group.
        ready: pattern of the line after which it serves, the announcement's own or a later one.
        directory: working directory of the server.
        environ: added to the environment.

    Raises:
        AssertionError: it ended before; the message ends with what it said.
        TimeoutError: it is not ready within `START_SECONDS`.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environ or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    drain = None
    try:
        async with asyncio.timeout(START_SECONDS):
            url = await _announced_url(process, announcement, ready)
        drain = asyncio.create_task(_drain(process))
        yield url
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if drain is not None:
            await drain


async def _announced_url(process: asyncio.subprocess.Process, announcement: str, ready: str) -> str:
    assert process.stdout is not None
    said = []
    url = None
    async for line in process.stdout:
        said.append(line.decode(errors="replace"))
        url = url or re.search(announcement, said[-1])
        if url is not None and re.search(ready, said[-1]):
            return url[1]
    raise AssertionError(f"The server ended before it served:\n{''.join(said)}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(2**16):
        pass
