"""`deployments` and `score`: a running gateway's API from the command line."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gateway.cli.console import say
from gateway.cli.gateway_client import GatewayClient, add_connection_arguments, client_from
from gateway.cli.rows_file import RowsFile, read_rows
from gateway.transport import HttpTransport

BATCH_ROWS = 500
SHOWN_ROWS = 50


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    deployments = commands.add_parser("deployments", help="list the deployments of a running gateway")
    deployments.add_argument("--json", action="store_true", help="the discovery document as it is")
    add_connection_arguments(deployments)
    deployments.set_defaults(run=_list)
    score = commands.add_parser("score", help="score a file through a running gateway")
    score.add_argument("deployment", metavar="DEPLOYMENT")
    score.add_argument("--input", required=True, type=Path, metavar="FILE", help="CSV with a header, or JSON")
    score.add_argument("--json", action="store_true", help="fields/values JSON of all rows instead of a table")
    score.add_argument("--batch-rows", type=int, default=BATCH_ROWS, metavar="N", help="rows in one call")
    add_connection_arguments(score)
    score.set_defaults(run=_score)


def _list(arguments: argparse.Namespace) -> int:
    document = asyncio.run(_get_deployments(client_from(arguments)))
    if arguments.json:
        say(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return 0
    table = Table("id", "name", "problem type", "scoring URL", box=None)
    for resource in document["resources"]:
        metadata, entity = resource["metadata"], resource["entity"]
        problem_type = entity["asset_properties"].get("problem_type") or "-"
        table.add_row(metadata["guid"], entity["name"], problem_type, metadata["url"])
    Console().print(table)
    return 0


async def _get_deployments(client: GatewayClient) -> Any:
    async with HttpTransport() as transport:
        return await client.call(transport, "GET", "/v1/deployments")


def _score(arguments: argparse.Namespace) -> int:
    rows = read_rows(arguments.input)
    answer = asyncio.run(_score_all(client_from(arguments), arguments.deployment, rows, max(arguments.batch_rows, 1)))
    if arguments.json:
        say(msgspec.json.encode(answer).decode())
        return 0
    table = Table("row", *answer["fields"], box=None)
    for n, row in enumerate(answer["values"][:SHOWN_ROWS], start=1):
        table.add_row(str(n), *(_shown(cell) for cell in row))
    console = Console()
    console.print(table)
    if len(answer["values"]) > SHOWN_ROWS:
        console.print(f"... {len(answer['values'])} rows in all; --json prints every one.")
    return 0


async def _score_all(client: GatewayClient, deployment: str, rows: RowsFile, batch_rows: int) -> dict[str, Any]:
    answer: dict[str, Any] = {"fields": [], "values": []}
    console = Console(stderr=True)
    async with HttpTransport() as transport:
        with Progress(console=console, disable=len(rows.values) <= batch_rows or not sys.stderr.isatty()) as progress:
            bar = progress.add_task("rows", total=len(rows.values))
            for request in rows.batches(batch_rows):
                part = await client.call(transport, "POST", f"/v1/deployments/{deployment}/online", request)
                answer["fields"] = part["fields"]
                answer["values"].extend(part["values"])
                progress.advance(bar, len(request["values"]))
    return answer


def _shown(cell: Any) -> str:
    if isinstance(cell, float):
        return f"{cell:.6g}"
    if isinstance(cell, list):
        return f"[{', '.join(_shown(item) for item in cell)}]"
    return str(cell)
