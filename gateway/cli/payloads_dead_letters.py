"""`payloads dead-letters` and `payloads requeue`: what a sink would not take, and another try."""

import argparse
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec

from gateway.cli.console import counted, say, say_error
from gateway.cli.payloads_sinks import configured_sinks
from gateway.cli.tables import add_row, new_table, output_console
from gateway.config import load
from gateway.payloadlog.dead_letters import DeadLetterRecord, read_dead_letters, requeue, requeue_all
from gateway.registry import Registry

# Columns are as wide as their widest cell: so a table is made of so many, not of all.
TABLE_LETTERS = 1000


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `dead-letters`."""
    parser.add_argument("--sink", metavar="NAME", help="only this one's")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")


def show(arguments: argparse.Namespace) -> int:
    """Show the dead letters of one sink or of all, those of removed sinks, too."""
    configuration = load(arguments.config, Registry.load())
    letters = read_dead_letters(configuration.payload_log.path, sink=arguments.sink)
    if arguments.json:
        for letter in letters:
            say(msgspec.json.encode(letter).decode())
        return 0
    console = output_console()
    page = list(islice(letters, TABLE_LETTERS))
    while True:
        table = new_table("sink", "scoring id", "deployment", "scored", "died", "reason")
        for letter in page:
            add_row(table, *_cells(letter))
        console.print(table)
        page = list(islice(letters, TABLE_LETTERS))
        if not page:
            return 0


def _cells(letter: DeadLetterRecord) -> tuple[str, ...]:
    return (
        letter.sink,
        letter.scoring_id,
        letter.deployment_id or "-",
        _time(letter.scored_at_us),
        _time(letter.died_at_us),
        letter.reason,
    )


def add_requeue_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `requeue`."""
    parser.add_argument("--sink", required=True, metavar="NAME")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--id", nargs="+", metavar="ID", help="scoring ids, as dead-letters shows them")
    which.add_argument("--all", action="store_true", help="all of the sink's dead letters")


def run_requeue(arguments: argparse.Namespace) -> int:
    """Make dead letters pending again; 1 where one that was named stays what it is."""
    configuration = load(arguments.config, Registry.load())
    (sink,) = configured_sinks(configuration, arguments.sink)
    path = Path(configuration.payload_log.path)
    return _all_again(path, sink) if arguments.all else _these_again(path, sink, arguments.id)


def _all_again(path: Path, sink: str) -> int:
    result = requeue_all(path, sink=sink)
    say(f"{counted(result.requeued, 'record')} pending again for {sink}.")
    if result.not_owed:
        say_error(f"{counted(result.not_owed, 'dead letter')} left: the sink's filter excludes them by now.")
    if result.record_lost:
        say_error(f"{counted(result.record_lost, 'dead letter')} left: the records were lost with a damaged file.")
    return 0


def _these_again(path: Path, sink: str, scoring_ids: list[str]) -> int:
    result = requeue(path, sink=sink, scoring_ids=scoring_ids)
    say(f"{counted(len(result.requeued), 'record')} pending again for {sink}.")
    for reason, left in (
        ("no dead letter of this sink", result.unknown),
        ("the sink's filter excludes it by now", result.not_owed),
        ("its record was lost with a damaged file", result.record_lost),
    ):
        for scoring_id in left:
            say_error(f"{scoring_id}: {reason}.")
    return 1 if len(result.requeued) < len(set(scoring_ids)) else 0


def _time(unix_us: int | None) -> str:
    return "-" if unix_us is None else datetime.fromtimestamp(unix_us / 1_000_000, UTC).isoformat(timespec="seconds")
