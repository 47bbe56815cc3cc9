"""Payload records: what is kept of one scoring call."""

from typing import Literal

from msgspec import Raw, Struct, json

from schemas.caller import Origin

Outcome = Literal["scored", "engine_error", "engine_unavailable", "engine_timeout", "gateway_error"]

NULL = Raw(b"null")


class PayloadRecord(Struct, frozen=True, kw_only=True):
    """Request, response, ids, time and outcome of one call. Published as `payload-record.schema.json`.

    Attributes:
        scoring_id: UUIDv7, 32 hex digits; row n of the record is `<scoring_id>-<n>`, n from 1.
        transaction_id: the caller's own id, at most 128 printable ASCII characters.
        deployment_id: public id of the deployment.
        engine: name of the engine.
        origin: an application's call, or a monitor's.
        caller: name of the client.
        scoring_timestamp: start of the call, RFC 3339, UTC, microseconds, `Z`.
        response_time: whole milliseconds of the engine call; None where no engine was asked.
        status: HTTP status of the answer.
        outcome: how the call ended.
        caller_gone: the caller had hung up before its answer was ready.
        rows: number of rows in the request.
        request: fields/values (and meta) as JSON text; its `values` are those that the caller sent.
        response: fields/values as JSON text; `null` where there is none.
    """

    scoring_id: str
    transaction_id: str | None
    deployment_id: str
    engine: str
    origin: Origin
    caller: str | None
    scoring_timestamp: str
    response_time: int | None
    status: int
    outcome: Outcome
    caller_gone: bool
    rows: int
    request: Raw
    response: Raw = NULL

    def encode(self) -> bytes:
        """One line of JSON, as `payloads export --format jsonl` writes it."""
        return _encoder.encode(self)


def decode_record(line: bytes) -> PayloadRecord:
    """Read what `PayloadRecord.encode` wrote; request and response stay JSON text.

    Raises:
        msgspec.DecodeError: the bytes are not such a line.
    """
    return _decoder.decode(line)


_encoder = json.Encoder()
_decoder = json.Decoder(PayloadRecord)
