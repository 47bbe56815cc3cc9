"""From an HTTP status to an engine's error, for platforms whose statuses mean what HTTP says."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.base.retry_after import retry_after
from adapters.base.transport import Response
from schemas.errors import (
    EngineEndpointNotFoundError,
    EngineError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)

Meaning = tuple[type[EngineError], str, bool]
"""The error, what the platform does, as the rest of a sentence, and whether the request may be sent again."""

_MAX_TEXT = 2000
_MEMBERS = ("message", "error", "errors", "detail", "details")
_MEANINGS: Mapping[int, Meaning] = {
    401: (EngineRefusedError, "refused the credentials (401): check those of the engine", False),
    403: (EngineRefusedError, "refused access (403): check the permissions of the engine's credentials", False),
    404: (EngineEndpointNotFoundError, "does not know the endpoint (404)", False),
    408: (EngineTimeoutError, "stopped waiting (408)", False),
    413: (EngineRefusedError, "takes no request of this size (413): set `limits.max_bytes`", False),
    429: (EngineUnavailableError, "can't take the call now (429)", True),
    503: (EngineUnavailableError, "can't take the call now (503)", True),
    504: (EngineTimeoutError, "stopped waiting for its model (504)", False),
}
_NOTHING: Mapping[int, Meaning] = {}


def http_error(
    what: str, response: Response, *, deviations: Mapping[int, Meaning] = _NOTHING, words: str | None = None
) -> EngineError:
    """Make the error that an answer other than 2xx is; nothing but 429 and 503 may be sent again.

    Args:
        what: who answered, as the subject of a sentence: `Custom engine deployment credit`.
        response: the answer.
        deviations: statuses by which this platform means something else.
        words: for `engine_message`; without any it keeps the first text of the body that explains the error.
    """
    kind, says, retryable = deviations.get(response.status) or _meaning(response.status)
    return kind(
        f"{what} {says}.",
        engine_status=response.status,
        engine_message=words or error_words(response.body),
        retryable=retryable,
        retry_after=retry_after(response, time.time()),
    )


def error_words(body: bytes) -> str | None:
    """Return what an error body says: the text at one of the usual members of JSON, else the body itself."""
    try:
        words = _first_text(msgspec.json.decode(body))
    except (ValueError, RecursionError):
        words = None
    return words or body[:_MAX_TEXT].decode(errors="replace").strip() or None


def _meaning(status: int) -> Meaning:
    if status in _MEANINGS:
        return _MEANINGS[status]
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP
        return EngineRefusedError, f"answered with a redirection ({status}): check its URL", False
    return EngineRefusedError, f"refused the request or failed at it ({status})", False


def _first_text(value: Any) -> str | None:
    match value:
        case str():
            return value.strip() or None
        case [first, *_]:
            return _first_text(first)
        case dict():
            return next((text for name in _MEMBERS if (text := _first_text(value.get(name)))), None)
    return None
