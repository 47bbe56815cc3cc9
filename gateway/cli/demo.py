"""`demo`: the whole main job on one machine, from discovery to delivered payload records."""

import argparse
import asyncio
import shlex
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.testing.credit_risk import COLUMNS, NUMERIC_COLUMNS, rows
from gateway.cli.console import counted
from gateway.cli.demo_world import DATA_SETS, PASSWORD, World, running_world
from gateway.cli.errors import CommandError
from gateway.cli.gateway_client import GatewayClient
from gateway.cli.tables import add_row, new_table, output_console
from gateway.payloadlog.accounting import SinkAccount
from gateway.payloadlog.reading import SpoolReader
from gateway.transport import HttpTransport
from schemas.payload import decode_record
from schemas.scoring import ScoringResponse

CALLS = 5
ROWS_PER_CALL = 20
MONITOR_ROWS = 200
SHOWN_COLUMNS = ("LoanAmount", "LoanDuration", "Age")
DISCOVERY_SECONDS = 60.0
DELIVERY_SECONDS = 30.0
POLL_SECONDS = 0.1
TERMINATED = 143
JSON_HEADER = "-H 'Content-Type: application/json'"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="emulated engines, the gateway, sample traffic and its payload records")
    parser.add_argument("--once", action="store_true", help="end after the tour; 0: all counts match")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="openscale-gateway-demo-") as folder:
        try:
            return asyncio.run(_tour(Path(folder), stay=not arguments.once))
        except asyncio.CancelledError:
            return TERMINATED


async def _tour(folder: Path, *, stay: bool) -> int:
    tour = asyncio.current_task()
    assert tour is not None  # noqa: S101 - a coroutine runs in a task
    # As Ctrl-C does it: whatever was started is stopped on the way out.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, tour.cancel)
    async with running_world(folder) as world, HttpTransport() as transport:
        guide = Guide(output_console(), world, transport)
        await guide.show_deployments()
        scored = await guide.score_as_application()
        await guide.score_as_monitor()
        matches = await guide.show_records(scored)
        if stay:
            guide.show_what_to_try()
            await _until_stopped()
        return 0 if matches else 1


async def _until_stopped() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        # What the demo says to press is no failure.
        return


