"""`hash-password`: what stands in a configuration instead of a password."""

import argparse
import sys
from getpass import getpass

from gateway.api.passwords import hash_password
from gateway.cli.console import say
from gateway.cli.errors import CommandError


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "hash-password",
        help="make the `password_hash` of a client",
        description="Asks for a password, or takes one line of standard input, and prints its hash.",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    say(hash_password(_asked() if sys.stdin.isatty() else _piped()))
    return 0


def _asked() -> str:
    password = getpass("Password: ")
    if getpass("Once more: ") != password:
        raise CommandError("The two passwords differ.")
    return _not_empty(password)


def _piped() -> str:
    return _not_empty(sys.stdin.readline().rstrip("\r\n"))


def _not_empty(password: str) -> str:
    if not password:
        raise CommandError("There is no password: type one, or send it as one line of standard input.")
    return password
