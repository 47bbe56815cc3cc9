"""Columns that must not be kept: dropped, masked or replaced by a keyed digest before a record is made."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal

import msgspec

from schemas.scoring import RequestMeta, ScoringRequest, ScoringResponse, Values
from schemas.table import Cell

MASK = "***"
Redactions = Mapping[str, Literal["drop", "mask", "hash"]]


class Redactor:
    """Redacts the columns of one deployment, wherever they stand: request, meta or response.

    Args:
        columns: what to do by column name.
        key: of the digests; a digest is equal for equal values, so that records can still be joined by it.
    """

    def __init__(self, columns: Redactions, key: bytes) -> None:
        self._columns = columns
        self._key = key

    def request(self, request: ScoringRequest) -> ScoringRequest:
        """Return the request without the marked columns."""
        fields, values = self._redacted(request.fields, request.values)
        if request.meta is None:
            return ScoringRequest(values=values, fields=fields, meta=None)
        meta_fields, meta_values = self._redacted(request.meta.fields, request.meta.values)
        return ScoringRequest(values=values, fields=fields, meta=RequestMeta(meta_fields or [], meta_values))

    def response(self, response: ScoringResponse) -> ScoringResponse:
        """Return the response without the marked columns (which it may echo)."""
        fields, values = self._redacted(response.fields, response.values)
        return ScoringResponse(fields=fields or [], values=values, labels=response.labels)

    def _redacted(self, fields: list[str] | None, values: Values) -> tuple[list[str] | None, Values]:
        if fields is None or self._columns.keys().isdisjoint(fields):
            return fields, values
        kept = [(n, self._columns.get(name)) for n, name in enumerate(fields) if self._columns.get(name) != "drop"]
        names = [fields[n] for n, _ in kept]
        return names, [[self._cell(row[n], how) for n, how in kept] for row in values]

    def _cell(self, cell: Cell, how: str | None) -> Cell:
        if how is None or cell is None:
            return cell
        return MASK if how == "mask" else hmac.new(self._key, msgspec.json.encode(cell), sha256).hexdigest()
