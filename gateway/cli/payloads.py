"""`payloads`: the payload log from the command line, beside a running gateway or without one."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from gateway.cli import payloads_audit, payloads_dead_letters, payloads_replay
from gateway.cli.arguments import at_least, moment
from gateway.cli.console import say
from gateway.cli.errors import CommandError
from gateway.cli.exporting import EXPORT_FORMATS, export_records
from gateway.cli.progress import Progress
from gateway.cli.spool_stats import show_stats
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
        "--format",
        choices=EXPORT_FORMATS,
        default="jsonl",
        help="jsonl: a record a line; csv, parquet: a scored row a row (parquet needs the extra of that name)",
    )
    export.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    export.add_argument("--deployment", metavar="ID", help="only this deployment's")
    export.add_argument("--start", type=moment, metavar="TIME", help="calls that started then or later (RFC 3339)")
    export.add_argument("--end", type=moment, metavar="TIME", help="calls that started before")
    tail = _add(actions, "tail", "show the newest records, a JSON object a line", _tail)
    tail.add_argument("-n", type=at_least(0), default=TAIL_RECORDS, metavar="N", help="how many")
    tail.add_argument("-f", "--follow", action="store_true", help="go on with those that come")
    tail.add_argument("--deployment", metavar="ID", help="only this deployment's")
    stats = _add(actions, "stats", "show what the spool holds and the books of every sink", _stats)
    stats.add_argument("--json", action="store_true", help="one JSON object")
    payloads_audit.add_arguments(_add(actions, "audit", "compare the books with what sinks hold", payloads_audit.run))
    payloads_dead_letters.add_list_arguments(
        _add(actions, "dead-letters", "show what sinks would not take", payloads_dead_letters.show)
    )
    payloads_dead_letters.add_requeue_arguments(
        _add(actions, "requeue", "let a sink have its dead letters again", payloads_dead_letters.run_requeue)
    )
    payloads_replay.add_arguments(_add(actions, "replay", "send records once more", payloads_replay.run))


def _add(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text)
    parser.add_argument("--config", required=True, metavar="FILE", help="configuration of the gateway")
    parser.set_defaults(run=run)
    return parser


def _export(arguments: argparse.Namespace) -> int:
    reader = _reader(arguments)
    if arguments.format == "parquet" and arguments.output is None and sys.stdout.isatty():
        raise CommandError("Parquet is nothing to read on a terminal: say with --output where it goes.")
    records = reader.records(deployment_id=arguments.deployment, start_us=arguments.start, end_us=arguments.end)
    with _opened(arguments.output) as file:
        export_records(arguments.format, _counted(records), file)
    return 0


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    try:
        if path is None:
            yield sys.stdout.buffer
            return
        with path.open("wb") as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"{path or 'standard output'} can't be written: {error.strerror}.") from error


def _counted(records: Iterator[StoredRecord]) -> Iterator[bytes]:
    with Progress("records") as progress:
        for stored in records:
            yield stored.line
            progress.advance(1)


def _tail(arguments: argparse.Namespace) -> int:
    reader = _reader(arguments)
    last = reader.last_seq()
    for stored in reader.newest(arguments.n, deployment_id=arguments.deployment):
        say(stored.line.decode())
        last = stored.seq
    sys.stdout.flush()
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
    else:
        show_stats(stats)
    return 0 if all(account.balances for account in stats.accounts) else 1


def _reader(arguments: argparse.Namespace) -> SpoolReader:
    return SpoolReader(load(arguments.config, Registry.load()).payload_log.path)
