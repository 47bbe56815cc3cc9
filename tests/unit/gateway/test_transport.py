import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from adapters.base import ConnectError, ConnectionLostError, ResponseTooLargeError, TransportTimeoutError
from adapters.testing.emulator import Emulator, Fault
from gateway.transport import KEEP_ALIVE_SECONDS, HttpTransport


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


async def test_url_that_cant_be_one_is_known_to_have_sent_nothing(transport: HttpTransport) -> None:
    for url in ("http://engine.example:99999/", "http:///score"):
        with pytest.raises(ConnectError, match="No connection"):
            await transport.request("POST", url, headers={}, deadline=soon())


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


EMPTY = "HTTP/1.1 200 OK\r\nContent-Length: 0"


@asynccontextmanager
async def answering(head: str, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, asyncio.Queue[str]]]:
    """A port that answers the head of a request with `head`; it tells that request, and what came until the end."""
    came: asyncio.Queue[str] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.put_nowait((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(head.encode() + b"\r\n\r\n")
        came.put_nowait((await reader.read()).decode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], came


@asynccontextmanager
async def relaying(port: int) -> AsyncIterator[tuple[int, asyncio.Queue[str]]]:
    """A proxy whose tunnels all end at one port of this machine; it tells who was asked for."""
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.put_nowait((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, back), pipe(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    name = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-keyout", str(key), "-out", str(cert)]
    await asyncio.to_thread(subprocess.run, ["openssl", "req", *kind, *name], check=True, capture_output=True)
    return cert, key


async def test_idle_connection_is_closed_from_here_before_a_server_closes_it() -> None:
    async with answering(EMPTY) as (port, came), HttpTransport(keep_alive_seconds=0.02) as transport:
        await transport.request("GET", f"http://127.0.0.1:{port}/", headers={}, deadline=soon())
        async with asyncio.timeout(5):
            assert [(await came.get())[:3], await came.get()] == ["GET", ""]
    assert KEEP_ALIVE_SECONDS < 5  # uvicorn's


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("NO_PROXY", "no_proxy", "http_proxy", "https_proxy", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


async def test_proxy_of_the_environment_is_asked_for_the_whole_url(
    transport: HttpTransport, environ: pytest.MonkeyPatch
) -> None:
    async with answering(EMPTY) as (port, came):
        environ.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{port}")
        response = await transport.request(
            "POST", "http://engine.example/a%2Fb", headers={}, body=b"b", deadline=soon()
        )
        asked = await came.get()
    assert response.status == 200
    assert asked.startswith("POST http://engine.example/a%2Fb HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dXNlcjpwYXNz" in asked


async def test_proxy_sees_no_more_of_an_encrypted_call_than_its_host(
    tmp_path: Path, environ: pytest.MonkeyPatch
) -> None:
    cert, key = await certificate(tmp_path, "engine.example")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    trusting = ssl.create_default_context(cafile=str(cert))
    async with (
        answering(EMPTY, tls=tls) as (port, came),
        relaying(port) as (proxy, asked),
        HttpTransport(ssl_context=trusting) as transport,
    ):
        environ.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy}")
        response = await transport.request("POST", "https://engine.example/a", headers={}, body=b"b", deadline=soon())
        assert (await asked.get()).startswith("CONNECT engine.example:443 HTTP/1.1\r\n")
        assert (await came.get()).startswith("POST /a HTTP/1.1\r\nHost: engine.example\r\n")
    assert response.status == 200


async def test_proxy_that_refuses_is_known_to_have_sent_nothing(
    transport: HttpTransport, environ: pytest.MonkeyPatch
) -> None:
    async with answering("HTTP/1.1 407 No\r\nContent-Length: 0") as (port, came):
        environ.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(ConnectError, match=r"engine\.example: the proxy answered with 407"):
            await transport.request("POST", "https://engine.example/", headers={}, body=b"s3cret", deadline=soon())
        assert "s3cret" not in await came.get() + await came.get()


async def test_proxy_that_cant_be_one_is_known_to_have_sent_nothing(
    transport: HttpTransport, environ: pytest.MonkeyPatch
) -> None:
    environ.setenv("HTTPS_PROXY", "socks5://s3cret@proxy.example")
    with pytest.raises(ConnectError, match="HTTPS_PROXY") as caught:
        await transport.request("POST", "https://engine.example/", headers={}, deadline=soon())
    assert "s3cret" not in str(caught.value)
