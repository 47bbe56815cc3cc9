"""Scoring requests and responses in fields/values form.

The contract is `scoring-request.schema.json` and `scoring-response.schema.json`; the decoder here accepts the
requests that the schema accepts, and then checks what JSON Schema can't say.
"""

import codecs
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from schemas.errors import InvalidRequestError, UnprocessableRequestError
from schemas.nesting import nested_within
from schemas.table import Cell

MAX_NESTING = 64
"""Arrays and objects inside each other in a body: far below what any JSON codec on a call's way stumbles over."""

Values = list[list[Cell]]


class RequestMeta(Struct, frozen=True):
    """Columns that the model does not use, kept for monitoring alone: as many rows as the request."""

    fields: list[str]
    values: Values


class ScoringRequest(Struct, frozen=True, omit_defaults=True):
    """n rows to score.

    Attributes:
        values: n rows, each as long as `fields`.
        fields: distinct column names; None where the caller names none (images).
        meta: further columns of the same n rows, for the record alone.
    """

    values: Values
    fields: list[str] | None = None
    meta: RequestMeta | None = None


class ParsedBody(Struct, frozen=True):
    """A request, and how it was wrapped.

    Attributes:
        request: all rows.
        parts: rows of each element of `input_data`, in order; None for a plain body.
    """

    request: ScoringRequest
    parts: tuple[int, ...] | None


class ScoringResponse(Struct, frozen=True, omit_defaults=True):
    """n rows of answers, in the order of the request. `labels` is the order of a probability array."""

    fields: list[str]
    values: Values
    labels: list[Cell] | None = None


class _Body(Struct, frozen=True):
    values: Values | UnsetType = UNSET
    fields: list[str] | UnsetType = UNSET
    meta: RequestMeta | UnsetType = UNSET
    input_data: list["_Element"] | UnsetType = UNSET


class _Element(Struct, frozen=True):
    values: Values
    fields: list[str] | UnsetType = UNSET
    meta: RequestMeta | UnsetType = UNSET


