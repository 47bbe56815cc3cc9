"""`demo`: the whole main job on one machine, from discovery to delivered payload records."""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from adapters.testing.credit_risk import COLUMNS, rows
from gateway.cli.demo_world import DATA_SETS, PASSWORD, World, running_world
from gateway.cli.gateway_client import CommandError, GatewayClient
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.reading import SpoolReader
from gateway.transport import HttpTransport
from schemas.payload import decode_record

CALLS = 5
ROWS_PER_CALL = 20
MONITOR_ROWS = 200
SHOWN_COLUMNS = ("LoanAmount", "LoanDuration", "Age")
DISCOVERY_SECONDS = 60.0
DELIVERY_SECONDS = 30.0
POLL_SECONDS = 0.1


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="emulated engines, the gateway, sample traffic and its payload records")
    parser.add_argument("--once", action="store_true", help="end after the tour; 0: all counts match")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="openscale-gateway-demo-") as folder:
        return asyncio.run(_tour(Path(folder), stay=not arguments.once))


async def _tour(folder: Path, *, stay: bool) -> int:
    console = Console()
    async with running_world(folder) as world, HttpTransport() as transport:
        guide = Guide(console, world, transport)
        await guide.show_deployments()
        scored = await guide.score_as_application()
        await guide.score_as_monitor()
        matches = await guide.show_records(scored)
        if stay:
            guide.show_what_to_try()
            await asyncio.Event().wait()
        return 0 if matches else 1


