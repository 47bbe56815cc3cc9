"""Arguments and exit codes: 0 success, 1 the command failed, 2 wrong usage or configuration, 130 interrupted."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version

from gateway.cli.console import say_error
from schemas.errors import ConfigurationError, GatewayError

DISTRIBUTION = "openscale-gateway"
INTERRUPTED = 130

# Command: its module here. Only the one that was asked for is loaded, so that `serve` starts without the demo's clouds.
_MODULES = {
    "serve": "serve",
    "check": "check",
    "demo": "demo",
    "deployments": "client",
    "score": "client",
    "payloads": "payloads",
    "plugins": "plugins",
    "schema": "plugins",
    "hash-password": "hash_password",
}

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    parsed = _parser(given).parse_args(given)
    command: Command = parsed.run
    try:
        code = command(parsed)
        sys.stdout.flush()
    except ConfigurationError as error:
        for problem in error.problems:
            say_error(problem)
        return 2
    except GatewayError as error:
        say_error(f"{DISTRIBUTION}: {error.message}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has seen enough. Python will flush it once more while it exits: to nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=DISTRIBUTION, description="One OpenScale custom machine learning engine in front of many engines."
    )
    parser.add_argument("--version", action="version", version=f"{DISTRIBUTION} {version(DISTRIBUTION)}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in _wanted(given):
        import_module(f"gateway.cli.{module}").add_to(commands)
    return parser


def _wanted(given: Sequence[str]) -> list[str]:
    """Return the module of the command that was given; all of them where none was, for the help."""
    asked = next((argument for argument in given if not argument.startswith("-")), "")
    return [_MODULES[asked]] if asked in _MODULES else list(dict.fromkeys(_MODULES.values()))
