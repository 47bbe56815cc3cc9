"""`deployments` and `score`: a running gateway's API from the command line."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from gateway.cli.arguments import at_least
from gateway.cli.console import say
from gateway.cli.errors import CommandError
from gateway.cli.gateway_client import GatewayClient, add_connection_arguments, client_from, transport_from
from gateway.cli.progress import Progress
from gateway.cli.rows_file import RowsFile, open_rows
from gateway.cli.scored_rows import ScoredJson, ScoredTable
from gateway.cli.tables import add_row, new_table, output_console
from gateway.transport import HttpTransport
from schemas.scoring import ScoringResponse

BATCH_ROWS = 500

Answer = TypeVar("Answer")


class _Metadata(Struct):
    guid: str
    url: str


class _AssetProperties(Struct):
    problem_type: str = "-"


class _Entity(Struct):
    name: str
    asset_properties: _AssetProperties


class _Resource(Struct):
    metadata: _Metadata
    entity: _Entity


class _Discovery(Struct):
    resources: list[_Resource]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    deployments = commands.add_parser("deployments", help="list the deployments of a running gateway")
    deployments.add_argument("--json", action="store_true", help="the discovery document as it is")
    add_connection_arguments(deployments)
    deployments.set_defaults(run=_list)
    score = commands.add_parser(
        "score", help="score a file through a running gateway; its user decides whether it is recorded"
    )
    score.add_argument("deployment", metavar="DEPLOYMENT")
    score.add_argument("--input", required=True, type=Path, metavar="FILE", help="CSV with a header, or .json")
    score.add_argument("--json", action="store_true", help="fields/values JSON of all rows instead of a table")
    score.add_argument("--batch-rows", type=at_least(1), default=BATCH_ROWS, metavar="N", help="rows in one call")
    add_connection_arguments(score)
    score.set_defaults(run=_score)


def _list(arguments: argparse.Namespace) -> int:
    if arguments.json:
        say(msgspec.json.format(asyncio.run(_discovery(arguments, Raw)), indent=2).decode())
        return 0
    table = new_table("id", "name", "problem type", "scoring URL")
    for resource in asyncio.run(_discovery(arguments, _Discovery)).resources:
        entity = resource.entity
        add_row(table, resource.metadata.guid, entity.name, entity.asset_properties.problem_type, resource.metadata.url)
    output_console().print(table)
    return 0


async def _discovery(arguments: argparse.Namespace, answer: type[Answer]) -> Answer:
    client = client_from(arguments)
    async with transport_from(arguments) as transport:
        return await client.call(transport, "GET", "/v1/deployments", answer=answer)


def _score(arguments: argparse.Namespace) -> int:
    asyncio.run(_score_file(arguments))
    return 0


async def _score_file(arguments: argparse.Namespace) -> None:
    output: ScoredJson | ScoredTable = ScoredJson() if arguments.json else ScoredTable()
    client = client_from(arguments)
    with open_rows(arguments.input) as rows, Progress("rows") as progress:
        async with transport_from(arguments) as transport:
            path = f"/v1/deployments/{quote(arguments.deployment, safe='')}/online"
            async for answer in _answers(client, transport, path, rows, arguments.batch_rows):
                output.add(answer)
                progress.advance(len(answer.values), rows.share_read)
    output.end()


async def _answers(
    client: GatewayClient, transport: HttpTransport, path: str, rows: RowsFile, batch_rows: int
) -> AsyncIterator[ScoringResponse]:
    fields: list[str] | None = None
    for batch in rows.batches(batch_rows):
        answer: ScoringResponse = await client.call(transport, "POST", path, batch, answer=ScoringResponse)
        if fields not in (None, answer.fields):
            raise CommandError("The deployment answered two batches with different columns.")
        fields = answer.fields
        yield answer
