"""From what Azure ML says to what the gateway says.

Source: "Troubleshoot online endpoints deployment and scoring", HTTP status codes of managed and of Kubernetes online
endpoints; README of azureml-inference-server-http for the bodies of errors.
"""

import time

import msgspec
from msgspec import Struct

from adapters.base import Response
from adapters.base.retry_after import retry_after
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)

MODEL_STATUS = "ms-azureml-model-error-statuscode"
MODEL_REASON = "ms-azureml-model-error-reason"
_MAX_TEXT = 2000
_BUSY = "can't take the call now"
_LATE = "stopped waiting for its model"
_MEANINGS: dict[int, tuple[type[EngineError], str, bool]] = {
    401: (EngineRefusedError, "refused the key or token (401): check the engine's credentials", False),
    403: (EngineRefusedError, "refused access (403): check the permissions of the engine's identity", False),
    404: (EngineEndpointNotFoundError, "has no deployment with traffic, or not the one that was named", False),
    408: (EngineTimeoutError, f"{_LATE} (408)", False),
    409: (EngineUnavailableError, f"{_BUSY} (409)", True),
    413: (EngineRefusedError, "takes no request of this size (413): set `limits.max_bytes`", False),
    429: (EngineUnavailableError, f"{_BUSY} (429)", True),
    503: (EngineUnavailableError, f"{_BUSY} (503)", True),
    504: (EngineTimeoutError, f"{_LATE} (504)", False),
}


class _ErrorBody(Struct):
    message: str | None = None
    error: "str | _InnerError | None" = None


class _InnerError(Struct):
    message: str | None = None


_decoder = msgspec.json.Decoder(_ErrorBody)


def scoring_error(what: str, response: Response) -> EngineError:
    """Make the error that an answer other than 2xx is.

    Args:
        what: who answered, as the subject of a sentence: `Azure ML endpoint credit`.
        response: the answer.
    """
    kind, says, retryable = _meaning(response.status)
    status = response.status
    if status == 424:  # noqa: PLR2004 - HTTP
        status = _model_status(response)
        says = f"passed the request to its model, which failed with status {status}"
    return kind(
        f"{what} {says}.",
        engine_status=status,
        engine_message=_words(response),
        retryable=retryable,
        retry_after=retry_after(response, time.time()),
    )


def _meaning(status: int) -> tuple[type[EngineError], str, bool]:
    """Return the error, what the platform means, and whether it has not worked on the request."""
    if status in _MEANINGS:
        return _MEANINGS[status]
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP
        return EngineRefusedError, f"answered with a redirection ({status}): check its URL", False
    return EngineRefusedError, f"refused the request or failed at it ({status})", False


def control_error(status: int, what: str) -> EngineError:
    """Make the error that an answer of Azure Resource Manager is.

    Args:
        status: other than 2xx.
        what: what did not work, as the start of a sentence: `The keys of endpoint credit can't be listed`.
    """
    if status in (408, 429) or status >= 500:  # noqa: PLR2004 - HTTP
        return EngineUnavailableError(f"{what} now (status {status}).", engine_status=status, retryable=True)
    if status in (401, 403):
        advice = "check the engine's credentials and the roles of its identity in the workspace"
    elif status == 404:  # noqa: PLR2004 - HTTP
        advice = "check subscription_id, resource_group, workspace and control_url"
    else:
        advice = "check api_version and control_url"
    return EngineRefusedError(f"{what} (status {status}): {advice}.", engine_status=status)


def _model_status(response: Response) -> int:
    text = response.headers.get(MODEL_STATUS, "").strip()
    return int(text) if text.isascii() and text.isdecimal() else response.status


def _words(response: Response) -> str | None:
    try:
        body = _decoder.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = response.body[:_MAX_TEXT].decode(errors="replace").strip()
    else:
        inner = body.error.message if isinstance(body.error, _InnerError) else body.error
        text = body.message or inner or ""
    return text or response.headers.get(MODEL_REASON)