_decoder = msgspec.json.Decoder(_Body)
_UTF8_SLICE_BYTES = 1_000_000
_PLACE = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<target>.*)`)?$", re.DOTALL)


def parse_scoring_request(body: bytes) -> ParsedBody:
    """Read the body of a scoring call.

    Accepts `{"fields", "values", "meta"?}`, `values` alone, and one or more of these in `{"input_data": [...]}`
    (several only with equal fields; their rows follow each other in `request`). Other keys are ignored.

    Raises:
        InvalidRequestError: not JSON, nested more than MAX_NESTING levels, not of that form, rows of another length
            than `fields`, repeated names.
        UnprocessableRequestError: elements of `input_data` with different fields.
    """
    parsed = _decode(body)
    if parsed.input_data is UNSET:
        if parsed.values is UNSET:
            raise InvalidRequestError("The body needs `values`: a list of rows.", target="values")
        request, parts = _checked(parsed.values, parsed.fields, parsed.meta, ""), None
    else:
        elements = _elements(parsed, parsed.input_data)
        request, parts = _joined(elements), tuple(len(element.values) for element in elements)
    _check_nesting(body, request, 0 if parts is None else len(parts))
    return ParsedBody(request, parts)


def _decode(body: bytes) -> _Body:
    try:
        _check_utf8(body)
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except msgspec.DecodeError as error:
        raise InvalidRequestError(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None


def _check_utf8(body: bytes) -> None:
    """Refuse what the decoder would skip unread: the text below a name that nobody knows."""
    if body.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(body)
    for start in range(0, len(body), _UTF8_SLICE_BYTES):
        end = start + _UTF8_SLICE_BYTES
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(view[start:end], final=end >= len(body))
        except UnicodeDecodeError as error:
            raise InvalidRequestError(f"The body is not UTF-8 (byte {start - pending + error.start}).") from None


def _check_nesting(body: bytes, request: ScoringRequest, n_elements: int) -> None:
    n_rows = len(request.values) + (len(request.meta.values) if request.meta is not None else 0)
    siblings = max(n_rows - 1, 0) + max(n_elements - 1, 0)
    if not nested_within(body, MAX_NESTING, siblings=siblings):
        raise _too_deep()


def _too_deep() -> InvalidRequestError:
    return InvalidRequestError(f"The body is nested too deeply: at most {MAX_NESTING} levels are read.")


def _invalid(message: str) -> InvalidRequestError:
    match = _PLACE.match(message)
    assert match is not None  # noqa: S101 - the pattern matches every text
    return InvalidRequestError(f"The body is not a scoring request: {match['problem']}.", target=match["target"])


def _checked(
    values: Values, fields: list[str] | UnsetType, meta: RequestMeta | UnsetType, place: str
) -> ScoringRequest:
    if fields is UNSET:
        _check_width(values, len(values[0]) if values else 1, f"{place}values")
        names = None
    else:
        _check_columns(fields, values, place)
        names = fields
    if meta is UNSET:
        return ScoringRequest(values, names)
    _check_columns(meta.fields, meta.values, f"{place}meta.")
    if len(meta.values) != len(values):
        raise InvalidRequestError(
            f"`meta` has {len(meta.values)} rows, the request {len(values)}: they must be as many.",
            target=f"{place}meta.values",
        )
    return ScoringRequest(values, names, meta)


def _elements(body: _Body, elements: list[_Element]) -> list[ScoringRequest]:
    for name, value in (("values", body.values), ("fields", body.fields), ("meta", body.meta)):
        if value is not UNSET:
            raise InvalidRequestError(
                f"The body has `{name}` beside `input_data`: put it into the elements.", target=name
            )
    if not elements:
        raise InvalidRequestError("`input_data` is empty: it needs one element or more.", target="input_data")
    return [
        _checked(element.values, element.fields, element.meta, f"input_data[{k}].")
        for k, element in enumerate(elements)
    ]


def _check_columns(fields: list[str], values: Values, place: str) -> None:
    if not fields:
        raise InvalidRequestError("`fields` is empty: it needs the names of the columns.", target=f"{place}fields")
    if len(set(fields)) != len(fields):
        raise InvalidRequestError("A column is named twice.", target=f"{place}fields[{_first_repeated(fields)}]")
    _check_width(values, len(fields), f"{place}values")


def _first_repeated(names: Sequence[str]) -> int:
    seen: set[str] = set()
    for k, name in enumerate(names):
        if name in seen:
            return k
        seen.add(name)
    return len(names)


def _check_width(values: Values, width: int, place: str) -> None:
    for n, row in enumerate(values):
        if len(row) != width:
            raise InvalidRequestError(f"The row has {len(row)} cells, expected are {width}.", target=f"{place}[{n}]")
    if width == 0:
        raise InvalidRequestError("The row has no cells.", target=f"{place}[0]")


def _joined(elements: list[ScoringRequest]) -> ScoringRequest:
    first = elements[0]
    if len(elements) == 1:
        return first
    _check_alike(elements)
    values: list[list[Any]] = [row for element in elements for row in element.values]
    if first.meta is None:
        return ScoringRequest(values, first.fields)
    meta_values = [row for element in elements if element.meta is not None for row in element.meta.values]
    return ScoringRequest(values, first.fields, RequestMeta(first.meta.fields, meta_values))


def _check_alike(elements: list[ScoringRequest]) -> None:
    first = elements[0]
    width = next((len(element.values[0]) for element in elements if element.values), 0)
    for k, element in enumerate(elements):
        if element.fields != first.fields:
            raise _unlike("fields", f"input_data[{k}].fields")
        if _meta_fields(element) != _meta_fields(first):
            raise _unlike("meta", f"input_data[{k}].meta.fields")
        if element.values:
            _check_width(element.values[:1], width, f"input_data[{k}].values")


def _unlike(what: str, target: str) -> UnprocessableRequestError:
    return UnprocessableRequestError(
        f"The elements of `input_data` have different `{what}`: send them in calls of their own.", target=target
    )


def _meta_fields(request: ScoringRequest) -> list[str] | None:
    return None if request.meta is None else request.meta.fields
