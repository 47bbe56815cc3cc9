"""The demo as a visitor runs it."""

import re
import shlex
import signal
import socket
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from msgspec import json

from tests.unit.gateway.cli.conftest import start

WIDTH = 100


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with start("demo", cwd=tmp_path) as process:
        yield process
        process.kill()


def read_until(process: subprocess.Popen[bytes], end: str) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.decode())
        if end in lines[-1]:
            return "".join(lines)
    assert process.stderr is not None
    raise AssertionError("".join(lines) + process.stderr.read().decode())


def called(line: str) -> bytes:
    """Make the request of a curl line, and return the body of its success."""
    _, *arguments = shlex.split(line)
    url, options = urlsplit(arguments.pop()), dict(zip(arguments[::2], arguments[1::2], strict=True))
    headers = {"Authorization": f"Basic {b64encode(options['-u'].encode()).decode()}"}
    if "-H" in options:
        name, _, value = options["-H"].partition(": ")
        headers[name] = value
    connection = HTTPConnection(url.netloc, timeout=30)
    try:
        connection.request("POST" if "-d" in options else "GET", url.path, options.get("-d"), headers)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    assert response.status == 200, body
    return body


def test_tour_ends_by_itself_with_counts_that_match(tmp_path: Path) -> None:
    with start("demo", "--once", cwd=tmp_path) as process:
        output, errors = (text.decode() for text in process.communicate(timeout=60))
    assert (process.returncode, errors) == (0, "")
    assert "All counts match." in output
    assert "10 records accepted = 10 delivered + 0 pending + 0 dead + 0 dropped" in output
    assert "0 records more in the payload log" in output
    assert max(map(len, output.splitlines())) <= WIDTH
    assert "…" not in output
    assert list(tmp_path.iterdir()) == []


def test_what_it_prints_can_be_tried_until_it_is_stopped(demo: subprocess.Popen[bytes]) -> None:
    output = read_until(demo, "/docs")
    curls = [line.strip() for line in output.splitlines() if line.strip().startswith("curl ")]
    bodies = [called(line) for line in curls]
    assert len(bodies) == 4
    assert json.decode(bodies[0])["count"] == 2
    assert json.decode(bodies[1])["fields"] == ["prediction", "probability"]
    assert len(json.decode(bodies[2])["records"]) == 11
    assert b"openscale_gateway_calls_total" in bodies[3]
    address = re.search(r"http://127\.0\.0\.1:(\d+)/docs", output)
    configuration = re.search(r"--config (\S+)", output)
    assert address is not None
    assert configuration is not None
    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 0
    assert demo.stderr is not None
    assert demo.stderr.read() == b""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(address[1]))) != 0
    assert not Path(configuration[1]).parent.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_tour_leaves_nothing_behind(
    demo: subprocess.Popen[bytes], number: signal.Signals, code: int
) -> None:
    read_until(demo, "1. Discovery")
    demo.send_signal(number)
    assert demo.wait(30) == code
    assert demo.stderr is not None
    assert b"Traceback" not in demo.stderr.read()
