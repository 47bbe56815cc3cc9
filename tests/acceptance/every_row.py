"""Scoring every row through the gateway, in batches, and comparing what arrived with what a model says itself."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from adapters.testing.credit_risk import Value
from tests.gateway_process import GatewayProcess, exported_payloads

BATCH_ROWS = 250
DISCOVERY_SECONDS = 30.0
POLL_SECONDS = 0.02
USER, PASSWORD = "loans-app", "for-tests-only"
AUTH = {"clients": {USER: {"password": PASSWORD, "role": "application"}}}
"""`auth` of a configuration: who calls here."""

HEADERS = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
"""Of a request by this caller."""

Rows = Sequence[Sequence[Value]]


async def score_every_row(
    gateway: GatewayProcess, deployment: str, columns: Sequence[str], rows: Rows
) -> list[dict[str, Any]]:
    """Return the answers to all rows, a batch each, in their order.

    The deployment may still be undiscovered: it is waited for.

    Raises:
        aiohttp.ClientResponseError: one of the calls was not answered with a success.
        TimeoutError: the deployment is not listed within `DISCOVERY_SECONDS`.
    """
    answers = []
    async with aiohttp.ClientSession(gateway.url, headers=HEADERS, raise_for_status=True) as session:
        async with asyncio.timeout(DISCOVERY_SECONDS):
            while deployment not in await _listed(session):
                await asyncio.sleep(POLL_SECONDS)
        for start in range(0, len(rows), BATCH_ROWS):
            body = {"fields": columns, "values": rows[start : start + BATCH_ROWS]}
            async with session.post(f"/v1/deployments/{deployment}/online", json=body) as response:
                answers.append(await response.json())
    return answers


async def assert_recorded(gateway: GatewayProcess, directory: Path, rows: Rows, direct: list[list[Any]]) -> None:
    """Check that the records hold every row once, with what the model itself says of it."""
    records = await exported_payloads(gateway, directory)
    assert joined(record["request"] for record in records) == rows
    assert joined(record["response"] for record in records) == direct
    assert {(record["outcome"], record["origin"], record["caller"]) for record in records} == {
        ("scored", "application", USER)
    }


def joined(tables: Iterable[dict[str, Any]]) -> list[list[Any]]:
    """Return the rows of all tables."""
    return [row for table in tables for row in table["values"]]


async def _listed(session: aiohttp.ClientSession) -> set[str]:
    async with session.get("/v1/deployments") as response:
        return {item["metadata"]["guid"] for item in (await response.json())["resources"]}
