import pytest

from adapters.base import Response
from adapters.base.retry_after import MAX_SECONDS, retry_after

NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("9" * 400, MAX_SECONDS),
        ("Wed, 21 Oct 2015 07:29:30 GMT", 90.0),
        ("Wed, 21 Oct 2015 07:29:30 -0000", 90.0),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
        ("Fri, 21 Oct 2016 07:00:00 GMT", MAX_SECONDS),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, seconds: float | None) -> None:
    assert retry_after(Response(503, {"retry-after": header}, b""), NOW) == seconds


def test_a_response_without_the_header_asks_for_no_wait() -> None:
    assert retry_after(Response(503, {}, b""), NOW) is None
