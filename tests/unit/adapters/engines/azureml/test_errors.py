import pytest

from adapters.base import Response
from adapters.engines.azureml.errors import scoring_error
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (400, EngineRefusedError, False),
        (401, EngineRefusedError, False),
        (403, EngineRefusedError, False),
        (404, EngineEndpointNotFoundError, False),
        (405, EngineRefusedError, False),
        (408, EngineTimeoutError, False),
        (409, EngineUnavailableError, True),
        (413, EngineRefusedError, False),
        (415, EngineRefusedError, False),
        (424, EngineRefusedError, False),
        (429, EngineUnavailableError, True),
        (431, EngineRefusedError, False),
        (500, EngineRefusedError, False),
        (502, EngineRefusedError, False),
        (503, EngineUnavailableError, True),
        (504, EngineTimeoutError, False),
        (307, EngineRefusedError, False),
    ],
)
def test_each_status_has_its_error(status, error, retryable):
    made = scoring_error("Azure ML endpoint credit", Response(status, {}, b""))
    assert type(made) is error
    assert made.retryable is retryable
    assert made.engine_status == status
    assert made.message.startswith("Azure ML endpoint credit ")
    assert str(status) in made.message or status == 404


def test_the_wait_that_azure_asks_for_is_passed_on():
    assert scoring_error("It", Response(429, {"retry-after": "7"}, b"")).retry_after == 7.0
    assert scoring_error("It", Response(429, {}, b"")).retry_after is None


def test_a_model_is_reported_with_its_own_status_and_reason():
    headers = {"ms-azureml-model-error-statuscode": "503", "ms-azureml-model-error-reason": "out of memory"}
    error = scoring_error("It", Response(424, headers, b""))
    assert (error.engine_status, error.engine_message, error.retryable) == (503, "out of memory", False)
    assert "out of memory" not in error.message


@pytest.mark.parametrize("text", ["", "many", "5e2", "\N{ARABIC-INDIC DIGIT FIVE}"])
def test_a_model_status_that_is_no_number_is_left_out(text):
    assert scoring_error("It", Response(424, {"ms-azureml-model-error-statuscode": text}, b"")).engine_status == 424


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "bad input"}', "bad input"),
        (b'{"error": {"code": "x", "message": "no quota"}}', "no quota"),
        (b'{"error": "no such model"}', "no such model"),
        (b"upstream connect error", "upstream connect error"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b'["a list"]', "a list"),
        (b"{}", "{}"),
        (b"", None),
    ],
)
def test_the_words_of_the_platform_are_found_in_any_form(body, words):
    assert scoring_error("It", Response(500, {}, body)).engine_message == words
