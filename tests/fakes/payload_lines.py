"""Lines of records with a payload of the test's own."""

from typing import Any

from msgspec import Raw, json

from schemas.payload import NULL, Outcome, PayloadRecord


def payload_line(
    request: Any, response: Any = None, *, scoring_id: str = "0" * 32, outcome: Outcome = "scored"
) -> bytes:
    """Return a record's line; request and response are JSON to be."""
    return PayloadRecord(
        scoring_id=scoring_id,
        transaction_id="loans, 4711",
        deployment_id="credit",
        engine="aws",
        origin="application",
        caller=None,
        scoring_timestamp="2026-11-21T12:00:00.123456Z",
        response_time=None if outcome == "gateway_error" else 42,
        status=200,
        outcome=outcome,
        caller_gone=False,
        rows=len(request["values"]),
        request=Raw(json.encode(request)),
        response=NULL if response is None else Raw(json.encode(response)),
    ).encode()
