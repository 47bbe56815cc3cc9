"""What OpenScale makes of records: rows of a table, read in pages.

Source: outputs in IBM's sample notebooks (IBM/watson-openscale-samples) for the ids and order of rows;
`payload_record.py` of IBM's SDKs `ibm_ai_openscale` 2.2.1 and `ibm_watson_openscale` 3.1.11 for what is sent.

Every function raises ValueError with a sentence where OpenScale would answer 400.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Row = dict[str, Any]

_PARAMETERS = frozenset({"start", "end", "limit", "offset", "includes", "format", "include_total_count"})
_TRANSACTION_PARAMETERS = frozenset({"subscription_id", "limit", "offset", "include_total_count"})
_MAX_PAGE = 1000


class Table(Struct, frozen=True):
    """Rows as long as `fields`."""

    fields: Annotated[list[str], Meta(min_length=1)]
    values: list[list[Any]]


class Request(Table, frozen=True):
    """`meta` has as many rows."""

    meta: Table | None = None


class StoredRecord(Struct, frozen=True):
    """What a record has whatever API took it."""

    request: Request
    response: Table
    scoring_id: Annotated[str, Meta(min_length=1)]
    scoring_timestamp: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
    response_time: int | None = None

    @property
    def whole_id(self) -> str:
        """The id of the record that a part `<scoring_id>.<k>` belongs to."""
        return self.scoring_id.partition(".")[0]

    @property
    def tables(self) -> Sequence[Table]:
        """All that has rows, the request first."""
        meta = self.request.meta
        return [self.request, self.response] if meta is None else [self.request, meta, self.response]

    @property
    def columns(self) -> Row:
        """Columns of every row that are neither request nor response."""
        return {"scoring_timestamp": self.scoring_timestamp}


class Record(StoredRecord, frozen=True, forbid_unknown_fields=True):
    """One element of a POST of records."""

    asset_revision: str | None = None
    multiple_records: bool = False
    user_id: str | None = None

    @property
    def columns(self) -> Row:
        """Those of a data set."""
        return {**super().columns, "asset_revision": self.asset_revision}


class ScoringPayload(StoredRecord, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One element of a POST of scoring payloads."""

    binding_id: str
    subscription_id: str
    deployment_id: str

    @property
    def columns(self) -> Row:
        """Those of a payload table."""
        return {**super().columns, "deployment_id": self.deployment_id}


_records = msgspec.json.Decoder(Annotated[list[Record], Meta(min_length=1)])
_payloads = msgspec.json.Decoder(Annotated[list[ScoringPayload], Meta(min_length=1)])


def parse_records(body: bytes) -> list[Record]:
    """Read the body of a POST of records (API v2)."""
    records: list[Record] = _records.decode(body)
    for n, record in enumerate(records):
        _check(record, f"[{n}]")
        if len(record.request.values) > 1 and not record.multiple_records:
            raise ValueError(f"[{n}]: several rows without multiple_records.")
    return records


def parse_payloads(body: bytes) -> list[ScoringPayload]:
    """Read the body of a POST of scoring payloads (API v1)."""
    payloads: list[ScoringPayload] = _payloads.decode(body)
    for n, payload in enumerate(payloads):
        _check(payload, f"[{n}]")
    return payloads


def _check(record: StoredRecord, place: str) -> None:
    """Check what the types can't say: as many cells as fields, as many rows everywhere."""
    rows = len(record.request.values)
    for table in record.tables:
        if any(len(row) != len(table.fields) for row in table.values):
            raise ValueError(f"{place}: a row is not as long as its fields.")
        if len(table.values) != rows:
            raise ValueError(f"{place}: request and response differ in rows.")


def exploded(record: StoredRecord) -> Iterator[Row]:
    """Yield one row of the table per row of the record; where names collide the request wins."""
    for n in range(len(record.request.values)):
        row: Row = {"scoring_id": f"{record.scoring_id}-{n + 1}", **record.columns}
        for table in record.tables:
            for name, cell in zip(table.fields, table.values[n], strict=True):
                row.setdefault(name, cell)
        yield row


def page(rows: Sequence[Row], query: Mapping[str, str]) -> dict[str, Any]:
    """Return the answer to a GET of records; `rows` are sorted."""
    if unknown := set(query) - _PARAMETERS:
        raise ValueError(f"Not emulated: {', '.join(sorted(unknown))}.")
    start, end = _moment(query.get("start")), _moment(query.get("end"))
    found = [row for row in rows if _within(row, start, end)]
    offset, limit = _number(query.get("offset", "0")), min(_number(query.get("limit", "100")), _MAX_PAGE)
    chosen = found[offset : offset + limit]
    form = _listed if query.get("format") == "list" else _keyed
    answer: dict[str, Any] = {"records": form(chosen, query.get("includes"))}
    if query.get("include_total_count") == "true":
        answer["total_count"] = len(found)
    return answer


def transactions(rows: Sequence[Row], query: Mapping[str, str]) -> dict[str, Any]:
    """Return the answer to a GET of scoring transactions (API v1); `rows` are in the table's order.

    All rows have the columns of the table; cells that are no single value are JSON text.
    """
    if unknown := set(query) - _TRANSACTION_PARAMETERS:
        raise ValueError(f"Not emulated: {', '.join(sorted(unknown))}.")
    offset, limit = _number(query.get("offset", "0")), min(_number(query.get("limit", "100")), _MAX_PAGE)
    fields = list(dict.fromkeys(name for row in rows for name in row))
    chosen = rows[offset : offset + limit]
    answer: dict[str, Any] = {"fields": fields, "values": [[_text(row.get(name)) for name in fields] for row in chosen]}
    if query.get("include_total_count") == "true":
        answer["total_count"] = len(rows)
    return answer


def _text(cell: Any) -> Any:
    return msgspec.json.encode(cell).decode() if isinstance(cell, list | dict) else cell


def _within(row: Row, start: datetime | None, end: datetime | None) -> bool:
    moment = datetime.fromisoformat(row["scoring_timestamp"])
    return (start is None or moment >= start) and (end is None or moment < end)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("start and end need a time zone.")
    return moment


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("limit and offset are not negative.")
    return number


def _columns(row: Row, includes: str | None) -> Row:
    return row if includes is None else {name: row[name] for name in includes.split(",") if name in row}


def _keyed(rows: Sequence[Row], includes: str | None) -> list[Row]:
    return [{"metadata": {"id": row["scoring_id"]}, "entity": {"values": _columns(row, includes)}} for row in rows]


def _listed(rows: Sequence[Row], includes: str | None) -> list[Row]:
    columns = [_columns(row, includes) for row in rows]
    fields = list(dict.fromkeys(name for row in columns for name in row))
    return [{"fields": fields, "values": [[row.get(name) for name in fields] for row in columns]}]
