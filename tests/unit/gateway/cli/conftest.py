"""Commands, run as a shell would run them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct
from structlog.testing import capture_logs

from gateway.cli import main
from gateway.payloadlog.appending import Appender
from gateway.payloadlog.entry import SpoolEntry
from gateway.payloadlog.spool import Spool

Run = Callable[..., "Outcome"]


class Outcome(Struct, frozen=True):
    """How a command ended, and what it printed."""

    code: int
    output: str
    errors: str


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run a command in this process, as in a pipe."""

    def run_it(*arguments: str | Path) -> Outcome:
        capfdbinary.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return Outcome(code, captured.out.decode(errors="replace"), captured.err.decode())

    return run_it


@pytest.fixture
def run_beside(run: Run) -> Iterator[Callable[..., Any]]:
    """Run a command in a thread, beside what this event loop serves; the log of that is kept out of its output."""

    async def run_it(*arguments: str | Path) -> Outcome:
        return await asyncio.to_thread(run, *arguments)

    with capture_logs():
        yield run_it


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start a command as a process of its own, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        # Whoever runs the tests in the background may have it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - takes no lock
        **options,
    )


@pytest.fixture
def write_config(tmp_path: Path) -> Callable[..., Path]:
    """Write a configuration file: `auth.mode: none`, a spool in the test's folder, and what is given."""

    def write(**sections: Any) -> Path:
        path = tmp_path / "gateway.yaml"
        tree = {"auth": {"mode": "none"}, "payload_log": {"path": str(tmp_path / "payloads.db")}} | sections
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
        return path

    return write


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Path of the spool that `write_config` names; empty."""
    return Spool.open(tmp_path / "payloads.db", max_bytes=1_000_000_000).path


@pytest.fixture
def append(spool: Path) -> Callable[..., None]:
    """Append entries to it."""

    def append_all(*entries: SpoolEntry) -> None:
        appender = Appender(spool)
        appender.append(entries)
        appender.close()

    return append_all
