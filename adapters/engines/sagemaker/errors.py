"""From what SageMaker says to what the gateway says.

Source: the errors of InvokeEndpoint and the errors common to all actions, in the API reference; the error's type comes
in `x-amzn-errortype`, or as `__type` of the body.
"""

import re
import time

import msgspec
from msgspec import Struct, field

from adapters.base import Response
from adapters.base.retry_after import retry_after
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)

LOADING_SECONDS = 1.0
"""Before a call is sent again to a model that is being loaded or started, where SageMaker names no time."""

_VALIDATION = frozenset({"ValidationError", "ValidationException"})
_STALE_KEYS = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"}
)
_MISSING = r"((was )?not found|does not exist|could not be found)"
# "Endpoint credit of account 123456789012 not found.", or "Could not find endpoint ..."
_NOT_FOUND = re.compile(
    rf"could not find (endpoint|inference component)\b|(endpoint|inference component)\b.*{_MISSING}",
    re.IGNORECASE | re.DOTALL,
)
# A variant that is missing is not a missing endpoint; an endpoint's own name may hold the word.
_NO_VARIANT = re.compile(rf"(?<![\w-])variant\s+\S+\s+{_MISSING}", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,63}")


class Failure(Struct, frozen=True, kw_only=True):
    """An answer that is not a prediction.

    Attributes:
        status: HTTP status of SageMaker.
        code: type of the error, without namespace; empty where there is none.
        message: SageMaker's words, or the model's. They can quote the payload.
        original_status: what the model answered, for a ModelError; 0 where it did not answer in time.
        retry_after: in seconds.
    """

    status: int
    code: str = ""
    message: str | None = None
    original_status: int | None = None
    retry_after: float | None = None

    @property
    def stale_keys(self) -> bool:
        """Whether the same request may pass with other keys: these have expired, or were withdrawn."""
        return self.code in _STALE_KEYS


class _Body(Struct):
    type: str = field(default="", name="__type")
    code: str = ""
    message: str | None = None
    other_message: str | None = field(default=None, name="Message")
    original_message: str | None = field(default=None, name="OriginalMessage")
    original_status: int | None = field(default=None, name="OriginalStatusCode")


_decoder = msgspec.json.Decoder(_Body)


def parse_failure(response: Response) -> Failure:
    """Read an error answer, whoever wrote it: SageMaker in JSON, or a proxy in anything."""
    try:
        body = _decoder.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = _Body(message=response.body[:2000].decode(errors="replace") or None)
    return Failure(
        status=response.status,
        code=_code(response.headers.get("x-amzn-errortype") or body.type or body.code),
        message=body.original_message or body.message or body.other_message,
        original_status=body.original_status,
        retry_after=retry_after(response, time.time()),
    )


class _Rule(Struct, frozen=True):
    kind: type[EngineError]
    says: str
    codes: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    retryable: bool = False
    pause: float | None = None


# The first that fits wins.
_RULES = (
    _Rule(
        EngineUnavailableError,
        "is still loading its model",
        frozenset({"ModelNotReadyException"}),
        retryable=True,
        pause=LOADING_SECONDS,
    ),
    _Rule(
        EngineUnavailableError,
        "can't take the call now",
        frozenset(
            {
                "ServiceUnavailable",
                "ThrottlingException",
                "Throttling",
                "ThrottledException",
                "RequestThrottledException",
                "RequestThrottled",
                "TooManyRequestsException",
                "RequestLimitExceeded",
                "BandwidthLimitExceeded",
                "SlowDown",
            }
        ),
        frozenset({429, 503}),
        retryable=True,
    ),
    _Rule(
        EngineUnavailableError,
        "failed at a service that it depends on",
        frozenset({"InternalDependencyException"}),
        frozenset({530}),
    ),
    _Rule(EngineTimeoutError, "gave no answer in time", statuses=frozenset({504})),
    _Rule(
        EngineRefusedError,
        "refused access: check the engine's credentials, their policy, `region` and the clock of this machine",
        _STALE_KEYS | {"AccessDenied", "AccessDeniedException"},
        frozenset({401, 403}),
    ),
)
_OTHER = _Rule(EngineRefusedError, "refused the request, or failed at it")


def engine_error(failure: Failure, what: str) -> EngineError:
    """Make the error that a failure is.

    Args:
        failure: what was answered.
        what: who answered, as the subject of a sentence: `SageMaker endpoint credit`.
    """
    if failure.code == "ModelError":
        return _model_error(failure, what)
    if _is_not_found(failure):
        return _made(EngineEndpointNotFoundError, failure, f"{what} does not exist in this account and region.")
    fitting = (rule for rule in _RULES if failure.code in rule.codes or failure.status in rule.statuses)
    rule = next(fitting, _OTHER)
    named = failure.code or f"HTTP {failure.status}"
    error = _made(rule.kind, failure, f"{what} {rule.says} ({named}).", retryable=rule.retryable)
    if error.retry_after is None:
        error.retry_after = rule.pause
    return error


def _model_error(failure: Failure, what: str) -> EngineError:
    if failure.original_status == 0:
        return _made(EngineTimeoutError, failure, f"The model of {what} gave no answer in time.")
    status = failure.original_status or failure.status
    return _made(EngineRefusedError, failure, f"The model of {what} failed with status {status}.", status=status)


def _made(
    kind: type[EngineError], failure: Failure, message: str, *, retryable: bool = False, status: int | None = None
) -> EngineError:
    return kind(
        message,
        engine_status=failure.status if status is None else status,
        engine_message=failure.message,
        retryable=retryable,
        retry_after=failure.retry_after,
    )


def _is_not_found(failure: Failure) -> bool:
    if failure.code == "ResourceNotFound":
        return True
    message = failure.message or ""
    return failure.code in _VALIDATION and bool(_NOT_FOUND.match(message)) and not _NO_VARIANT.search(message)


def _code(text: str) -> str:
    # `com.amazon.coral.service#ThrottlingException`, or `ValidationError:http://internal.amazon.com/...`
    match = _CODE.match(text.rpartition("#")[2] or text)
    return match.group() if match else ""
