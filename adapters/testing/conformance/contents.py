"""Records that no two rows of are alike, and what a far side holds of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from adapters.testing.conformance.records import CANARY, payload_record
from schemas.payload import PayloadRecord

_REQUEST = ("Age", "Job")
_RESPONSE = ("prediction", "probability")


class Content(Struct, frozen=True):
    """What a far side holds of a record: request and response, each row of them a dict by column."""

    request: Sequence[Mapping[str, Any]]
    response: Sequence[Mapping[str, Any]]

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Self:
        """Read a record that is held as it was sent: `request` and `response`, with `fields` and `values`."""
        return cls(_rows(record["request"]), _rows(record["response"]))

    @classmethod
    def of_flat_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Self:
        """Read rows that hold the columns of request and response side by side."""
        return cls(
            [{name: row[name] for name in _REQUEST} for row in rows],
            [{name: row[name] for name in _RESPONSE} for row in rows],
        )


def distinct_record(scoring_id: str, rows: int) -> PayloadRecord:
    """Make a record whose cells are no other row's, nor another record's."""
    request = [[n, f"{CANARY} {scoring_id} {n}"] for n in range(rows)]
    response = [[f"predicted for {scoring_id} {n}", [1 / (n + 2), 1 - 1 / (n + 2)]] for n in range(rows)]
    return replace(
        payload_record(rows, scoring_id=scoring_id),
        request=_table(_REQUEST, request),
        response=_table(_RESPONSE, response),
    )


def content_of(record: PayloadRecord) -> Content:
    """Return what a far side has to hold of a record."""
    return Content.of_record(msgspec.json.decode(record.encode()))


def _table(fields: Sequence[str], values: Sequence[Sequence[object]]) -> Raw:
    return Raw(msgspec.json.encode({"fields": fields, "values": values}))


def _rows(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["fields"], row, strict=True)) for row in table["values"]]
