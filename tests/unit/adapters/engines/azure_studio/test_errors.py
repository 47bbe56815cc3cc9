import json

import pytest

from adapters.base import Response
from adapters.engines.azure_studio.errors import service_error
from schemas.errors import EngineEndpointNotFoundError, EngineRefusedError, EngineTimeoutError, EngineUnavailableError


def error_of(status, document):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return service_error("Azure ML Studio service credit", Response(status, {}, body))


def test_the_reason_in_the_details_is_told_too():
    error = error_of(
        400,
        {
            "error": {
                "code": "BadArgument",
                "message": "Invalid argument provided.",
                "details": [{"code": "InputParseError", "target": "input1", "message": "Age is no number."}],
            }
        },
    )
    assert type(error) is EngineRefusedError
    assert error.engine_message == "Invalid argument provided. Age is no number."
    assert "Age" not in error.message


def test_long_words_are_cut():
    assert len(error_of(400, {"error": {"message": "x" * 5000}}).engine_message) == 500


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b'{"error": "text"}', b'{"error": {"message": 5}}'])
def test_another_body_is_shown_as_far_as_it_explains(body):
    assert error_of(502, body).engine_status == 502


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, EngineRefusedError, False),
        (404, EngineEndpointNotFoundError, False),
        (408, EngineTimeoutError, False),
        (409, EngineRefusedError, False),
        (413, EngineRefusedError, False),
        (500, EngineRefusedError, False),
        (503, EngineUnavailableError, True),
        (504, EngineTimeoutError, False),
    ],
)
def test_statuses_mean_what_studio_says(status, kind, retryable):
    error = error_of(status, {"error": {"code": "X", "message": "words"}})
    assert (type(error), error.retryable, error.engine_message) == (kind, retryable, "words")
