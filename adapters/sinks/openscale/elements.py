"""One record as an element of the array that is sent, by API v2 or v1. Pure.

Request and response go out as the JSON text that they are. Source: `PayloadRecord` in `payload_record.py` of
IBM's SDKs `ibm_watson_openscale` 3.1.11 (v2) and `ibm_ai_openscale` 2.2.1 (v1).
"""

from collections.abc import Callable

import msgspec
from msgspec import Raw, Struct

from adapters.sinks.openscale.settings import Subscription
from schemas.payload import PayloadRecord

Encode = Callable[[PayloadRecord, str, Raw, Raw], bytes]
"""`encode(record, scoring_id, request, response)`: an element of the array."""


class _Record(Struct, frozen=True, omit_defaults=True):
    """An element for API v2; the data set stands for the deployment."""

    scoring_id: str
    scoring_timestamp: str
    request: Raw
    response: Raw
    multiple_records: bool
    response_time: int | None = None
    user_id: str | None = None


class _ScoringPayload(Struct, frozen=True, omit_defaults=True):
    """An element for API v1."""

    binding_id: str
    subscription_id: str
    deployment_id: str
    scoring_id: str
    scoring_timestamp: str
    request: Raw
    response: Raw
    response_time: int | None = None


def encode_record(record: PayloadRecord, scoring_id: str, request: Raw, response: Raw) -> bytes:
    """Write an element for API v2: an `Encode`."""
    entry = _Record(
        scoring_id=scoring_id,
        scoring_timestamp=record.scoring_timestamp,
        request=request,
        response=response,
        multiple_records=True,
        response_time=record.response_time,
        user_id=record.caller,
    )
    return msgspec.json.encode(entry)


def scoring_payload_encoder(subscription: Subscription) -> Encode:
    """Return the `Encode` of API v1 for the records of a subscription."""

    def encode(record: PayloadRecord, scoring_id: str, request: Raw, response: Raw) -> bytes:
        entry = _ScoringPayload(
            binding_id=subscription.binding_id,
            subscription_id=subscription.subscription_id,
            deployment_id=subscription.deployment_id or record.deployment_id,
            scoring_id=scoring_id,
            scoring_timestamp=record.scoring_timestamp,
            request=request,
            response=response,
            response_time=record.response_time,
        )
        return msgspec.json.encode(entry)

    return encode
