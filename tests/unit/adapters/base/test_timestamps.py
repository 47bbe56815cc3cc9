from datetime import datetime, timedelta, timezone

import pytest

from adapters.base.timestamps import utc_timestamp


@pytest.mark.parametrize(
    ("date", "timestamp"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00.000Z"),
        ("2024-05-01T10:00:00.123456789Z", "2024-05-01T10:00:00.123Z"),
        ("2024-05-01T10:00:00+0200", "2024-05-01T08:00:00.000Z"),
        ("2024-05-01 10:00", "2024-05-01T10:00:00.000Z"),
        ("2024-05-01", "2024-05-01T00:00:00.000Z"),
        (datetime(2024, 5, 1, 12, 0, 0, 123456, timezone(timedelta(hours=2))), "2024-05-01T10:00:00.123Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), None),
        ("0000-01-01T00:00:00.0Z", None),
        ("0001-01-01T00:00:00+02:00", None),
        ("5/7/2024 3:18:52 PM", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_become_utc_and_anything_else_is_left_out(date, timestamp):
    assert utc_timestamp(date) == timestamp
