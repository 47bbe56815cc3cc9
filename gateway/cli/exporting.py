"""Records as CSV: one line for each scored row."""

from collections.abc import Iterator

import msgspec

from schemas.payload import decode_record
from schemas.scoring import Values

CSV_COLUMNS = (
    "row_id",
    "transaction_id",
    "deployment_id",
    "engine",
    "origin",
    "caller",
    "scoring_timestamp",
    "response_time",
    "status",
    "outcome",
    "caller_gone",
    "request",
    "response",
)


class _Side(msgspec.Struct, frozen=True):
    values: Values
    fields: list[str] | None = None


_side_decoder = msgspec.json.Decoder(_Side | None)


def csv_rows(line: bytes) -> Iterator[tuple[object, ...]]:
    """Yield a record's rows in the order of `CSV_COLUMNS`; `request` and `response` are JSON, by column name.

    Args:
        line: the record as JSON.
    """
    record = decode_record(line)
    request, response = _side_decoder.decode(record.request), _side_decoder.decode(record.response)
    for n in range(record.rows):
        yield (
            f"{record.scoring_id}-{n + 1}",
            record.transaction_id,
            record.deployment_id,
            record.engine,
            record.origin,
            record.caller,
            record.scoring_timestamp,
            record.response_time,
            record.status,
            record.outcome,
            record.caller_gone,
            _row(request, n),
            _row(response, n),
        )


def _row(side: _Side | None, n: int) -> str | None:
    if side is None:
        return None
    row = side.values[n]
    return msgspec.json.encode(row if side.fields is None else dict(zip(side.fields, row, strict=True))).decode()
