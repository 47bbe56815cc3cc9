import json

import pytest

from adapters.base import Response
from adapters.engines.sagemaker.errors import LOADING_SECONDS, engine_error, parse_failure
from schemas.errors import EngineEndpointNotFoundError, EngineRefusedError, EngineUnavailableError


def failure(body=b"{}", status=400, **headers):
    return parse_failure(Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body))


@pytest.mark.parametrize(
    "parsed",
    [
        failure(x_amzn_errortype="ThrottlingException"),
        failure(x_amzn_errortype="ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.service/"),
        failure(b'{"__type": "com.amazon.coral.service#ThrottlingException"}'),
        failure(b'{"__type": "ThrottlingException"}'),
        failure(b'{"code": "ThrottlingException"}'),
    ],
)
def test_the_type_is_found_wherever_it_stands(parsed):
    assert parsed.code == "ThrottlingException"


@pytest.mark.parametrize("body", [b'{"message": "words"}', b'{"Message": "words"}', b"words"])
def test_the_message_is_found_however_it_is_written(body):
    assert failure(body).message == "words"


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[1]", b"\xff\xfe", b'{"OriginalStatusCode": "x"}'])
def test_any_body_is_read(body):
    error = engine_error(failure(body, status=500), "SageMaker endpoint credit")
    assert type(error) is EngineRefusedError
    assert error.message == "SageMaker endpoint credit refused the request, or failed at it (HTTP 500)."


def test_a_type_that_is_no_name_stays_out_of_the_message():
    error = engine_error(failure(x_amzn_errortype="<script>", status=500), "It")
    assert "script" not in error.message


@pytest.mark.parametrize(
    "message",
    [
        "Endpoint credit of account 123456789012 not found.",
        "Endpoint credit-variant-a of account 123456789012 not found.",
        "Endpoint my-variant not found.",
        'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/credit".',
        "Inference Component credit not found.",
    ],
)
@pytest.mark.parametrize("code", ["ValidationError", "ValidationException"])
def test_a_missing_endpoint_is_told_from_other_mistakes(message, code):
    parsed = failure(json.dumps({"__type": code, "message": message}).encode())
    error = engine_error(parsed, "SageMaker endpoint credit")
    assert type(error) is EngineEndpointNotFoundError


@pytest.mark.parametrize(
    "message",
    [
        "Variant blue not found for endpoint credit.",
        "Endpoint credit: variant blue not found.",
        "Endpoint credit is invalid: variant blue does not exist.",
    ],
)
def test_a_missing_variant_is_not_a_missing_endpoint(message):
    parsed = failure(json.dumps({"__type": "ValidationError", "message": message}).encode())
    assert type(engine_error(parsed, "SageMaker endpoint credit")) is EngineRefusedError


def test_retry_after_is_read_from_the_header():
    assert failure(retry_after="7").retry_after == 7.0
    assert failure().retry_after is None


def test_a_model_that_is_being_loaded_is_given_time_where_sagemaker_names_none():
    error = engine_error(failure(x_amzn_errortype="ModelNotReadyException", status=429), "SageMaker endpoint credit")
    assert (type(error), error.retryable, error.retry_after) == (EngineUnavailableError, True, LOADING_SECONDS)
    told = failure(x_amzn_errortype="ModelNotReadyException", status=429, retry_after="7")
    assert engine_error(told, "SageMaker endpoint credit").retry_after == 7.0


@pytest.mark.parametrize("code", ["Throttling", "ThrottledException", "SlowDown", "RequestLimitExceeded"])
def test_every_way_to_throttle_may_be_sent_again(code):
    error = engine_error(failure(x_amzn_errortype=code), "SageMaker endpoint credit")
    assert (type(error), error.retryable) == (EngineUnavailableError, True)
