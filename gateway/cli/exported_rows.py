"""Records as rows, for formats that have no objects: one row for each scored row."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from schemas.payload import decode_record
from schemas.scoring import Values


class ExportedRow(NamedTuple):
    """A row of a call. `request`, `meta` and `response` are JSON objects by column, or arrays without names.

    `response` is None where there is none; so is `meta`.
    """

    row_id: str
    transaction_id: str | None
    deployment_id: str
    engine: str
    origin: str
    caller: str | None
    scoring_timestamp: str
    response_time: int | None
    status: int
    outcome: str
    caller_gone: bool
    request: str
    meta: str | None
    response: str | None


class _Meta(msgspec.Struct, frozen=True):
    values: Values
    fields: list[str]


class _Side(msgspec.Struct, frozen=True):
    values: Values
    fields: list[str] | None = None
    meta: _Meta | None = None


_request_decoder = msgspec.json.Decoder(_Side)
_response_decoder = msgspec.json.Decoder(_Side | None)


def exported_rows(line: bytes) -> Iterator[ExportedRow]:
    """Yield the rows of a record, in order.

    Args:
        line: the record as JSON.
    """
    record = decode_record(line)
    request, response = _request_decoder.decode(record.request), _response_decoder.decode(record.response)
    for n, row in enumerate(request.values):
        yield ExportedRow(
            row_id=f"{record.scoring_id}-{n + 1}",
            transaction_id=record.transaction_id,
            deployment_id=record.deployment_id,
            engine=record.engine,
            origin=record.origin,
            caller=record.caller,
            scoring_timestamp=record.scoring_timestamp,
            response_time=record.response_time,
            status=record.status,
            outcome=record.outcome,
            caller_gone=record.caller_gone,
            request=_json(request.fields, row),
            meta=None if request.meta is None else _json(request.meta.fields, request.meta.values[n]),
            response=None if response is None else _json(response.fields, response.values[n]),
        )


def _json(fields: list[str] | None, row: list[object]) -> str:
    return msgspec.json.encode(row if fields is None else dict(zip(fields, row, strict=True))).decode()
