"""What commands print: results on standard output, everything else on standard error."""

import sys


def say(text: str) -> None:
    """Print a line of a command's result, as it is."""
    print(text)  # noqa: T201 - a command speaks to its user


def say_error(text: str) -> None:
    """Print a line about what went wrong, apart from the result."""
    print(printable(text), file=sys.stderr)  # noqa: T201


def counted(n: int, noun: str) -> str:
    """Return `1 engine` or `2 engines`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def printable(text: str) -> str:
    """Return a text that can't steer a terminal: names and messages come from outside."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)
