import pytest

from adapters.base.timestamps import utc_timestamp


@pytest.mark.parametrize(
    ("text", "timestamp"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00.000Z"),
        ("2024-05-01T10:00:00.123456789Z", "2024-05-01T10:00:00.123Z"),
        ("2024-05-01T10:00:00+0200", "2024-05-01T08:00:00.000Z"),
        ("2024-05-01 10:00", "2024-05-01T10:00:00.000Z"),
        ("2024-05-01", "2024-05-01T00:00:00.000Z"),
        ("0000-01-01T00:00:00.0Z", None),
        ("0001-01-01T00:00:00+02:00", None),
        ("5/7/2024 3:18:52 PM", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_become_utc_and_anything_else_is_left_out(text, timestamp):
    assert utc_timestamp(text) == timestamp
