"""Moments as people and programs write them: RFC 3339."""

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAP_SECOND = 60


def unix_us(text: str) -> int:
    """Return a moment in microseconds of the Unix epoch; what is finer is cut off.

    A leap second counts as the second that follows it, as Unix time has it.

    Raises:
        ValueError: it is not RFC 3339 with an offset, or no day of the calendar from the year 1 on.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not RFC 3339")
    date, minute, second, fraction, offset = match.groups()
    if int(second) > _LEAP_SECOND:
        raise ValueError("no such second")
    start = datetime.fromisoformat(f"{date}T{minute}:00{offset.upper()}")
    finer = timedelta(seconds=int(second), microseconds=int((fraction or "")[:6].ljust(6, "0")))
    return (start - _EPOCH + finer) // timedelta(microseconds=1)


def rfc3339(at_us: int) -> str:
    """Return a moment, given in microseconds of the Unix epoch, in UTC and to the microsecond."""
    moment = _EPOCH + timedelta(microseconds=at_us)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
