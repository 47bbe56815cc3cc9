"""One scoring call as one POST, for platforms that need nothing more than that."""

from collections.abc import Mapping

from adapters.base.engine import NativeRequest, NativeResponse
from adapters.base.http_access import OWN_HEADERS
from adapters.base.http_errors import http_error
from adapters.base.transport import Response, Transport
from adapters.base.transport_errors import engine_errors

MAX_ANSWER_BYTES = 256 * 2**20
THROTTLED_ATTEMPTS = 2
"""Attempts in all where a platform says that it can't take the call now (assumed: most are one server, overloaded)."""


async def post(
    transport: Transport, what: str, url: str, request: NativeRequest, *, headers: Mapping[str, str], deadline: float
) -> Response:
    """Send a request once.

    The content type goes without parameters: servers are known to refuse `application/json; charset=utf-8`.

    Args:
        transport: lent by the gateway.
        what: who is asked, as the subject of a sentence: `MLflow server credit`.
        url: absolute.
        request: its own headers count less than `headers`.
        headers: of the configuration, credentials included.
        deadline: on the clock of the running event loop, in seconds.

    Raises:
        EngineError: the exchange did not end with a response.
    """
    given = {name.lower() for name in headers} | OWN_HEADERS
    sent = {name: value for name, value in request.headers.items() if name.lower() not in given}
    sent.update(headers)
    sent["Content-Type"] = request.content_type.partition(";")[0].strip()
    if request.accept is not None:
        sent["Accept"] = request.accept
    with engine_errors(what):
        return await transport.request(
            "POST", url, headers=sent, body=request.body, deadline=deadline, max_bytes=MAX_ANSWER_BYTES
        )


def native_response(what: str, response: Response) -> NativeResponse:
    """Return the answer of a platform that took the request.

    Raises:
        EngineError: it is anything but a success.
    """
    if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP
        error = http_error(what, response)
        error.max_attempts = THROTTLED_ATTEMPTS
        raise error
    return NativeResponse(response.status, response.body, response.headers.get("content-type", ""), response.headers)
