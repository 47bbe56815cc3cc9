"""Payload records to send."""

import asyncio
from collections.abc import Iterable
from uuid import uuid4

import msgspec
from msgspec import Raw

from adapters.base import Batch, BatchRecord
from schemas.payload import PayloadRecord

DEPLOYMENT = "credit-risk"
CANARY = "canary-payload-value"
"""Stands in every record: whatever repeats it outside of a record leaks payload."""


def payload_record(
    rows: int = 1, *, scoring_id: str | None = None, meta: bool = False, width: int = 0
) -> PayloadRecord:
    """Make a record of scored rows; `width` widens each by that many bytes."""
    request: dict[str, object] = {
        "fields": ["Age", "Job"],
        "values": [[20 + n, f"{CANARY}{'x' * width}"] for n in range(rows)],
    }
    if meta:
        request["meta"] = {"fields": ["Region"], "values": [[f"region {n}"] for n in range(rows)]}
    response = {
        "fields": ["prediction", "probability"],
        "labels": ["No Risk", "Risk"],
        "values": [["No Risk", [0.9, 0.1]] for _ in range(rows)],
    }
    return PayloadRecord(
        scoring_id=scoring_id or uuid4().hex,
        transaction_id="transaction",
        deployment_id=DEPLOYMENT,
        engine="aws",
        origin="application",
        caller="loans-app",
        scoring_timestamp="2026-11-21T10:00:00.123456Z",
        response_time=42,
        status=200,
        outcome="scored",
        caller_gone=False,
        rows=rows,
        request=Raw(msgspec.json.encode(request)),
        response=Raw(msgspec.json.encode(response)),
    )


def batch_of(records: Iterable[PayloadRecord], partition: str) -> Batch:
    """Return a batch of records, in their order."""
    items = [BatchRecord(seq, record.encode(), record) for seq, record in enumerate(records, start=1)]
    return Batch(DEPLOYMENT, partition, items)


def in_seconds(seconds: float) -> float:
    """Return a deadline, on the clock of the running event loop."""
    return asyncio.get_running_loop().time() + seconds
