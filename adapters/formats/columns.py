"""Names for columns, and the shape of the tables that codecs make."""

from collections.abc import Sequence
from typing import Annotated, Any

from schemas.configuration import Doc
from schemas.errors import EngineReplyError
from schemas.table import Cell, Table

Names = Annotated[tuple[str, ...] | None, Doc("Names for columns that have none, in their order.")]

_NUMBERS = frozenset((int, float, type(None)))


def check_fields(fields: Sequence[str] | None) -> None:
    """Check the option `fields`.

    Raises:
        ValueError: empty, or with a repeated name.
    """
    if fields is not None and (not fields or len(set(fields)) != len(fields)):
        raise ValueError("`fields` needs one name or more, each once.")


def check_n_rows(rows: Sequence[Any], n_rows: int | None) -> None:
    """Check that there are as many rows as expected.

    Raises:
        EngineReplyError: there are not.
    """
    if n_rows is not None and len(rows) != n_rows:
        raise EngineReplyError(f"The endpoint answered {len(rows)} rows to {n_rows}.")


def check_widths(rows: Sequence[Sequence[Cell]], width: int) -> None:
    """Check that all rows have the same number of cells.

    Raises:
        EngineReplyError: naming the first that has not.
    """
    if set(map(len, rows)) <= {width}:
        return
    n = next(n for n, row in enumerate(rows) if len(row) != width)
    raise EngineReplyError(f"Row {n} of the answer has {len(rows[n])} cells, expected are {width}.")


def check_names(names: Sequence[Any]) -> list[str]:
    """Return the names of an answer's columns as strings; pandas names columns with integers, too.

    Raises:
        EngineReplyError: one is not a name, or stands there twice.
    """
    if not all(type(name) in (str, int) for name in names):
        raise EngineReplyError("The answer names a column with something that is neither a string nor an integer.")
    columns = [str(name) for name in names]
    if len(set(columns)) != len(columns):
        raise EngineReplyError("The answer names a column twice.")
    return columns


def named_table(rows: list[list[Cell]], fields: Sequence[str] | None) -> Table:
    """Name the columns of rows that have no names: by `fields`, or by what they hold.

    Rows of several numbers are one vector each, unless `fields` names every number. Without `fields` the first column
    of scalars is `prediction`, the first of vectors `probability`, and further ones are `c1`, `c2`, ...

    Raises:
        EngineReplyError: rows of different widths, or of another width than `fields`.
    """
    if not rows:
        return Table(tuple(fields or ("prediction",)), [])
    width = len(rows[0])
    if width == 0:
        raise EngineReplyError("A row of the answer has no cells.")
    if fields is not None and len(fields) == width:
        check_widths(rows, width)
        return Table(tuple(fields), rows)
    if width != 1 and (fields is None or len(fields) == 1) and _are_vectors(rows):
        return Table(tuple(fields or ("probability",)), [[row] for row in rows])
    if fields is not None:
        raise EngineReplyError(f"A row of the answer has {width} cells, but `fields` names {len(fields)}.")
    check_widths(rows, width)
    return Table(_names_by_content(rows[0]), rows)


def _are_vectors(rows: list[list[Cell]]) -> bool:
    return all(_NUMBERS.issuperset(map(type, row)) for row in rows)


def _names_by_content(row: Sequence[Cell]) -> tuple[str, ...]:
    names: list[str] = []
    further = 0
    for cell in row:
        name = "probability" if isinstance(cell, list) else "prediction"
        if name in names:
            further += 1
            name = f"c{further}"
        names.append(name)
    return tuple(names)
