"""Callers of a gateway, and what they read of its spool."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from msgspec import json
from yarl import URL

from adapters.testing.credit_risk import COLUMNS, rows
from gateway.payloadlog.reading import SpoolReader
from tests.gateway_process import GatewayProcess
from tests.process.clouds import APPLICATION, PASSWORD

ANSWER_SECONDS = 60.0
POLL_SECONDS = 0.02
SPOOL = "payloads.db"


class Answer(NamedTuple):
    """An answer, read to its end."""

    status: int
    scoring_id: str
    body: Any
    headers: Any


def credit_rows(n_rows: int = 1, seed: int = 1) -> dict[str, Any]:
    """Return a scoring request for credit applications, with all columns."""
    return {"fields": list(COLUMNS), "values": [list(row) for row in rows(n_rows, seed)]}


@asynccontextmanager
async def calling(gateway: GatewayProcess, user: str | None = APPLICATION) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session of a client; with user None one that sends no credential."""
    headers = {} if user is None else {"Authorization": authorization(user)}
    async with aiohttp.ClientSession(
        gateway.url,
        headers=headers,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
    ) as session:
        yield session


@asynccontextmanager
async def connected(gateway: GatewayProcess) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open a connection for bytes of all kinds; at the end it is closed."""
    url = URL(gateway.url)
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=2**20)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def authorization(user: str) -> str:
    """Return the header of a client."""
    return aiohttp.encode_basic_auth(user, PASSWORD)


def raw_request(deployment: str, body: Any) -> tuple[bytes, bytes]:
    """Return a scoring call as it goes over a connection: head, and body."""
    content = json.encode(body)
    head = (
        f"POST /v1/deployments/{deployment}/online HTTP/1.1",
        "Host: gateway",
        f"Authorization: {authorization(APPLICATION)}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
    )
    return "\r\n".join((*head, "", "")).encode(), content


async def score(session: aiohttp.ClientSession, deployment: str, body: Any = None, prefix: str = "") -> Answer:
    """Score a body (default: one credit application), and read the answer."""
    content = body if isinstance(body, bytes) else json.encode(credit_rows() if body is None else body)
    async with session.post(
        f"{prefix}/v1/deployments/{deployment}/online", data=content, headers={"Content-Type": "application/json"}
    ) as response:
        answer = await response.read()
        return Answer(response.status, response.headers["X-Scoring-Id"], json.decode(answer), response.headers)


def url_of_nobody() -> str:
    """Return a loopback URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def refuses_connections(url: str) -> None:
    """Wait until nobody listens there any more."""
    address = URL(url)
    with suppress(ConnectionRefusedError):
        while True:
            # One that waits to be accepted while the listener closes is reset.
            with suppress(ConnectionResetError):
                _, writer = await asyncio.open_connection(address.host, address.port)
                writer.close()
            await asyncio.sleep(POLL_SECONDS)


def records(directory: Path) -> list[dict[str, Any]]:
    """Return all records of the test's spool, in its order."""
    return [json.decode(stored.line) for stored in SpoolReader(directory / SPOOL).records()]


async def metric(session: aiohttp.ClientSession, line: str) -> float:
    """Return the value of a metric, named with its labels as the text format writes them; 0 where it is missing."""
    async with session.get("/metrics") as response:
        assert response.status == 200
        for found in (await response.text()).splitlines():
            name, _, value = found.rpartition(" ")
            if name == f"openscale_gateway_{line}":
                return float(value)
    return 0.0


async def becomes(what: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds that can only be asked for."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(what):
            await asyncio.sleep(POLL_SECONDS)
