"""Reading what native clients send, by the codec that writes requests for the same endpoint."""

from adapters.base import Body, Format
from schemas.deployment import Limits
from schemas.errors import EngineReplyError, InvalidRequestError, UnprocessableRequestError
from schemas.table import Table

_OF_A_REQUEST = (
    ("The endpoint answered 200 with an error", "The body is an error"),
    ("The endpoint answered with", "The body is"),
    ("The endpoint answered", "The body holds"),
    ("The endpoint's answer", "The body"),
    ("The answer", "The body"),
    (" of the answer", " of the body"),
    ("The output", "The tensor"),
    ("`outputs`", "`inputs`"),
)


def read_table(reader: Format, body: Body, limits: Limits) -> Table:
    """Read a body that will go on as it is, in one request.

    Raises:
        InvalidRequestError: it is not of the codec's form.
        UnprocessableRequestError: it has no rows, or more than the endpoint takes at once.
    """
    try:
        table = reader.decode(body, None)
    except EngineReplyError as error:
        raise InvalidRequestError(
            f"The body is not fields/values, and not in the endpoint's own form: {about_a_request(error.message)}"
        ) from None
    if not table.rows:
        raise UnprocessableRequestError("The body has no rows: there is nothing to score.")
    _check_size("rows", len(table.rows), limits.max_rows)
    _check_size("bytes", len(body.content), limits.max_bytes)
    return table


def about_a_request(problem: str) -> str:
    """Word what a codec says of an answer as said of a request."""
    for of_an_answer, of_a_request in _OF_A_REQUEST:
        problem = problem.replace(of_an_answer, of_a_request)
    return problem


def _check_size(what: str, size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise UnprocessableRequestError(
            f"The body has {size} {what}, the endpoint takes at most {most}: a body in its own form is not split, so "
            "send fewer rows in a call."
        )