class Guide:
    """Walks through the main job and shows each step."""

    def __init__(self, console: Console, world: World, transport: HttpTransport) -> None:
        self._console = console
        self._world = world
        self._transport = transport

    async def show_deployments(self) -> None:
        """Wait for discovery, and list what a monitor sees.

        Raises:
            CommandError: discovery does not finish.
        """
        self._step("1. Discovery: endpoints of SageMaker and Azure ML, as one custom machine learning engine")
        with self._console.status("Asking both clouds (the Azure SDK takes a few seconds to load) ..."):
            resources = await self._discovered()
        table = Table("id", "name", "asset", "scoring URL", box=None)
        for resource in resources:
            metadata, entity = resource["metadata"], resource["entity"]
            table.add_row(metadata["guid"], entity["name"], entity["asset"]["name"], metadata["url"])
        self._console.print(table)

    async def score_as_application(self) -> int:
        """Score credit applications through both engines; return how many rows."""
        self._step("2. An application scores credit applications: every call is on disk before its answer leaves")
        application = self._client("loans-app")
        table = Table("deployment", *SHOWN_COLUMNS, "prediction", "probability", box=None)
        for seed in range(CALLS):
            batch = rows(ROWS_PER_CALL, seed)
            for deployment in DATA_SETS:
                answer = await self._score(application, deployment, batch)
                if seed == 0:
                    _add_rows(table, deployment, batch[:3], answer)
        self._console.print(table)
        n_rows = CALLS * ROWS_PER_CALL * len(DATA_SETS)
        self._console.print(f"... {CALLS * len(DATA_SETS)} calls with {n_rows} rows.")
        return n_rows

    async def score_as_monitor(self) -> None:
        """Score as OpenScale does for explanations."""
        self._step("3. The monitor scores perturbed rows: answered alike, never recorded")
        monitor = self._client("openscale")
        for deployment in DATA_SETS:
            answer = await self._score(monitor, deployment, rows(MONITOR_ROWS, seed=99))
            self._console.print(f"{deployment}: {len(answer['values'])} rows scored, 0 recorded")

    async def show_records(self, scored: int) -> bool:
        """Show the payload log and what has arrived in OpenScale; return whether all counts match."""
        self._step("4. Payload records, delivered to OpenScale")
        with self._console.status("Waiting for the delivery ..."):
            account = await self._delivered()
        reader = SpoolReader(self._world.configuration.parent / "payloads.db")
        recorded = await asyncio.to_thread(lambda: [decode_record(item.line) for item in reader.records()])
        table = Table("scoring id", "deployment", "caller", "rows", "outcome", "engine ms", box=None)
        for record in recorded[-3:]:
            table.add_row(
                record.scoring_id,
                record.deployment_id,
                record.caller,
                str(record.rows),
                record.outcome,
                str(record.response_time),
            )
        self._console.print(table)
        return self._show_counts(scored, sum(record.rows for record in recorded), len(recorded), account)

    def show_what_to_try(self) -> None:
        """Print commands for the reader's own terminal."""
        self._step("Your turn (Ctrl-C ends the demo)")
        url, body = self._world.url, {"fields": list(COLUMNS), "values": [list(rows(1, seed=7)[0])]}
        deployments = f"{url}/v1/deployments"
        score = f"-H 'Content-Type: application/json' -d '{msgspec.json.encode(body).decode()}'"
        for line in (
            f"curl -u openscale:{PASSWORD} {deployments}",
            f"curl -u loans-app:{PASSWORD} {score} {deployments}/credit-risk-aws/online",
            f"curl -u ops:{PASSWORD} {url}/metrics",
            f"openscale-gateway payloads tail --config {self._world.configuration}",
            f"open {url}/docs in a browser (ops / {PASSWORD})",
        ):
            self._console.print(line, soft_wrap=True, highlight=False)

    def _show_counts(self, scored: int, recorded_rows: int, records: int, account: SinkAccount) -> bool:
        stored = {data_set: len(self._world.openscale.rows(data_set)) for data_set in DATA_SETS.values()}
        matches = scored == recorded_rows == sum(stored.values()) and account.balances and account.pending == 0
        table = Table("where", "rows", "records", box=None)
        table.add_row("scored by the application", str(scored), "")
        table.add_row("in the payload log", str(recorded_rows), str(records))
        for data_set, n_rows in stored.items():
            table.add_row(f"in OpenScale's data set {data_set}", str(n_rows), "")
        self._console.print(table)
        self._console.print(
            f"accepted {account.accepted} = delivered {account.delivered} + pending {account.pending} "
            f"+ dead {account.dead} + dropped {sum(account.dropped.values())}"
        )
        self._console.print("[green]All counts match.[/]" if matches else "[red]The counts do not match.[/]")
        return matches

    async def _discovered(self) -> list[dict[str, Any]]:
        monitor = self._client("openscale")
        try:
            async with asyncio.timeout(DISCOVERY_SECONDS):
                while True:
                    document = await monitor.call(self._transport, "GET", "/v1/deployments")
                    if len(document["resources"]) >= len(DATA_SETS):
                        return list(document["resources"])
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise CommandError(f"Discovery did not finish within {DISCOVERY_SECONDS:g} s.") from None

    async def _delivered(self) -> SinkAccount:
        reader = SpoolReader(self._world.configuration.parent / "payloads.db")
        deadline = asyncio.get_running_loop().time() + DELIVERY_SECONDS
        while True:
            accounts = await asyncio.to_thread(reader.accounts)
            account = next(account for account in accounts if account.sink == "openscale")
            if account.pending == 0 or asyncio.get_running_loop().time() > deadline:
                return account
            await asyncio.sleep(POLL_SECONDS)

    async def _score(self, client: GatewayClient, deployment: str, batch: Sequence[Sequence[object]]) -> Any:
        body = {"fields": COLUMNS, "values": batch}
        return await client.call(self._transport, "POST", f"/v1/deployments/{deployment}/online", body)

    def _client(self, name: str) -> GatewayClient:
        return GatewayClient(self._world.url, name, PASSWORD)

    def _step(self, title: str) -> None:
        self._console.print(f"\n[bold]{title}[/]")


def _add_rows(table: Table, deployment: str, batch: Sequence[Sequence[object]], answer: Any) -> None:
    for row, (prediction, probability) in zip(batch, answer["values"], strict=False):
        cells = (str(row[COLUMNS.index(column)]) for column in SHOWN_COLUMNS)
        vector = ", ".join(f"{share:.3f}" for share in probability)
        table.add_row(deployment, *cells, str(prediction), f"[{vector}]")
