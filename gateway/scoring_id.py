"""Scoring ids: UUIDv7 (RFC 9562, section 5.7) as 32 hex digits, so that ids sort by the time of their call."""

import os

_VERSION_AND_VARIANT = 0x7000_8000_0000_0000_0000
_RANDOM_BITS = 0x0FFF_3FFF_FFFF_FFFF_FFFF


def mint(unix_ms: int) -> str:
    """Return a new id for a call that starts at this time, in milliseconds of the Unix epoch."""
    noise = int.from_bytes(os.urandom(10)) & _RANDOM_BITS
    return f"{unix_ms << 80 | _VERSION_AND_VARIANT | noise:032x}"


def share_of(scoring_id: str) -> float:
    """Return where an id falls in [0, 1), evenly spread: a sample of calls is chosen by it."""
    return int(scoring_id[-8:], 16) / 2**32
