"""From an error to a status and the error body: the only place that knows HTTP statuses of our own answers."""

import math

from aiohttp import web
from msgspec import Struct, json

from gateway.api.auth import CHALLENGE
from schemas.errors import (
    ConfigurationError,
    DirectoryNotReadyError,
    EngineError,
    EngineTimeoutError,
    EngineUnavailableError,
    ForbiddenError,
    GatewayError,
    InvalidRequestError,
    OverloadedError,
    PayloadLogError,
    UnauthenticatedError,
    UnknownDeploymentError,
    UnprocessableRequestError,
)

SCORING_ID_HEADER = "X-Scoring-Id"

# The first that fits: the specific come first.
_STATUS: tuple[tuple[type[GatewayError], int], ...] = (
    (InvalidRequestError, 400),
    (UnprocessableRequestError, 422),
    (UnauthenticatedError, 401),
    (ForbiddenError, 403),
    (UnknownDeploymentError, 404),
    (OverloadedError, 429),
    (DirectoryNotReadyError, 503),
    (EngineTimeoutError, 504),
    (EngineUnavailableError, 503),
    (EngineError, 502),
    (PayloadLogError, 503),
    (ConfigurationError, 500),
)
DEFAULT_RETRY_SECONDS = 1.0


class MethodNotAllowedError(GatewayError):
    """The path is right, the method is not."""

    code = "method_not_allowed"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"Use {' or '.join(allowed)} here.")
        self.allowed = allowed


class NoSuchRouteError(GatewayError):
    """Nothing is served at this path."""

    code = "not_found"


class BodyTooLargeError(GatewayError):
    """The body is larger than `server.max_body_mb`."""

    code = "body_too_large"


class ContentTypeError(GatewayError):
    """The body is announced as something that is not taken here."""

    code = "unsupported_content_type"


_HTTP_STATUS: dict[type[GatewayError], int] = {
    MethodNotAllowedError: 405,
    NoSuchRouteError: 404,
    BodyTooLargeError: 413,
    ContentTypeError: 415,
}


class ErrorItem(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong. Published as `error.schema.json`, with `ErrorBody`."""

    code: str
    message: str
    target: str | None = None
    engine_status: int | None = None


class ErrorBody(Struct, frozen=True):
    """Every answer that is not a success. `trace` is the scoring id, or the id of the request."""

    errors: list[ErrorItem]
    trace: str


def status_of(error: GatewayError) -> int:
    """Return the HTTP status that an error is answered with."""
    if type(error) in _HTTP_STATUS:
        return _HTTP_STATUS[type(error)]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def error_response(error: GatewayError, *, trace: str) -> web.Response:
    """Answer with an error; the platform's own words are added for the caller alone."""
    status = status_of(error)
    message, engine_status = error.message, None
    if isinstance(error, EngineError):
        engine_status = error.engine_status
        if error.engine_message:
            message = f"{message} The engine says: {error.engine_message}"
    body = ErrorBody([ErrorItem(error.code, message, error.target, engine_status)], trace)
    headers = {SCORING_ID_HEADER: trace}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, MethodNotAllowedError):
        headers["Allow"] = ", ".join(error.allowed)
    if status in (429, 503):
        headers["Retry-After"] = str(math.ceil(_retry_after(error)))
    return web.Response(body=json.encode(body), status=status, content_type="application/json", headers=headers)


def _retry_after(error: GatewayError) -> float:
    if isinstance(error, EngineError | OverloadedError | DirectoryNotReadyError) and error.retry_after is not None:
        return max(error.retry_after, DEFAULT_RETRY_SECONDS)
    return DEFAULT_RETRY_SECONDS
