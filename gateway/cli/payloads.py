"""`payloads`: the payload log from the command line, beside a running gateway or without one."""

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from gateway.cli.console import say
from gateway.cli.exporting import CSV_COLUMNS, csv_rows
from gateway.config import load
from gateway.payloadlog.reading import SpoolReader, StoredRecord
from gateway.registry import Registry

TAIL_RECORDS = 10
POLL_SECONDS = 0.5


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    payloads = commands.add_parser("payloads", help="read the payload log")
    actions = payloads.add_subparsers(title="actions", required=True, metavar="ACTION")
    export = _add(actions, "export", "write records to a file or to standard output", _export)
    export.add_argument(
        "--format", choices=("jsonl", "csv"), default="jsonl", help="jsonl: a record a line; csv: a row"
    )
    export.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    export.add_argument("--deployment", metavar="ID", help="only this deployment's")
    export.add_argument("--start", type=_moment, metavar="TIME", help="calls that started then or later (RFC 3339)")
    export.add_argument("--end", type=_moment, metavar="TIME", help="calls that started before")
    tail = _add(actions, "tail", "show the newest records", _tail)
    tail.add_argument("-n", type=int, default=TAIL_RECORDS, metavar="N", help="how many")
    tail.add_argument("-f", "--follow", action="store_true", help="go on with those that come")
    tail.add_argument("--deployment", metavar="ID", help="only this deployment's")
    stats = _add(actions, "stats", "show what the spool holds and the books of every sink", _stats)
    stats.add_argument("--json", action="store_true", help="one JSON object")


def _add(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text)
    parser.add_argument("--config", required=True, metavar="FILE")
    parser.set_defaults(run=run)
    return parser


def _export(arguments: argparse.Namespace) -> int:
    records = _reader(arguments).records(
        deployment_id=arguments.deployment, start_us=arguments.start, end_us=arguments.end
    )
    if arguments.output is None:
        _write(arguments.format, records, sys.stdout)
        return 0
    with arguments.output.open("w", encoding="utf-8", newline="") as file:
        _write(arguments.format, _counted(records), file)
    return 0


def _write(kind: str, records: Iterator[StoredRecord], file: IO[str]) -> None:
    if kind == "jsonl":
        for stored in records:
            file.write(f"{stored.line.decode()}\n")
        return
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for stored in records:
        writer.writerows(csv_rows(stored.line))


def _counted(records: Iterator[StoredRecord]) -> Iterator[StoredRecord]:
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} records"))
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("", total=None)
        for stored in records:
            yield stored
            progress.advance(bar)


def _tail(arguments: argparse.Namespace) -> int:
    reader = _reader(arguments)
    last = 0
    for stored in reader.newest(arguments.n, deployment_id=arguments.deployment):
        say(stored.line.decode())
        last = stored.seq
    last = last or reader.last_seq()
    while arguments.follow:
        for stored in reader.records(deployment_id=arguments.deployment, after=last):
            say(stored.line.decode())
            last = stored.seq
        sys.stdout.flush()
        time.sleep(POLL_SECONDS)
    return 0


def _stats(arguments: argparse.Namespace) -> int:
    stats = _reader(arguments).stats()
    if arguments.json:
        say(msgspec.json.encode(stats).decode())
        return 0 if all(account.balances for account in stats.accounts) else 1
    say(f"{stats.depth.records} records, {stats.depth.bytes / 1e6:.1f} MB on disk")
    table = Table("sink", "accepted", "delivered", "pending", "dead", "dropped", "balances", "oldest pending", box=None)
    for account in stats.accounts:
        table.add_row(
            account.sink if account.configured else f"{account.sink} (removed)",
            str(account.accepted),
            str(account.delivered),
            str(account.pending),
            str(account.dead),
            ", ".join(f"{reason}: {count}" for reason, count in account.dropped.items()) or "0",
            "yes" if account.balances else "NO",
            _time(account.oldest_pending_at_us),
        )
    Console().print(table)
    return 0 if all(account.balances for account in stats.accounts) else 1


def _reader(arguments: argparse.Namespace) -> SpoolReader:
    return SpoolReader(load(arguments.config, Registry.load()).payload_log.path)


def _moment(text: str) -> int:
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return round(moment.timestamp() * 1_000_000)


def _time(unix_us: int | None) -> str:
    return "-" if unix_us is None else datetime.fromtimestamp(unix_us / 1_000_000, UTC).isoformat(timespec="seconds")
