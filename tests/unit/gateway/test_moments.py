from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.moments import rfc3339, unix_us

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:01z", 1_000_000),
        ("1970-01-01 00:00:00.5Z", 500_000),
        ("1970-01-01T00:00:00.1234567Z", 123_456),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:60Z", 0),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000_000),
    ],
)
def test_rfc3339_is_read(text: str, expected: int) -> None:
    assert unix_us(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00Z",
        "1970-01-01T00:00:61Z",
        "1970-02-30T00:00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00.Z",
        "١٩٧٠-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unix_us(text)


@settings(deadline=None)
@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 - the offset is drawn apart
    st.integers(-23 * 60, 23 * 60),
)
def test_every_moment_survives_its_spelling(moment: datetime, offset: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert unix_us(aware.isoformat()) == (aware - EPOCH) // timedelta(microseconds=1)


@given(st.datetimes(min_value=datetime(1970, 1, 1)))  # noqa: DTZ001 - it is taken as UTC
def test_moment_is_written_as_it_is_read(moment: datetime) -> None:
    at_us = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    text = rfc3339(at_us)
    assert unix_us(text) == at_us
    assert (text[-8], text[-1]) == (".", "Z")
