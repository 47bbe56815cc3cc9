"""What OpenScale's answers mean for a batch.

Source: `data_sets.py` and `utils.py` of IBM's SDK `ibm_watson_openscale` 3.1.11; for v1 `payload_logging.py` of
`ibm_ai_openscale` 2.2.1.
"""

import re
import time
from collections.abc import Container
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Raw, Struct

from adapters.base import Response, Settlement
from adapters.base.retry_after import retry_after
from schemas.errors import SinkRefusedError, SinkUnavailableError

_REFUSED = frozenset({400, 413, 422})
# `error` is documented; IBM's SDK takes the others for failures, too (its `utils.py`).
_FAILED = frozenset({"error", "failure", "failed", "cancelled", "canceled"})


class _Problem(Struct, frozen=True):
    code: str = ""


class _Problems(Struct, frozen=True):
    """An error body, or the `failure` of a status: `{"trace", "errors": [{"code", "message"}]}`."""

    errors: list[_Problem] = []


class _Table(Struct, frozen=True):
    fields: list[str]
    values: list[list[str]]


class _Page(Struct, frozen=True):
    """An answer to a GET of records with `format=list`, of one column."""

    records: list[_Table]


class _Status(Struct, frozen=True):
    state: str
    failure: Raw = Raw(b"{}")


def check_taken(response: Response, target: str, *, statuses: Container[int]) -> None:
    """Check that OpenScale has taken the records, whatever it makes of them.

    A wrong id, credential or URL is not the records' fault: it counts as unavailable, so that none is given up.

    Args:
        response: the answer to a POST of records.
        target: place in the sink's configuration, for messages.
        statuses: those that say so.

    Raises:
        SinkRefusedError: the records can't be stored as they are.
        SinkUnavailableError: not taken now.
    """
    if response.status in _REFUSED:
        raise SinkRefusedError(
            f"OpenScale refuses the records (status {response.status}{_codes(response.body)}).", target=target
        )
    if response.status not in statuses:
        raise not_now(response, target)


def request_id(response: Response, target: str) -> str:
    """Return the id of the request that took the records (API v2).

    Args:
        response: the answer to a POST of records.
        target: place in the sink's configuration, for messages.

    Raises:
        SinkRefusedError: the records can't be stored as they are.
        SinkUnavailableError: not taken now.
    """
    check_taken(response, target, statuses=range(200, 300))
    path = urlsplit(response.headers.get("location", "")).path
    request = unquote(path.rstrip("/").rpartition("/")[2])
    if not request:
        raise SinkUnavailableError(
            f"OpenScale answered {response.status} without a Location, so nobody can tell whether it stores the "
            "records. Check that `url` is the base of the v2 API.",
            target=target,
        )
    return request


def settlement(response: Response) -> Settlement:
    """Read the state of a request (API v2).

    A request that is not known (any more) has failed: sending its records again does no harm, believing them stored
    would.

    Raises:
        SinkUnavailableError: the answer does not tell.
    """
    if response.status == 404:  # noqa: PLR2004 - HTTP
        return Settlement(state="failed", reason="OpenScale does not know the request any more that took the records.")
    if response.status != 200:  # noqa: PLR2004 - HTTP
        raise not_now(response, None)
    try:
        status = msgspec.json.decode(response.body, type=_Status)
    except (ValueError, RecursionError):
        raise SinkUnavailableError("OpenScale answered with something that is not the state of a request.") from None
    match status.state:
        case "active":
            return Settlement(state="stored")
        case state if state in _FAILED:
            reason = f"OpenScale took the records and could not store them (state {state}{_codes(status.failure)})."
            return Settlement(state="failed", reason=reason)
        case _:
            return Settlement(state="not_yet")


def row_ids(response: Response, target: str) -> list[str]:
    """Return the row ids of a page of records that was asked for with `includes=scoring_id` (API v2).

    Args:
        response: the answer.
        target: place in the sink's configuration, for messages.

    Raises:
        SinkUnavailableError: it is no page of records.
    """
    if response.status != 200:  # noqa: PLR2004 - HTTP
        raise not_now(response, target)
    try:
        tables = msgspec.json.decode(response.body, type=_Page).records
    except (ValueError, RecursionError):
        raise SinkUnavailableError("OpenScale answered with something that is no page of records.") from None
    return [row[0] for table in tables if table.fields == ["scoring_id"] for row in table.values if row]


def not_now(response: Response, target: str | None) -> SinkUnavailableError:
    """Return what says that OpenScale gave no answer to build on, and what to look at."""
    match response.status:
        case 401:
            advice = "it rejects a token that has just been issued: check that apikey and url belong together"
        case 403:
            advice = "the credentials may not do this: check the role of their owner"
        case 404:
            advice = "it does not know what the records belong to: check `url` and the ids"
        case status if status in (408, 429) or status >= 500:  # noqa: PLR2004 - HTTP
            advice = "it is down or throttles"
        case _:
            advice = "check `url`"
    return SinkUnavailableError(
        f"OpenScale does not take part now (status {response.status}{_codes(response.body)}): {advice}.",
        target=target,
        retry_after=retry_after(response, time.time()),
    )


def _codes(document: bytes | Raw) -> str:
    """Return `, <codes>` of an error body: identifiers only, since its texts may quote the records."""
    try:
        problems = msgspec.json.decode(document, type=_Problems).errors
    except (ValueError, RecursionError):
        return ""
    codes = [problem.code for problem in problems if re.fullmatch(r"\w{1,32}", problem.code, re.ASCII)]
    return "".join(f", {code}" for code in codes[:3])
