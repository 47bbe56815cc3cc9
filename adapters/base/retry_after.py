"""The header Retry-After (RFC 9110, 10.2.3), for engines, sinks and token services."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from adapters.base.transport import Response

MAX_SECONDS = 3600.0
"""Longer waits are cut to this: a platform that means more will say so again."""


def retry_after(response: Response, now: float) -> float | None:
    """Return how many seconds the far side asks to wait, from 0 to `MAX_SECONDS`; None where it doesn't say.

    Args:
        response: any response.
        now: in seconds of the Unix epoch, for a header that holds a date.
    """
    text = response.headers.get("retry-after", "").strip()
    seconds = float(text) if text.isascii() and text.isdecimal() else _seconds_until(text, now)
    return None if seconds is None else min(max(seconds, 0.0), MAX_SECONDS)


def _seconds_until(date: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    # "-0000" gives a naive moment; HTTP dates are in UTC.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
