import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from gateway.api.draining import Draining
from gateway.api.serving import serving

GET = b"GET %b HTTP/1.1\r\nHost: gateway\r\n\r\n"


class Served:
    """An application that greets; `/slow` when it is released, `/broken` never."""

    def __init__(self) -> None:
        self.begun, self.released = asyncio.Event(), asyncio.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/quick", self._quick)
        app.router.add_get("/slow", self._slow)
        app.router.add_get("/broken", self._broken)
        return app

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            yield reader, writer
        finally:
            writer.close()
            await writer.wait_closed()

    async def _quick(self, request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def _slow(self, request: web.Request) -> web.Response:
        self.begun.set()
        await self.released.wait()
        return web.Response(text="at last")

    async def _broken(self, request: web.Request) -> web.Response:
        raise RuntimeError("with words of the payload")


@pytest.fixture
async def served() -> Served:
    return Served()


async def test_it_serves_until_it_is_left_and_refuses_connections_then(served: Served) -> None:
    async with (
        serving(served.application(), served.listener, Draining(1.0), tls=None),
        served.connection() as (reader, writer),
    ):
        writer.write(GET % b"/quick")
        assert (await _answer(reader))[0] == 200
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*served.address)


async def test_leaving_finishes_what_was_begun(served: Served) -> None:
    stop = asyncio.Event()

    async def serve() -> None:
        async with serving(served.application(), served.listener, Draining(1.0), tls=None):
            await stop.wait()

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve())
        async with served.connection() as (reader, writer):
            writer.write(GET % b"/slow")
            await served.begun.wait()
            stop.set()
            await asyncio.sleep(0)
            served.released.set()
            assert await _answer(reader) == (200, b"at last")


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", b"{]\r\n\r\n"],
    ids=["TLS", "huge header", "no HTTP"],
)
async def test_what_is_no_http_gets_an_error_body_and_is_no_error_in_the_log(served: Served, garbage: bytes) -> None:
    async with serving(served.application(), served.listener, Draining(1.0), tls=None):
        with capture_logs() as log:
            async with served.connection() as (reader, writer):
                writer.write(garbage)
                status, body = await _answer(reader)
                assert await reader.read() == b""
    assert status == 400
    assert json.loads(body)["errors"][0]["code"] == "invalid_request"
    assert [entry["log_level"] for entry in log] == ["info"]


async def test_a_fault_outside_of_the_guard_is_answered_and_logged_without_its_words(served: Served) -> None:
    async with serving(served.application(), served.listener, Draining(1.0), tls=None):
        with capture_logs() as log:
            async with served.connection() as (reader, writer):
                writer.write(GET % b"/broken")
                status, body = await _answer(reader)
    assert (status, json.loads(body)["errors"][0]["code"]) == (500, "gateway_error")
    assert b"words" not in body
    (entry,) = log
    assert (entry["log_level"], entry["fault"]) == ("error", "RuntimeError")
    assert "words" not in str(entry)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length)
