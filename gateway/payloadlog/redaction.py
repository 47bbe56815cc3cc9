"""Columns that must not be kept: dropped, masked or replaced by a keyed digest before a record is made."""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from schemas.configuration import DeploymentSettings
from schemas.deployment import Deployment
from schemas.errors import UnprocessableRequestError
from schemas.scoring import RequestMeta, ScoringRequest, ScoringResponse, Values
from schemas.table import Cell

MASK = "***"
Redactions = Mapping[str, Literal["drop", "mask", "hash"]]


class Redactor:
    """Redacts the columns of one deployment, wherever they stand: request, meta or response.

    Args:
        columns: what to do by column name.
        key: of the digests; a digest is equal for equal values, so that records can still be joined by it.
        unnamed: what the columns of a request without names are; empty where nobody knows.
    """

    def __init__(self, columns: Redactions, key: bytes, unnamed: Sequence[str] = ()) -> None:
        self._columns = columns
        self._key = key
        self._unnamed = list(unnamed)

    def request(self, request: ScoringRequest) -> ScoringRequest:
        """Return the request without the marked columns.

        Raises:
            UnprocessableRequestError: it has no names, so that nobody can tell which columns these are.
        """
        names = request.fields or self._unnamed
        if not names:
            raise UnprocessableRequestError(
                "This deployment redacts columns by name: send `fields` with the values.", target="fields"
            )
        kept, values = self._redacted(names, request.values)
        fields = None if request.fields is None else kept
        if request.meta is None:
            return ScoringRequest(values=values, fields=fields, meta=None)
        return ScoringRequest(
            values=values, fields=fields, meta=RequestMeta(*self._redacted(request.meta.fields, request.meta.values))
        )

    def response(self, response: ScoringResponse) -> ScoringResponse:
        """Return the response without the marked columns (which it may echo)."""
        fields, values = self._redacted(response.fields, response.values)
        return ScoringResponse(fields=fields, values=values, labels=response.labels)

    def _redacted(self, fields: list[str], values: Values) -> tuple[list[str], Values]:
        if self._columns.keys().isdisjoint(fields):
            return fields, values
        kept = [(n, self._columns.get(name)) for n, name in enumerate(fields) if self._columns.get(name) != "drop"]
        names = [fields[n] for n, _ in kept]
        return names, [[self._cell(row[n], how) for n, how in kept] for row in values]

    def _cell(self, cell: Cell, how: str | None) -> Cell:
        if how is None or cell is None:
            return cell
        return MASK if how == "mask" else hmac.new(self._key, msgspec.json.encode(cell), sha256).hexdigest()


def unnamed_columns(deployment: Deployment, settings: DeploymentSettings) -> list[str]:
    """Return the columns of a request without names, as the mapping takes them; empty where nobody knows."""
    columns = settings.input.fields or deployment.endpoint.columns or ()
    return [name for name in columns if name not in settings.input.constants]
