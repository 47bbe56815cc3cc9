from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec import json

from gateway.api import errors as api_errors
from gateway.api.errors import (
    BodyTooLargeError,
    ContentTypeError,
    MethodNotAllowedError,
    NoSuchRouteError,
    error_response,
    status_of,
)
from schemas import errors
from schemas.errors import EngineError, EngineUnavailableError, GatewayError, MissingExtraError, OverloadedError
from schemas.json_schemas import json_schema

STATUSES = {
    errors.InvalidRequestError: 400,
    errors.UnprocessableRequestError: 422,
    errors.DeploymentNotConfiguredError: 422,
    errors.UnknownDeploymentError: 404,
    errors.DirectoryNotReadyError: 503,
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.OverloadedError: 429,
    errors.EngineError: 502,
    errors.EngineUnavailableError: 503,
    errors.EngineTimeoutError: 504,
    errors.EngineRefusedError: 502,
    errors.EngineEndpointNotFoundError: 502,
    errors.EngineReplyError: 502,
    errors.PayloadLogError: 503,
    errors.SpoolUnavailableError: 503,
    errors.SpoolFullError: 503,
    errors.SinkUnavailableError: 503,
    errors.SinkRefusedError: 503,
    NoSuchRouteError: 404,
    BodyTooLargeError: 413,
    ContentTypeError: 415,
    errors.GatewayError: 500,
}
OTHERS = {
    MethodNotAllowedError(("GET", "POST")): 405,
    errors.ConfigurationError(["a", "b"]): 500,
    MissingExtraError(needed_by="x", package="y", extra="z"): 500,
}


def subclasses(kind: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield kind
    for sub in kind.__subclasses__():
        yield from subclasses(sub)


@pytest.mark.parametrize(("kind", "status"), STATUSES.items())
def test_every_error_has_the_status_of_the_table(kind: type[GatewayError], status: int) -> None:
    assert status_of(kind("It went wrong.")) == status


@pytest.mark.parametrize(("error", "status"), OTHERS.items())
def test_errors_with_arguments_of_their_own_have_theirs(error: GatewayError, status: int) -> None:
    assert status_of(error) == status


def test_no_error_of_the_vocabulary_is_forgotten() -> None:
    known = {*STATUSES, *(type(error) for error in OTHERS)}
    ours = {kind for kind in subclasses(GatewayError) if kind.__module__ in (errors.__name__, api_errors.__name__)}
    assert ours == known


@pytest.mark.parametrize(
    "error",
    [*(kind("It went wrong.", target="values[3]") for kind in STATUSES), *OTHERS],
    ids=lambda error: type(error).__name__,
)
def test_every_body_is_what_the_schema_publishes(error: GatewayError) -> None:
    response = error_response(error, trace="0" * 32)
    assert isinstance(response.body, bytes)
    body = json.decode(response.body)
    Draft202012Validator(json_schema("error")).validate(body)
    assert body["trace"] == response.headers["X-Scoring-Id"] == "0" * 32
    assert body["errors"][0]["code"] == error.code
    assert response.content_type == "application/json"
    assert ("Retry-After" in response.headers) is (response.status in (429, 503))
    assert ("WWW-Authenticate" in response.headers) is (response.status == 401)
    assert ("Allow" in response.headers) is (response.status == 405)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (EngineUnavailableError("x", retry_after=0.2), "1"),
        (EngineUnavailableError("x", retry_after=2.1), "3"),
        (EngineUnavailableError("x"), "1"),
        (OverloadedError("x", retry_after=30), "30"),
        (errors.DirectoryNotReadyError("x"), "1"),
    ],
)
def test_retry_after_is_whole_seconds_and_at_least_one(error: GatewayError, seconds: str) -> None:
    assert error_response(error, trace="t").headers["Retry-After"] == seconds


def test_engines_words_and_status_reach_the_caller() -> None:
    error = EngineError("It failed.", engine_status=418, engine_message="I'm a teapot.")
    body: Any = error_response(error, trace="t").body
    (item,) = json.decode(body)["errors"]
    assert item == {
        "code": "engine_error",
        "message": "It failed. The engine says: I'm a teapot.",
        "engine_status": 418,
    }
