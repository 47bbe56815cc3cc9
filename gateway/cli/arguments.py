"""Values of arguments, read as what they mean."""

import argparse
from collections.abc import Callable

from gateway.moments import unix_us


def at_least(least: int) -> Callable[[str], int]:
    """Return what reads a whole number from `least` on."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) < least:
            raise argparse.ArgumentTypeError(f"not a whole number from {least} on: {text}")
        return int(text)

    return read


def moment(text: str) -> int:
    """Read a moment in RFC 3339 as microseconds of the Unix epoch; a date alone is its beginning, in UTC."""
    try:
        return unix_us(text if ":" in text else f"{text}T00:00:00Z")
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a moment as 2026-11-21T12:00:00Z or 2026-11-21: {text}") from None
