import pytest

from adapters.base import Response
from adapters.base.http_errors import error_words, http_error
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (302, EngineRefusedError, False),
        (400, EngineRefusedError, False),
        (401, EngineRefusedError, False),
        (404, EngineEndpointNotFoundError, False),
        (408, EngineTimeoutError, False),
        (422, EngineRefusedError, False),
        (429, EngineUnavailableError, True),
        (500, EngineRefusedError, False),
        (502, EngineRefusedError, False),
        (503, EngineUnavailableError, True),
        (504, EngineTimeoutError, False),
    ],
)
def test_a_status_says_what_happened_and_whether_the_call_may_be_sent_again(status, error, retryable):
    raised = http_error("Engine e", Response(status, {"retry-after": "7"}, b'{"error": "secret words"}'))
    assert type(raised) is error
    assert (raised.engine_status, raised.retryable, raised.retry_after) == (status, retryable, 7.0)
    assert raised.message.startswith("Engine e ")
    assert "secret words" not in raised.message
    assert raised.engine_message == "secret words"


def test_a_platform_may_mean_something_else_by_a_status_and_say_it_elsewhere() -> None:
    deviations = {409: (EngineUnavailableError, "is busy", True)}
    busy = http_error("It", Response(409, {}, b"{}"), deviations=deviations, words="in a header")
    assert type(busy) is EngineUnavailableError
    assert (busy.message, busy.retryable, busy.engine_message) == ("It is busy.", True, "in a header")
    other = http_error("It", Response(429, {}, b"slow down"), deviations=deviations)
    assert (type(other), other.engine_message) == (EngineUnavailableError, "slow down")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"trace": "t", "errors": [{"code": "c", "message": "m"}]}', "m"),
        (b'{"error": {"code": "c", "message": "m"}}', "m"),
        (b'{"error": "m", "details": "d", "statusCode": 500}', "m"),
        (b'{"error_code": "BAD_REQUEST", "message": "m"}', "m"),
        (b'{"message": "", "detail": [{"loc": ["body"], "message": "m"}]}', "m"),
        (b'{"message": null, "error": " m "}', "m"),
        (b'"m"', "m"),
        (b"<html>m</html>", "<html>m</html>"),
        (b'{"code": 7}', '{"code": 7}'),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"[" * 5000, ("[" * 5000)[:2000]),
        (b" \n", None),
        (b"", None),
    ],
)
def test_words_are_found_where_platforms_put_them(body, words):
    assert error_words(body) == words
