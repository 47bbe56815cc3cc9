"""The caller's own id of a call: recorded, and echoed by every answer."""

from aiohttp import web

from schemas.errors import InvalidRequestError

TRANSACTION_ID_HEADER = "X-Global-Transaction-Id"
MAX_LENGTH = 128


def transaction_id(request: web.Request) -> str | None:
    """Return the id that a request carries, None where it carries none.

    Raises:
        InvalidRequestError: it can't be recorded as it is.
    """
    text = request.headers.get(TRANSACTION_ID_HEADER)
    if not text:
        return None
    if not _fits(text):
        raise InvalidRequestError(
            f"The transaction id must be at most {MAX_LENGTH} printable ASCII characters.",
            target=TRANSACTION_ID_HEADER,
        )
    return text


def echo_transaction_id(request: web.Request, response: web.Response) -> web.Response:
    """Add the id of the request to its answer, where there is one that fits."""
    text = request.headers.get(TRANSACTION_ID_HEADER)
    if text and _fits(text):
        response.headers[TRANSACTION_ID_HEADER] = text
    return response


def _fits(text: str) -> bool:
    return len(text) <= MAX_LENGTH and text.isascii() and text.isprintable()