class Guide:
    """Walks through the main job and shows each step."""

    def __init__(self, console: Console, world: World, transport: HttpTransport) -> None:
        self._console = console
        self._world = world
        self._transport = transport
        self._spool = SpoolReader(world.spool)

    async def show_deployments(self) -> None:
        """Wait for discovery, and list what a monitor sees.

        Raises:
            CommandError: discovery does not finish.
        """
        self._step("1. Discovery: endpoints of SageMaker and Azure ML, as one custom machine learning engine")
        with self._console.status("Asking both clouds (the Azure SDK takes a few seconds to load) ..."):
            resources = await self._discovered()
        table = new_table("id", "name", "scoring URL")
        for resource in resources:
            metadata, entity = resource["metadata"], resource["entity"]
            add_row(table, metadata["guid"], entity["name"], metadata["url"])
        self._console.print(table)

    async def score_as_application(self) -> int:
        """Score credit applications through both engines; return how many rows."""
        self._step("2. An application scores credit applications: every call is on disk before its answer leaves")
        application = self._client("loans-app")
        table = new_table("deployment", *SHOWN_COLUMNS, "prediction", "probability", numbers=SHOWN_COLUMNS)
        for seed in range(CALLS):
            batch = rows(ROWS_PER_CALL, seed)
            for deployment in DATA_SETS:
                answer = await self._score(application, deployment, batch)
                if seed == 0:
                    _add_rows(table, deployment, batch[:3], answer)
        self._console.print(table)
        n_rows = CALLS * ROWS_PER_CALL * len(DATA_SETS)
        self._console.print(f"... in all {CALLS * len(DATA_SETS)} calls with {n_rows} rows.")
        return n_rows

    async def score_as_monitor(self) -> None:
        """Score as OpenScale does for explanations."""
        self._step("3. The monitor scores perturbed rows: answered alike, never recorded")
        monitor, before = self._client("openscale"), await self._records_kept()
        for deployment in DATA_SETS:
            answer = await self._score(monitor, deployment, rows(MONITOR_ROWS, seed=99))
            self._console.print(f"{deployment}: {len(answer.values)} rows scored")
        self._console.print(f"{counted(await self._records_kept() - before, 'record')} more in the payload log")

    async def show_records(self, scored: int) -> bool:
        """Show the payload log and what has arrived in OpenScale; return whether all counts match."""
        self._step("4. Payload records, delivered to OpenScale")
        with self._console.status("Waiting for the delivery ..."):
            account = await self._delivered()
        recorded = await asyncio.to_thread(lambda: [decode_record(item.line) for item in self._spool.records()])
        numbers = ("rows", "engine ms")
        table = new_table("scoring id", "deployment", "caller", "rows", "outcome", "engine ms", numbers=numbers)
        for record in recorded[-3:]:
            add_row(
                table,
                record.scoring_id,
                record.deployment_id,
                record.caller,
                record.rows,
                record.outcome,
                record.response_time,
            )
        self._console.print(table)
        return self._show_counts(scored, sum(record.rows for record in recorded), len(recorded), account)

    def show_what_to_try(self) -> None:
        """Print commands for the reader's own terminal."""
        self._step("Your turn (Ctrl-C ends the demo)")
        url = f"{self._world.url}/v1/deployments"
        values = [rows(1, seed=7)[0][COLUMNS.index(column)] for column in NUMERIC_COLUMNS]
        body = msgspec.json.encode({"fields": NUMERIC_COLUMNS, "values": [values]}).decode()
        program = shlex.quote(sys.argv[0])
        for title, line in (
            ("What OpenScale sees:", f"curl -u openscale:{PASSWORD} {url}"),
            (
                "Score as an application:",
                f"curl -u loans-app:{PASSWORD} {JSON_HEADER} -d '{body}' {url}/credit-risk-aws/online",
            ),
            ("Its record:", f"{program} payloads tail -n 1 --config {self._world.configuration}"),
            ("All records:", f"curl -u ops:{PASSWORD} {self._world.url}/v1/payloads"),
            ("Metrics:", f"curl -u ops:{PASSWORD} {self._world.url}/metrics"),
            (f"In a browser (ops, {PASSWORD}):", f"{self._world.url}/docs"),
        ):
            self._console.print(Text(title, style="dim"))
            self._console.print(f"  {line}", soft_wrap=True)

    def _show_counts(self, scored: int, recorded_rows: int, records: int, account: SinkAccount) -> bool:
        stored = {data_set: len(self._world.openscale.rows(data_set)) for data_set in DATA_SETS.values()}
        matches = scored == recorded_rows == sum(stored.values()) and account.balances and account.pending == 0
        table = new_table("where", "rows", "records", numbers=("rows", "records"))
        add_row(table, "scored by the application", scored, "")
        add_row(table, "in the payload log", recorded_rows, records)
        for data_set, n_rows in stored.items():
            add_row(table, f"in OpenScale's data set {data_set}", n_rows, "")
        self._console.print(table)
        self._console.print(
            f"{counted(account.accepted, 'record')} accepted = {account.delivered} delivered + {account.pending} "
            f"pending + {account.dead} dead + {sum(account.dropped.values())} dropped"
        )
        verdict = Text("All counts match.", "green") if matches else Text("The counts do not match.", "red")
        self._console.print(verdict)
        return matches

    async def _discovered(self) -> list[dict[str, Any]]:
        monitor = self._client("openscale")
        try:
            async with asyncio.timeout(DISCOVERY_SECONDS):
                while True:
                    document = await monitor.call(self._transport, "GET", "/v1/deployments", answer=dict[str, Any])
                    if len(document["resources"]) >= len(DATA_SETS):
                        return list(document["resources"])
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise CommandError(f"Discovery did not finish within {DISCOVERY_SECONDS:g} s.") from None

    async def _records_kept(self) -> int:
        return (await asyncio.to_thread(self._spool.depth)).records

    async def _delivered(self) -> SinkAccount:
        deadline = asyncio.get_running_loop().time() + DELIVERY_SECONDS
        while True:
            accounts = await asyncio.to_thread(self._spool.accounts)
            account = next(account for account in accounts if account.sink == "openscale")
            if account.pending == 0 or asyncio.get_running_loop().time() > deadline:
                return account
            await asyncio.sleep(POLL_SECONDS)

    async def _score(
        self, client: GatewayClient, deployment: str, batch: Sequence[Sequence[object]]
    ) -> ScoringResponse:
        body, path = {"fields": COLUMNS, "values": batch}, f"/v1/deployments/{deployment}/online"
        return await client.call(self._transport, "POST", path, body, answer=ScoringResponse)

    def _client(self, name: str) -> GatewayClient:
        return GatewayClient(self._world.url, name, PASSWORD)

    def _step(self, title: str) -> None:
        self._console.print(Text(f"\n{title}", style="bold"))


def _add_rows(table: Table, deployment: str, batch: Sequence[Sequence[object]], answer: ScoringResponse) -> None:
    for row, (prediction, probability) in zip(batch, answer.values, strict=False):
        cells = (str(row[COLUMNS.index(column)]) for column in SHOWN_COLUMNS)
        vector = ", ".join(f"{share:.3f}" for share in probability)
        add_row(table, deployment, *cells, prediction, f"[{vector}]")
