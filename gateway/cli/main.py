"""Arguments and exit codes: 0 success, 1 the command failed, 2 wrong usage or configuration."""

import argparse
import sys
from collections.abc import Callable, Sequence

from gateway.cli import check, client, demo, payloads, plugins, serve
from gateway.cli.console import say_error
from schemas.errors import ConfigurationError, GatewayError

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = _parser().parse_args(arguments)
    command: Command = parsed.run
    try:
        return command(parsed)
    except ConfigurationError as error:
        for problem in error.problems:
            say_error(problem)
        return 2
    except GatewayError as error:
        say_error(f"openscale-gateway: {error.message}")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has seen enough; Python would complain once more while it exits.
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="openscale-gateway", description="One OpenScale custom machine learning engine in front of many engines."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for part in (serve, check, demo, client, plugins, payloads):
        part.add_to(commands)
    return parser
