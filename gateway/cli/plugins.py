"""`plugins` and `schema`: what is installed, and what a configuration may say with it."""

import argparse

import msgspec

from gateway.cli.console import say, say_error
from gateway.cli.tables import add_row, new_table, output_console
from gateway.config import compose_schema
from gateway.registry import Registry


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    plugins = commands.add_parser("plugins", help="list the engines, formats, sinks and presets that are installed")
    plugins.add_argument("--json", action="store_true", help="one JSON object a line, with reasons")
    plugins.set_defaults(run=_list)
    schema = commands.add_parser("schema", help="print the JSON Schema of the configuration")
    schema.set_defaults(run=_print_schema)


def _list(arguments: argparse.Namespace) -> int:
    listing = Registry.load().listing()
    if arguments.json:
        for row in listing:
            say(msgspec.json.encode(row).decode())
    else:
        table = new_table("group", "kind", "distribution", "state", "origin")
        for row in listing:
            add_row(table, row.group, row.kind, f"{row.distribution} {row.version}", row.state, row.origin)
        output_console().print(table)
        # Each of those that claim one kind has the same reason.
        for reason in dict.fromkeys(row.reason for row in listing if row.reason is not None):
            say_error(reason)
    return 1 if any(row.state != "ready" for row in listing) else 0


def _print_schema(arguments: argparse.Namespace) -> int:
    say(msgspec.json.format(msgspec.json.encode(compose_schema(Registry.load())), indent=2).decode())
    return 0
