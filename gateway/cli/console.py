"""What commands print."""

import sys


def say(text: str) -> None:
    """Print a line of a command's result."""
    print(text)  # noqa: T201 - a command speaks to its user


def say_error(text: str) -> None:
    """Print a line about what went wrong, apart from the result."""
    print(text, file=sys.stderr)  # noqa: T201
