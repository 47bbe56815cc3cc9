"""Reading bodies off real sockets: sizes, encodings, and what is given back."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.api import bodies
from gateway.api.bodies import BodyReader
from gateway.api.errors import BodyTooLargeError, ContentTypeError
from gateway.api.in_flight import InFlight
from schemas.errors import GatewayError, InvalidRequestError, OverloadedError

Client = TestClient[web.Request, web.Application]
MAX_BYTES = 5_000
MAX_IN_FLIGHT = 12_000


class PatientServer(TestServer):
    """As the gateway serves: a caller that hangs up cancels nothing."""

    async def _make_runner(self, **options: Any) -> web.AppRunner:
        return await super()._make_runner(**(options | {"handler_cancellation": False}))


class Reading:
    """A handler that reads a body and keeps it in flight until `release` is set."""

    def __init__(self) -> None:
        self.in_flight = InFlight(MAX_IN_FLIGHT)
        self.reader = BodyReader(MAX_BYTES, self.in_flight)
        self.any_type = False
        self.bodies: list[bytes] = []
        self.errors: list[GatewayError] = []
        self.held = asyncio.Event()
        self.ended = asyncio.Event()
        self.release = asyncio.Event()
        self.release.set()

    async def handle(self, request: web.Request) -> web.Response:
        try:
            body, share = await self.reader.read(request, any_type=self.any_type)
        except GatewayError as error:
            self.errors.append(error)
            return web.Response(status=400)
        finally:
            self.ended.set()
        self.bodies.append(body)
        self.held.set()
        await self.release.wait()
        self.reader.give_back(share)
        return web.Response()


@pytest.fixture
def reading() -> Reading:
    return Reading()


@pytest.fixture
async def client(aiohttp_client: Callable[..., Awaitable[Client]], reading: Reading) -> Client:
    app = web.Application()
    app.router.add_post("/", reading.handle)
    return await aiohttp_client(PatientServer(app))


@asynccontextmanager
async def connection(client: Client) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    stream, writer = await asyncio.open_connection(client.host, client.port)
    try:
        yield stream, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def chunks(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * MAX_BYTES])
@pytest.mark.parametrize("chunked", [False, True])
async def test_bodies_up_to_the_bound_are_read_whole(
    client: Client, reading: Reading, content: bytes, chunked: bool
) -> None:
    data = chunks(content) if chunked else content
    assert (await client.post("/", data=data, headers={"Content-Type": "application/json"})).status == 200
    assert reading.bodies == [content]
    assert reading.in_flight.bytes == 0


@pytest.mark.parametrize("chunked", [False, True])
async def test_larger_bodies_are_refused(client: Client, reading: Reading, chunked: bool) -> None:
    content = b"x" * (MAX_BYTES + 1)
    await client.post("/", data=chunks(content) if chunked else content, headers={"Content-Type": "application/json"})
    assert isinstance(reading.errors[0], BodyTooLargeError)
    assert "0.005 MB" in reading.errors[0].message
    assert reading.in_flight.bytes == 0


async def test_announced_size_is_refused_before_anything_is_read(client: Client, reading: Reading) -> None:
    async with connection(client) as (stream, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        assert (await stream.readline()).startswith(b"HTTP/1.1 400")
    assert isinstance(reading.errors[0], BodyTooLargeError)


async def test_compressed_body_counts_with_what_it_unpacks_to(client: Client, reading: Reading) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert (await client.post("/", data=gzip.compress(b"y" * MAX_BYTES), headers=headers)).status == 200
    assert reading.bodies == [b"y" * MAX_BYTES]
    await client.post("/", data=gzip.compress(b"y" * 3_000_000), headers=headers)
    assert isinstance(reading.errors[0], BodyTooLargeError)
    assert reading.in_flight.bytes == 0


async def test_broken_encoding_is_the_callers_fault(client: Client, reading: Reading) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    await client.post("/", data=b"not gzip at all", headers=headers)
    assert [type(error) for error in reading.errors] in ([InvalidRequestError], [])
    assert reading.bodies == []
    assert reading.in_flight.bytes == 0


@pytest.mark.parametrize("kind", ["text/csv", "application/xml", "application/octet-stream", "multipart/form-data"])
async def test_other_types_are_refused(client: Client, reading: Reading, kind: str) -> None:
    await client.post("/", data=b"{}", headers={"Content-Type": kind})
    assert isinstance(reading.errors[0], ContentTypeError)
    assert reading.errors[0].target == "Content-Type"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"])
async def test_json_is_taken_under_all_its_names(client: Client, reading: Reading, kind: str) -> None:
    await client.post("/", data=b"{}", headers={"Content-Type": kind})
    assert reading.bodies == [b"{}"]


@pytest.mark.parametrize("kind", ["text/csv; charset=utf-8", "application/jsonlines", "application/json", "///", ""])
async def test_any_type_is_taken_where_bodies_go_on_as_they_are(client: Client, reading: Reading, kind: str) -> None:
    reading.any_type = True
    await client.post("/", data=b"1,2", headers={"Content-Type": kind})
    assert reading.bodies == [b"1,2"]


async def test_a_type_that_could_not_be_sent_on_is_refused(client: Client, reading: Reading) -> None:
    reading.any_type = True
    await client.post("/", data=b"1,2", headers={"Content-Type": "text/\u00e9"})
    assert isinstance(reading.errors[0], ContentTypeError)
    assert reading.in_flight.bytes == 0


async def test_room_is_counted_while_a_body_is_held_and_given_back(client: Client, reading: Reading) -> None:
    reading.release.clear()
    held = [asyncio.create_task(client.post("/", data=b"x" * MAX_BYTES, headers={"Content-Type": "application/json"}))]
    await reading.held.wait()
    reading.held.clear()
    held.append(
        asyncio.create_task(client.post("/", data=chunks(b"x" * MAX_BYTES), headers={"Content-Type": "a/b+json"}))
    )
    await reading.held.wait()
    assert reading.in_flight.bytes >= 2 * MAX_BYTES
    await client.post("/", data=b"x" * MAX_BYTES, headers={"Content-Type": "application/json"})
    assert isinstance(reading.errors[0], OverloadedError)
    reading.release.set()
    assert [response.status for response in await asyncio.gather(*held)] == [200, 200]
    assert reading.in_flight.bytes == 0


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_body_that_breaks_off_gives_its_room_back(client: Client, reading: Reading, framing: bytes) -> None:
    async with connection(client) as (_, writer):
        writer.write(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + framing + b"\r\n\r\n4\r\n{\r\n"
        )
        await writer.drain()
    await reading.ended.wait()
    assert [type(error) for error in reading.errors] == [InvalidRequestError]
    assert reading.in_flight.bytes == 0


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_body_that_never_comes_is_not_waited_for_for_ever(
    client: Client, reading: Reading, framing: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    async with connection(client) as (stream, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + framing + b"\r\n\r\n")
        assert (await stream.readline()).startswith(b"HTTP/1.1 400")
    assert "0.05 s" in reading.errors[0].message
    assert reading.in_flight.bytes == 0
