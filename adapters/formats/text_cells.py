"""Cells as text, and text as cells: Machine Learning Studio classic and CSV have nothing but strings."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from adapters.formats.cells import refused_cell
from adapters.formats.json_reading import kind_of
from schemas.configuration import Doc
from schemas.table import Cell, Rows, Table

# Leading zeros and a plus sign belong to an id or a telephone number; a longer number is no number to Python either.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,4000})")
_FLOAT = re.compile(r"-?(?:(?:0|[1-9][0-9]{0,4000})(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_NO_NUMBER = re.compile(r"|-?(?:nan|inf|infinity)", re.IGNORECASE)

Converter = Callable[[str], Cell]
Conversions = Annotated[
    dict[str, Literal["number", "boolean", "json"]],
    Doc("How strings of an answer are read, by column; what can't be read so stays a string."),
]


def as_text(cell: Cell, n: int, m: int) -> str:
    """Write a scalar other than null: a number as Python's `repr`, which reads back as the same number.

    Raises:
        UnprocessableRequestError: not a scalar; `target` is `values[n][m]`.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        try:
            return repr(cell)
        except ValueError as error:
            raise refused_cell(n, m, "is an integer with too many digits") from error
    raise refused_cell(n, m, f"is {kind_of(cell)}, but this endpoint takes numbers, strings, booleans and null only")


def text_rows(rows: Rows) -> list[list[str | None]]:
    """Write all cells as strings; null stays null, and so do numbers that are not finite.

    Raises:
        UnprocessableRequestError: a cell that is not a scalar.
    """
    return [
        [None if cell is None or _is_not_finite(cell) else as_text(cell, n, m) for m, cell in enumerate(row)]
        for n, row in enumerate(rows)
    ]


def as_number(text: str) -> Cell:
    """Read a number, blanks around it allowed.

    Blank text, NaN and infinities become None; what is not a number (`007`, `+49`) stays as it is.
    """
    trimmed = text.strip()
    if _INTEGER.fullmatch(trimmed):
        return int(trimmed)
    if _FLOAT.fullmatch(trimmed):
        number = float(trimmed)
        return number if math.isfinite(number) else None
    return None if _NO_NUMBER.fullmatch(trimmed) else text


def is_plain_number(text: str) -> bool:
    """Whether every reader sees one finite number in a text, spaces around it allowed."""
    trimmed = text.strip(" \t")
    return bool(_INTEGER.fullmatch(trimmed) or (_FLOAT.fullmatch(trimmed) and math.isfinite(float(trimmed))))


def converters(types: Sequence[object]) -> list[Converter]:
    """Return how strings of each column are read, by .NET names of types; what is not known stays text."""
    return [_converter(str(name).rpartition(".")[2].lower()) for name in types]


def converted(table: Table, conversions: Mapping[str, str]) -> Table:
    """Return a table with the strings of some columns read; columns that it lacks don't matter."""
    wanted = [(k, _BY_NAME[conversions[name]]) for k, name in enumerate(table.columns or ()) if name in conversions]
    if not wanted:
        return table
    rows = [list(row) for row in table.rows]
    for row in rows:
        for k, read in wanted:
            if isinstance(row[k], str):
                row[k] = read(row[k])
    return msgspec.structs.replace(table, rows=rows)


def _converter(name: str) -> Converter:
    if name in ("double", "single", "decimal"):
        return _as_float
    if name.startswith(("int", "uint", "byte", "sbyte")):
        return as_number
    if name == "boolean":
        return _as_boolean
    return str


def _as_float(text: str) -> Cell:
    number = as_number(text)
    return float(number) if isinstance(number, int) and abs(number) < 2**53 else number


def _as_boolean(text: str) -> Cell:
    return {"true": True, "false": False}.get(text.strip().lower(), text)


def _as_json(text: str) -> Cell:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text


def _is_not_finite(cell: Cell) -> bool:
    return isinstance(cell, float) and not math.isfinite(cell)


_BY_NAME: Mapping[str, Converter] = {"number": as_number, "boolean": _as_boolean, "json": _as_json}
