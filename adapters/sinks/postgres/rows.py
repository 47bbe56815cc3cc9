"""Records as rows of the table. Pure; values go over as the JSON text that they are."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from adapters.base import Refusal
from schemas.payload import NULL, PayloadRecord

# The only way to write a NUL in a JSON text; behind an odd number of backslashes it is none.
_NUL = r"\u0000"
_ESCAPE = re.compile(r"\\(u0000|.)")


class Row(NamedTuple):
    """One row of the table, its columns in this order. Row n of a record is `<scoring_id>-<n>`."""

    id: str
    scoring_id: str
    n: int
    transaction_id: str | None
    deployment_id: str
    engine: str
    origin: str
    caller: str | None
    scoring_timestamp: datetime
    response_time: int | None
    status: int
    outcome: str
    caller_gone: bool
    request: str
    response: str | None
    meta: str | None
    labels: str | None


class _Rows(Struct, frozen=True):
    """Rows, and names for their cells where somebody gave some."""

    values: list[list[Raw]]
    fields: list[str] | None = None
    labels: Raw = NULL
    meta: "_Rows | None" = None

    def check(self, what: str, rows: int) -> None:
        if len(self.values) != rows:
            raise _UnstorableError(f"its {what} has {len(self.values)} rows, its request {rows}")
        if self.fields is not None and any(len(row) != len(self.fields) for row in self.values):
            raise _UnstorableError(f"a row of its {what} is not as long as the fields")

    def texts(self) -> Iterator[str]:
        """Yield each row as a JSON object by column name; as an array where columns have no names."""
        if self.fields is None:
            yield from (f"[{','.join(map(_text, row))}]" for row in self.values)
            return
        keys = [f"{_text(msgspec.json.encode(name))}:" for name in self.fields]
        for row in self.values:
            yield "{" + ",".join(key + _text(cell) for key, cell in zip(keys, row, strict=True)) + "}"


class _UnstorableError(Exception):
    """A record that the table can't hold; the message ends a sentence that begins with it."""


class Explosion:
    """Records, to be taken apart into rows.

    Attributes:
        refused: records that have no rows to store; complete after the last of `slices`.
    """

    def __init__(self, records: Sequence[PayloadRecord], max_chars: int) -> None:
        self._records = records
        self._max_chars = max_chars
        self.refused: list[Refusal] = []

    def slices(self) -> Iterator[list[Row]]:
        """Yield rows in order, in slices that end with the row that takes their JSON over `max_chars` characters."""
        taken: list[Row] = []
        size = 0
        for row in self._rows():
            taken.append(row)
            size += len(row.request) + len(row.response or "") + len(row.meta or "")
            if size >= self._max_chars:
                yield taken
                taken, size = [], 0
        if taken:
            yield taken

    def _rows(self) -> Iterator[Row]:
        for record in self._records:
            try:
                request, response = _parsed(record)
            except _UnstorableError as error:
                reason = f"PostgreSQL can't hold the record: {error}."
                self.refused.append(Refusal(scoring_id=record.scoring_id, reason=reason))
                continue
            yield from _exploded(record, request, response)


def _parsed(record: PayloadRecord) -> tuple[_Rows, _Rows | None]:
    """Return request and response, with as many rows each.

    Raises:
        _UnstorableError: with what is wrong.
    """
    request = _read(record.request, "request")
    rows = len(request.values)
    request.check("request", rows)
    if request.meta is not None:
        request.meta.check("meta", rows)
    if record.response == NULL:
        return request, None
    response = _read(record.response, "response")
    response.check("response", rows)
    return request, response


def _read(text: Raw, what: str) -> _Rows:
    """Read a request or response.

    Raises:
        _UnstorableError: it is not in fields/values form, or holds a NUL.
    """
    try:
        if _holds_nul(_text(text)):
            raise _UnstorableError(f"its {what} holds the character U+0000, which jsonb has no place for")
        return msgspec.json.decode(text, type=_Rows)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _UnstorableError(f"its {what} is not in fields/values form") from None


def _holds_nul(text: str) -> bool:
    return _NUL in text and any(escape[1] == "u0000" for escape in _ESCAPE.finditer(text))


def _exploded(record: PayloadRecord, request: _Rows, response: _Rows | None) -> Iterator[Row]:
    rows = len(request.values)
    responses = response.texts() if response is not None else iter([None] * rows)
    metas = request.meta.texts() if request.meta is not None else iter([None] * rows)
    moment = datetime.fromisoformat(record.scoring_timestamp)
    labels = _text(response.labels) if response is not None and response.labels != NULL else None
    for n, (row, answer, meta) in enumerate(zip(request.texts(), responses, metas, strict=True), start=1):
        yield Row(
            id=f"{record.scoring_id}-{n}",
            scoring_id=record.scoring_id,
            n=n,
            transaction_id=record.transaction_id,
            deployment_id=record.deployment_id,
            engine=record.engine,
            origin=record.origin,
            caller=record.caller,
            scoring_timestamp=moment,
            response_time=record.response_time,
            status=record.status,
            outcome=record.outcome,
            caller_gone=record.caller_gone,
            request=row,
            response=answer,
            meta=meta,
            labels=labels,
        )


def _text(text: Raw | bytes) -> str:
    return bytes(text).decode()
