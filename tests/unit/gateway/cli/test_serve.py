"""The process that serves, as a supervisor of processes sees it."""

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec import json

from tests.unit.gateway.cli.conftest import start

Write = Callable[..., Path]


def logged(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    assert process.stderr is not None
    for line in process.stderr:
        yield json.decode(line)


def address(process: subprocess.Popen[bytes]) -> str:
    return next(str(line["url"]) for line in logged(process) if line["event"] == "listening")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_it_is_told_to_stop(write_config: Write, number: signal.Signals) -> None:
    with start("serve", "--config", write_config(server={"port": 0})) as process:
        connection = HTTPConnection(urlsplit(address(process)).netloc, timeout=30)
        connection.request("GET", "/livez")
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(number)
        events = [line["event"] for line in logged(process)]
        assert process.wait(30) == 0
        assert events[-2:] == ["stopping", "stopped"]
        assert process.stdout is not None
        assert process.stdout.read() == b""


def test_ipv6_address_is_announced_as_a_url(write_config: Write) -> None:
    with start("serve", "--config", write_config(server={"port": 0, "host": "::1"})) as process:
        assert address(process).startswith("http://[::1]:")
        process.terminate()
        assert process.wait(30) == 0


def test_port_that_is_taken_is_a_mistake_of_the_configuration(write_config: Write) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start("serve", "--config", write_config(server={"port": port})) as process:
            _, errors = process.communicate(timeout=30)
        assert process.returncode == 2
        told = errors.decode()
        assert told.startswith(f"server.port: can't listen on 127.0.0.1:{port}: Address already in use")
        assert told.count("\n") == 1


def test_spool_that_cannot_be_made_is_a_failure_in_a_sentence(write_config: Write, tmp_path: Path) -> None:
    config = write_config(server={"port": 0}, payload_log={"path": str(tmp_path / "none" / "payloads.db")})
    with start("serve", "--config", config) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode in (1, 2)
    assert "Traceback" not in errors.decode()
    assert "payloads.db" in errors.decode() or "payload_log.path" in errors.decode()
