"""Load from wrk: one constant request, sent again and again over some connections."""

import subprocess
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from benchmarks.processes import LOAD_CORE, BenchmarkError, cpu_seconds, on_core

SCRIPT = Path(__file__).with_name("post.lua")


class Call(Struct, frozen=True):
    """The request of one measurement. `body_file` is what wrk reads its body from."""

    url: str
    body_file: Path
    content_type: str
    authorization: str | None = None

    def connect(self) -> HTTPConnection:
        """Return a connection to its server."""
        return HTTPConnection(urlsplit(self.url).netloc, timeout=30)

    def send(self, connection: HTTPConnection) -> bytes:
        """Send it over a connection, which stays open, and return the body of the answer.

        Raises:
            BenchmarkError: it was not answered with a success.
        """
        headers = {"Content-Type": self.content_type}
        if self.authorization is not None:
            headers["Authorization"] = self.authorization
        try:
            connection.request("POST", urlsplit(self.url).path, self.body_file.read_bytes(), headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException) as error:
            raise BenchmarkError(f"{self.url} does not answer: {error!r}") from error
        if answer.status != HTTPStatus.OK:
            raise BenchmarkError(f"{self.url} answers {answer.status}: {body[:500].decode(errors='replace')}")
        return body

    def send_once(self) -> bytes:
        """Send it over a connection of its own."""
        with closing(self.connect()) as connection:
            return self.send(connection)


class Measurement(Struct, frozen=True):
    """What one run of wrk saw.

    Attributes:
        rate: answers a second.
        p50_ms: median latency; `p99_ms` likewise.
        cpu_us: CPU time of the server per call, in microseconds.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


class _Figures(Struct, frozen=True):
    requests: int
    duration_us: int
    p50_us: int
    p99_us: int
    refused: int
    broken: int


def measure(call: Call, *, connections: int, seconds: int, server_pid: int) -> Measurement:
    """Load a server for some seconds.

    Raises:
        BenchmarkError: a call was not answered with a success: the figures would mean nothing.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT), call.url]
    arguments = [str(call.body_file), call.content_type, *([call.authorization] if call.authorization else [])]
    before = cpu_seconds(server_pid)
    run = subprocess.run(on_core(LOAD_CORE, [*command, "--", *arguments]), capture_output=True, text=True, check=False)
    used = cpu_seconds(server_pid) - before
    if run.returncode != 0:
        raise BenchmarkError(f"wrk failed: {run.stdout}{run.stderr}")
    figures = msgspec.json.decode(run.stdout.splitlines()[-1], type=_Figures)
    if figures.refused or figures.broken or not figures.requests:
        raise BenchmarkError(
            f"{call.url}: {figures.requests} calls, {figures.refused} refused, {figures.broken} connections broken."
        )
    return Measurement(
        rate=figures.requests / figures.duration_us * 1e6,
        p50_ms=figures.p50_us / 1e3,
        p99_ms=figures.p99_us / 1e3,
        cpu_us=used / figures.requests * 1e6,
    )
