"""From what a web service says to what the gateway says.

Source: "Machine Learning Studio (classic) REST API error codes": the statuses mean what HTTP says, the reason for a 400
is in `details`, and after a 500 (internal: what fails in the model is a 400) the same request is worth another attempt.
"""

import msgspec
from msgspec import Struct

from adapters.base import Response
from adapters.base.http_errors import http_error
from schemas.errors import EngineError


class _Detail(Struct):
    message: str | None = None


class _Error(Struct):
    message: str | None = None
    details: list[_Detail] | None = None


class _Body(Struct):
    error: _Error


_decoder = msgspec.json.Decoder(_Body)
_INTERNAL = 500
_INTERNAL_ATTEMPTS = 2


def service_error(what: str, response: Response) -> EngineError:
    """Make the error that an answer other than 2xx is.

    Args:
        what: who answered, as the subject of a sentence: `Azure ML Studio service credit`.
        response: the answer.
    """
    error = http_error(what, response, words=_words(response.body))
    if response.status == _INTERNAL:
        error.retryable, error.max_attempts = True, _INTERNAL_ATTEMPTS
    return error


def _words(body: bytes) -> str:
    try:
        error = _decoder.decode(body).error
    except (ValueError, RecursionError):
        return ""
    return " ".join(part.message for part in (error, *(error.details or ())) if part.message)
