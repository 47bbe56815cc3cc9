"""Between nested lists and the flat, row-major data of a tensor."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

from adapters.formats.cells import refused_cell
from schemas.errors import EngineReplyError
from schemas.table import Cell

_SEQUENCES = (list, tuple)


def flat_cells(values: Sequence[Cell], column: int | None) -> tuple[list[int], list[Cell]]:
    """Flatten the values of one tensor, one for each row.

    Args:
        values: scalars, or arrays that all have the same shape.
        column: the column that they are, for messages; None for whole rows.

    Returns:
        The shape, rows first, and the scalars in row-major order.

    Raises:
        UnprocessableRequestError: arrays of different shapes, or an array beside a scalar.
    """
    shape, owners, cells = [len(values)], list(range(len(values))), list(values)
    while cells and any(isinstance(cell, _SEQUENCES) for cell in cells):
        length = len(cells[0]) if isinstance(cells[0], _SEQUENCES) else 0
        for owner, cell in zip(owners, cells, strict=True):
            if not isinstance(cell, _SEQUENCES) or not cell or len(cell) != length:
                raise refused_cell(owner, column or 0, "has another shape than those of the rows before")
        shape.append(length)
        owners = [owner for owner in owners for _ in range(length)]
        cells = list(chain.from_iterable(cells))
    return shape, cells


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
    cells = data
    for _ in inner:
        if not cells or not all(isinstance(cell, list) for cell in cells):
            break
        cells = list(chain.from_iterable(cells))
    if len(cells) != math.prod(shape):
        raise EngineReplyError(f"The output `{name}` of the answer has {len(cells)} values, its shape says otherwise.")
    if inner == [1]:
        return cells
    for length in reversed(inner):
        cells = [cells[start : start + length] for start in range(0, len(cells), length)]
    return cells


def _lengths(shape: Any) -> list[int]:
    """Return a shape, or nothing where it is not one; only the first dimension may be empty."""
    if not isinstance(shape, list) or not all(type(length) is int and length > 0 for length in shape[1:]):
        return []
    return shape if shape and type(shape[0]) is int and shape[0] >= 0 else []
