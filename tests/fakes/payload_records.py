"""Payload records and spool entries for tests."""

from itertools import count

from msgspec import Raw

from gateway.payloadlog.entry import SpoolEntry
from schemas.caller import Origin
from schemas.payload import Outcome, PayloadRecord

FIRST_US = 1_700_000_000_000_000
_numbers = count(1)


def entry(
    deployment_id: str = "credit",
    *,
    outcome: Outcome = "scored",
    origin: Origin = "application",
    scored_at_us: int = FIRST_US,
    filler: int = 50,
    scoring_id: str | None = None,
) -> SpoolEntry:
    """Return an entry with an id of its own and `filler` bytes of request."""
    scoring_id = scoring_id or f"{next(_numbers):032x}"
    record = PayloadRecord(
        scoring_id=scoring_id,
        transaction_id=None,
        deployment_id=deployment_id,
        engine="aws",
        origin=origin,
        caller="app",
        scoring_timestamp="2026-01-01T00:00:00.000000Z",
        response_time=5,
        status=200,
        outcome=outcome,
        caller_gone=False,
        rows=1,
        request=Raw(b'{"fields":["a"],"values":[["%s"]]}' % (b"x" * filler)),
    )
    return SpoolEntry(
        scoring_id=scoring_id,
        deployment_id=deployment_id,
        outcome=outcome,
        origin=origin,
        scored_at_us=scored_at_us,
        line=record.encode(),
    )
