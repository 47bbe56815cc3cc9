"""Dates of platforms, in the one form that endpoints carry."""

from datetime import UTC, datetime


def utc_timestamp(date: str | datetime | None) -> str | None:
    """Return a date, as a text in ISO 8601, as RFC 3339 in UTC with milliseconds and `Z`; None for anything else.

    A date without an offset is taken for UTC.
    """
    try:
        moment = date if isinstance(date, datetime) else datetime.fromisoformat(date or "")
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
