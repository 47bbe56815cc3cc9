"""Cells that a body can't carry."""

from collections.abc import Sequence

import msgspec

from schemas.errors import UnprocessableRequestError
from schemas.table import Cell, Rows, Table


def refused_cell(row: int, column: int, problem: str) -> UnprocessableRequestError:
    """Return the error for one cell; `problem` ends the sentence `The cell ...`, without its value."""
    return UnprocessableRequestError(f"The cell {problem}.", target=f"values[{row}][{column}]")


def named_columns(table: Table, body: str) -> Sequence[str]:
    """Return the columns of a table that needs names.

    Raises:
        UnprocessableRequestError: it has none.
    """
    if table.columns is None:
        raise UnprocessableRequestError(f"This endpoint takes {body}: send `fields` with the values.", target="fields")
    return table.columns


def json_rows(rows: Rows) -> bytes:
    """Write rows as a JSON array of arrays.

    Raises:
        UnprocessableRequestError: a cell that JSON can't carry.
    """
    try:
        return msgspec.json.encode(rows)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise unwritable(rows) from error


def unwritable(rows: Rows) -> UnprocessableRequestError:
    """Find the cell because of which rows could not be written as JSON."""
    for n, row in enumerate(rows):
        for m, cell in enumerate(row):
            if not _is_writable(cell):
                return refused_cell(n, m, "can't be written: it is no JSON value")
    return UnprocessableRequestError("The values are nested too deeply.", target="values")


def _is_writable(cell: Cell) -> bool:
    try:
        msgspec.json.encode(cell)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False
    return True
