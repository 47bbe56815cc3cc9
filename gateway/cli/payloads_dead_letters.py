"""`payloads dead-letters` and `payloads requeue`: what a sink would not take, and another try."""

import argparse
from datetime import UTC, datetime

import msgspec

from gateway.cli.console import counted, say, say_error
from gateway.cli.payloads_sinks import configured_sinks
from gateway.cli.tables import add_row, new_table, output_console
from gateway.config import load
from gateway.payloadlog.dead_letters import DeadLetterRecord, read_dead_letters, requeue
from gateway.registry import Registry


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
    table = new_table("sink", "scoring id", "deployment", "scored", "died", "reason")
    for letter in letters:
        add_row(table, *_cells(letter))
    output_console().print(table)
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
    result = requeue(configuration.payload_log.path, sink=sink, scoring_ids=arguments.id)
    say(f"{counted(len(result.requeued), 'record')} pending again for {sink}.")
    for reason, scoring_ids in (
        ("no dead letter of this sink", result.unknown),
        ("the sink's filter excludes it by now", result.not_owed),
        ("its record was lost with a damaged file", result.record_lost),
    ):
        for scoring_id in scoring_ids:
            say_error(f"{scoring_id}: {reason}.")
    return 1 if arguments.id and len(result.requeued) < len(set(arguments.id)) else 0


def _time(unix_us: int | None) -> str:
    return "-" if unix_us is None else datetime.fromtimestamp(unix_us / 1_000_000, UTC).isoformat(timespec="seconds")
