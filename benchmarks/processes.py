"""Processes under measurement: pinned to a core, with their CPU time, and ended by their id."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = _CORES[0], _CORES[-1]
START_SECONDS = 30.0
STOP_SECONDS = 30.0

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PACKAGES = {"wrk": "wrk", "nginx": "nginx-light", "taskset": "util-linux"}


class BenchmarkError(Exception):
    """The benchmark can't be run, or what it would measure is not what it should; the message says why."""


def prepare_machine() -> None:
    """Check what the machine has, and leave the server's core to the server.

    Raises:
        BenchmarkError: a program is missing, or there are not two cores.
    """
    missing = [name for name in _PACKAGES if shutil.which(name) is None]
    if missing:
        packages = " ".join(_PACKAGES[name] for name in missing)
        raise BenchmarkError(f"{', '.join(missing)} missing: on Debian, apt-get install {packages}.")
    if SERVER_CORE == LOAD_CORE:
        raise BenchmarkError("Two cores are needed: one for the server, the other for load and upstream.")
    os.sched_setaffinity(0, {LOAD_CORE})


def on_core(core: int, command: Sequence[str]) -> list[str]:
    """Return the command, pinned to a core."""
    return ["taskset", "--cpu-list", str(core), *command]


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[str], *, core: int, port: int, log: Path) -> Iterator[int]:
    """Run a server until the block ends; yield its process id once it listens on the port.

    Raises:
        BenchmarkError: it ended, or did not listen in time; the message ends with its log.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            on_core(core, command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, of a process and all its descendants so far, in seconds."""
    ticks = 0
    for member in _family(pid):
        fields = _stat(member)
        if fields is not None:
            ticks += sum(map(int, fields[11:15]))  # utime, stime, and those of children that have ended
    return ticks / _TICKS_A_SECOND


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise BenchmarkError(f"{process.args!r} does not listen:\n{log.read_text(errors='replace')}")


def _family(pid: int) -> list[int]:
    family = [pid]
    for member in family:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            family += map(int, children.read_text().split())
    return family


def _stat(pid: int) -> list[str] | None:
    try:
        content = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return None
    # The second field, the name in brackets, may hold blanks; what follows begins with the third.
    return content.rpartition(")")[2].split()
