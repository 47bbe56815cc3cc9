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
    ("status", "kind", "attempts"),
    [
        (400, EngineRefusedError, 1),
        (401, EngineRefusedError, 1),
        (404, EngineEndpointNotFoundError, 1),
        (408, EngineTimeoutError, 1),
        (409, EngineRefusedError, 1),
        (413, EngineRefusedError, 1),
        (500, EngineRefusedError, 2),
        (502, EngineRefusedError, 1),
        (503, EngineUnavailableError, None),
        (504, EngineTimeoutError, 1),
    ],
)
def test_statuses_mean_what_studio_says(status, kind, attempts):
    error = error_of(status, {"error": {"code": "X", "message": "words"}})
    assert (type(error), error.engine_message) == (kind, "words")
    assert (error.max_attempts if error.retryable else 1) == attempts
