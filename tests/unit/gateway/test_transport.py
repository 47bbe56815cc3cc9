import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from adapters.base import ConnectError, ConnectionLostError, ResponseTooLargeError, TransportTimeoutError
from adapters.testing.emulator import Emulator, Fault
from gateway.transport import HttpTransport


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def echo(request: web.Request) -> web.Response:
    return web.Response(
        status=int(request.query.get("status", "200")),
        body=await request.read(),
        headers={"X-Seen": request.headers.get("X-Sent", ""), "X-Path": request.raw_path},
    )


@pytest.fixture
async def server() -> AsyncIterator[Emulator]:
    async with Emulator([web.route("*", "/{path:.*}", echo, name="echo")]) as emulator:
        yield emulator


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    async with HttpTransport() as opened:
        yield opened


async def test_sends_bytes_and_path_as_they_are(server: Emulator, transport: HttpTransport) -> None:
    response = await transport.request(
        "POST", f"{server.url}/a%2Fb%20c?x=%31", headers={"X-Sent": "yes"}, body=b"\x00\xff", deadline=soon()
    )
    assert (response.status, response.body) == (200, b"\x00\xff")
    assert response.headers["x-seen"] == "yes"
    assert response.headers["x-path"] == "/a%2Fb%20c?x=%31"


@pytest.mark.parametrize("status", [204, 302, 404, 500])
async def test_any_status_is_a_response(server: Emulator, transport: HttpTransport, status: int) -> None:
    response = await transport.request("GET", f"{server.url}/?status={status}", headers={}, deadline=soon())
    assert response.status == status


async def test_refused_connection_is_known_to_have_sent_nothing(transport: HttpTransport, unused_tcp_port: int) -> None:
    with pytest.raises(ConnectError):
        await transport.request("POST", f"http://127.0.0.1:{unused_tcp_port}/", headers={}, deadline=soon())


async def test_past_deadline_sends_nothing(server: Emulator, transport: HttpTransport) -> None:
    with pytest.raises(ConnectError):
        await transport.request("POST", server.url, headers={}, deadline=soon(-1))
    assert server.requests == {}


async def test_slow_answer_ends_at_the_deadline(server: Emulator, transport: HttpTransport) -> None:
    server.play(Fault(delay_seconds=30))
    with pytest.raises(TransportTimeoutError):
        await transport.request("POST", server.url, headers={}, deadline=soon(0.2))


@pytest.mark.parametrize("connection", ["reset", "truncate"])
async def test_broken_exchange_may_have_been_worked_on(
    server: Emulator, transport: HttpTransport, connection: str
) -> None:
    server.play(Fault(connection=connection))  # type: ignore[arg-type]
    with pytest.raises(ConnectionLostError) as lost:
        await transport.request("POST", server.url, headers={"X-Sent": "s3cret"}, body=b"s3cret", deadline=soon())
    assert "s3cret" not in str(lost.value)


async def test_too_large_an_answer_is_not_read(server: Emulator, transport: HttpTransport) -> None:
    body = b"x" * 5000
    with pytest.raises(ResponseTooLargeError):
        await transport.request("POST", server.url, headers={}, body=body, deadline=soon(), max_bytes=4999)
    response = await transport.request("POST", server.url, headers={}, body=body, deadline=soon(), max_bytes=5000)
    assert response.body == body


async def test_no_header_of_its_own_but_what_http_needs(transport: HttpTransport) -> None:
    seen: list[set[str]] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append({name.lower() for name in request.headers})
        return web.Response()

    async with Emulator([web.post("/", remember, name="remember")]) as server:
        await transport.request("POST", f"{server.url}/", headers={"X-A": "1"}, body=b"b", deadline=soon())
    assert seen == [{"host", "x-a", "content-length", "accept-encoding"}]


@pytest.mark.parametrize(("method", "announced"), [("GET", None), ("POST", "0")])
async def test_only_what_may_have_a_body_announces_that_it_has_none(
    transport: HttpTransport, method: str, announced: str | None
) -> None:
    async def length(request: web.Request) -> web.Response:
        return web.json_response([request.headers.get("Content-Length"), request.headers.get("Content-Type")])

    async with Emulator([web.route("*", "/", length)]) as server:
        answer = await transport.request(method, server.url, headers={}, deadline=soon())
    assert json.loads(answer.body) == [announced, None]


async def test_body_of_many_megabytes_arrives_whole(server: Emulator, transport: HttpTransport) -> None:
    body = bytes(range(256)) * 20_000
    response = await transport.request("POST", server.url, headers={}, body=body, deadline=soon())
    assert response.body == body
