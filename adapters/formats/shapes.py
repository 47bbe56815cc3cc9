"""Between nested lists and the flat, row-major data of a tensor."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

from adapters.formats.cells import refused_cell
from adapters.formats.datatypes import Locate
from schemas.errors import EngineReplyError
from schemas.table import Cell

_SEQUENCES = (list, tuple)


def flat_cells(values: Sequence[Cell], column: int | None) -> tuple[list[int], list[Cell], Locate]:
    """Flatten the values of one tensor, one for each row.

    Args:
        values: scalars, or arrays that all have the same shape.
        column: the column that they are; None for whole rows.

    Returns:
        The shape, rows first; the scalars in row-major order; and what tells row and column of the k-th.

    Raises:
        UnprocessableRequestError: arrays of different shapes, or an array beside a scalar; `target` is the first cell
            that is unlike those before it.
    """
    shape, cells, locate = [len(values)], list(values), _locating(1, column)
    if column is None and values:
        shape.append(len(values[0]))
        cells, locate = list(chain.from_iterable(values)), _locating(1, None, len(values[0]))
    per_cell = 1
    while any(isinstance(cell, _SEQUENCES) for cell in cells):
        for k, cell in enumerate(cells):
            problem = _problem(cell, cells[0])
            if problem is not None:
                raise refused_cell(*locate(k), problem)
        shape.append(len(cells[0]))
        per_cell *= len(cells[0])
        cells, locate = list(chain.from_iterable(cells)), _locating(per_cell, column, shape[1])
    return shape, cells, locate


def _problem(cell: Cell, first: Cell) -> str | None:
    """Return what keeps a cell out of a tensor that has arrays and begins with `first`; None where nothing does."""
    if isinstance(cell, dict):
        return "is an object, which no tensor has room for"
    if isinstance(cell, _SEQUENCES) and not cell:
        return "holds an empty array, which no tensor has room for"
    alike = isinstance(cell, _SEQUENCES) == isinstance(first, _SEQUENCES)
    if not alike or (isinstance(cell, _SEQUENCES) and len(cell) != len(first)):
        return "has another shape than those before"
    return None


def _locating(per_cell: int, column: int | None, width: int = 1) -> Locate:
    """Return what tells row and column of the k-th of the scalars, so many of which make a cell."""
    if column is None:
        return lambda k: divmod(k // per_cell, width)
    return lambda k: (k // per_cell, column)


def read_tensor(tensor: dict[str, Any], name: str, n_rows: int | None) -> list[Cell]:
    """Read one cell for each row: a scalar for the shapes [n] and [n, 1], else an array.

    Raises:
        EngineReplyError: shape or data missing or at odds, or another number of rows than `n_rows`.
    """
    shape, data = _lengths(tensor.get("shape")), tensor.get("data")
    if not shape or not isinstance(data, list):
        raise EngineReplyError(f"The output `{name}` of the answer has no `shape` or no `data`.")
    rows, *inner = shape
    if n_rows is not None and rows != n_rows:
        raise EngineReplyError(f"The output `{name}` of the answer has {rows} rows to {n_rows}.")
    cells = _flattened(data, shape, name) if any(isinstance(cell, list) for cell in data) else data
    if len(cells) != math.prod(shape):
        raise EngineReplyError(f"The output `{name}` of the answer has {len(cells)} values, its shape says otherwise.")
    if inner == [1]:
        return cells
    for length in reversed(inner):
        cells = [cells[start : start + length] for start in range(0, len(cells), length)]
    return cells


def _flattened(data: list[Cell], shape: Sequence[int], name: str) -> list[Cell]:
    """Flatten nested data, which must have the very shape it claims: cut anew, its numbers would change places."""
    if len(data) != shape[0]:
        raise _ill_shaped(name)
    cells = data
    for length in shape[1:]:
        if not all(isinstance(cell, list) and len(cell) == length for cell in cells):
            raise _ill_shaped(name)
        cells = list(chain.from_iterable(cells))
    if any(isinstance(cell, list) for cell in cells):
        raise _ill_shaped(name)
    return cells


def _ill_shaped(name: str) -> EngineReplyError:
    return EngineReplyError(f"The output `{name}` of the answer is nested otherwise than its shape says.")


def _lengths(shape: Any) -> list[int]:
    """Return a shape, or nothing where it is not one; only the first dimension may be empty."""
    if not isinstance(shape, list) or not all(type(length) is int and length > 0 for length in shape[1:]):
        return []
    return shape if shape and type(shape[0]) is int and shape[0] >= 0 else []
